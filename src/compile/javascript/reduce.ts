/**
 * Reductions and running sums over axes that are walked wherever they are: in double, rounded where tfjs's cpu kernels
 * store what they have.
 */
import { elementCount, rowMajorStrides } from '../../ir/tensor-type.ts';
import { attribute } from '../ops/define-op.ts';
import { parseAxes } from '../ops/rules.ts';
import type { Closure, MakeClosure, NumericArray, Operand } from './closure.ts';

/** Folds `count` elements that lie `step` apart. */
type Fold = (from: NumericArray, start: number, count: number, step: number) => number;

const sum: Fold = (from, start, count, step) => {
  let total = 0;
  for (let index = 0; index < count; index++) total += from[start + index * step]!;
  return total;
};

const product: Fold = (from, start, count, step) => {
  let total = 1;
  for (let index = 0; index < count; index++) total *= from[start + index * step]!;
  return total;
};

/** A sum of quotients, each rounded to float32. */
const mean: Fold = (from, start, count, step) => {
  let total = 0;
  for (let index = 0; index < count; index++) total += Math.fround(from[start + index * step]! / count);
  return total;
};

/** The first of the largest, where 0 and -0 are alike; NaN if anything is. */
const max: Fold = (from, start, count, step) => {
  let best = from[start]!;
  for (let index = 1; index < count; index++) {
    const value = from[start + index * step]!;
    if (value > best || Number.isNaN(value)) best = value;
  }
  return best;
};

const min: Fold = (from, start, count, step) => {
  let best = from[start]!;
  for (let index = 1; index < count; index++) {
    const value = from[start + index * step]!;
    if (value < best || Number.isNaN(value)) best = value;
  }
  return best;
};

/** The first of the largest; a NaN is never larger. */
const argMax: Fold = (from, start, count, step) => {
  let best = from[start]!;
  let at = 0;
  for (let index = 1; index < count; index++) {
    const value = from[start + index * step]!;
    if (value > best) {
      best = value;
      at = index;
    }
  }
  return at;
};

const argMin: Fold = (from, start, count, step) => {
  let best = from[start]!;
  let at = 0;
  for (let index = 1; index < count; index++) {
    const value = from[start + index * step]!;
    if (value < best) {
      best = value;
      at = index;
    }
  }
  return at;
};

/** The reduced axes as one: neighbours, so that its elements lie one step apart. */
function blockOf(
  shape: readonly number[],
  axes: readonly number[],
): { inner: number; count: number } | undefined {
  const ordered = [...new Set(axes)].sort((left, right) => left - right);
  const isBlock = ordered.every((axis, index) => index === 0 || axis === ordered[index - 1]! + 1);
  if (!isBlock) return undefined;
  const last = ordered.at(-1) ?? shape.length - 1;
  return {
    inner: elementCount(shape.slice(last + 1)),
    count: elementCount(ordered.map((axis) => shape[axis]!)),
  };
}

function reducing(fold: Fold, axesName: 'axis' | 'reductionIndices' = 'axis'): MakeClosure {
  return ({ inputs, outputs, attributes }) => {
    const [x] = inputs as readonly [Operand];
    const [out] = outputs as readonly [Operand];
    const given = parseAxes(attributes[axesName], x.shape.length)!;
    const axes = given.filter((axis) => x.shape[axis] !== 1);
    const block = blockOf(x.shape, axes);
    if (block !== undefined) return folding(fold, x, out, block);
    return scattered(fold, x, out, axes);
  };
}

function folding(
  fold: Fold,
  x: Operand,
  out: Operand,
  { inner, count }: { inner: number; count: number },
): Closure {
  const outer = out.size / inner;
  return (registers) => {
    const [from, to] = [registers[x.register]!, registers[out.register]!];
    for (let block = 0, at = 0; block < outer; block++) {
      for (let index = 0; index < inner; index++)
        to[at++] = fold(from, block * count * inner + index, count, inner);
    }
  };
}

/** Axes apart from each other: their elements are brought together first. */
function scattered(fold: Fold, x: Operand, out: Operand, axes: readonly number[]): Closure {
  const count = x.size / out.size;
  const strides = rowMajorStrides(x.shape);
  const offsets = (chosen: readonly number[]): Int32Array => {
    let list = [0];
    for (const axis of chosen) {
      list = list.flatMap((start) =>
        Array.from({ length: x.shape[axis]! }, (_, index) => start + index * strides[axis]!),
      );
    }
    return Int32Array.from(list);
  };
  const kept = offsets(x.shape.flatMap((_, axis) => (axes.includes(axis) ? [] : [axis])));
  const reduced = offsets(axes);
  const together = new Float64Array(count) as unknown as Float32Array;
  return (registers) => {
    const [from, to] = [registers[x.register]!, registers[out.register]!];
    for (let at = 0; at < kept.length; at++) {
      for (let index = 0; index < count; index++) together[index] = from[kept[at]! + reduced[index]!]!;
      to[at] = fold(together, 0, count, 1);
    }
  };
}

/** The index is along the one axis given. */
function indexing(fold: Fold): MakeClosure {
  const make = reducing(fold);
  return (call) => {
    const { shape } = call.inputs[0]!;
    const axes = parseAxes(call.attributes['axis'], shape.length)!;
    return axes.length === 1 && shape[axes[0]!] !== 1 ? make(call) : undefined;
  };
}

/** Stored at each step, as eager's is: the sum goes on from what was stored. */
const cumsum: MakeClosure = ({ inputs, outputs, attributes }) => {
  const [x] = inputs as readonly [Operand];
  const [out] = outputs as readonly [Operand];
  const [axis] = parseAxes(attributes['axis'], x.shape.length)!;
  const isExclusive = attribute.boolean(attributes, 'exclusive', false);
  const isReverse = attribute.boolean(attributes, 'reverse', false);
  const count = x.shape[axis!]!;
  const inner = elementCount(x.shape.slice(axis! + 1));
  const step = isReverse ? -inner : inner;
  return (registers) => {
    const [from, to] = [registers[x.register]!, registers[out.register]!];
    for (let block = 0; block < x.size; block += count * inner) {
      for (let index = 0; index < inner; index++) {
        let at = block + index + (isReverse ? (count - 1) * inner : 0);
        to[at] = isExclusive ? 0 : from[at]!;
        for (let taken = 1; taken < count; taken++) {
          const before = at;
          at += step;
          to[at] = to[before]! + from[isExclusive ? before : at]!;
        }
      }
    }
  };
};

/** Along the last axis; differences, powers and their sum are rounded to float32. */
const softmax: MakeClosure = ({ inputs, outputs }) => {
  const [logits] = inputs as readonly [Operand];
  const [out] = outputs as readonly [Operand];
  const count = logits.shape.at(-1)!;
  return (registers) => {
    const [from, to] = [registers[logits.register]!, registers[out.register]!];
    for (let start = 0; start < logits.size; start += count) {
      const largest = max(from, start, count, 1);
      for (let index = start; index < start + count; index++) {
        to[index] = Math.exp(Math.fround(from[index]! - largest));
      }
      const total = Math.fround(sum(to, start, count, 1));
      for (let index = start; index < start + count; index++) to[index]! /= total;
    }
  };
};

export const reduceClosures: Readonly<Record<string, MakeClosure>> = {
  All: reducing(min),
  Any: reducing(max),
  ArgMax: indexing(argMax),
  ArgMin: indexing(argMin),
  Cumsum: cumsum,
  Max: reducing(max, 'reductionIndices'),
  Mean: reducing(mean),
  Min: reducing(min),
  Prod: reducing(product),
  Softmax: softmax,
  Sum: reducing(sum),
};
