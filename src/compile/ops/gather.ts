/**
 * Kernels that read or write at indices: gathers, scatters, one-hot. An index out of range raises an error when the
 * graph runs, not at the call.
 */
import type { ConcreteType } from '../../ir/op-signature.ts';
import type { HostArray } from '../../ir/tensor-type.ts';
import { addRows } from './add-rows.ts';
import { attribute, defineOp, type LoweringContext, type OnnxValue, type OpDefinition } from './define-op.ts';
import { dtypeOf, filled, input, reshape, shapeOf, transpose, where } from './numbers.ts';
import { elementCount, hasComplex, isEmpty, parseAxes, present, type NativeDtype } from './rules.ts';
import { bool, f32, i32, ints } from './samples.ts';

export interface GatherShape {
  readonly axis: number;
  readonly batchDims: number;
  readonly shape: readonly number[];
}

export function gatherShape(
  x: ConcreteType,
  indices: ConcreteType,
  context: Pick<LoweringContext, 'attributes'>,
): GatherShape | undefined {
  const { attributes } = context;
  const axis = parseAxes(attributes['axis'] ?? 0, x.shape.length)?.[0];
  const indicesRank = indices.shape.length;
  const given = attribute.number(attributes, 'batchDims', 0);
  const batchDims = given < 0 ? given + indicesRank : given;
  if (axis === undefined || batchDims < 0 || batchDims > indicesRank || axis < batchDims) return undefined;
  for (let dim = 0; dim < batchDims; dim++) if (x.shape[dim] !== indices.shape[dim]) return undefined;
  const shape = [...x.shape.slice(0, axis), ...indices.shape.slice(batchDims), ...x.shape.slice(axis + 1)];
  return { axis, batchDims, shape };
}

/** Gathers from each batch on its own: GatherND with the gathered axis moved behind one flat batch axis. */
function lowerBatchedGather(context: LoweringContext, { axis, batchDims, shape }: GatherShape): OnnxValue {
  const x = shapeOf(context, 0);
  const indexShape = shapeOf(context, 1);
  const batch = elementCount(x.slice(0, batchDims));
  const outer = elementCount(x.slice(batchDims, axis));
  const slice = elementCount(x.slice(axis + 1));
  const perBatch = elementCount(indexShape.slice(batchDims));
  const flat = transpose(
    context,
    reshape(context, input(context, 0), [batch, outer, x[axis]!, slice]),
    [0, 2, 1, 3],
  );
  const indices = reshape(context, context.cast(input(context, 1), 'int64'), [batch, perBatch, 1]);
  const gathered = context.op('GatherND', [flat, indices], { batch_dims: 1 });
  return reshape(context, transpose(context, gathered, [0, 2, 1, 3]), shape);
}

/** Sizes of a scatter: `count` slices, each addressed by `depth` indices. */
export interface ScatterSizes {
  readonly depth: number;
  readonly count: number;
}

export function scatterSizes(indices: ConcreteType): ScatterSizes {
  const rank = indices.shape.length;
  const depth = rank > 1 ? indices.shape[rank - 1]! : 1;
  return { depth, count: elementCount(indices.shape) / Math.max(depth, 1) };
}

/**
 * Writes or adds slices into `target` of shape `shape`.
 * @param indicesAt which input holds the indices; `updatesAt`, the slices or one scalar for all.
 */
function scatter(
  context: LoweringContext,
  target: OnnxValue,
  shape: readonly number[],
  indicesAt: number,
  updatesAt: number,
  reduction: 'add' | 'none',
): OnnxValue | undefined {
  const { depth, count } = scatterSizes(context.inputTypes[indicesAt]!);
  if (depth === 0 || count === 0) return depth === 0 ? undefined : target;
  const indices = reshape(context, context.cast(input(context, indicesAt), 'int64'), [count, depth]);
  const width = elementCount(shape.slice(depth));
  const updateShape = reduction === 'add' ? [count, width] : [count, ...shape.slice(depth)];
  const updates = input(context, updatesAt);
  const isScalar = shapeOf(context, updatesAt).length === 0;
  const spread = isScalar
    ? context.op('Expand', [updates, context.ints(updateShape)])
    : reshape(context, updates, updateShape);
  if (reduction === 'none') return context.op('ScatterND', [target, indices, spread], { reduction });
  const rows = flatIndices(context, indices, shape.slice(0, depth));
  const flat = reshape(context, target, [elementCount(shape.slice(0, depth)), width]);
  return reshape(context, addRows(context, flat, rows, spread, [count, width]), shape);
}

