/**
 * Sums of many floats, as sums of sums. onnxruntime adds all in one run of float32, so that each addition rounds to the
 * digits of the sum so far: the mean of 47 million pixels is 1 % off, where tfjs adds in double. Runs of a thousand are
 * right to float32's last digits; and over axes that are not the last, onnxruntime takes 2 to 20 times as long for one
 * run, because its threads write to the same cache lines.
 */
import type { LoweringContext, OnnxValue } from './define-op.ts';
import { reshape, shapeOf } from './numbers.ts';
import { elementCount, parseAxes, sameShape } from './rules.ts';

/** Up to here one run is good enough: along the last axis, and along others. */
const longestRun = { last: 4096, other: 256 } as const;
const shortestSplit = 32;
const longestSplit = 1024;

/** Neighbouring axes of one kind as one axis; those of size 1 are of any kind. */
interface AxisGroup {
  readonly isReduced: boolean;
  readonly size: number;
}

function groupAxes(shape: readonly number[], axes: ReadonlySet<number>): AxisGroup[] {
  const groups: AxisGroup[] = [];
  for (const [axis, size] of shape.entries()) {
    if (size === 1) continue;
    const last = groups.at(-1);
    const isReduced = axes.has(axis);
    if (last?.isReduced === isReduced) groups[groups.length - 1] = { isReduced, size: last.size * size };
    else groups.push({ isReduced, size });
  }
  return groups;
}

/** The largest length of runs that divides `count` into several; undefined when it has no such factor. */
function runThatDivides(count: number): number | undefined {
  const longest = Math.min(longestSplit, Math.floor(count / 2));
  for (let length = longest; length >= shortestSplit; length--) if (count % length === 0) return length;
  return undefined;
}

/** Sums the middle axis of [outer, count, inner] away; axes of 1 go with it. */
function sumMiddle(
  context: LoweringContext,
  x: OnnxValue,
  [outer, count, inner]: readonly [number, number, number],
): OnnxValue {
  // A last axis of 1 would hide from onnxruntime that the run is contiguous.
  const behind = inner === 1 ? [] : [inner];
  const ahead = outer === 1 ? [] : [outer];
  const sum = (value: OnnxValue, axis: number): OnnxValue =>
    context.op('ReduceSum', [value, context.ints([axis])], { keepdims: 0 });
  let [sums, rest] = [x, count];
  while (rest > longestRun[inner === 1 ? 'last' : 'other']) {
    let length = runThatDivides(rest);
    if (length === undefined) {
      length = Math.min(longestSplit, 1 << Math.floor(Math.log2(rest) / 2));
      const missing = length - (rest % length);
      const none = behind.map(() => 0);
      const pads = context.ints([0, 0, ...none, 0, missing, ...none]);
      sums = context.op('Pad', [reshape(context, sums, [outer, rest, ...behind]), pads]);
      rest += missing;
    }
    rest /= length;
    sums = sum(reshape(context, sums, [...ahead, rest, length, ...behind]), ahead.length + 1);
  }
  // Sums of runs have the shape that the last sum takes.
  const middle = rest === count ? reshape(context, sums, [...ahead, rest, ...behind]) : sums;
  return sum(middle, ahead.length);
}

/**
 * The sum over the axes that the call reduces, in the shape of its result.
 * @param x the call's input as float32. @returns undefined when one ReduceSum will do, or is to serve sums of other lengths.
 */
export function sumOfMany(context: LoweringContext, x: OnnxValue): OnnxValue | undefined {
  const shape = shapeOf(context);
  const groups = groupAxes(shape, new Set(parseAxes(context.attributes['axis'], shape.length)));
  const isLong = groups.some(
    ({ isReduced, size }, at) => isReduced && size > longestRun[at === groups.length - 1 ? 'last' : 'other'],
  );
  if (!isLong || context.areSizesOpen) return undefined;
  let sums = x;
  let shapeOfSums: readonly number[] = [];
  let inner = 1;
  for (let at = groups.length - 1; at >= 0; at--) {
    const { isReduced, size } = groups[at]!;
    const outer = elementCount(groups.slice(0, at).map((group) => group.size));
    if (isReduced) {
      sums = sumMiddle(context, sums, [outer, size, inner]);
      shapeOfSums = [outer, inner].filter((kept) => kept !== 1);
    } else inner *= size;
  }
  const { shape: resultShape } = context.outputTypes[0]!;
  return sameShape(shapeOfSums, resultShape) ? sums : reshape(context, sums, resultShape);
}
