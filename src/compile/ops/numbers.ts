/**
 * ONNX nodes for the number rules of JavaScript's typed arrays, in which tfjs's kernels compute: double arithmetic,
 * stored as float32, or as int32 by ECMAScript's ToInt32 (truncate, modulo 2^32, NaN and infinities become 0). Sums and
 * products of int32 are the exception: they wrap exactly here, where eager rounds what exceeds 2^53 before it wraps.
 */
import type { LoweringContext, OnnxValue } from './define-op.ts';
import type { NativeDtype } from './rules.ts';

/**
 * ToInt32 of floats, by way of int64. The clip keeps infinities inside int64, at a multiple of 2^32, because what a
 * processor makes of a number outside differs (x86 and ARM do). The mask wraps, and keeps ONNX Runtime from joining
 * the two casts into one that saturates.
 */
export function toInt32(
  context: LoweringContext,
  value: OnnxValue,
  from: 'float32' | 'float64' = 'float32',
): OnnxValue {
  const limit = 2 ** 62;
  const bound = (number: number): OnnxValue =>
    from === 'float32' ? context.scalar(number, 'float32') : context.tensor(Float64Array.of(number), []);
  const clipped = context.op('Clip', [value, bound(-limit), bound(limit)]);
  const low = context.tensor(BigInt64Array.of(0xffffffffn), []);
  return context.cast(context.op('BitwiseAnd', [context.cast(clipped, 'int64'), low]), 'int32');
}

/** What storing values of dtype `from` in a tensor of dtype `to` gives. Numbers become bool by `!== 0`. */
export function convert(
  context: LoweringContext,
  value: OnnxValue,
  from: NativeDtype,
  to: NativeDtype,
): OnnxValue {
  if (from === to) return value;
  return from === 'float32' && to === 'int32' ? toInt32(context, value) : context.cast(value, to);
}

/** A tensor filled with one number. */
export function filled(
  context: LoweringContext,
  value: number,
  dtype: NativeDtype,
  shape: readonly number[],
): OnnxValue {
  return context.op('Expand', [context.scalar(value, dtype), context.ints(shape)]);
}

/** dtype of input `index`; ONNX never sees others. */
export function dtypeOf(context: LoweringContext, index = 0): NativeDtype {
  return context.inputTypes[index]!.dtype as NativeDtype;
}

export function shapeOf(context: LoweringContext, index = 0): readonly number[] {
  return context.inputTypes[index]!.shape;
}

/** Input `index`, which must be there. */
export function input(context: LoweringContext, index = 0): OnnxValue {
  return context.inputs[index]!;
}

export function reshape(context: LoweringContext, value: OnnxValue, shape: readonly number[]): OnnxValue {
  // allowzero: a 0 in the shape is a size, not "copy the input's".
  return context.op('Reshape', [value, context.ints(shape)], { allowzero: 1 });
}

/** Transpose, or the value itself when nothing moves. */
export function transpose(
  context: LoweringContext,
  value: OnnxValue,
  permutation: readonly number[],
): OnnxValue {
  if (permutation.every((axis, index) => axis === index)) return value;
  return context.op('Transpose', [value], { perm: permutation });
}

/** `condition ? whenTrue : whenFalse`, with numbers as constants of a dtype. */
export function where(
  context: LoweringContext,
  condition: OnnxValue,
  whenTrue: OnnxValue,
  whenFalse: OnnxValue,
): OnnxValue {
  return context.op('Where', [condition, whenTrue, whenFalse]);
}

/**
 * Pads some axes of a value of rank `rank`; negative amounts crop. All axes are written out: onnxruntime's transpose
 * optimizer overlooks Pad's `axes` input.
 */
export function padAxes(
  context: LoweringContext,
  value: OnnxValue,
  rank: number,
  pads: readonly { readonly axis: number; readonly before: number; readonly after: number }[],
  fill?: OnnxValue,
): OnnxValue {
  const before = Array.from({ length: rank }, () => 0);
  const after = [...before];
  for (const pad of pads) {
    before[pad.axis] = pad.before;
    after[pad.axis] = pad.after;
  }
  return context.op('Pad', [value, context.ints([...before, ...after]), fill]);
}
