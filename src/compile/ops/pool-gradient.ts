/**
 * Gradients of the pools. Average: every input gets an equal share, a ConvTranspose of ones. Maximum: the taps of each
 * window are compared with its maximum; the first (in three dimensions: last) that equals it takes the gradient.
 */
import type { Attributes } from '../../ir/graph.ts';
import type { ConcreteType } from '../../ir/op-signature.ts';
import { defineOp, type OpDefinition } from './define-op.ts';
import { poolWindow, type PoolFamily } from './pool.ts';
import {
  avgPool3DGradientSamples,
  avgPoolGradientSamples,
  maxPool3DGradientSamples,
  maxPoolGradientSamples,
} from './pool-samples.ts';
import { hasComplex } from './rules.ts';
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

function gradientOp(
  kernel: string,
  inputs: readonly string[],
  family: PoolFamily,
  samples: OpDefinition['samples'],
): OpDefinition {
  return defineOp({ kernel, inputs, infer: inferGradient(family), samples });
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
