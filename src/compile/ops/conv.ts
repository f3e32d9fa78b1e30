/**
 * Convolutions: Conv2D, DepthwiseConv2dNative, their fused forms, and Conv3D, as ONNX Conv between transposes. With
 * constant filters onnxruntime folds the transposes and packs the filter; bias and activation fuse into its Conv.
 */
import type { Attributes } from '../../ir/graph.ts';
import type { ConcreteType } from '../../ir/op-signature.ts';
import { activatedType, lowerActivation } from './activation.ts';
import {
  channelsFirstPermutation,
  cropFront,
  toChannelsFirst,
  toChannelsLast,
  toConvFilter,
  windowAttributes,
  withoutNegativePadding,
} from './conv-layout.ts';
import { prefersProducts, tapViews } from './conv-taps.ts';
import {
  conv3DSamples,
  convSamples,
  depthwiseSamples,
  fusedConvSamples,
  fusedDepthwiseSamples,
  wideFusedConvSamples,
} from './conv-samples.ts';
import {
  channelsLastOf,
  slidingWindow,
  stridesOrDilationsAreOne,
  type SlidingWindow,
} from './conv-window.ts';
import { reshape, transpose } from './numbers.ts';
import { broadcastShapes, elementCount, hasComplex, sameShape } from './rules.ts';
import { attribute, defineOp, type LoweringContext, type OnnxValue, type OpDefinition } from './define-op.ts';

type Inputs = readonly (ConcreteType | undefined)[];

interface Convolution {
  readonly window: SlidingWindow;
  readonly groups: number;
}

/** The window of Conv2D on inputs `x`, `filter`. */
function conv2D([x, filter]: Inputs, attributes: Attributes): Convolution | undefined {
  const isChannelsLast = channelsLastOf(attributes);
  if (!x || !filter || isChannelsLast === undefined || filter.shape.length !== 4) return undefined;
  const window = slidingWindow({
    inputShape: x.shape,
    kernel: filter.shape.slice(0, 2),
    outChannels: filter.shape[3]!,
    strides: attributes['strides'],
    dilations: attributes['dilations'],
    pad: attributes['pad'],
    roundingMode: attributes['dimRoundingMode'],
    isChannelsLast,
  });
  return window && window.inChannels === filter.shape[2] ? { window, groups: 1 } : undefined;
}

/** The window of DepthwiseConv2dNative: cpu's kernel reads channels last whatever `dataFormat` says. */
function depthwiseConv2D([x, filter]: Inputs, attributes: Attributes): Convolution | undefined {
  const dilations = attributes['dilations'] ?? 1;
  if (!x || !filter || filter.shape.length !== 4 || attributes['dataFormat'] === 'NCHW') return undefined;
  if (!stridesOrDilationsAreOne(attributes['strides'], dilations)) return undefined;
  const window = slidingWindow({
    inputShape: x.shape,
    kernel: filter.shape.slice(0, 2),
    outChannels: filter.shape[2]! * filter.shape[3]!,
    strides: attributes['strides'],
    dilations,
    pad: attributes['pad'],
    roundingMode: attributes['dimRoundingMode'],
  });
  return window && window.inChannels === filter.shape[2] ? { window, groups: window.inChannels } : undefined;
}

function conv3D([x, filter]: Inputs, attributes: Attributes): Convolution | undefined {
  if (!x || !filter || filter.shape.length !== 5) return undefined;
  const window = slidingWindow({
    inputShape: x.shape,
    kernel: filter.shape.slice(0, 3),
    outChannels: filter.shape[4]!,
    strides: attributes['strides'],
    dilations: attributes['dilations'],
    pad: attributes['pad'],
  });
  return window && window.inChannels === filter.shape[3] ? { window, groups: 1 } : undefined;
}

type Understand = (inputs: Inputs, attributes: Attributes) => Convolution | undefined;

/** Filter in ONNX form; a depthwise `[h, w, in, multiplier]` becomes `[in * multiplier, 1, h, w]`. */
export function onnxFilter(
  context: LoweringContext,
  filter: OnnxValue,
  type: ConcreteType,
  groups: number,
): OnnxValue {
  const rank = type.shape.length;
  if (groups === 1) return toConvFilter(context, filter, rank);
  const spatial = Array.from({ length: rank - 2 }, (_, axis) => axis);
  const perChannel = transpose(context, filter, [rank - 2, rank - 1, ...spatial]);
  const channels = type.shape[rank - 2]! * type.shape[rank - 1]!;
  return reshape(context, perChannel, [channels, 1, ...type.shape.slice(0, rank - 2)]);
}

