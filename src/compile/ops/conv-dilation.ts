/**
 * Morphological dilation and its gradients: like a convolution with addition for the product and the maximum for the
 * sum. Every filter tap is a strided slice of the image plus the tap's weight; sums are compared in doubles, as cpu
 * compares them.
 */
import type { Attributes } from '../../ir/graph.ts';
import type { ConcreteType } from '../../ir/op-signature.ts';
import { defineOp, type LoweringContext, type OnnxValue, type OpDefinition } from './define-op.ts';
import { areFullFloats } from './conv.ts';
import { slidingWindow, type SlidingWindow } from './conv-window.ts';
import { addTaps, firstMaximum, tapViews } from './conv-taps.ts';
import { reshape, where } from './numbers.ts';
import { sameShape } from './rules.ts';
import { f32 } from './samples.ts';

function dilationWindow(
  [x, filter]: readonly (ConcreteType | undefined)[],
  attributes: Attributes,
): SlidingWindow | undefined {
  if (x?.shape.length !== 4 || filter?.shape.length !== 3 || filter.shape[2] !== x.shape[3]) return undefined;
  return slidingWindow({
    inputShape: x.shape,
    kernel: filter.shape.slice(0, 2),
    strides: attributes['strides'],
    dilations: attributes['dilations'],
    pad: attributes['pad'],
  });
}

/** Per tap, image plus weight in doubles: `[batch, height, width, channels]`, -Infinity outside the image. */
function tapSums(context: LoweringContext, window: SlidingWindow): OnnxValue[] {
  const [x, filter] = context.inputs as [OnnxValue, OnnxValue];
  const outside = context.tensor(Float64Array.of(-Infinity), []);
  const views = tapViews(context, context.cast(x, 'float64'), window.axes, outside);
  const rows = reshape(context, context.cast(filter, 'float64'), [views.length, window.inChannels]);
  return views.map((view, tap) => {
    const weights = context.op('Gather', [rows, context.tensor(BigInt64Array.of(BigInt(tap)), [1])], {
      axis: 0,
    });
    return context.op('Add', [view, weights]);
  });
}

/** What cpu starts from when it looks for a maximum. */
function floor(context: LoweringContext): OnnxValue {
  return context.tensor(Float64Array.of(Number.MIN_SAFE_INTEGER), []);
}

const plain = { strides: [1, 1], dilations: [1, 1], pad: 'same' } as const;

interface Case {
  readonly x: readonly number[];
  readonly filter: readonly number[];
  readonly y: readonly number[];
  readonly attributes: Attributes;
}

const cases: readonly Case[] = [
  { x: [2, 5, 4, 2], filter: [2, 3, 2], y: [2, 5, 4, 2], attributes: plain },
  { x: [1, 6, 5, 2], filter: [3, 2, 2], y: [1, 4, 4, 2], attributes: { ...plain, pad: 'valid' } },
  { x: [1, 7, 6, 1], filter: [2, 2, 1], y: [1, 4, 3, 1], attributes: { ...plain, strides: [2, 2] } },
  {
    x: [1, 7, 6, 2],
    filter: [2, 2, 2],
    y: [1, 5, 4, 2],
    attributes: { ...plain, dilations: [2, 2], pad: 'valid' },
  },
];

const dilation: OpDefinition = defineOp({
  kernel: 'Dilation2D',
  inputs: ['x', 'filter'],
  infer(inputs, attributes) {
    const window = dilationWindow(inputs, attributes);
    return window && [{ dtype: inputs[0]!.dtype, shape: window.outputShape }];
  },
  lower(context) {
    if (!areFullFloats([...context.inputTypes, ...context.outputTypes])) return undefined;
    const window = dilationWindow(context.inputTypes, context.attributes)!;
    if (!window.isRegular) return undefined;
    const maximum = context.op('Max', [...tapSums(context, window), floor(context)]);
    return [context.cast(maximum, 'float32')];
  },
  samples: cases.map(({ x, filter, attributes }) => ({ inputs: [f32(x), f32(filter)], attributes })),
});

function gradientOp(
  kernel: string,
  input: 0 | 1,
  collect: (context: LoweringContext, window: SlidingWindow, gradients: OnnxValue[]) => OnnxValue,
): OpDefinition {
  return defineOp({
    kernel,
    inputs: ['x', 'filter', 'dy'],
    infer(inputs, attributes) {
      const window = dilationWindow(inputs, attributes);
      return window && inputs[2]?.shape.length === 4 ? [inputs[input]!] : undefined;
    },
    lower(context) {
      if (!areFullFloats([...context.inputTypes, ...context.outputTypes])) return undefined;
      const window = dilationWindow(context.inputTypes, context.attributes)!;
      if (!window.isRegular || !sameShape(context.inputTypes[2]!.shape, window.outputShape)) return undefined;
      const sums = tapSums(context, window);
      const zero = context.scalar(0, 'float32');
      const takers = firstMaximum(context, sums, context.op('Max', sums));
      return [
        collect(
          context,
          window,
          takers.map((takes) => where(context, takes, context.inputs[2]!, zero)),
        ),
      ];
    },
    samples: cases.map(({ x, filter, y, attributes }) => ({
      inputs: [f32(x), f32(filter), f32(y)],
      attributes,
    })),
  });
}

/** Dilation2D and its gradients. */
export const dilationOps: readonly OpDefinition[] = [
  dilation,
  gradientOp('Dilation2DBackpropInput', 0, (context, window, gradients) =>
    addTaps(
      context,
      window.outputShape,
      window.axes.map((axis, index) => ({ at: index + 1, window: axis })),
      gradients,
    ),
  ),
  gradientOp('Dilation2DBackpropFilter', 1, (context, _, gradients) => {
    const totals = gradients.map((gradient) =>
      context.op('ReduceSum', [gradient, context.ints([0, 1, 2])], { keepdims: 1 }),
    );
    const rows = totals.length === 1 ? totals[0]! : context.op('Concat', totals, { axis: 0 });
    return reshape(context, rows, context.outputTypes[0]!.shape);
  }),
];
