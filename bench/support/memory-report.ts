/** Whether memory stays flat: the trend of samples taken during a long run. Pure. */

export interface MemorySample {
  readonly step: number;
  readonly rssBytes: number;
  readonly heapBytes: number;
  readonly numTensors: number;
  readonly numDataBuffers: number;
  readonly numBytes: number;
  /** Live native sessions; absent on other backends. */
  readonly liveSessions?: number;
}

/** Least-squares slope of resident memory in bytes per step. */
export function slopeOf(samples: readonly MemorySample[]): number {
  const count = samples.length;
  const meanStep = samples.reduce((sum, { step }) => sum + step, 0) / count;
  const meanRss = samples.reduce((sum, { rssBytes }) => sum + rssBytes, 0) / count;
  let covariance = 0;
  let variance = 0;
  for (const { step, rssBytes } of samples) {
    covariance += (step - meanStep) * (rssBytes - meanRss);
    variance += (step - meanStep) ** 2;
  }
  return variance === 0 ? 0 : covariance / variance;
}

export interface MemoryVerdict {
  /** Growth of resident memory over the settled part of the run, by its trend. */
  readonly growthBytes: number;
  readonly isFlat: boolean;
  readonly areCountsConstant: boolean;
  readonly areSessionsConstant: boolean;
}

/** Caches, pools and the optimizing JIT fill in the first quarter. */
export const settledShare = 0.25;
/** A leak of one small tensor per step would exceed this; noise of the allocator does not. */
export const maxGrowthBytes: number = 8 * 2 ** 20;

export function judgeMemory(samples: readonly MemorySample[]): MemoryVerdict {
  const lastStep = samples.at(-1)?.step ?? 0;
  const settled = samples.filter(({ step }) => step >= settledShare * lastStep);
  const growthBytes = slopeOf(settled) * (lastStep - (settled[0]?.step ?? 0));
  const isConstant = (read: (sample: MemorySample) => number | undefined): boolean =>
    new Set(settled.map(read)).size <= 1;
  return {
    growthBytes,
    isFlat: growthBytes <= maxGrowthBytes,
    areCountsConstant: isConstant((s) => s.numTensors) && isConstant((s) => s.numDataBuffers),
    areSessionsConstant: isConstant((s) => s.liveSessions),
  };
}
