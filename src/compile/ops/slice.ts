/** Kernels that cut tensors apart and put them together: Slice, StridedSlice, SplitV, Unpack, Concat, Pack. */
import type { Attributes } from '../../ir/graph.ts';
import type { ConcreteType } from '../../ir/op-signature.ts';
import { attribute, defineOp, type LoweringContext, type OnnxValue, type OpDefinition } from './define-op.ts';
import { convert, dtypeOf, filled, input, reshape, shapeOf } from './numbers.ts';
import {
  hasComplex,
  isEmpty,
  parseAxes,
  present,
  sameShape,
  type MaybeTypes,
  type NativeDtype,
} from './rules.ts';
import { bool, f32, i32 } from './samples.ts';
import { resolveStridedSlice } from './strided-slice.ts';

export interface Box {
  readonly begin: readonly number[];
  readonly size: readonly number[];
}

/** Begin and size of a Slice with missing axes and `-1` filled in. */
export function resolveSlice(shape: readonly number[], attributes: Attributes): Box | undefined {
  const rank = shape.length;
  const padded = (name: 'begin' | 'size', fill: number): number[] => {
    const given = attribute.numbers(attributes, name, []);
    return [...given, ...Array.from({ length: rank - given.length }, () => fill)];
  };
  if (
    Math.max(
      attribute.numbers(attributes, 'begin').length,
      attribute.numbers(attributes, 'size', []).length,
    ) > rank
  )
    return undefined;
  const begin = padded('begin', 0);
  const size = padded('size', -1).map((length, axis) =>
    length === -1 ? shape[axis]! - begin[axis]! : length,
  );
  const isInside = shape.every(
    (length, axis) => begin[axis]! >= 0 && size[axis]! >= 0 && begin[axis]! + size[axis]! <= length,
  );
  return isInside ? { begin, size } : undefined;
}

/** Sizes of the parts of a split; `undefined` when eager rejects them. */
function splitSizes(total: number, parts: Attributes[string]): number[] | undefined {
  if (typeof parts === 'number')
    return total % parts === 0 ? Array.from({ length: parts }, () => total / parts) : undefined;
  if (!Array.isArray(parts) || parts.length === 0) return undefined;
  const sizes = parts as readonly number[];
  // Eager's sum of the others starts with the first size even if that is the -1.
  const others = sizes.reduce((sum, size) => (size > 0 ? sum + size : sum));
  const resolved = sizes.map((size) => size);
  const rest = sizes.indexOf(-1);
  if (rest !== -1) resolved[rest] = total - others;
  const isRight =
    resolved.reduce((sum, size) => sum + size, 0) === total && resolved.every((size) => size >= 0);
  return isRight ? resolved : undefined;
}

/** Eager drops empty tensors, and hands a single one through with its own dtype. */
function inferConcat(types: readonly ConcreteType[], axis: number): ConcreteType[] | undefined {
  const [first] = types;
  const rank = first!.shape.length;
  const fits = types.every(
    ({ shape }) =>
      shape.length === rank && shape.every((size, dim) => dim === axis || size === first!.shape[dim]),
  );
  if (!fits) return undefined;
  const length = types.reduce((sum, { shape }) => sum + shape[axis]!, 0);
  const shape = first!.shape.map((size, dim) => (dim === axis ? length : size));
  const filledTypes = types.filter((type) => !isEmpty(type));
  const [only] = filledTypes.length === 1 || filledTypes[0]?.dtype === 'complex64' ? filledTypes : [first];
  return [{ dtype: only!.dtype, shape }];
}

/** Concatenates along an axis; parts are stored as the dtype of the result. */
function concat(context: LoweringContext, parts: readonly OnnxValue[], axis: number): OnnxValue | undefined {
  const dtype = context.outputTypes[0]!.dtype as NativeDtype;
  // Storing numbers in a bool tensor keeps their low byte: not a bool.
  if (dtype === 'bool' && context.inputTypes.some((type) => type!.dtype !== 'bool')) return undefined;
  const converted = parts.map((part, index) => convert(context, part, dtypeOf(context, index), dtype));
  return converted.length === 1 ? converted[0]! : context.op('Concat', converted, { axis });
}

/** The axis of a Pack, among the axes of the result. */
function packAxis(types: MaybeTypes, attributes: Attributes): number | undefined {
  return parseAxes(attributes['axis'], present(types)[0]!.shape.length + 1)?.[0];
}

