/** Activations that tfjs fuses into convolutions, written on channels-first values. */
import { attribute, type LoweringContext, type OnnxValue } from './define-op.ts';
import { toChannelsFirst } from './conv-layout.ts';
import { reshape } from './numbers.ts';
import type { ConcreteType } from '../../ir/op-signature.ts';

const simple: Readonly<
  Record<string, (context: LoweringContext, value: OnnxValue) => OnnxValue | undefined>
> = {
  linear: (_, value) => value,
  relu: (context, value) => context.op('Relu', [value]),
  relu6: (context, value) =>
    context.op('Clip', [value, context.scalar(0, 'float32'), context.scalar(6, 'float32')]),
  elu: (context, value) => context.op('Elu', [value]),
  sigmoid: (context, value) => context.op('Sigmoid', [value]),
  leakyrelu: (context, value) =>
    context.op('LeakyRelu', [value], {
      alpha: { float: attribute.number(context.attributes, 'leakyreluAlpha') },
    }),
};

/** Whether {@link activate} can write this activation for a result of this shape. */
export function canActivate(name: string, alpha: ConcreteType | undefined, rank: number): boolean {
  if (name === 'prelu') return alpha !== undefined && alpha.dtype === 'float32' && alpha.shape.length <= rank;
  return Object.hasOwn(simple, name);
}

/**
 * A value that broadcasts against a tfjs image, as it must look to broadcast against the same image with channels
 * first.
 */
export function broadcastChannelsFirst(
  context: LoweringContext,
  value: OnnxValue,
  type: ConcreteType,
  rank: number,
  isChannelsLast: boolean,
): OnnxValue {
  const shape = type.shape;
  if (shape.length === 0) return value;
  const spatialOnes = Array.from({ length: rank - 2 }, () => 1);
  if (shape.length === 1) {
    // tfjs aligns a vector with the channels in both formats.
    return shape[0] === 1 ? value : reshape(context, value, [shape[0]!, ...spatialOnes]);
  }
  if (!isChannelsLast) return value;
  const padded = [...Array.from({ length: rank - shape.length }, () => 1), ...shape];
  const full = shape.length === rank ? value : reshape(context, value, padded);
  return toChannelsFirst(context, full, rank);
}

/** Applies the fused activation to a channels-first value. Call {@link canActivate} before. */
export function activate(
  context: LoweringContext,
  name: string,
  value: OnnxValue,
  alpha: { readonly value: OnnxValue; readonly type: ConcreteType } | undefined,
  rank: number,
  isChannelsLast: boolean,
): OnnxValue {
  if (name === 'prelu' && alpha !== undefined) {
    return context.op('PRelu', [
      value,
      broadcastChannelsFirst(context, alpha.value, alpha.type, rank, isChannelsLast),
    ]);
  }
  return simple[name]!(context, value)!;
}
