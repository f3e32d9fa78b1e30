/** Kernels that count, rank and search values: Bincount, UnsortedSegmentSum, TopK, SearchSorted. */
import { addRows } from './add-rows.ts';
import { attribute, defineOp, type LoweringContext, type OnnxValue, type OpDefinition } from './define-op.ts';
import { convert, dtypeOf, filled, input, reshape, shapeOf, where } from './numbers.ts';
import { elementCount, hasComplex, isEmpty, present, type NativeDtype } from './rules.ts';
import { f32, floats, i32, ints } from './samples.ts';

/** Clears the updates whose index is outside [0, size), and points those indices at 0. */
function maskOutside(
  context: LoweringContext,
  indices: OnnxValue,
  size: number,
): { readonly isInside: OnnxValue; readonly safe: OnnxValue } {
  const zero = context.scalar(0, 'int32');
  const isInside = context.op('And', [
    context.op('GreaterOrEqual', [indices, zero]),
    context.op('Less', [indices, context.scalar(size, 'int32')]),
  ]);
  return { isInside, safe: where(context, isInside, indices, zero) };
}

/** Counts, or sums of weights, per value in [0, size); `x` and the weights are [rows, columns]. */
function lowerBincount(
  context: LoweringContext,
  rows: number,
  columns: number,
  isBinary: boolean,
): OnnxValue {
  const [result] = context.outputTypes;
  const dtype = result!.dtype as NativeDtype;
  const size = attribute.number(context.attributes, 'size');
  const x = reshape(context, input(context, 0), [rows * columns]);
  const { isInside, safe } = maskOutside(context, x, size);
  const isCounting = isBinary || isEmpty(context.inputTypes[1]!);
  const weights = isCounting
    ? context.scalar(1, dtype)
    : reshape(context, input(context, 1), [rows * columns]);
  const updates = where(context, isInside, weights, context.scalar(0, dtype));
  const starts = Int32Array.from(
    { length: rows * columns },
    (_, index) => Math.floor(index / columns) * size,
  );
  const positions = context.op('Add', [safe, context.tensor(starts, [starts.length])]);
  const indices = reshape(context, context.cast(positions, 'int64'), [rows * columns, 1]);
  if (isBinary) {
    const zeros = filled(context, 0, dtype, [rows * size]);
    const marks = context.op('ScatterND', [zeros, indices, updates], { reduction: 'max' });
    return reshape(context, marks, result!.shape);
  }
  const zeros = filled(context, 0, dtype, [rows * size, 1]);
  const column = reshape(context, updates, [rows * columns, 1]);
  return reshape(context, addRows(context, zeros, indices, column, [rows * columns, 1]), result!.shape);
}

/** Sums of the slices of `x` with equal id. Ids outside [0, numSegments) count nowhere. */
function lowerSegmentSum(context: LoweringContext): OnnxValue {
  const numSegments = attribute.number(context.attributes, 'numSegments');
  const xShape = shapeOf(context, 0);
  const rows = xShape[0]!;
  const x = convert(context, input(context, 0), dtypeOf(context, 0), 'float32');
  const { isInside, safe } = maskOutside(context, input(context, 1), numSegments);
  const width = elementCount(xShape.slice(1));
  const rowMask = reshape(context, isInside, [rows, 1]);
  const updates = where(context, rowMask, reshape(context, x, [rows, width]), context.scalar(0, 'float32'));
  const indices = context.cast(safe, 'int64');
  const zeros = filled(context, 0, 'float32', [numSegments, width]);
  const sums = addRows(context, zeros, indices, updates, [rows, width]);
  return reshape(context, sums, [numSegments, ...xShape.slice(1)]);
}

/** Values compared with the whole sequence at once; above this many comparisons eager's binary search is faster. */
const searchLimit = 1 << 22;

function lowerSearchSorted(context: LoweringContext): OnnxValue | undefined {
  const [rows, length] = shapeOf(context, 0);
  const columns = shapeOf(context, 1)[1]!;
  if (dtypeOf(context, 0) !== dtypeOf(context, 1) || dtypeOf(context, 0) === 'bool') return undefined;
  if (rows! * length! * columns > searchLimit) return undefined;
  const sequence = reshape(context, input(context, 0), [rows!, 1, length!]);
  const values = reshape(context, input(context, 1), [rows!, columns, 1]);
  const isLeft = attribute.string(context.attributes, 'side') === 'left';
  const isBefore = context.op(isLeft ? 'Less' : 'LessOrEqual', [sequence, values]);
  return context.op('ReduceSum', [context.cast(isBefore, 'int32'), context.ints([2])], { keepdims: 0 });
}

