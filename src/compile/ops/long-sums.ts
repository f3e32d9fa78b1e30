/**
 * Sums of many floats. onnxruntime adds them in one run of float32 per vector lane, so that each addition rounds to the
 * digits of the sum so far: the mean of 47 million pixels is 1 % off. tfjs adds in double. Sums of sums, of at most a
 * thousand each, are right to float32's last digits, at the same speed.
 */
import type { LoweringContext, OnnxValue } from './define-op.ts';
import { reshape, shapeOf } from './numbers.ts';
import { elementCount, parseAxes } from './rules.ts';

/** Up to here one run is good enough. */
const longestRun = 4096;
const runLength = 1024;

/** How many of the last axes are reduced, when those are all. Sums over other axes keep a sum per column, which is fine. */
function reducedSuffix(context: LoweringContext): number | undefined {
  const shape = shapeOf(context);
  const axes = new Set(parseAxes(context.attributes['axis'], shape.length));
  let first = shape.length;
  while (first > 0 && (axes.has(first - 1) || shape[first - 1] === 1)) first--;
  return [...axes].every((axis) => axis >= first || shape[axis] === 1) ? shape.length - first : undefined;
}

/** The largest length of runs that divides `count`; 1 when it has no factor that is worth it. */
function runThatDivides(count: number): number {
  for (let length = runLength; length >= 32; length--) if (count % length === 0) return length;
  return 1;
}

/**
 * The sum over the axes that the call reduces, in the shape of its result.
 * @param x the call's input as float32. @returns undefined when one ReduceSum will do.
 */
export function sumOfMany(context: LoweringContext, x: OnnxValue): OnnxValue | undefined {
  const suffix = reducedSuffix(context);
  if (suffix === undefined) return undefined;
  const shape = shapeOf(context);
  const kept = elementCount(shape.slice(0, shape.length - suffix));
  let count = elementCount(shape) / kept;
  if (count <= longestRun) return undefined;
  let sums = x;
  const sumLast = (dims: readonly number[]): OnnxValue =>
    context.op('ReduceSum', [reshape(context, sums, dims), context.ints([dims.length - 1])], { keepdims: 0 });
  while (count > runLength) {
    let length = runThatDivides(count);
    if (length === 1) {
      length = runLength;
      const rest = length - (count % length);
      sums = context.op('Pad', [reshape(context, sums, [kept, count]), context.ints([0, 0, 0, rest])]);
      count += rest;
    }
    count /= length;
    sums = sumLast([kept, count, length]);
  }
  return reshape(context, sumLast([kept, count]), context.outputTypes[0]!.shape);
}