function inferConv(understand: Understand): OpDefinition['infer'] {
  return (inputs, attributes) => {
    if (hasComplex(...inputs)) return undefined;
    const conv = understand(inputs, attributes);
    return conv && [{ dtype: inputs[0]!.dtype, shape: conv.window.outputShape }];
  };
}

/** Whether all are float32 with elements: the types that onnxruntime's convolutions take. */
export function areFullFloats(types: Inputs): boolean {
  return types.every((type) => !type || (type.dtype === 'float32' && elementCount(type.shape) > 0));
}

function isLowerable(context: LoweringContext): boolean {
  return areFullFloats([...context.inputTypes, ...context.outputTypes]);
}

/** A convolution's result, in the layout in which its form computes it. */
interface ConvResult {
  readonly value: OnnxValue;
  readonly isChannelsLast: boolean;
}

/** Conv, with `bias` as its third input when it is a vector over channels; the result has channels first. */
function writeConv(
  context: LoweringContext,
  { window, groups }: Convolution,
  bias: OnnxValue | undefined,
): OnnxValue {
  const [x, filter] = context.inputs as [OnnxValue, OnnxValue];
  const filterType = context.inputTypes[1]!;
  const image = window.isChannelsLast ? toChannelsFirst(context, x, filterType.shape.length) : x;
  return context.op(
    'Conv',
    [cropFront(context, image, window.axes), onnxFilter(context, filter, filterType, groups), bias],
    { ...windowAttributes(withoutNegativePadding(window.axes)), group: groups },
  );
}

/** What all filter taps see, side by side, times their weights: channels stay last, and the filter is as it comes. */
function writeProducts(
  context: LoweringContext,
  window: SlidingWindow,
  bias: OnnxValue | undefined,
): OnnxValue {
  const [x, filter] = context.inputs as [OnnxValue, OnnxValue];
  const positions = elementCount(window.outputShape) / window.outChannels;
  const views = tapViews(context, x, window.axes);
  const taps = views.length;
  const rows = taps === 1 ? views[0]! : context.op('Concat', views, { axis: -1 });
  const factors = [
    reshape(context, rows, [positions, taps * window.inChannels]),
    reshape(context, filter, [taps * window.inChannels, window.outChannels]),
  ];
  const product = bias === undefined ? context.op('MatMul', factors) : context.op('Gemm', [...factors, bias]);
  return reshape(context, product, window.outputShape);
}

function convolve(context: LoweringContext, conv: Convolution, bias: OnnxValue | undefined): ConvResult {
  return prefersProducts(context, conv.window, conv.groups, 1)
    ? { value: writeProducts(context, conv.window, bias), isChannelsLast: true }
    : { value: writeConv(context, conv, bias), isChannelsLast: false };
}

function lowerConv(understand: Understand): NonNullable<OpDefinition['lower']> {
  return (context) => {
    const conv = isLowerable(context) ? understand(context.inputTypes, context.attributes) : undefined;
    if (conv?.window.isRegular !== true) return undefined;
    const { value, isChannelsLast } = convolve(context, conv, undefined);
    const mustMove = conv.window.isChannelsLast && !isChannelsLast;
    return [mustMove ? toChannelsLast(context, value, conv.window.outputShape.length) : value];
  };
}

/** How tfjs aligns a bias or slope with the image: a vector goes with the channels in both formats. */
function operandType(type: ConcreteType, isChannelsLast: boolean): ConcreteType {
  const isVector = type.shape.length === 1 && type.shape[0] !== 1;
  return isVector && !isChannelsLast ? { ...type, shape: [type.shape[0]!, 1, 1] } : type;
}

interface Operand {
  readonly value: OnnxValue;
  readonly type: ConcreteType;
}

/** A bias or slope as it broadcasts against an image whose channels come first. */
function channelsFirstOperand(context: LoweringContext, { value, type }: Operand, rank: number): Operand {
  if (elementCount(type.shape) === 1) return { type, value };
  const full = [...Array.from({ length: rank - type.shape.length }, () => 1), ...type.shape];
  const moved = channelsFirstPermutation(rank).map((axis) => full[axis]!);
  const movedType: ConcreteType = { ...type, shape: moved };
  if (type.shape.length === 1) return { type: movedType, value: reshape(context, value, moved) };
  return { type: movedType, value: toChannelsFirst(context, reshape(context, value, full), rank) };
}