function lowerStridedSlice(context: LoweringContext): OnnxValue {
  const slice = resolveStridedSlice(shapeOf(context), context.attributes)!;
  const [result] = context.outputTypes;
  if (isEmpty(result!)) return filled(context, 0, dtypeOf(context), result!.shape);
  if (slice.begin.length === 0) return reshape(context, input(context), result!.shape);
  // Walking down to the first element, an end of -1 means "before 0" here and "the last" in ONNX.
  const ends = slice.end.map((end, axis) => (slice.strides[axis]! < 0 && end < 0 ? -(2 ** 31) : end));
  const axes = slice.begin.map((_, axis) => axis);
  const sliced = context.op('Slice', [
    input(context),
    context.ints(slice.begin),
    context.ints(ends),
    context.ints(axes),
    context.ints(slice.strides),
  ]);
  return slice.keepsAxes ? sliced : reshape(context, sliced, result!.shape);
}

function stridedSample(
  shape: readonly number[],
  begin: readonly number[],
  end: readonly number[],
  strides: readonly number[],
  masks: Partial<
    Record<'beginMask' | 'endMask' | 'ellipsisMask' | 'newAxisMask' | 'shrinkAxisMask', number>
  > = {},
): OpDefinition['samples'][number] {
  const none = { beginMask: 0, endMask: 0, ellipsisMask: 0, newAxisMask: 0, shrinkAxisMask: 0 };
  return { inputs: [f32(shape)], attributes: { begin, end, strides, ...none, ...masks } };
}

