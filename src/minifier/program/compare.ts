/**
 * How far two results of the same kernel on the same inputs are apart. Errors count relative to the largest value of the result,
 * so that most cancellation and honest rounding do not; `judge.ts` says what is rounding of the rest.
 */
import type { Divergence } from './messages.ts';

export interface HostTensor {
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly values: ArrayLike<number>;
}

export interface Tolerance {
  readonly relativeTolerance: number;
  readonly absoluteTolerance: number;
}

type Difference = Pick<Divergence, 'what' | 'maxError' | 'actual' | 'expected'>;

/** The worst difference beyond the tolerance, between finite numbers if there is one; or none. */
export function findDifference(
  actual: HostTensor,
  expected: HostTensor,
  tolerance: Tolerance,
): Difference | undefined {
  if (actual.shape.join() !== expected.shape.join()) {
    return {
      what: 'shape',
      maxError: Infinity,
      actual: `[${actual.shape.join()}]`,
      expected: `[${expected.shape.join()}]`,
    };
  }
  if (actual.dtype !== expected.dtype) {
    return { what: 'dtype', maxError: Infinity, actual: actual.dtype, expected: expected.dtype };
  }
  const isExact = expected.dtype !== 'float32';
  let scale = 0;
  for (let index = 0; index < expected.values.length; index++) {
    const magnitude = Math.abs(expected.values[index]!);
    if (magnitude > scale && magnitude < Infinity) scale = magnitude;
  }
  const limit = isExact ? 0 : tolerance.absoluteTolerance + tolerance.relativeTolerance * scale;
  let worst: Difference | undefined;
  let special: Difference | undefined;
  for (let index = 0; index < expected.values.length; index++) {
    const left = actual.values[index]!;
    const right = expected.values[index]!;
    if (left === right || (Number.isNaN(left) && Number.isNaN(right))) continue;
    if (!Number.isFinite(left) || !Number.isFinite(right)) {
      const what = Number.isNaN(left) || Number.isNaN(right) ? 'nan' : 'infinite';
      special ??= { what, maxError: Infinity, actual: String(left), expected: String(right) };
      continue;
    }
    const maxError = Math.abs(left - right);
    if (maxError <= limit || maxError <= (worst?.maxError ?? 0)) continue;
    worst = { what: 'value', maxError, actual: String(left), expected: String(right) };
  }
  return worst ?? special;
}