const countOps: readonly OpDefinition[] = [
  defineOp({
    kernel: 'Bincount',
    inputs: ['x', 'weights'],
    infer: (types, attributes) => [
      { dtype: present(types)[1]!.dtype, shape: [attribute.number(attributes, 'size')] },
    ],
    lower(context) {
      if (dtypeOf(context, 0) !== 'int32' || dtypeOf(context, 1) === 'bool') return undefined;
      return [lowerBincount(context, 1, elementCount(shapeOf(context)), false)];
    },
    samples: [
      { inputs: [ints(1, 3, 1, 0, 9), floats(0.5, 1, 2, 3, 4)], attributes: { size: 4 } },
      { inputs: [ints(1, 3, 1, 0), f32([0])], attributes: { size: 5 } },
      { inputs: [ints(2, 2), ints(5, 6)], attributes: { size: 3 } },
      { inputs: [i32([0]), f32([0])], attributes: { size: 3 } },
    ],
  }),
  defineOp({
    kernel: 'DenseBincount',
    inputs: ['x', 'weights'],
    infer(types, attributes) {
      const [x, weights] = present(types);
      if (x!.shape.length !== 1 && x!.shape.length !== 2) return undefined;
      const size = attribute.number(attributes, 'size');
      return [{ dtype: weights!.dtype, shape: [...x!.shape.slice(0, -1), size] }];
    },
    lower(context) {
      if (dtypeOf(context, 0) !== 'int32' || dtypeOf(context, 1) === 'bool') return undefined;
      const shape = shapeOf(context);
      if (shape.length === 1) return [lowerBincount(context, 1, shape[0]!, false)];
      const isBinary = attribute.boolean(context.attributes, 'binaryOutput', false);
      return [lowerBincount(context, shape[0]!, shape[1]!, isBinary)];
    },
    samples: [
      {
        inputs: [ints(1, 3, 1), f32([0])],
        attributes: { size: 4, binaryOutput: true },
        about: 'eager ignores binaryOutput for vectors',
      },
      {
        inputs: [i32([2, 3], [0, 1, 1, 2, 7, 2]), f32([2, 3])],
        attributes: { size: 4, binaryOutput: false },
      },
      {
        inputs: [i32([2, 3], [0, 1, 1, 2, 7, 2]), f32([0])],
        attributes: { size: 4, binaryOutput: true },
      },
      { inputs: [i32([2, 2], [0, 1, 1, 1]), i32([2, 2])], attributes: { size: 2, binaryOutput: false } },
    ],
  }),
  defineOp({
    kernel: 'UnsortedSegmentSum',
    inputs: ['x', 'segmentIds'],
    infer(types, attributes) {
      const [x, ids] = present(types);
      if (hasComplex(x) || x!.shape.length === 0 || ids!.shape[0] !== x!.shape[0]) return undefined;
      const numSegments = attribute.number(attributes, 'numSegments');
      if (ids!.shape.length !== 1 || numSegments === 0) return undefined;
      return [{ dtype: 'float32', shape: [numSegments, ...x!.shape.slice(1)] }];
    },
    lower(context) {
      if (dtypeOf(context, 1) !== 'int32') return undefined;
      if (isEmpty(context.inputTypes[0]!))
        return [filled(context, 0, 'float32', context.outputTypes[0]!.shape)];
      return [lowerSegmentSum(context)];
    },
    samples: [
      { inputs: [f32([4, 3]), ints(2, 0, 2, 1)], attributes: { numSegments: 3 } },
      { inputs: [f32([4]), ints(0, -1, 5, 0)], attributes: { numSegments: 2 }, about: 'ids outside' },
      { inputs: [f32([3, 2, 2]), ints(1, 1, 1)], attributes: { numSegments: 3 } },
      { inputs: [i32([3]), ints(0, 1, 0)], attributes: { numSegments: 2 } },
      { inputs: [f32([0, 2]), i32([0])], attributes: { numSegments: 2 } },
    ],
  }),
];

export const lookupOps: readonly OpDefinition[] = [
  defineOp({
    kernel: 'TopK',
    inputs: ['x'],
    infer(types, attributes) {
      const [x] = present(types);
      const k = attribute.number(attributes, 'k');
      const rank = x!.shape.length;
      if (rank === 0 || hasComplex(x) || k > x!.shape[rank - 1]!) return undefined;
      const shape = [...x!.shape.slice(0, -1), k];
      return [
        { dtype: x!.dtype, shape },
        { dtype: 'int32', shape },
      ];
    },
    // Unsorted results come in the order of eager's quickselect: eager's own.
    lower(context) {
      const [values] = context.outputTypes;
      if (!attribute.boolean(context.attributes, 'sorted', true) || dtypeOf(context) === 'bool')
        return undefined;
      if (isEmpty(values!))
        return [
          filled(context, 0, dtypeOf(context), values!.shape),
          filled(context, 0, 'int32', values!.shape),
        ];
      const k = context.ints([attribute.number(context.attributes, 'k')]);
      const [top, indices] = context.ops('TopK', [input(context), k], 2, { axis: -1 });
      return [top!, context.cast(indices!, 'int32')];
    },
    samples: [
      { inputs: [f32([2, 5])], attributes: { k: 3, sorted: true } },
      { inputs: [floats(1, 3, 3, -Infinity, Infinity, 3)], attributes: { k: 4, sorted: true } },
      { inputs: [f32([3, 4])], attributes: { k: 4, sorted: false } },
      { inputs: [i32([2, 2, 4])], attributes: { k: 2, sorted: true } },
      { inputs: [f32([3])], attributes: { k: 0, sorted: true } },
    ],
  }),
  defineOp({
    kernel: 'SearchSorted',
    inputs: ['sortedSequence', 'values'],
    infer(types) {
      const [sequence, values] = present(types);
      if (sequence!.shape.length !== 2 || values!.shape.length !== 2) return undefined;
      return [{ dtype: 'int32', shape: values!.shape }];
    },
    lower(context) {
      const positions = lowerSearchSorted(context);
      return positions === undefined ? undefined : [positions];
    },
    samples: ['left', 'right'].flatMap((side) => [
      { inputs: [f32([1, 5], [0, 1, 1, 3, 8]), f32([1, 4], [1, 2, -5, 9])], attributes: { side } },
      { inputs: [i32([2, 3], [1, 2, 3, 0, 5, 9]), i32([2, 2], [2, 0, 5, 10])], attributes: { side } },
      {
        inputs: [f32([1, 3], [-Infinity, 0, Infinity]), f32([1, 3], [Infinity, -Infinity, Number.NaN])],
        attributes: { side },
      },
    ]),
  }),
  ...countOps,
];
