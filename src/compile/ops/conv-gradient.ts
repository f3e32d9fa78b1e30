/**
 * Gradients of the convolutions. By input: matrix products per filter tap, a convolution with the flipped filter, or
 * ConvTranspose (what tfjs also calls for conv2dTranspose), whichever is fastest. By filter: one
 * strided slice of the image per filter tap, times the result's gradient: a third faster than one product over all taps
 * side by side (im2col), and twice as fast as a convolution of the two.
 */
import type { Attributes } from '../../ir/graph.ts';
import type { ConcreteType } from '../../ir/op-signature.ts';
import { areFullFloats, onnxFilter } from './conv.ts';
import { toChannelsFirst, toChannelsLast, uncropFront, withoutNegativePadding } from './conv-layout.ts';
import {
  conv3DFilterGradientSamples,
  conv3DInputGradientSamples,
  convFilterGradientSamples,
  convInputGradientSamples,
  depthwiseFilterGradientSamples,
  depthwiseInputGradientSamples,
} from './conv-gradient-samples.ts';
import { channelsLastOf, slidingWindow, type SlidingWindow, type WindowAxis } from './conv-window.ts';
import {
  attribute,
  defineOp,
  type LoweringContext,
  type OnnxValue,
  type OpDefinition,
  type OpSample,
} from './define-op.ts';
import { addTaps, prefersProducts, tapViews, tapWeights } from './conv-taps.ts';
import { filled, reshape, transpose } from './numbers.ts';
import { elementCount, hasComplex, sameShape } from './rules.ts';

/** The gradients of one convolution: how its attributes say which forward window this is. */
interface GradientFamily {
  readonly spatialRank: 2 | 3;
  readonly isDepthwise: boolean;
}

function forwardWindow(
  family: GradientFamily,
  inputShape: readonly number[],
  filterShape: readonly number[],
  attributes: Attributes,
): SlidingWindow | undefined {
  const { spatialRank, isDepthwise } = family;
  const isImage = spatialRank === 2 && !isDepthwise;
  const isChannelsLast = isImage ? channelsLastOf(attributes) : true;
  if (isChannelsLast === undefined || filterShape.length !== spatialRank + 2) return undefined;
  const [perGroup, multiplier] = filterShape.slice(-2) as [number, number];
  const window = slidingWindow({
    inputShape,
    kernel: filterShape.slice(0, spatialRank),
    outChannels: isDepthwise ? perGroup * multiplier : multiplier,
    strides: attributes['strides'],
    dilations: isDepthwise ? attributes['dilations'] : 1,
    pad: attributes['pad'],
    roundingMode: spatialRank === 2 ? attributes['dimRoundingMode'] : undefined,
    isChannelsLast,
  });
  return window && window.inChannels === perGroup ? window : undefined;
}

/** Whether ONNX has this: cpu's depthwise gradients step over a filter as if it were not dilated. */
function hasOnnxForm(context: LoweringContext, window: SlidingWindow): boolean {
  const isDilated = window.axes.some((axis) => axis.dilation > 1);
  return window.isRegular && !isDilated && areFullFloats([...context.inputTypes, ...context.outputTypes]);
}

function inferGradient(
  shapeName: 'inputShape' | 'filterShape',
  window: (inputs: readonly ConcreteType[], attributes: Attributes) => SlidingWindow | undefined,
): OpDefinition['infer'] {
  return (inputs, attributes) => {
    if (hasComplex(...inputs) || window(inputs as ConcreteType[], attributes) === undefined) return undefined;
    return [{ dtype: 'float32', shape: attribute.numbers(attributes, shapeName) }];
  };
}