export const sliceOps: readonly OpDefinition[] = [
  defineOp({
    kernel: 'Slice',
    inputs: ['x'],
    isHostFoldable: true,
    infer(types, attributes) {
      const [x] = present(types);
      const box = hasComplex(x) ? undefined : resolveSlice(x!.shape, attributes);
      return box && [{ dtype: x!.dtype, shape: box.size }];
    },
    lower(context) {
      const { begin, size } = resolveSlice(shapeOf(context), context.attributes)!;
      if (begin.length === 0) return [input(context)];
      const ends = begin.map((start, axis) => start + size[axis]!);
      return [context.op('Slice', [input(context), context.ints(begin), context.ints(ends)])];
    },
    samples: [
      { inputs: [f32([4, 3])], attributes: { begin: [1, 0], size: [2, 2] } },
      { inputs: [f32([4, 3])], attributes: { begin: [1], size: [-1] } },
      { inputs: [f32([5])], attributes: { begin: 2, size: 2 } },
      { inputs: [i32([2, 3, 4])], attributes: { begin: [0, 1, 2], size: [-1, 1, -1] } },
      { inputs: [bool([4])], attributes: { begin: [1], size: [2] } },
      { inputs: [f32([4])], attributes: { begin: [2], size: [0] } },
      { inputs: [f32([0, 3])], attributes: { begin: [0, 1], size: [0, 2] } },
    ],
  }),
  defineOp({
    kernel: 'StridedSlice',
    inputs: ['x'],
    isHostFoldable: true,
    infer(types, attributes) {
      const [x] = present(types);
      const slice = hasComplex(x) ? undefined : resolveStridedSlice(x!.shape, attributes);
      return slice && [{ dtype: x!.dtype, shape: slice.shape }];
    },
    lower: (context) => [lowerStridedSlice(context)],
    samples: [
      stridedSample([4, 5], [1, 0], [4, 5], [2, 3]),
      stridedSample([4, 5], [0, 0], [4, 5], [1, 1]),
      stridedSample([4], [3], [0], [-1]),
      stridedSample([4], [-1], [-5], [-1]),
      stridedSample([4, 3], [3, 0], [0, 3], [-2, 1], { beginMask: 1, endMask: 1 }),
      stridedSample([4, 3], [1, 0], [2, 0], [1, 1], { shrinkAxisMask: 1, endMask: 2 }),
      stridedSample([4, 3], [-1], [0], [1], { shrinkAxisMask: 1 }),
      stridedSample([2, 3, 4], [0, 1], [0, 3], [1, 1], { ellipsisMask: 1 }),
      stridedSample([2, 3], [0, 0, 0], [2, 1, 3], [1, 1, 1], { newAxisMask: 2 }),
      stridedSample([4, 3], [3, 0], [1, 3], [1, 2]),
      stridedSample([4], [2], [2], [1]),
      stridedSample([0, 3], [0, 0], [0, 2], [1, 1]),
      { ...stridedSample([4], [0], [4], [2]), inputs: [i32([4])] },
    ],
  }),
  defineOp({
    kernel: 'SplitV',
    inputs: ['x'],
    hasListResult: true,
    infer(types, attributes) {
      const [x] = present(types);
      const axis = parseAxes(attributes['axis'], x!.shape.length)?.[0];
      if (axis === undefined || hasComplex(x)) return undefined;
      return splitSizes(x!.shape[axis]!, attributes['numOrSizeSplits'])?.map((part) => ({
        dtype: x!.dtype,
        shape: x!.shape.map((size, dim) => (dim === axis ? part : size)),
      }));
    },
    lower(context) {
      const axis = parseAxes(context.attributes['axis'], shapeOf(context).length)![0]!;
      const sizes = context.outputTypes.map((type) => type.shape[axis]!);
      if (sizes.length === 1) return [input(context)];
      return context.ops('Split', [input(context), context.ints(sizes)], sizes.length, { axis });
    },
    samples: [
      { inputs: [f32([2, 6])], attributes: { numOrSizeSplits: 3, axis: 1 } },
      { inputs: [f32([6, 2])], attributes: { numOrSizeSplits: [1, 2, 3], axis: 0 } },
      { inputs: [i32([2, 6])], attributes: { numOrSizeSplits: [2, -1], axis: -1 } },
      { inputs: [bool([4])], attributes: { numOrSizeSplits: 2, axis: 0 } },
      { inputs: [f32([2, 3])], attributes: { numOrSizeSplits: [3], axis: 1 } },
      { inputs: [f32([2, 3])], attributes: { numOrSizeSplits: [0, 3], axis: 1 } },
      { inputs: [f32([0, 4])], attributes: { numOrSizeSplits: 2, axis: 1 } },
    ],
  }),
  defineOp({
    kernel: 'Unpack',
    inputs: ['value'],
    hasListResult: true,
    isHostFoldable: true,
    infer(types, attributes) {
      const [value] = present(types);
      const axis = parseAxes(attributes['axis'], value!.shape.length)?.[0];
      if (axis === undefined || hasComplex(value)) return undefined;
      const shape = value!.shape.filter((_, dim) => dim !== axis);
      return Array.from({ length: value!.shape[axis]! }, () => ({ dtype: value!.dtype, shape }));
    },
    // A Gather for each, so that the parts nobody reads cost nothing.
    lower(context) {
      const axis = parseAxes(context.attributes['axis'], shapeOf(context).length)![0]!;
      return context.outputTypes.map((_, index) =>
        context.op('Gather', [input(context), context.scalar(index, 'int32')], { axis }),
      );
    },
    samples: [
      { inputs: [f32([2, 3])], attributes: { axis: 0 } },
      { inputs: [f32([2, 3, 4])], attributes: { axis: -2 } },
      { inputs: [i32([3])], attributes: { axis: 0 } },
      { inputs: [bool([2, 2])], attributes: { axis: 1 } },
      { inputs: [f32([2, 0])], attributes: { axis: 0 } },
    ],
  }),
  defineOp({
    kernel: 'Concat',
    inputs: 'variadic',
    isHostFoldable: true,
    infer(types, attributes) {
      const axis = parseAxes(attributes['axis'], present(types)[0]!.shape.length)?.[0];
      return axis === undefined ? undefined : inferConcat(present(types), axis);
    },
    lower(context) {
      const axis = parseAxes(context.attributes['axis'], shapeOf(context).length)![0]!;
      const parts = context.inputs.map((_, index) => input(context, index));
      const result = concat(context, parts, axis);
      return result === undefined ? undefined : [result];
    },
    samples: [
      { inputs: [f32([2, 3]), f32([2, 1])], attributes: { axis: 1 } },
      { inputs: [f32([2, 3]), f32([1, 3]), f32([0, 3])], attributes: { axis: 0 } },
      { inputs: [f32([2, 3])], attributes: { axis: -1 } },
      { inputs: [f32([0, 3]), f32([0, 3])], attributes: { axis: 0 } },
      { inputs: [i32([2]), i32([3])], attributes: { axis: 0 } },
      { inputs: [bool([2]), bool([3])], attributes: { axis: 0 } },
      { inputs: [i32([2]), f32([3])], attributes: { axis: 0 }, about: 'stored as the first dtype' },
    ],
  }),
  defineOp({
    kernel: 'Pack',
    inputs: 'variadic',
    isHostFoldable: true,
    infer(types, attributes) {
      const [first] = present(types);
      const axis = packAxis(types, attributes);
      const isUniform = present(types).every(
        (type) => type.dtype === first!.dtype && sameShape(type.shape, first!.shape),
      );
      if (axis === undefined || !isUniform) return undefined;
      const shape = [...first!.shape.slice(0, axis), types.length, ...first!.shape.slice(axis)];
      return [{ dtype: first!.dtype, shape }];
    },
    lower(context) {
      const axis = packAxis(context.inputTypes, context.attributes)!;
      const parts = context.inputs.map((part) => context.op('Unsqueeze', [part, context.ints([axis])]));
      return [concat(context, parts, axis)!];
    },
    samples: [
      { inputs: [f32([2, 3]), f32([2, 3])], attributes: { axis: 0 } },
      { inputs: [f32([2, 3]), f32([2, 3]), f32([2, 3])], attributes: { axis: -1 } },
      { inputs: [i32([]), i32([])], attributes: { axis: 0 } },
      { inputs: [bool([2]), bool([2])], attributes: { axis: 1 } },
      { inputs: [f32([3])], attributes: { axis: 1 } },
      { inputs: [f32([0]), f32([0])], attributes: { axis: 0 } },
    ],
  }),
];
