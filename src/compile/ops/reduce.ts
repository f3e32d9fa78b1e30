/**
 * Reductions over axes, their index forms (ArgMax, ArgMin), and running sums and products. `x` in; reduced axes
 * vanish, or stay as 1 with `keepDims`.
 */
import type { Attributes } from '../../ir/graph.ts';
import type { ConcreteType } from '../../ir/op-signature.ts';
import type { Dtype } from '../../ir/tensor-type.ts';
import {
  attribute,
  defineOp,
  type LoweringContext,
  type OnnxValue,
  type OpDefinition,
  type OpSample,
} from './define-op.ts';
import { sumOfMany } from './long-sums.ts';
import { convert, dtypeOf, filled, input, padAxes, reshape, shapeOf, where } from './numbers.ts';
import {
  elementCount,
  hasComplex,
  isEmpty,
  parseAxes,
  present,
  reducedShape,
  sumType,
  type NativeDtype,
} from './rules.ts';
import { bool, f32, floats, i32, ints } from './samples.ts';

interface Reduction {
  readonly kernel: string;
  /** Attribute that holds the axes. */
  readonly axes?: 'axis' | 'reductionIndices';
  readonly result: (dtype: Dtype) => Dtype | undefined;
  /** Value of a reduction over nothing, by dtype of the result. */
  readonly ofNothing: (dtype: NativeDtype) => number;
  /** Reduces over `axes`, of which there is at least one; `reduce` keeps them as 1 when the kernel does. */
  readonly lower: (
    context: LoweringContext,
    x: OnnxValue,
    reduce: (op: string, value: OnnxValue, keepsAxes?: boolean) => OnnxValue,
  ) => OnnxValue | undefined;
  readonly dtypes: readonly NativeDtype[];
  readonly isHostFoldable?: boolean;
}

function reductionSamples(axesName: string, dtypes: readonly NativeDtype[]): OpSample[] {
  const make = { float32: f32, int32: i32, bool };
  const attributes = (axis: readonly number[] | number | undefined, keepDims = false): Attributes => ({
    [axesName]: axis,
    keepDims,
  });
  const samples: OpSample[] = [];
  for (const dtype of dtypes) {
    const x = make[dtype];
    samples.push(
      { inputs: [x([2, 3, 4])], attributes: attributes([1]) },
      { inputs: [x([2, 3, 4])], attributes: attributes([0, 2], true) },
      { inputs: [x([2, 3, 4])], attributes: attributes([-1]) },
      { inputs: [x([2, 3])], attributes: attributes([0, 1]) },
      { inputs: [x([2, 3])], attributes: attributes([]), about: 'no axes: nothing is reduced' },
      { inputs: [x([])], attributes: attributes([]) },
      { inputs: [x([2, 0])], attributes: attributes([0]), about: 'empty result' },
      { inputs: [x([2, 0])], attributes: attributes([1], true), about: 'reduction over nothing' },
    );
  }
  if (dtypes.includes('float32')) {
    const nan = Number.NaN;
    samples.push(
      {
        inputs: [f32([4, 3], [1, nan, 3, nan, 1, 2, Infinity, -Infinity, 1, -Infinity, 5, 2])],
        attributes: attributes([1]),
      },
      { inputs: [floats(1, 2, 3, 4, 5, 6, 7, nan, 8)], attributes: attributes([0]) },
      { inputs: [floats(-Infinity, -Infinity)], attributes: attributes([0]) },
      { inputs: [floats(Infinity, 3, -1e30)], attributes: attributes([0]) },
    );
  }
  return samples;
}