/**
 * Position in a tensor of shape `dims` of each row of indices, [count, depth] int64.
 * One that is outside in one axis is outside of all, so that onnxruntime refuses it.
 */
function flatIndices(context: LoweringContext, indices: OnnxValue, dims: readonly number[]): OnnxValue {
  if (dims.length === 1) return indices;
  const strides = dims.map((_, axis) => elementCount(dims.slice(axis + 1)));
  const positions = context.op('ReduceSum', [
    context.op('Mul', [indices, context.ints(strides)]),
    context.ints([1]),
  ]);
  const isOutside = context.op('Or', [
    context.op('Less', [indices, context.ints([0])]),
    context.op('GreaterOrEqual', [indices, context.ints(dims)]),
  ]);
  const outsides = context.op('ReduceSum', [context.cast(isOutside, 'int64'), context.ints([1])]);
  const isFine = context.op('Equal', [outsides, context.ints([0])]);
  return context.op('Where', [isFine, positions, context.ints([elementCount(dims)])]);
}

/** Whether rows of indices, as far as they are known, lie inside `shape`. */
function areInside(indices: HostArray | undefined, type: ConcreteType, shape: readonly number[]): boolean {
  if (indices === undefined) return true;
  const { depth } = scatterSizes(type);
  return (indices as Int32Array).every((index, at) => index >= 0 && index < (shape[at % depth] ?? Infinity));
}

function optional(value: OnnxValue | undefined): readonly OnnxValue[] | undefined {
  return value === undefined ? undefined : [value];
}

/** Comparing with 0, 1, 2... instead of ONNX's OneHot, to which -1 is the last class. */
function lowerOneHot(context: LoweringContext): OnnxValue | undefined {
  const dtype = context.outputTypes[0]!.dtype as NativeDtype;
  const depth = attribute.number(context.attributes, 'depth');
  const on = attribute.number(context.attributes, 'onValue', 1);
  const off = attribute.number(context.attributes, 'offValue', 0);
  if (dtypeOf(context) !== 'int32') return undefined;
  const indices = context.op('Unsqueeze', [input(context), context.ints([-1])]);
  const classes = context.tensor(Int32Array.from({ length: depth }, (_, index) => index), [depth]); // prettier-ignore
  const isHot = context.op('Equal', [indices, classes]);
  if (on === 1 && off === 0) return dtype === 'bool' ? isHot : context.cast(isHot, dtype);
  return where(context, isHot, context.scalar(on, dtype), context.scalar(off, dtype));
}

