/** Copies between two walks through arrays, each with a step per axis: all that kernels do that only move elements. */
import type { NumericArray } from './closure.ts';

/** Where a walk starts, and its step along each axis, in elements. */
export interface Walk {
  readonly start: number;
  readonly steps: readonly number[];
}

export type CopyElements = (from: NumericArray, to: NumericArray) => void;

/** From this length on, a block move is faster than a loop. */
const blockLength = 24;

/** Axes of size 1 left out, neighbours joined that are walked without a gap. */
function joinAxes(sizes: readonly number[], from: readonly number[], to: readonly number[]): number[][] {
  const joined: number[][] = [];
  for (const [axis, size] of sizes.entries()) {
    if (size === 1) continue;
    const last = joined.at(-1);
    if (last?.[1] === from[axis]! * size && last[2] === to[axis]! * size) {
      joined[joined.length - 1] = [last[0]! * size, from[axis]!, to[axis]!];
    } else joined.push([size, from[axis]!, to[axis]!]);
  }
  return joined;
}

/** @param sizes of the box that is copied; at least one element. */
export function stridedCopy(sizes: readonly number[], from: Walk, to: Walk): CopyElements {
  const axes = joinAxes(sizes, from.steps, to.steps);
  const [length, stepFrom, stepTo] = (axes.pop() ?? [1, 1, 1]) as [number, number, number];
  const isBlock = stepFrom === 1 && stepTo === 1 && length >= blockLength;
  const counts = axes.map((axis) => axis[0]!);
  const rows = counts.reduce((product, count) => product * count, 1);
  const index = new Int32Array(axes.length);
  return (source, target) => {
    index.fill(0);
    let read = from.start;
    let write = to.start;
    for (let row = 0; row < rows; row++) {
      if (isBlock) target.set(source.subarray(read, read + length), write);
      else {
        for (let at = 0; at < length; at++) target[write + at * stepTo] = source[read + at * stepFrom]!;
      }
      for (let axis = axes.length - 1; axis >= 0; axis--) {
        const [count, forward, onward] = axes[axis] as [number, number, number];
        read += forward;
        write += onward;
        if (++index[axis]! < count) break;
        index[axis] = 0;
        read -= forward * count;
        write -= onward * count;
      }
    }
  };
}
