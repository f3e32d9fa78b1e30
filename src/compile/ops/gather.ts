/**
 * Kernels that read or write at indices, and those that look values up: gathers, scatters, one-hot, counting,
 * segment sums, TopK, SearchSorted. An index out of range raises an error when the graph runs, not at the call.
 */
import type { ConcreteType } from '../../ir/op-signature.ts';
import { attribute, defineOp, type LoweringContext, type OnnxValue, type OpDefinition } from './define-op.ts';
import { convert, dtypeOf, filled, input, reshape, shapeOf, transpose, where } from './numbers.ts';
import { elementCount, hasComplex, isEmpty, parseAxes, present, type NativeDtype } from './rules.ts';
import { bool, f32, floats, i32, ints } from './samples.ts';

interface GatherShape {
  readonly axis: number;
  readonly batchDims: number;
  readonly shape: readonly number[];
}

function gatherShape(
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
interface ScatterSizes {
  readonly depth: number;
  readonly count: number;
}

function scatterSizes(indices: ConcreteType): ScatterSizes {
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
  const updateShape = [count, ...shape.slice(depth)];
  const updates = input(context, updatesAt);
  const isScalar = shapeOf(context, updatesAt).length === 0;
  const spread = isScalar
    ? context.op('Expand', [updates, context.ints(updateShape)])
    : reshape(context, updates, updateShape);
  return context.op('ScatterND', [target, indices, spread], { reduction });
}

function optional(value: OnnxValue | undefined): readonly OnnxValue[] | undefined {
  return value === undefined ? undefined : [value];
}

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
  const counts = context.op('ScatterND', [filled(context, 0, dtype, [rows * size]), indices, updates], {
    reduction: isBinary ? 'max' : 'add',
  });
  return reshape(context, counts, result!.shape);
}

/** Sums of the slices of `x` with equal id. Ids outside [0, numSegments) count nowhere. */
function lowerSegmentSum(context: LoweringContext): OnnxValue {
  const numSegments = attribute.number(context.attributes, 'numSegments');
  const xShape = shapeOf(context, 0);
  const rows = xShape[0]!;
  const x = convert(context, input(context, 0), dtypeOf(context, 0), 'float32');
  const { isInside, safe } = maskOutside(context, input(context, 1), numSegments);
  const rowMask = reshape(context, isInside, [rows, ...xShape.slice(1).map(() => 1)]);
  const updates = where(context, rowMask, x, context.scalar(0, 'float32'));
  const indices = reshape(context, context.cast(safe, 'int64'), [rows, 1]);
  const zeros = filled(context, 0, 'float32', [numSegments, ...xShape.slice(1)]);
  return context.op('ScatterND', [zeros, indices, updates], { reduction: 'add' });
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

const lookupOps: readonly OpDefinition[] = [
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
    lower: (context) => optional(lowerSearchSorted(context)),
    samples: ['left', 'right'].flatMap((side) => [
      { inputs: [f32([1, 5], [0, 1, 1, 3, 8]), f32([1, 4], [1, 2, -5, 9])], attributes: { side } },
      { inputs: [i32([2, 3], [1, 2, 3, 0, 5, 9]), i32([2, 2], [2, 0, 5, 10])], attributes: { side } },
      {
        inputs: [f32([1, 3], [-Infinity, 0, Infinity]), f32([1, 3], [Infinity, -Infinity, Number.NaN])],
        attributes: { side },
      },
    ]),
  }),
];

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
      { inputs: [i32([0, 1]), f32([0])], attributes: { shape: [3] } },
    ],
  }),
  defineOp({
    kernel: 'TensorScatterUpdate',
    inputs: ['tensor', 'indices', 'updates'],
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
  ...countOps,
  ...lookupOps,
];