export const gatherOps: readonly OpDefinition[] = [
  defineOp({
    kernel: 'GatherV2',
    inputs: ['x', 'indices'],
    isHostFoldable: true,
    infer(types, attributes) {
      const [x, indices] = present(types);
      const found = hasComplex(x, indices) ? undefined : gatherShape(x!, indices!, { attributes });
      return found && [{ dtype: x!.dtype, shape: found.shape }];
    },
    acceptsValues([, indices], [x], attributes) {
      const axis = parseAxes(attributes['axis'], x!.shape.length)?.[0] ?? 0;
      const size = x!.shape[axis]!;
      return (indices as Int32Array | undefined)?.every((index) => index >= 0 && index < size) ?? true;
    },
    lower(context) {
      if (dtypeOf(context, 1) !== 'int32') return undefined;
      const [x, indices] = present(context.inputTypes);
      const found = gatherShape(x!, indices!, context)!;
      if (found.batchDims > 0) return [lowerBatchedGather(context, found)];
      return [context.op('Gather', [input(context, 0), input(context, 1)], { axis: found.axis })];
    },
    samples: [
      { inputs: [f32([4, 3]), ints(3, 0, 0)], attributes: { axis: 0, batchDims: 0 } },
      { inputs: [f32([2, 4, 3]), i32([2, 2], [1, 3, 0, 0])], attributes: { axis: 1, batchDims: 0 } },
      { inputs: [f32([4, 3]), i32([], [2])], attributes: { axis: -1, batchDims: 0 } },
      { inputs: [f32([2, 4, 3]), i32([2, 2], [1, 3, 0, 0])], attributes: { axis: 1, batchDims: 1 } },
      { inputs: [f32([2, 3, 4, 2]), i32([2, 2], [1, 3, 0, 0])], attributes: { axis: 2, batchDims: 1 } },
      { inputs: [f32([2, 3]), i32([2], [1, 2])], attributes: { axis: 1, batchDims: -1 } },
      { inputs: [i32([4]), ints(3, 1)], attributes: { axis: 0, batchDims: 0 } },
      { inputs: [bool([4]), ints(3, 1)], attributes: { axis: 0, batchDims: 0 } },
      { inputs: [f32([4, 3]), i32([0])], attributes: { axis: 0, batchDims: 0 } },
    ],
  }),
  defineOp({
    kernel: 'GatherNd',
    acceptsValues: ([, indices], [x, type]) => areInside(indices, type!, x!.shape),
    inputs: ['params', 'indices'],
    isHostFoldable: true,
    infer(types) {
      const [params, indices] = present(types);
      const depth = indices!.shape.at(-1);
      if (params!.shape.length === 0 || depth === undefined || indices!.dtype !== 'int32') return undefined;
      if (depth > params!.shape.length || isEmpty(params!) || hasComplex(params)) return undefined;
      const shape = [...indices!.shape.slice(0, -1), ...params!.shape.slice(depth)];
      return [{ dtype: params!.dtype, shape }];
    },
    lower(context) {
      if (shapeOf(context, 1).at(-1) === 0) return undefined;
      return [context.op('GatherND', [input(context, 0), context.cast(input(context, 1), 'int64')])];
    },
    samples: [
      { inputs: [f32([3, 4]), i32([2, 2], [0, 1, 2, 3])] },
      { inputs: [f32([3, 4]), i32([2, 1], [2, 0])] },
      { inputs: [f32([3, 2, 2]), i32([2, 1, 2], [2, 0, 1, 1])] },
      { inputs: [i32([3]), ints(2)] },
      { inputs: [bool([3]), i32([2, 1], [2, 0])] },
      { inputs: [f32([3]), i32([0, 1])] },
    ],
  }),
  defineOp({
    kernel: 'ScatterNd',
    inputs: ['indices', 'updates'],
    acceptsValues: ([indices], [type], attributes) =>
      areInside(indices, type!, attribute.numbers(attributes, 'shape')),
    infer: (types, attributes) => [
      { dtype: present(types)[1]!.dtype, shape: attribute.numbers(attributes, 'shape') },
    ],
    lower(context) {
      const [result] = context.outputTypes;
      if (dtypeOf(context, 0) !== 'int32' || result!.dtype === 'bool') return undefined;
      if (isEmpty(result!)) return [filled(context, 0, dtypeOf(context, 1), result!.shape)];
      const zeros = filled(context, 0, dtypeOf(context, 1), result!.shape);
      return optional(scatter(context, zeros, result!.shape, 0, 1, 'add'));
    },
    samples: [
      { inputs: [i32([3, 1], [4, 0, 4]), f32([3])], attributes: { shape: [5] }, about: 'sums duplicates' },
      { inputs: [i32([2, 1], [2, 0]), f32([2, 4])], attributes: { shape: [3, 4] } },
      { inputs: [i32([2, 2], [2, 0, 1, 1]), i32([2])], attributes: { shape: [3, 2] } },
      { inputs: [i32([3, 2], [2, 0, 1, 1, 2, 0]), f32([3, 4])], attributes: { shape: [3, 2, 4] } },
      { inputs: [i32([0, 1]), f32([0])], attributes: { shape: [3] } },
    ],
  }),
  defineOp({
    kernel: 'TensorScatterUpdate',
    inputs: ['tensor', 'indices', 'updates'],
    acceptsValues: ([, indices], [tensor, type]) => areInside(indices, type!, tensor!.shape),
    infer: (types) => [present(types)[0]!],
    lower(context) {
      const [result] = context.outputTypes;
      if (dtypeOf(context, 1) !== 'int32' || dtypeOf(context, 0) !== dtypeOf(context, 2)) return undefined;
      if (isEmpty(result!)) return [input(context, 0)];
      return optional(scatter(context, input(context, 0), result!.shape, 1, 2, 'none'));
    },
    samples: [
      { inputs: [f32([5]), i32([2, 1], [4, 0]), f32([2])] },
      { inputs: [f32([3, 4]), i32([2, 1], [2, 0]), f32([2, 4])] },
      { inputs: [i32([3, 2]), i32([2, 2], [2, 0, 1, 1]), i32([2])] },
      { inputs: [f32([3]), i32([2, 1], [2, 0]), f32([])] },
      { inputs: [bool([3]), i32([1, 1], [1]), bool([1])] },
    ],
  }),
  defineOp({
    kernel: 'SparseToDense',
    inputs: ['sparseIndices', 'sparseValues', 'defaultValue'],
    acceptsValues: ([indices], [type], attributes) =>
      areInside(indices, type!, attribute.numbers(attributes, 'outputShape')),
    infer(types, attributes) {
      const [, values] = present(types);
      if (hasComplex(values)) return undefined;
      return [{ dtype: values!.dtype, shape: attribute.numbers(attributes, 'outputShape') }];
    },
    lower(context) {
      const [result] = context.outputTypes;
      if (dtypeOf(context, 0) !== 'int32' || dtypeOf(context, 1) !== dtypeOf(context, 2)) return undefined;
      const target = context.op('Expand', [input(context, 2), context.ints(result!.shape)]);
      if (isEmpty(result!)) return [target];
      return optional(scatter(context, target, result!.shape, 0, 1, 'none'));
    },
    samples: [
      { inputs: [ints(3, 0), f32([2]), f32([], [9])], attributes: { outputShape: [5] } },
      { inputs: [i32([2, 2], [0, 1, 2, 0]), f32([2]), f32([])], attributes: { outputShape: [3, 2] } },
      { inputs: [ints(3, 0), i32([]), i32([])], attributes: { outputShape: [5] } },
      { inputs: [i32([], [1]), bool([], [1]), bool([], [0])], attributes: { outputShape: [3] } },
      { inputs: [i32([0]), f32([0]), f32([], [2])], attributes: { outputShape: [3] } },
    ],
  }),
  defineOp({
    kernel: 'OneHot',
    inputs: ['indices'],
    infer(types, attributes) {
      const [indices] = present(types);
      if (hasComplex(indices)) return undefined;
      const dtype = attribute.string(attributes, 'dtype', 'int32') as ConcreteType['dtype'];
      return [{ dtype, shape: [...indices!.shape, attribute.number(attributes, 'depth')] }];
    },
    lower: (context) => optional(lowerOneHot(context)),
    samples: [
      {
        inputs: [ints(0, 2, -1, 5, 1)],
        attributes: { depth: 3, onValue: 1, offValue: 0, dtype: 'float32' },
        about: 'indices outside have no class',
      },
      {
        inputs: [i32([2, 2], [0, 1, 2, 3])],
        attributes: { depth: 4, onValue: 5, offValue: -1, dtype: 'float32' },
      },
      { inputs: [ints(0, 1)], attributes: { depth: 2, onValue: 1, offValue: 0, dtype: 'int32' } },
      { inputs: [ints(0, 1)], attributes: { depth: 2, onValue: 1, offValue: 0, dtype: 'bool' } },
      { inputs: [i32([], [1])], attributes: { depth: 3, onValue: 1, offValue: 0, dtype: 'float32' } },
      { inputs: [i32([0])], attributes: { depth: 3, onValue: 1, offValue: 0, dtype: 'float32' } },
    ],
  }),
];
