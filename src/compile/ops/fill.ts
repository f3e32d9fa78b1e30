/** Kernels that make tensors out of attributes or shapes: Fill, ZerosLike, OnesLike, Range, LinSpace, Diag, BroadcastArgs, Multinomial. */
import type { Attributes } from '../../ir/graph.ts';
import type { Dtype } from '../../ir/tensor-type.ts';
import { createAlea } from './alea.ts';
import { attribute, defineOp, type LoweringContext, type OnnxValue, type OpDefinition } from './define-op.ts';
import { convert, dtypeOf, filled, input, reshape, shapeOf, where } from './numbers.ts';
import { elementCount, hasComplex, isEmpty, present, type NativeDtype } from './rules.ts';
import { bool, f32, floats, i32, ints } from './samples.ts';

function dtypeOfValue(value: Attributes[string]): Dtype {
  if (typeof value === 'string') return 'string';
  return typeof value === 'boolean' ? 'bool' : 'float32';
}

/** `x`'s type, filled with one value. A string has neither zero nor one. */
function likeOp(kernel: 'ZerosLike' | 'OnesLike', value: number): OpDefinition {
  return defineOp({
    kernel,
    inputs: ['x'],
    isHostFoldable: true,
    filling: () => value,
    infer(types) {
      const [x] = present(types);
      return x!.dtype === 'string' ? undefined : [x!];
    },
    lower: (context) => [filled(context, value, dtypeOf(context), shapeOf(context))],
    samples: [
      { inputs: [f32([2, 3])] },
      { inputs: [floats(Number.NaN, Infinity)] },
      { inputs: [i32([])] },
      { inputs: [bool([3])] },
      { inputs: [f32([0, 2])] },
    ],
  });
}

/** The numbers of a Range, added up in the dtype of the result as eager does. */
export function rangeValues(attributes: Attributes): Float32Array | Int32Array {
  const start = attribute.number(attributes, 'start');
  const stop = attribute.number(attributes, 'stop');
  const step = attribute.number(attributes, 'step', 1);
  const isEmptyRange = start === stop || (start < stop && step < 0) || (stop < start && step > 1);
  const length = isEmptyRange ? 0 : Math.abs(Math.ceil((stop - start) / step));
  const values = attributes['dtype'] === 'int32' ? new Int32Array(length) : new Float32Array(length);
  const increment = stop < start && step === 1 ? -1 : step;
  values[0] = start;
  for (let index = 1; index < length; index++) values[index] = values[index - 1]! + increment;
  return values;
}

/** The numbers of a LinSpace, added up as eager does. */
export function linSpaceValues(attributes: Attributes): Float32Array {
  const start = attribute.number(attributes, 'start');
  const num = attribute.number(attributes, 'num');
  const step = (attribute.number(attributes, 'stop') - start) / (num - 1);
  const values = new Float32Array(num);
  values[0] = start;
  for (let index = 1; index < num; index++) values[index] = values[index - 1]! + step;
  return values;
}

/** Elements n + 1 apart: a column widened to n + 1 and read row by row puts element i at row i, column i. */
function lowerDiag(context: LoweringContext): OnnxValue {
  const size = elementCount(shapeOf(context));
  const column = reshape(context, input(context), [size, 1]);
  const pads = context.ints([0, 0, 0, size]);
  const wide = context.op('Pad', [column, pads, context.scalar(0, dtypeOf(context))]);
  const flat = reshape(context, wide, [size * (size + 1)]);
  const square = context.op('Slice', [flat, context.ints([0]), context.ints([size * size])]);
  return reshape(context, square, context.outputTypes[0]!.shape);
}

/** Pads a shape in front with ones. */
function padShape(context: LoweringContext, index: number, rank: number): OnnxValue {
  const shape = convert(context, input(context, index), dtypeOf(context, index), 'int32');
  const missing = rank - shapeOf(context, index)[0]!;
  return context.op('Pad', [shape, context.ints([missing, 0]), context.scalar(1, 'int32')]);
}

/**
 * Draws by inverting the cumulative distribution, with the very random numbers that eager draws from the seed; each
 * row of the batch uses the same ones.
 */
function lowerMultinomial(context: LoweringContext): OnnxValue {
  const [batch, events] = shapeOf(context);
  const samples = attribute.number(context.attributes, 'numSamples');
  const random = createAlea(String(attribute.number(context.attributes, 'seed')));
  const draws = context.tensor(
    Float64Array.from({ length: samples }, () => random()),
    [samples, 1],
  );
  const isNormalized = attribute.boolean(context.attributes, 'normalized', false);
  const probabilities = isNormalized ? input(context) : context.op('Softmax', [input(context)], { axis: -1 });
  const cumulative = context.op('CumSum', [probabilities, context.scalar(1, 'int32')]);
  // The last event has what is left, whatever rounding made of the sum.
  const bounds = context.op('Slice', [
    cumulative,
    context.ints([0]),
    context.ints([events! - 1]),
    context.ints([1]),
  ]);
  const rows = reshape(context, context.cast(bounds, 'float64'), [batch!, 1, events! - 1]);
  const isPast = context.op('GreaterOrEqual', [draws, rows]);
  return context.op('ReduceSum', [context.cast(isPast, 'int32'), context.ints([2])], { keepdims: 0 });
}