function reduction(entry: Reduction): OpDefinition {
  const axesName = entry.axes ?? 'axis';
  return defineOp({
    kernel: entry.kernel,
    inputs: ['x'],
    infer(types, attributes) {
      const [x] = present(types);
      const axes = parseAxes(attributes[axesName], x!.shape.length);
      const dtype = hasComplex(x) ? undefined : entry.result(x!.dtype);
      if (axes === undefined || dtype === undefined) return undefined;
      const keepDims = attribute.boolean(attributes, 'keepDims', false);
      return [{ dtype, shape: reducedShape(x!.shape, axes, keepDims) }];
    },
    lower(context) {
      const [result] = context.outputTypes;
      const dtype = result!.dtype as NativeDtype;
      const axes = parseAxes(context.attributes[axesName], shapeOf(context).length)!;
      if (!entry.dtypes.includes(dtypeOf(context))) return undefined;
      if (elementCount(shapeOf(context)) === 0)
        return [filled(context, entry.ofNothing(dtype), dtype, result!.shape)];
      if (axes.length === 0) return [convert(context, input(context), dtypeOf(context), dtype)];
      const keepdims = attribute.boolean(context.attributes, 'keepDims', false) ? 1 : 0;
      const reduced = entry.lower(context, input(context), (op, value, keepsAxes = keepdims === 1) =>
        context.op(op, [value, context.ints([...new Set(axes)])], { keepdims: keepsAxes ? 1 : 0 }),
      );
      return reduced === undefined ? undefined : [reduced];
    },
    samples: reductionSamples(axesName, entry.dtypes),
    ...(entry.isHostFoldable && { isHostFoldable: true }),
  });
}

/**
 * onnxruntime 1.30 takes `x - ReduceMean(x)` for the start of a layer normalization although the mean has lost an axis and
 * is subtracted along another one (LayerNormFusion): it must not see the two side by side.
 */
function lowerMean(
  context: LoweringContext,
  x: OnnxValue,
  reduce: Parameters<Reduction['lower']>[2],
): OnnxValue {
  const value = convert(context, x, dtypeOf(context), 'float32');
  const { shape } = context.outputTypes[0]!;
  const sum = sumOfMany(context, value);
  if (sum !== undefined) {
    const count = elementCount(shapeOf(context)) / elementCount(shape);
    return context.op('Div', [sum, context.scalar(count, 'float32')]);
  }
  const losesAxes = shape.length > 0 && shape.length < shapeOf(context).length;
  return losesAxes ? reshape(context, reduce('ReduceMean', value, true), shape) : reduce('ReduceMean', value);
}

/**
 * ONNX's ReduceMax and ReduceMin skip NaN; tfjs's results are NaN if anything is. A sum of squares is NaN exactly
 * then, whatever infinities there are.
 */
function extremum(op: 'ReduceMax' | 'ReduceMin'): Reduction['lower'] {
  return (context, x, reduce) => {
    const result = reduce(op, x);
    if (dtypeOf(context) !== 'float32') return result;
    const squares = reduce('ReduceSumSquare', x);
    return where(context, context.op('IsNaN', [squares]), squares, result);
  };
}

/** Sums and products of booleans are int32. */
function accumulation(op: 'ReduceSum' | 'ReduceProd'): Reduction['lower'] {
  return (context, x, reduce) => {
    const dtype = context.outputTypes[0]!.dtype as NativeDtype;
    const value = convert(context, x, dtypeOf(context), dtype);
    const sum = op === 'ReduceSum' && dtype === 'float32' ? sumOfMany(context, value) : undefined;
    return sum ?? reduce(op, value);
  };
}

const nanOfNothing = (dtype: NativeDtype): number => (dtype === 'float32' ? Number.NaN : 0);

/**
 * Input of an ArgMax (`winner` is Infinity) or ArgMin. To eager, a NaN that comes first wins, and any other loses; to
 * ONNX Runtime it depends on the length.
 */
function argumentInput(context: LoweringContext, axis: number, winner: number): OnnxValue {
  const x = input(context);
  if (dtypeOf(context) !== 'float32') return convert(context, x, dtypeOf(context), 'int32');
  const shape = shapeOf(context);
  const size = shape[axis]!;
  const ranks = Float32Array.from({ length: size }, (_, index) => (index === 0 ? winner : -winner));
  const substitutes = context.tensor(ranks, [size, ...shape.slice(axis + 1).map(() => 1)]);
  return where(context, context.op('IsNaN', [x]), substitutes, x);
}

