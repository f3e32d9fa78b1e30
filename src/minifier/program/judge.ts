/**
 * Whether a difference is more than rounding. Two float32 results may differ because both are rounded; a third one in double
 * precision tells: wrong is what is further from it than the reference is, by a factor (PyTorch's minifier judges so). Pure.
 */
import type { HostTensor } from './compare.ts';

/**
 * How much further from the exact result than the reference a result may be. tfjs's cpu kernels add up in doubles and round once,
 * native kernels add up in floats: up to 11 times as far off was measured in deep networks, and 1e5 times and more where a
 * kernel is wrong.
 */
export const roundingFactor = 16;

/** Largest distances from the exact result, over its largest value. */
export interface Judgement {
  readonly actualError: number;
  readonly expectedError: number;
  readonly isRounding: boolean;
}

type Values = HostTensor['values'];

/**
 * Judges two results by the exact one; `undefined` without one. Where the reference is not a finite number although the exact
 * result is, it says nothing; where only the suspect is not, it is wrong.
 */
export function judge(actual: Values, expected: Values, exact: Values | undefined): Judgement | undefined {
  if (exact?.length !== expected.length) return undefined;
  let scale = 0;
  let actualError = 0;
  let expectedError = 0;
  for (let index = 0; index < exact.length; index++) {
    const [got, want, truth] = [actual[index]!, expected[index]!, exact[index]!];
    if (Number.isFinite(truth)) {
      scale = Math.max(scale, Math.abs(truth));
      if (Number.isFinite(want)) expectedError = Math.max(expectedError, Math.abs(want - truth));
    }
    const isUnknown = !Number.isFinite(want) && Number.isFinite(got) && Number.isFinite(truth);
    if (!isUnknown && !Object.is(got, want)) actualError = Math.max(actualError, distance(got, truth));
  }
  const unit = scale === 0 ? 1 : scale;
  return {
    actualError: actualError / unit,
    expectedError: expectedError / unit,
    isRounding: actualError <= roundingFactor * expectedError,
  };
}

function distance(value: number, truth: number): number {
  if (value === truth || (Number.isNaN(value) && Number.isNaN(truth))) return 0;
  const error = Math.abs(value - truth);
  return Number.isNaN(error) ? Infinity : error;
}
