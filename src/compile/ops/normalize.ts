/** Normalization over channels: FusedBatchNorm, local response normalization and its gradient. */
import type { ConcreteType } from '../../ir/op-signature.ts';
import { toChannelsFirst, toChannelsLast } from './conv-layout.ts';
import { attribute, defineOp, type LoweringContext, type OnnxValue, type OpDefinition } from './define-op.ts';
import { filled, reshape } from './numbers.ts';
import { elementCount, hasComplex, isEmpty } from './rules.ts';
import { f32 } from './samples.ts';

function isFloat(types: readonly (ConcreteType | undefined)[]): boolean {
  return types.every((type) => !type || (type.dtype === 'float32' && !isEmpty(type)));
}

/**
 * The shape in which a parameter broadcasts against `x`: cpu's kernel walks both flat and starts the parameter over
 * at its end, which is broadcasting when its size is the product of the last sizes of `x`.
 */
function parameterShape(x: readonly number[], size: number): readonly number[] | undefined {
  for (let axis = x.length; axis >= 0; axis--) {
    const shape = x.slice(axis);
    if (elementCount(shape) === size) return shape;
  }
  return undefined;
}

function lowerBatchNorm(context: LoweringContext): readonly OnnxValue[] | undefined {
  const [x, scale, offset, mean, variance] = context.inputs as readonly OnnxValue[];
  const types = context.inputTypes;
  if (!isFloat(types)) return undefined;
  const shape = types[0]!.shape;
  const shapes = types.slice(1).map((type) => type && parameterShape(shape, elementCount(type.shape)));
  if (shapes.some((found, index) => types[index + 1] && !found)) return undefined;
  const channels = shape.at(-1)!;
  const isVector = (index: number): boolean => {
    const type = types[index];
    return !type || (type.shape.length === 1 && type.shape[0] === channels);
  };
  const epsilon = attribute.number(context.attributes, 'varianceEpsilon', 0.001);
  // tf.batchNorm lifts [batch, channels] to [1, 1, batch, channels], where transposes would not be free.
  const isLifted = shape[0] === 1 && shape[1] === 1;
  const isFixed = [1, 2, 3, 4].every((index) => !types[index] || context.isSettling(index));
  if (shape.length === 4 && !isLifted && isFixed && [1, 2, 3, 4].every(isVector)) {
    const parameter = (value: OnnxValue | undefined, otherwise: number): OnnxValue =>
      value ?? filled(context, otherwise, 'float32', [channels]);
    const normalized = context.op(
      'BatchNormalization',
      [toChannelsFirst(context, x!, 4), parameter(scale, 1), parameter(offset, 0), mean, variance],
      { epsilon: { float: epsilon } },
    );
    return [toChannelsLast(context, normalized, 4)];
  }
  const operand = (value: OnnxValue | undefined, index: number): OnnxValue | undefined =>
    value === undefined ? undefined : reshape(context, value, shapes[index]!);
  const deviation = context.op('Sqrt', [
    context.op('Add', [operand(variance, 3)!, context.scalar(epsilon, 'float32')]),
  ]);
  // Two passes over the image, in its own layout: a factor and a summand per parameter.
  const gain =
    scale === undefined
      ? context.op('Reciprocal', [deviation])
      : context.op('Div', [operand(scale, 0)!, deviation]);
  const shift = context.op('Mul', [operand(mean, 2)!, gain]);
  const summand =
    offset === undefined ? context.op('Neg', [shift]) : context.op('Sub', [operand(offset, 1)!, shift]);
  return [context.op('Add', [context.op('Mul', [x!, gain]), summand])];
}

const batchNorm: OpDefinition = defineOp({
  kernel: 'FusedBatchNorm',
  inputs: ['x', 'scale', 'offset', 'mean', 'variance'],
  infer(inputs) {
    const [x, scale, offset, mean, variance] = inputs;
    if (!x || !mean || !variance || hasComplex(...inputs)) return undefined;
    const rank = mean.shape.length;
    const isLegal = [variance, scale, offset].every((type) => !type || type.shape.length === rank);
    return isLegal ? [{ dtype: x.dtype, shape: x.shape }] : undefined;
  },
  lower: lowerBatchNorm,
  samples: [
    {
      inputs: [f32([2, 3, 4, 5]), f32([5]), f32([5]), f32([5]), f32([5], [1, 0.5, 2, 0.1, 3])],
      attributes: { varianceEpsilon: 0.001 },
    },
    {
      inputs: [f32([2, 3, 4, 2]), undefined, undefined, f32([2]), f32([2], [1, 0.5])],
      attributes: { varianceEpsilon: 1e-5 },
    },
    {
      inputs: [f32([1, 1, 6, 3]), f32([3]), f32([3]), f32([3]), f32([3], [1, 0.5, 2])],
      attributes: { varianceEpsilon: 0.001 },
      about: 'a matrix, lifted',
    },
    {
      inputs: [f32([1, 1, 6, 3]), undefined, f32([3]), f32([3]), f32([3], [1, 0.5, 2])],
      attributes: { varianceEpsilon: 0.001 },
    },
    {
      inputs: [
        f32([2, 2, 1, 2]),
        f32([2, 2, 1, 2]),
        f32([2, 2, 1, 2]),
        f32([2, 2, 1, 2]),
        f32([2, 2, 1, 2], [1, 2, 3, 4, 5, 6, 7, 8]),
      ],
      attributes: { varianceEpsilon: 0.001 },
      about: 'parameters of the size of the image',
    },
    {
      inputs: [f32([2, 2, 2, 3]), undefined, undefined, f32([1]), f32([1], [2])],
      attributes: {},
    },
  ],
});

