import { describe, expect, it } from 'vitest';
import {
  judgeMemory,
  maxGrowthBytes,
  slopeOf,
  type MemorySample,
} from '../../bench/support/memory-report.ts';

const steps = Array.from({ length: 40 }, (_, index) => (index + 1) * 50);

const samplesOf = (
  rssOf: (step: number) => number,
  changes: (step: number) => Partial<MemorySample> = () => ({}),
) =>
  steps.map((step): MemorySample => ({
    step,
    rssBytes: rssOf(step),
    heapBytes: 0,
    numTensors: 20,
    numDataBuffers: 20,
    numBytes: 80,
    liveSessions: 3,
    ...changes(step),
  }));

describe('judgeMemory', () => {
  it('forgives warming up and noise', () => {
    const noisy = samplesOf((step) => 3e8 + (step < 400 ? step * -1e5 : 0) + (step % 100 === 0 ? 4e6 : 0));
    expect(judgeMemory(noisy)).toMatchObject({
      isFlat: true,
      areCountsConstant: true,
      areSessionsConstant: true,
    });
  });

  it('finds a leak of 8 KiB per step', () => {
    const verdict = judgeMemory(samplesOf((step) => 3e8 + step * 8192));
    expect(verdict.isFlat).toBe(false);
    expect(verdict.growthBytes).toBeGreaterThan(maxGrowthBytes);
  });

  it('finds a tensor or a session that is left behind', () => {
    const late = (step: number): number => (step > 1900 ? 1 : 0);
    expect(
      judgeMemory(
        samplesOf(
          () => 3e8,
          (step) => ({ numTensors: 20 + late(step) }),
        ),
      ).areCountsConstant,
    ).toBe(false);
    expect(
      judgeMemory(
        samplesOf(
          () => 3e8,
          (step) => ({ liveSessions: 3 + late(step) }),
        ),
      ).areSessionsConstant,
    ).toBe(false);
  });
});

describe('slopeOf', () => {
  it('is in bytes per step', () => {
    expect(slopeOf(samplesOf((step) => 7 * step))).toBeCloseTo(7);
    expect(slopeOf([])).toBe(0);
  });
});
