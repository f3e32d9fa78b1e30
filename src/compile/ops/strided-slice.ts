/**
 * TensorFlow's strided slices: begins, ends and strides with masks for defaults, an ellipsis, new and dropped axes.
 * A sparse specification and a shape in, begin, end and stride per axis of the input out, as
 * tensorflow/core/util/strided_slice_op.cc defines them.
 */
import type { Attributes } from '../../ir/graph.ts';
import { attribute } from './define-op.ts';

export interface ResolvedStridedSlice {
  /** Per axis of the input. For a negative stride, an end of -1 means "up to and with 0". */
  readonly begin: readonly number[];
  readonly end: readonly number[];
  readonly strides: readonly number[];
  /** Shape of the result, with new axes and without dropped ones. */
  readonly shape: readonly number[];
  /** Whether the result has the input's axes, so that no reshape is needed. */
  readonly keepsAxes: boolean;
}

/** How one axis of the input is cut. */
interface AxisRange {
  readonly begin: number;
  readonly end: number;
  readonly stride: number;
  readonly isBeginOpen: boolean;
  readonly isEndOpen: boolean;
  readonly isDropped: boolean;
}

/** Reads one bit of a mask attribute. */
function maskReader(attributes: Attributes, name: string): (index: number) => boolean {
  const mask = attribute.number(attributes, name, 0);
  return (index) => (mask & (1 << index)) !== 0;
}

const wholeAxis: AxisRange = {
  begin: 0,
  end: 0,
  stride: 1,
  isBeginOpen: true,
  isEndOpen: true,
  isDropped: false,
};

interface DenseSpec {
  readonly ranges: readonly AxisRange[];
  /** What makes each axis of the result: an axis of the input, or a new one. */
  readonly resultAxes: readonly (number | 'new')[];
}

/** Expands the ellipsis; `undefined` when the specification has more axes than the input. */
function toDense(rank: number, attributes: Attributes): DenseSpec | undefined {
  const begin = attribute.numbers(attributes, 'begin');
  const end = attribute.numbers(attributes, 'end');
  const strides = attribute.numbers(
    attributes,
    'strides',
    begin.map(() => 1),
  );
  const isEllipsis = maskReader(attributes, 'ellipsisMask');
  const isNewAxis = maskReader(attributes, 'newAxisMask');
  const isDropped = maskReader(attributes, 'shrinkAxisMask');
  const isBeginOpen = maskReader(attributes, 'beginMask');
  const isEndOpen = maskReader(attributes, 'endMask');

  const items = strides.map((_, index) => index);
  const ellipses = items.filter(isEllipsis);
  if (ellipses.length > 1) return undefined;
  const consuming = items.filter((index) => !isEllipsis(index) && !isNewAxis(index)).length;
  if (consuming > rank) return undefined;

  const ranges: AxisRange[] = [];
  const resultAxes: (number | 'new')[] = [];
  const takeWhole = (count: number): void => {
    for (let taken = 0; taken < count; taken++) {
      resultAxes.push(ranges.length);
      ranges.push(wholeAxis);
    }
  };
  for (const index of items) {
    if (isEllipsis(index)) {
      takeWhole(rank - consuming);
    } else if (isNewAxis(index)) {
      resultAxes.push('new');
    } else {
      if (!isDropped(index)) resultAxes.push(ranges.length);
      ranges.push({
        begin: begin[index]!,
        end: end[index]!,
        stride: strides[index]!,
        isBeginOpen: isBeginOpen(index),
        isEndOpen: isEndOpen(index),
        isDropped: isDropped(index),
      });
    }
  }
  if (ellipses.length === 0) takeWhole(rank - consuming);
  return { ranges, resultAxes };
}

interface Interval {
  readonly begin: number;
  readonly end: number;
  readonly length: number;
}

/** Begin and end within an axis of `size`; `undefined` for a dropped index outside of it and a stride that cannot be. */
function resolveAxis(range: AxisRange, size: number): Interval | undefined {
  const { stride } = range;
  if (stride === 0 || (range.isDropped && stride < 0)) return undefined;
  const fromFront = (index: number): number => (index < 0 ? size + index : index);
  if (range.isDropped) {
    const begin = fromFront(range.begin);
    return begin < 0 || begin >= size ? undefined : { begin, end: begin + 1, length: 1 };
  }
  const [lowest, highest] = stride > 0 ? [0, size] : [-1, size - 1];
  const clamp = (index: number): number => Math.min(Math.max(fromFront(index), lowest), highest);
  const begin = range.isBeginOpen ? (stride > 0 ? lowest : highest) : clamp(range.begin);
  const end = range.isEndOpen ? (stride > 0 ? highest : lowest) : clamp(range.end);
  return { begin, end, length: Math.max(0, Math.ceil((end - begin) / stride)) };
}

/** @returns `undefined` where eager raises an error. */
export function resolveStridedSlice(
  inputShape: readonly number[],
  attributes: Attributes,
): ResolvedStridedSlice | undefined {
  const dense = toDense(inputShape.length, attributes);
  const intervals = dense?.ranges.map((range, axis) => resolveAxis(range, inputShape[axis]!));
  if (dense === undefined || intervals === undefined) return undefined;
  const known = intervals.filter((interval) => interval !== undefined);
  if (known.length < intervals.length) return undefined;
  // Eager takes plain slices by way of Slice, which rejects an end before its begin.
  const isPlain = dense.ranges.every((range) => range.stride === 1);
  if (isPlain && known.some((interval) => interval.end < interval.begin)) return undefined;
  // With other strides it forgets which axes were dropped, and reads other elements or none: its own answer.
  if (!isPlain && dense.ranges.some((range) => range.isDropped)) return undefined;
  return {
    begin: known.map((interval) => interval.begin),
    end: known.map((interval) => interval.end),
    strides: dense.ranges.map((range) => range.stride),
    shape: dense.resultAxes.map((axis) => (axis === 'new' ? 1 : known[axis]!.length)),
    keepsAxes:
      dense.resultAxes.length === inputShape.length &&
      dense.resultAxes.every((axis, index) => axis === index),
  };
}