function argument(kernel: 'ArgMax' | 'ArgMin'): OpDefinition {
  return defineOp({
    kernel,
    inputs: ['x'],
    infer(types, attributes) {
      const [x] = present(types);
      const axes = parseAxes(attributes['axis'], x!.shape.length);
      if (axes === undefined || axes.length !== 1 || hasComplex(x)) return undefined;
      return [{ dtype: 'int32', shape: reducedShape(x!.shape, axes, false) }];
    },
    lower(context) {
      const [axis] = parseAxes(context.attributes['axis'], shapeOf(context).length)!;
      if (isEmpty(context.inputTypes[0]!))
        return [filled(context, 0, 'int32', context.outputTypes[0]!.shape)];
      const x = argumentInput(context, axis!, kernel === 'ArgMax' ? Infinity : -Infinity);
      return [context.cast(context.op(kernel, [x], { axis: axis!, keepdims: 0 }), 'int32')];
    },
    samples: [
      { inputs: [f32([2, 3, 4])], attributes: { axis: 0 } },
      { inputs: [f32([2, 3, 4])], attributes: { axis: [2] } },
      { inputs: [f32([2, 3, 4])], attributes: { axis: -2 } },
      { inputs: [floats(1, 3, 3, -1, -1)], attributes: { axis: 0 }, about: 'the first of equals' },
      { inputs: [floats(1, Number.NaN, 3, -Infinity, Infinity)], attributes: { axis: 0 } },
      { inputs: [floats(Number.NaN, 2, 3)], attributes: { axis: 0 } },
      { inputs: [i32([3, 4])], attributes: { axis: 1 } },
      { inputs: [bool([3, 4])], attributes: { axis: 1 } },
      { inputs: [f32([0, 3])], attributes: { axis: 1 } },
      { inputs: [f32([0, 3])], attributes: { axis: 0 }, about: 'an index into nothing is 0' },
    ],
  });
}

/** Type of a running sum or product along `axis`. */
function inferRunning(
  types: readonly (ConcreteType | undefined)[],
  attributes: Attributes,
): ConcreteType[] | undefined {
  const [x] = present(types);
  const axes = parseAxes(attributes['axis'], x!.shape.length);
  const dtype = hasComplex(x) ? undefined : sumType(x!.dtype);
  return axes?.length === 1 && dtype !== undefined ? [{ dtype, shape: x!.shape }] : undefined;
}

/** Moves values by `distance` along an axis, `fill` coming in. */
function shift(
  context: LoweringContext,
  value: OnnxValue,
  axis: number,
  distance: number,
  fill: OnnxValue,
): OnnxValue {
  const axes = context.ints([axis]);
  const size = shapeOf(context)[axis]!;
  const pad = { axis, before: Math.max(0, distance), after: Math.max(0, -distance) };
  const padded = padAxes(context, value, shapeOf(context).length, [pad], fill);
  const start = distance > 0 ? 0 : -distance;
  return context.op('Slice', [padded, context.ints([start]), context.ints([start + size]), axes]);
}

/** Running product in log2(size) steps, each multiplying by the product of as many elements before (Hillis, Steele). */
function runningProduct(context: LoweringContext): OnnxValue {
  const dtype = context.outputTypes[0]!.dtype as NativeDtype;
  const [axis] = parseAxes(context.attributes['axis'], shapeOf(context).length)!;
  const direction = attribute.boolean(context.attributes, 'reverse', false) ? -1 : 1;
  const one = context.scalar(1, dtype);
  let product = convert(context, input(context), dtypeOf(context), dtype);
  if (attribute.boolean(context.attributes, 'exclusive', false))
    product = shift(context, product, axis!, direction, one);
  for (let distance = 1; distance < shapeOf(context)[axis!]!; distance *= 2)
    product = context.op('Mul', [product, shift(context, product, axis!, direction * distance, one)]);
  return product;
}