function inputGradientOp(kernel: string, family: GradientFamily, samples: readonly OpSample[]): OpDefinition {
  const windowOf = (inputs: readonly ConcreteType[], attributes: Attributes): SlidingWindow | undefined =>
    forwardWindow(family, attribute.numbers(attributes, 'inputShape'), inputs[1]!.shape, attributes);
  return defineOp({
    kernel,
    inputs: ['dy', 'filter'],
    infer: inferGradient('inputShape', windowOf),
    lower(context) {
      const types = context.inputTypes as readonly ConcreteType[];
      const window = windowOf(types, context.attributes);
      if (!window || !hasOnnxForm(context, window) || !sameShape(types[0]!.shape, window.outputShape))
        return undefined;
      const groups = family.isDepthwise ? window.inChannels : 1;
      // The flipped filter's transpose costs more than it saves only for very many channels.
      const channels = isFlippable(window) ? flippedChannels.to : undefined;
      if (prefersProducts(context, window, groups, 1, channels))
        return [inputGradientOfProducts(context, window)];
      const [dy, filter] = context.inputs as [OnnxValue, OnnxValue];
      const rank = family.spatialRank + 2;
      const errors = window.isChannelsLast ? toChannelsFirst(context, dy, rank) : dy;
      const gradient =
        flippedConv(context, errors, window, groups) ??
        context.op('ConvTranspose', [errors, onnxFilter(context, filter, types[1]!, groups)], {
          ...transposedAttributes(withoutNegativePadding(window.axes)),
          group: groups,
        });
      const image = uncropFront(context, gradient, window.axes);
      return [window.isChannelsLast ? toChannelsLast(context, image, rank) : image];
    },
    samples,
  });
}

/** Per tap, errors times transposed weights, added up where the tap read. */
function inputGradientOfProducts(context: LoweringContext, window: SlidingWindow): OnnxValue {
  const [dy, filter] = context.inputs as [OnnxValue, OnnxValue];
  const { outputShape, outChannels, inChannels, axes } = window;
  const errors = reshape(context, dy, [elementCount(outputShape) / outChannels, outChannels]);
  const tapShape = [...outputShape.slice(0, -1), inChannels];
  const parts = tapWeights(context, filter, context.inputTypes[1]!.shape).map((weights) =>
    reshape(context, context.op('Gemm', [errors, weights], { transB: 1 }), tapShape),
  );
  const tapAxes = axes.map((axis, index) => ({ at: index + 1, window: axis }));
  return addTaps(context, tapShape, tapAxes, parts);
}

/** The numbers of channels for which a convolution with the flipped filter is fastest. */
const flippedChannels = { from: 32, to: 256 } as const;

/** Whether the window keeps sizes and leaves no gaps, so that the input gradient is a convolution as well. */
function isFlippable({ axes }: SlidingWindow): boolean {
  return axes.every(
    ({ stride, input, output, padBegin }) => stride === 1 && input === output && padBegin >= 0,
  );
}

/**
 * The input gradient of a convolution that keeps sizes: a convolution with the flipped filter. `undefined` where
 * ConvTranspose is faster, or the stride leaves gaps.
 */
function flippedConv(
  context: LoweringContext,
  errors: OnnxValue,
  window: SlidingWindow,
  groups: number,
): OnnxValue | undefined {
  const { axes, inChannels } = window;
  const isWide = groups > 1 || inChannels >= flippedChannels.from;
  if (!isFlippable(window) || !isWide || context.isConstant(1)) return undefined;
  const spatial = axes.map((_, axis) => axis);
  const flipped = context.op('Slice', [
    context.inputs[1],
    context.ints(axes.map(() => -1)),
    context.ints(axes.map(() => -(2 ** 31))),
    context.ints(spatial),
    context.ints(axes.map(() => -1)),
  ]);
  // Depthwise filters are `[...spatial, in, multiplier]`: per group one result of `multiplier` errors.
  const moved = transpose(context, flipped, [axes.length, axes.length + 1, ...spatial]);
  return context.op('Conv', [errors, moved], {
    kernel_shape: axes.map((axis) => axis.kernel),
    pads: [
      ...axes.map((axis) => (axis.kernel - 1) * axis.dilation - axis.padBegin),
      ...axes.map((axis) => axis.padBegin),
    ],
    dilations: axes.map((axis) => axis.dilation),
    group: groups,
  });
}

/** Attributes of the ConvTranspose that undoes this window; it fills inputs that no window reached with 0. */
function transposedAttributes(axes: readonly WindowAxis[]): Record<string, readonly number[]> {
  const reach = (axis: WindowAxis): number =>
    (axis.output - 1) * axis.stride + (axis.kernel - 1) * axis.dilation + 1;
  const unread = axes.map((axis) => Math.max(0, axis.input + axis.padBegin - reach(axis)));
  return {
    kernel_shape: axes.map((axis) => axis.kernel),
    strides: axes.map((axis) => axis.stride),
    dilations: axes.map((axis) => axis.dilation),
    pads: [...axes.map((axis) => axis.padBegin), ...axes.map((axis) => axis.padEnd)],
    output_padding: unread,
  };
}