interface ResponseAttributes {
  readonly radius: number;
  readonly bias: number;
  readonly alpha: number;
  readonly beta: number;
}

function responseAttributes(context: LoweringContext): ResponseAttributes {
  return {
    radius: attribute.number(context.attributes, 'depthRadius', 5),
    bias: attribute.number(context.attributes, 'bias', 1),
    alpha: attribute.number(context.attributes, 'alpha', 1),
    beta: attribute.number(context.attributes, 'beta', 0.5),
  };
}

const lrn: OpDefinition = defineOp({
  kernel: 'LRN',
  inputs: ['x'],
  infer: ([x]) =>
    x && x.shape.length === 4 && !hasComplex(x) ? [{ dtype: x.dtype, shape: x.shape }] : undefined,
  lower(context) {
    const { radius, bias, alpha, beta } = responseAttributes(context);
    if (!isFloat(context.inputTypes) || !Number.isInteger(radius) || radius < 0) return undefined;
    const size = 2 * radius + 1;
    const normalized = context.op('LRN', [toChannelsFirst(context, context.inputs[0]!, 4)], {
      size,
      // ONNX divides alpha by the window.
      alpha: { float: alpha * size },
      beta: { float: beta },
      bias: { float: bias },
    });
    return [toChannelsLast(context, normalized, 4)];
  },
  samples: [
    { inputs: [f32([2, 3, 2, 7])], attributes: { depthRadius: 2, bias: 1, alpha: 1, beta: 0.5 } },
    { inputs: [f32([1, 3, 2, 4])], attributes: { depthRadius: 5, bias: 2, alpha: 0.3, beta: 0.75 } },
    { inputs: [f32([1, 1, 2, 4])], attributes: { depthRadius: 0, bias: 0.5, alpha: 1, beta: 1 } },
  ],
});

/** Sums over a window of channels around each channel of a channels-last image. */
function sumOverChannels(
  context: LoweringContext,
  value: OnnxValue,
  shape: readonly number[],
  radius: number,
): OnnxValue {
  const size = 2 * radius + 1;
  const channels = shape.at(-1)!;
  const rows = reshape(context, value, [elementCount(shape) / channels, 1, channels]);
  const means = context.op('AveragePool', [rows], {
    kernel_shape: [size],
    pads: [radius, radius],
    count_include_pad: 1,
  });
  return reshape(context, context.op('Mul', [means, context.scalar(size, 'float32')]), shape);
}

/** With `norm = bias + alpha * sum(x^2)`: `dy * norm^-beta - 2 alpha beta x * sum(dy * y / norm)`. */
const lrnGradient: OpDefinition = defineOp({
  kernel: 'LRNGrad',
  inputs: ['x', 'y', 'dy'],
  infer: ([x, , dy]) =>
    x && dy && dy.shape.length === 4 && !hasComplex(dy) ? [{ dtype: x.dtype, shape: dy.shape }] : undefined,
  lower(context) {
    const { radius, bias, alpha, beta } = responseAttributes(context);
    if (!isFloat(context.inputTypes) || !Number.isInteger(radius) || radius < 0) return undefined;
    const [x, y, dy] = context.inputs as [OnnxValue, OnnxValue, OnnxValue];
    const shape = context.outputTypes[0]!.shape;
    const number = (value: number): OnnxValue => context.scalar(value, 'float32');
    const power = sumOverChannels(context, context.op('Mul', [x, x]), shape, radius);
    const norm = context.op('Add', [context.op('Mul', [power, number(alpha)]), number(bias)]);
    const direct = context.op('Mul', [dy, context.op('Pow', [norm, number(-beta)])]);
    const share = context.op('Div', [context.op('Mul', [dy, y]), norm]);
    const spread = sumOverChannels(context, share, shape, radius);
    const indirect = context.op('Mul', [context.op('Mul', [x, spread]), number(2 * alpha * beta)]);
    return [context.op('Sub', [direct, indirect])];
  },
  samples: [
    {
      inputs: [f32([2, 2, 2, 7]), f32([2, 2, 2, 7]), f32([2, 2, 2, 7])],
      attributes: { depthRadius: 2, bias: 1, alpha: 1, beta: 0.5 },
    },
    {
      inputs: [f32([1, 3, 2, 3]), f32([1, 3, 2, 3]), f32([1, 3, 2, 3])],
      attributes: { depthRadius: 5, bias: 2, alpha: 0.3, beta: 0.75 },
    },
  ],
});

/** Normalizations. */
export const normalizeOps: readonly OpDefinition[] = [batchNorm, lrn, lrnGradient];