/** Input `index` as it broadcasts against the result. */
function operand(
  context: LoweringContext,
  index: number,
  window: SlidingWindow,
  result: ConvResult,
): Operand | undefined {
  const given = context.inputs[index];
  if (given === undefined) return undefined;
  const givenType = context.inputTypes[index]!;
  const type = operandType(givenType, window.isChannelsLast);
  const value = sameShape(type.shape, givenType.shape) ? given : reshape(context, given, type.shape);
  const mustMove = window.isChannelsLast && !result.isChannelsLast;
  return mustMove
    ? channelsFirstOperand(context, { value, type }, window.outputShape.length)
    : { value, type };
}

/** Bias and prelu's slope may broadcast the result. */
function inferFused(understand: Understand): OpDefinition['infer'] {
  return (inputs, attributes) => {
    const conv = hasComplex(...inputs) ? undefined : understand(inputs, attributes);
    if (!conv || inputs.some((input) => input !== undefined && input.dtype !== 'float32')) return undefined;
    const { outputShape, isChannelsLast } = conv.window;
    const [, , bias, slope] = inputs.map((input) => input && operandType(input, isChannelsLast));
    const shape = bias ? broadcastShapes(outputShape, bias.shape) : outputShape;
    const activation = attribute.string(attributes, 'activation', 'linear');
    const result = shape && activatedType({ dtype: 'float32', shape }, activation, slope);
    return result && [result];
  };
}

function lowerFused(understand: Understand): NonNullable<OpDefinition['lower']> {
  return (context) => {
    const conv = isLowerable(context) ? understand(context.inputTypes, context.attributes) : undefined;
    if (conv?.window.isRegular !== true) return undefined;
    const { window } = conv;
    const { outputShape, outChannels } = window;
    const rank = outputShape.length;
    // A broadcast that enlarges the result has no place in a convolution.
    if (!sameShape(context.outputTypes[0]!.shape, outputShape)) return undefined;
    const biasShape = context.inputTypes[2]?.shape;
    const isChannelBias = biasShape?.length === 1 && biasShape[0] === outChannels;
    const result = convolve(context, conv, isChannelBias ? context.inputs[2] : undefined);
    const mustMove = window.isChannelsLast && !result.isChannelsLast;
    const bias = isChannelBias ? undefined : operand(context, 2, window, result);
    const biased = bias === undefined ? result.value : context.op('Add', [result.value, bias.value]);
    const slope = operand(context, 3, window, result);
    const shape = mustMove ? channelsFirstPermutation(rank).map((axis) => outputShape[axis]!) : outputShape;
    const activated = lowerActivation(
      context,
      biased,
      { dtype: 'float32', shape },
      {
        activation: attribute.string(context.attributes, 'activation', 'linear'),
        alpha: attribute.number(context.attributes, 'leakyreluAlpha', 0.2),
        ...(slope && { slope }),
      },
    );
    return [mustMove ? toChannelsLast(context, activated, rank) : activated];
  };
}

/** The convolutions. */
export const convOps: readonly OpDefinition[] = [
  defineOp({
    kernel: 'Conv2D',
    inputs: ['x', 'filter'],
    infer: inferConv(conv2D),
    lower: lowerConv(conv2D),
    samples: convSamples,
  }),
  defineOp({
    kernel: 'FusedConv2D',
    inputs: ['x', 'filter', 'bias', 'preluActivationWeights'],
    infer: inferFused(conv2D),
    lower: lowerFused(conv2D),
    samples: [...fusedConvSamples, ...wideFusedConvSamples],
  }),
  defineOp({
    kernel: 'DepthwiseConv2dNative',
    inputs: ['x', 'filter'],
    infer: inferConv(depthwiseConv2D),
    lower: lowerConv(depthwiseConv2D),
    samples: depthwiseSamples,
  }),
  defineOp({
    kernel: 'FusedDepthwiseConv2D',
    inputs: ['x', 'filter', 'bias', 'preluActivationWeights'],
    infer: inferFused(depthwiseConv2D),
    lower: lowerFused(depthwiseConv2D),
    samples: fusedDepthwiseSamples,
  }),
  defineOp({
    kernel: 'Conv3D',
    inputs: ['x', 'filter'],
    infer: inferConv(conv3D),
    lower: lowerConv(conv3D),
    samples: conv3DSamples,
  }),
];
