/**
 * Pools: MaxPool and AvgPool in two and three dimensions, MaxPoolWithArgmax. ONNX's pools with channels first, never
 * counting padding, as tfjs does. One difference stays: cpu passes over NaN, onnxruntime's kernel keeps only what a
 * window holds behind its last NaN; cleaning the input would cost more than the pool.
 */
import type { Attributes } from '../../ir/graph.ts';
import type { ConcreteType } from '../../ir/op-signature.ts';
import {
  cropFront,
  toChannelsFirst,
  toChannelsLast,
  windowAttributes,
  withoutNegativePadding,
} from './conv-layout.ts';
import { slidingWindow, stridesOrDilationsAreOne, tupleOf, type SlidingWindow } from './conv-window.ts';
import { attribute, defineOp, type LoweringContext, type OnnxValue, type OpDefinition } from './define-op.ts';
import { reshape, where } from './numbers.ts';
import {
  argmaxSamples,
  avgPool3DSamples,
  avgPoolSamples,
  maxPool3DSamples,
  maxPoolSamples,
} from './pool-samples.ts';
import { elementCount, hasComplex } from './rules.ts';

export interface PoolFamily {
  readonly spatialRank: 2 | 3;
  readonly isMax: boolean;
}

/** The window of a pool over an image of this shape. */
export function poolWindow(
  family: PoolFamily,
  inputShape: readonly number[],
  attributes: Attributes,
): SlidingWindow | undefined {
  const kernel = tupleOf(attributes['filterSize'], family.spatialRank);
  const format = attributes['dataFormat'] ?? 'NDHWC';
  if (kernel === undefined || (family.spatialRank === 3 && format !== 'NDHWC')) return undefined;
  return slidingWindow({
    inputShape,
    kernel,
    strides: attributes['strides'],
    pad: attributes['pad'],
    roundingMode: attributes['dimRoundingMode'],
  });
}

/** Whether every window meets the image, and padding is smaller than the window as ONNX demands. */
export function isOnnxPool(window: SlidingWindow): boolean {
  const isSmall = window.axes.every((axis) => axis.padBegin < axis.kernel && axis.padEnd < axis.kernel);
  return isSmall && window.isRegular;
}

function inferPool(family: PoolFamily): OpDefinition['infer'] {
  return ([x], attributes) => {
    if (!x || hasComplex(x) || x.dtype === 'string') return undefined;
    if (family.spatialRank === 2 && !stridesOrDilationsAreOne(attributes['strides'], 1)) return undefined;
    const window = poolWindow(family, x.shape, attributes);
    return window && [{ dtype: family.spatialRank === 2 ? x.dtype : 'float32', shape: window.outputShape }];
  };
}

/** Writes the pool of a channels-first image; the result has channels first. */
export function writePool(
  context: LoweringContext,
  family: PoolFamily,
  image: OnnxValue,
  window: SlidingWindow,
): OnnxValue {
  const cropped = cropFront(context, image, window.axes);
  const shape = windowAttributes(withoutNegativePadding(window.axes));
  return family.isMax
    ? context.op('MaxPool', [cropped], shape)
    : context.op('AveragePool', [cropped], { ...shape, count_include_pad: 0 });
}

function lowerPool(family: PoolFamily): NonNullable<OpDefinition['lower']> {
  return (context) => {
    const type = context.inputTypes[0]!;
    const window = poolWindow(family, type.shape, context.attributes);
    const isInteger = type.dtype === 'int32';
    const isWritable = type.dtype === 'float32' || (isInteger && family.isMax);
    if (!window || !isWritable || !isOnnxPool(window) || isEmptyPool(window)) return undefined;
    const rank = type.shape.length;
    const x = context.inputs[0]!;
    // Doubles hold every int32.
    const image = toChannelsFirst(context, isInteger ? context.cast(x, 'float64') : x, rank);
    const pooled = toChannelsLast(context, writePool(context, family, image, window), rank);
    return [isInteger ? context.cast(pooled, context.outputTypes[0]!.dtype as 'int32' | 'float32') : pooled];
  };
}

function isEmptyPool(window: SlidingWindow): boolean {
  return elementCount(window.outputShape) === 0;
}

function poolOp(kernel: string, family: PoolFamily, samples: OpDefinition['samples']): OpDefinition {
  return defineOp({ kernel, inputs: ['x'], infer: inferPool(family), lower: lowerPool(family), samples });
}

const max2D: PoolFamily = { spatialRank: 2, isMax: true };

function inferArgmax(
  [x]: readonly (ConcreteType | undefined)[],
  attributes: Attributes,
): ConcreteType[] | undefined {
  if (!x || hasComplex(x) || x.dtype === 'string') return undefined;
  const window = poolWindow(max2D, x.shape, attributes);
  return (
    window && [
      { dtype: x.dtype, shape: window.outputShape },
      { dtype: 'int32', shape: window.outputShape },
    ]
  );
}

/** ONNX counts positions with channels first over the whole batch, tfjs with channels last. */
function lowerArgmax(context: LoweringContext): readonly OnnxValue[] | undefined {
  const type = context.inputTypes[0]!;
  const window = poolWindow(max2D, type.shape, context.attributes);
  if (!window || type.dtype !== 'float32' || !isOnnxPool(window) || isEmptyPool(window)) return undefined;
  // This slow form can afford to pass over NaN as cpu does.
  const x = context.inputs[0]!;
  const known = where(context, context.op('IsNaN', [x]), context.scalar(-Infinity, 'float32'), x);
  const image = toChannelsFirst(context, known, 4);
  const [pooled, positions] = context.ops('MaxPool', [image], 2, windowAttributes(window.axes)) as [
    OnnxValue,
    OnnxValue,
  ];
  const { batch, inChannels } = window;
  const size = elementCount(window.axes.map((axis) => axis.input));
  const count = (length: number): BigInt64Array =>
    BigInt64Array.from({ length }, (_, index) => BigInt(index));
  const big = (value: number): OnnxValue => context.tensor(BigInt64Array.of(BigInt(value)), [1]);
  const inPlane = context.op('Mod', [positions, big(size)]);
  const channel = reshape(context, context.tensor(count(inChannels), [inChannels]), [1, inChannels, 1, 1]);
  let flat = context.op('Add', [context.op('Mul', [inPlane, big(inChannels)]), channel]);
  if (attribute.boolean(context.attributes, 'includeBatchInIndex', false)) {
    const image = reshape(context, context.tensor(count(batch), [batch]), [batch, 1, 1, 1]);
    flat = context.op('Add', [flat, context.op('Mul', [image, big(size * inChannels)])]);
  }
  return [toChannelsLast(context, pooled, 4), context.cast(toChannelsLast(context, flat, 4), 'int32')];
}

/** The pools. */
export const poolOps: readonly OpDefinition[] = [
  poolOp('MaxPool', max2D, maxPoolSamples),
  poolOp('AvgPool', { spatialRank: 2, isMax: false }, avgPoolSamples),
  poolOp('MaxPool3D', { spatialRank: 3, isMax: true }, maxPool3DSamples),
  poolOp('AvgPool3D', { spatialRank: 3, isMax: false }, avgPool3DSamples),
  defineOp({
    kernel: 'MaxPoolWithArgmax',
    inputs: ['x'],
    infer: inferArgmax,
    lower: lowerArgmax,
    samples: argmaxSamples,
  }),
];