export const fillOps: readonly OpDefinition[] = [
  likeOp('ZerosLike', 0),
  likeOp('OnesLike', 1),
  defineOp({
    kernel: 'Fill',
    inputs: [],
    isHostFoldable: true,
    filling: (attributes) => Number(attributes['value']),
    infer(_, attributes) {
      const dtype = (attributes['dtype'] as Dtype | null | undefined) ?? dtypeOfValue(attributes['value']);
      if (dtype === 'complex64') return undefined;
      return [{ dtype, shape: attribute.numbers(attributes, 'shape') }];
    },
    lower(context) {
      const { dtype, shape } = context.outputTypes[0]!;
      const value = context.attributes['value'];
      const number = typeof value === 'boolean' ? Number(value) : value;
      if (typeof number !== 'number' || (dtype === 'bool' && number !== 0 && number !== 1)) return undefined;
      return [filled(context, number, dtype as NativeDtype, shape)];
    },
    samples: [
      { inputs: [], attributes: { shape: [2, 3], value: 1.5 } },
      { inputs: [], attributes: { shape: [2], value: Number.NaN, dtype: 'float32' } },
      { inputs: [], attributes: { shape: [], value: -7, dtype: 'int32' } },
      { inputs: [], attributes: { shape: [3], value: 1, dtype: 'bool' } },
      { inputs: [], attributes: { shape: [0, 3], value: 2, dtype: 'int32' } },
    ],
  }),
  defineOp({
    kernel: 'Range',
    inputs: [],
    isHostFoldable: true,
    infer(_, attributes) {
      const values = rangeValues(attributes);
      return [{ dtype: attributes['dtype'] === 'int32' ? 'int32' : 'float32', shape: [values.length] }];
    },
    lower(context) {
      const values = rangeValues(context.attributes);
      return [context.tensor(values, [values.length])];
    },
    samples: [
      { inputs: [], attributes: { start: 0, stop: 5, step: 1, dtype: 'int32' } },
      { inputs: [], attributes: { start: 0, stop: 1, step: 0.1, dtype: 'float32' } },
      { inputs: [], attributes: { start: 5, stop: 0, step: 1, dtype: 'float32' } },
      { inputs: [], attributes: { start: 5, stop: 0, step: -2, dtype: 'int32' } },
      { inputs: [], attributes: { start: 3, stop: 3, step: 1, dtype: 'float32' } },
    ],
  }),
  defineOp({
    kernel: 'LinSpace',
    inputs: [],
    infer: (_, attributes) => [{ dtype: 'float32', shape: [attribute.number(attributes, 'num')] }],
    lower(context) {
      const values = linSpaceValues(context.attributes);
      return [context.tensor(values, [values.length])];
    },
    samples: [
      { inputs: [], attributes: { start: 0, stop: 1, num: 7 } },
      { inputs: [], attributes: { start: 3, stop: -3, num: 4 } },
      { inputs: [], attributes: { start: 2, stop: 5, num: 1 } },
    ],
  }),
  defineOp({
    kernel: 'Diag',
    inputs: ['x'],
    infer(types) {
      const [x] = present(types);
      return hasComplex(x) ? undefined : [{ dtype: x!.dtype, shape: [...x!.shape, ...x!.shape] }];
    },
    lower: (context) => [lowerDiag(context)],
    samples: [
      { inputs: [floats(1, Number.NaN, Infinity)] },
      { inputs: [f32([2, 3])] },
      { inputs: [ints(1, -2)] },
      { inputs: [bool([3])] },
      { inputs: [f32([])] },
      { inputs: [f32([0])] },
    ],
  }),
  defineOp({
    kernel: 'BroadcastArgs',
    inputs: ['s0', 's1'],
    isHostFoldable: true,
    infer(types) {
      const [s0, s1] = present(types);
      return [{ dtype: 'int32', shape: [Math.max(elementCount(s0!.shape), elementCount(s1!.shape))] }];
    },
    lower(context) {
      if (context.inputTypes.some((type) => type!.shape.length !== 1)) return undefined;
      const rank = context.outputTypes[0]!.shape[0]!;
      const [s0, s1] = [padShape(context, 0, rank), padShape(context, 1, rank)];
      return [where(context, context.op('Equal', [s0, context.scalar(1, 'int32')]), s1, s0)];
    },
    samples: [
      { inputs: [ints(2, 1, 3), ints(4, 1)] },
      { inputs: [ints(5), ints(2, 3, 1)] },
      { inputs: [i32([0]), ints(2)] },
    ],
  }),
  defineOp({
    kernel: 'Multinomial',
    inputs: ['logits'],
    infer(types, attributes) {
      const [logits] = present(types);
      if (hasComplex(logits) || logits!.shape.length !== 2) return undefined;
      return [{ dtype: 'int32', shape: [logits!.shape[0]!, attribute.number(attributes, 'numSamples')] }];
    },
    lower(context) {
      const isLowerable = dtypeOf(context) === 'float32' && shapeOf(context)[1]! > 0;
      return isLowerable && !isEmpty(context.inputTypes[0]!) ? [lowerMultinomial(context)] : undefined;
    },
    samples: [
      { inputs: [f32([1, 4])], attributes: { numSamples: 20, seed: 42, normalized: false } },
      { inputs: [f32([3, 3])], attributes: { numSamples: 8, seed: 0.123, normalized: false } },
      {
        inputs: [f32([2, 2], [0.25, 0.75, 1, 0])],
        attributes: { numSamples: 10, seed: 7, normalized: true },
      },
      { inputs: [f32([2, 1])], attributes: { numSamples: 3, seed: 7, normalized: false } },
    ],
  }),
];