function filterGradientOp(
  kernel: string,
  family: GradientFamily,
  samples: readonly OpSample[],
): OpDefinition {
  const windowOf = (inputs: readonly ConcreteType[], attributes: Attributes): SlidingWindow | undefined =>
    forwardWindow(family, inputs[0]!.shape, attribute.numbers(attributes, 'filterShape'), attributes);
  return defineOp({
    kernel,
    inputs: ['x', 'dy'],
    infer: inferGradient('filterShape', windowOf),
    lower(context) {
      const types = context.inputTypes as readonly ConcreteType[];
      const window = windowOf(types, context.attributes);
      if (!window || !hasOnnxForm(context, window) || !sameShape(types[1]!.shape, window.outputShape))
        return undefined;
      return [
        family.isDepthwise ? depthwiseFilterGradient(context, window) : filterGradient(context, window),
      ];
    },
    samples,
  });
}

function channelsLast(context: LoweringContext, value: OnnxValue, window: SlidingWindow): OnnxValue {
  return window.isChannelsLast ? value : toChannelsLast(context, value, window.outputShape.length);
}

/** Below this many channels, a product per tap is too thin. */
const thinChannels = 8;

/** Per tap, `[in, positions] x [positions, out]`: stacked, that is tfjs's filter layout. */
function filterGradient(context: LoweringContext, window: SlidingWindow): OnnxValue {
  const [x, dy] = context.inputs as [OnnxValue, OnnxValue];
  const { axes, inChannels } = window;
  const positions = window.batch * elementCount(axes.map((axis) => axis.output));
  const views = tapViews(context, channelsLast(context, x, window), axes);
  const errors = reshape(context, channelsLast(context, dy, window), [positions, window.outChannels]);
  const correlate = (columns: OnnxValue, width: number): OnnxValue =>
    context.op('Gemm', [reshape(context, columns, [positions, width]), errors], { transA: 1 });
  const stack = (values: readonly OnnxValue[], axis: number): OnnxValue =>
    values.length === 1 ? values[0]! : context.op('Concat', values, { axis });
  const gradient =
    inChannels < thinChannels
      ? correlate(stack(views, axes.length + 1), views.length * inChannels)
      : stack(
          views.map((view) => correlate(view, inChannels)),
          0,
        );
  return reshape(context, gradient, context.outputTypes[0]!.shape);
}

/** Per tap, the products summed over positions, channel by channel; a row of ones sums fastest. */
function depthwiseFilterGradient(context: LoweringContext, window: SlidingWindow): OnnxValue {
  const [x, dy] = context.inputs as [OnnxValue, OnnxValue];
  const { axes, inChannels, outChannels } = window;
  const positions = elementCount(window.outputShape) / outChannels;
  const errors = reshape(context, dy, [positions, inChannels, outChannels / inChannels]);
  const ones = filled(context, 1, 'float32', [1, positions]);
  const gradients = tapViews(context, x, axes).map((view) => {
    const product = context.op('Mul', [reshape(context, view, [positions, inChannels, 1]), errors]);
    return context.op('MatMul', [ones, reshape(context, product, [positions, outChannels])]);
  });
  const stacked = gradients.length === 1 ? gradients[0]! : context.op('Concat', gradients, { axis: 0 });
  return reshape(context, stacked, context.outputTypes[0]!.shape);
}

const conv2D: GradientFamily = { spatialRank: 2, isDepthwise: false };
const conv3D: GradientFamily = { spatialRank: 3, isDepthwise: false };
const depthwise: GradientFamily = { spatialRank: 2, isDepthwise: true };

/** Gradients of the convolutions. */
export const convGradientOps: readonly OpDefinition[] = [
  inputGradientOp('Conv2DBackpropInput', conv2D, convInputGradientSamples),
  filterGradientOp('Conv2DBackpropFilter', conv2D, convFilterGradientSamples),
  inputGradientOp('Conv3DBackpropInputV2', conv3D, conv3DInputGradientSamples),
  filterGradientOp('Conv3DBackpropFilterV2', conv3D, conv3DFilterGradientSamples),
  inputGradientOp('DepthwiseConv2dNativeBackpropInput', depthwise, depthwiseInputGradientSamples),
  filterGradientOp('DepthwiseConv2dNativeBackpropFilter', depthwise, depthwiseFilterGradientSamples),
];