function runningSamples(): OpSample[] {
  const variants = [
    { exclusive: false, reverse: false },
    { exclusive: true, reverse: false },
    { exclusive: false, reverse: true },
    { exclusive: true, reverse: true },
  ];
  return [
    ...variants.flatMap((variant) => [
      { inputs: [f32([2, 5])], attributes: { axis: 1, ...variant } },
      { inputs: [i32([3, 2])], attributes: { axis: 0, ...variant } },
    ]),
    {
      inputs: [floats(1, Infinity, 2, Number.NaN, 3)],
      attributes: { axis: 0, exclusive: false, reverse: false },
    },
    { inputs: [bool([4])], attributes: { axis: 0, exclusive: false, reverse: false } },
    { inputs: [f32([2, 0])], attributes: { axis: 1, exclusive: false, reverse: false } },
    { inputs: [ints(5)], attributes: { axis: 0, exclusive: true, reverse: false } },
  ];
}

export const reduceOps: readonly OpDefinition[] = [
  reduction({
    kernel: 'Sum',
    result: sumType,
    ofNothing: () => 0,
    lower: accumulation('ReduceSum'),
    dtypes: ['float32', 'int32', 'bool'],
    isHostFoldable: true,
  }),
  reduction({
    kernel: 'Prod',
    result: sumType,
    ofNothing: () => 1,
    lower: accumulation('ReduceProd'),
    dtypes: ['float32', 'int32', 'bool'],
    isHostFoldable: true,
  }),
  reduction({
    kernel: 'Mean',
    result: (dtype) => (dtype === 'string' ? undefined : 'float32'),
    ofNothing: () => 0,
    lower: lowerMean,
    dtypes: ['float32', 'int32', 'bool'],
  }),
  reduction({
    kernel: 'Max',
    axes: 'reductionIndices',
    result: (dtype) => dtype,
    ofNothing: nanOfNothing,
    lower: extremum('ReduceMax'),
    dtypes: ['float32', 'int32', 'bool'],
    isHostFoldable: true,
  }),
  reduction({
    kernel: 'Min',
    result: (dtype) => dtype,
    ofNothing: nanOfNothing,
    lower: extremum('ReduceMin'),
    dtypes: ['float32', 'int32', 'bool'],
    isHostFoldable: true,
  }),
  reduction({
    kernel: 'All',
    result: (dtype) => dtype,
    ofNothing: () => 0,
    lower: (_, x, reduce) => reduce('ReduceMin', x),
    dtypes: ['bool'],
    isHostFoldable: true,
  }),
  reduction({
    kernel: 'Any',
    result: (dtype) => dtype,
    ofNothing: () => 0,
    lower: (_, x, reduce) => reduce('ReduceMax', x),
    dtypes: ['bool'],
    isHostFoldable: true,
  }),
  argument('ArgMax'),
  argument('ArgMin'),
  defineOp({
    kernel: 'Cumsum',
    inputs: ['x'],
    infer: inferRunning,
    lower(context) {
      const { attributes } = context;
      const [axis] = parseAxes(attributes['axis'], shapeOf(context).length)!;
      const dtype = context.outputTypes[0]!.dtype as NativeDtype;
      const x = convert(context, input(context), dtypeOf(context), dtype);
      const flag = (name: string): number => (attribute.boolean(attributes, name, false) ? 1 : 0);
      const axisValue = context.scalar(axis!, 'int32');
      return [
        context.op('CumSum', [x, axisValue], { exclusive: flag('exclusive'), reverse: flag('reverse') }),
      ];
    },
    samples: runningSamples(),
    isHostFoldable: true,
  }),
  defineOp({
    kernel: 'Cumprod',
    inputs: ['x'],
    infer: inferRunning,
    lower: (context) => [runningProduct(context)],
    samples: runningSamples(),
    isHostFoldable: true,
  }),
];
