import { describe, expect, it } from 'vitest';
import { compareReads } from '../../src/minifier/program/classify.ts';
import { judge, roundingFactor } from '../../src/minifier/program/judge.ts';

const cases: readonly (readonly [
  what: string,
  actual: readonly number[],
  expected: readonly number[],
  exact: readonly number[],
  isRounding: boolean,
])[] = [
  ['both are off by as much', [1.1, 2], [0.9, 2], [1, 2], true],
  ['only the suspect is off', [1.1, 2], [1, 2], [1, 2], false],
  ['only the reference is off', [1, 2], [1.1, 2], [1, 2], true],
  ['the suspect is further off than the factor allows', [1 + 17e-4, 2], [1 + 1e-4, 2], [1, 2], false],
  ['the reference is off elsewhere', [1.1, 2], [1, 2.05], [1, 2], true],
  ['only the suspect is NaN', [NaN, 2], [1, 2], [1, 2], false],
  ['the suspect is NaN, and the reference off elsewhere', [NaN, 2], [1, 9], [1, 2], false],
  ['only the suspect is infinite', [Infinity, 2], [1, 2], [1, 2], false],
  ['only the reference overflows', [3e38, 2], [Infinity, 2], [4e38, 2], true],
  ['nothing is known', [1, 2], [3, 2], [NaN, 2], false],
  ['everybody is infinite, the suspect with another sign', [-Infinity], [Infinity], [Infinity], false],
];

describe('judge', () => {
  it.each(cases)('when %s', (_, actual, expected, exact, isRounding) => {
    expect(judge(actual, expected, exact)?.isRounding).toBe(isRounding);
  });

  it('measures in units of the largest value', () => {
    const errors = judge([101], [100.5], [100])!;
    expect(errors.actualError).toBeCloseTo(0.01);
    expect(errors.expectedError).toBeCloseTo(0.005);
  });

  it('says nothing without an exact result of the same size', () => {
    expect(judge([1], [2], undefined)).toBeUndefined();
    expect(judge([1, 2], [2, 3], [1])).toBeUndefined();
  });
});

describe('compareReads', () => {
  const tolerance = { relativeTolerance: 1e-3, absoluteTolerance: 1e-5 };
  const read = (value: number, exact?: number) => ({
    dtype: 'float32',
    shape: [1],
    values: [value],
    ...(exact === undefined ? {} : { exact: [exact] }),
  });

  it('goes on after what is rounding, and names the first read that is not', () => {
    const reads = [read(1.1, 1.2), read(5, 5), read(7, 7)];
    const verdict = compareReads(
      [read(1.2), read(5), read(8)],
      { reads, inexact: { kernels: [] } },
      tolerance,
    );
    expect(verdict).toMatchObject({
      kind: 'diverge',
      message: 'read 3: got 8, the reference says 7',
      judgedBy: 'double precision: off by 0.14 of the largest value, the reference in float32 by 0',
    });
    const factor = roundingFactor * 0.1 - 1e-9;
    const rounded = compareReads([read(1.2 + factor)], { reads: [read(1.1, 1.2)] }, tolerance);
    expect(rounded.kind).toBe('pass');
  });

  it('says when float32 had to judge, and why', () => {
    const actual = [read(8)];
    const judgedBy = (inexact: { kernels: string[]; reason?: string } | undefined, exact?: number) =>
      compareReads(actual, { reads: [read(7, exact)], ...(inexact ? { inexact } : {}) }, tolerance).judgedBy;
    expect(judgedBy(undefined)).toBe('the tolerances alone');
    expect(judgedBy({ kernels: [] })).toBe('the reference in float32');
    expect(judgedBy({ kernels: [], reason: 'no cpu' })).toBe(
      'the reference in float32: no double precision (no cpu)',
    );
    expect(judgedBy({ kernels: ['Blur'] }, 7)).toMatch(/^double precision: .* \(without Blur\)$/);
  });
});
