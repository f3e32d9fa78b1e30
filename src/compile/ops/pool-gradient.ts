/**
 * Gradients of the pools. Average: every input gets an equal share. Maximum: the taps of each
 * window are compared with its maximum; the first (in three dimensions: last) that equals it takes the gradient.
 */
import type { Attributes } from '../../ir/graph.ts';
import type { ConcreteType } from '../../ir/op-signature.ts';
import { defineOp, type LoweringContext, type OnnxValue, type OpDefinition } from './define-op.ts';
import { areFullFloats } from './conv.ts';
import { toChannelsFirst, toChannelsLast } from './conv-layout.ts';
import { addTaps, firstMaximum, tapViews } from './conv-taps.ts';
import { where } from './numbers.ts';
import { isOnnxPool, poolWindow, writePool, type PoolFamily } from './pool.ts';
import {
  avgPool3DGradientSamples,
  avgPoolGradientSamples,
  maxPool3DGradientSamples,
  maxPoolGradientSamples,
} from './pool-samples.ts';
import { elementCount, hasComplex, sameShape } from './rules.ts';
import type { SlidingWindow } from './conv-window.ts';

/** The forward window; average pooling's gradient in two dimensions does not round as asked. */
function gradientWindow(
  family: PoolFamily,
  inputShape: readonly number[],
  attributes: Attributes,
): SlidingWindow | undefined {
  const isRounded = family.isMax || family.spatialRank === 3;
  const { dataFormat: _, ...rest } = attributes;
  return poolWindow(family, inputShape, isRounded ? rest : { ...rest, dimRoundingMode: undefined });
}

function inferGradient(family: PoolFamily): OpDefinition['infer'] {
  return (inputs, attributes) => {
    const [dy, x] = inputs as readonly ConcreteType[];
    if (!dy || !x || hasComplex(...inputs)) return undefined;
    return gradientWindow(family, x.shape, attributes) && [{ dtype: 'float32', shape: x.shape }];
  };
}

/** An equal share of each window's gradient for each input under it; one axis at a time. */
function averageGradient(context: LoweringContext, window: SlidingWindow): OnnxValue {
  const taps = elementCount(window.axes.map((axis) => axis.kernel));
  let gradient = context.op('Mul', [context.inputs[0]!, context.scalar(1 / taps, 'float32')]);
  const shape = [...window.outputShape];
  for (const [index, axis] of window.axes.entries()) {
    const at = index + 1;
    const shares = Array.from({ length: axis.kernel }, () => gradient);
    gradient = addTaps(context, shape, [{ at, window: axis }], shares);
    shape[at] = axis.input;
  }
  return gradient;
}

/** The window's gradient for the input that was its maximum. */
function maximumGradient(context: LoweringContext, family: PoolFamily, window: SlidingWindow): OnnxValue {
  const [dy, x] = context.inputs as [OnnxValue, OnnxValue];
  const rank = window.outputShape.length;
  // Written as the forward pool is, so that the two are computed once.
  const pooled = toChannelsLast(
    context,
    writePool(context, family, toChannelsFirst(context, x, rank), window),
    rank,
  );
  const outside = context.scalar(-Infinity, 'float32');
  const views = tapViews(context, x, window.axes, outside);
  const takesLast = family.spatialRank === 3;
  const takers = firstMaximum(context, takesLast ? views.toReversed() : views, pooled);
  const zero = context.scalar(0, 'float32');
  const gradients = (takesLast ? takers.toReversed() : takers).map((takes) =>
    where(context, takes, dy, zero),
  );
  const axes = window.axes.map((axis, index) => ({ at: index + 1, window: axis }));
  return addTaps(context, window.outputShape, axes, gradients);
}

function lowerGradient(family: PoolFamily): NonNullable<OpDefinition['lower']> {
  return (context) => {
    const [dy, x] = context.inputTypes as readonly [ConcreteType, ConcreteType];
    const window = gradientWindow(family, x.shape, context.attributes);
    const isFloat = areFullFloats([dy, x, ...context.outputTypes]);
    if (!window || !isFloat || !isOnnxPool(window) || !sameShape(dy.shape, window.outputShape))
      return undefined;
    if (!family.isMax) return [averageGradient(context, window)];
    // cpu counts positions of a window that is not a cube wrongly in three dimensions.
    const [, rows, columns] = window.axes;
    if (columns !== undefined && rows!.kernel !== columns.kernel) return undefined;
    return [maximumGradient(context, family, window)];
  };
}

function gradientOp(
  kernel: string,
  inputs: readonly string[],
  family: PoolFamily,
  samples: OpDefinition['samples'],
): OpDefinition {
  return defineOp({ kernel, inputs, infer: inferGradient(family), lower: lowerGradient(family), samples });
}

/** Gradients of the pools. */
export const poolGradientOps: readonly OpDefinition[] = [
  gradientOp(
    'MaxPoolGrad',
    ['dy', 'input', 'output'],
    { spatialRank: 2, isMax: true },
    maxPoolGradientSamples,
  ),
  gradientOp('AvgPoolGrad', ['dy', 'input'], { spatialRank: 2, isMax: false }, avgPoolGradientSamples),
  gradientOp(
    'MaxPool3DGrad',
    ['dy', 'input', 'output'],
    { spatialRank: 3, isMax: true },
    maxPool3DGradientSamples,
  ),
  gradientOp('AvgPool3DGrad', ['dy', 'input'], { spatialRank: 3, isMax: false }, avgPool3DGradientSamples),
];
