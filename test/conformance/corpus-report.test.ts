import { describe, expect, it } from 'vitest';
import {
  formatCorpusReport,
  outcomeOf,
  type Baselines,
  type CaseResult,
} from '../../scripts/corpus-report.ts';
import type { FullgraphStats } from '../../bench/support/fullgraph.ts';

const stats: FullgraphStats = {
  kernelCalls: { compiled: 995, fallback: 5 },
  fallbackKernels: { Unique: 5 },
  loweredKernels: [],
  compiles: 3,
  recompiles: 1,
  diskCacheHits: 0,
  firstRunCalls: 10,
  runs: 10,
  tracedCalls: 1000,
  traceMs: 1,
  compileMs: 1,
  runMs: 1,
  installMs: 0,
  liveSessions: 3,
};
const memory = { numTensors: 7, numDataBuffers: 7, numBytes: 28 };

const versus = {
  match: true,
  firstDivergence: -1,
  nObs: 3,
  nObsRef: 3,
  maxAbsDiff: 0,
  maxRelDiff: 0,
  varsMismatch: 0,
  linesDifferent: 0,
};

function result(name: string, changes: Partial<CaseResult> = {}): CaseResult {
  return { name, ok: true, ms: 50, wallMs: 150, vsRef: versus, facts: { memory, stats }, ...changes };
}

const baselines: Baselines = {
  cpu: {
    measuredAt: '2026-01-02T03:04:05Z',
    cases: {
      kmeans: { ok: true, ms: 500, wallMs: 600, memory },
      gan: { ok: true, ms: 500, wallMs: 600, memory },
    },
  },
  wasm: {
    measuredAt: '2026-01-02T03:04:05Z',
    cases: {
      kmeans: { ok: true, ms: 100, wallMs: 200, memory },
      gan: { ok: false, ms: 1, wallMs: 2, memory },
    },
  },
};

describe('outcomeOf', () => {
  const diverged = { ...versus, match: false, firstDivergence: 4 };

  it('forgives a divergence to chaotic programs only', () => {
    expect(outcomeOf(result('rl', { vsRef: diverged }))).toBe('mismatch');
    expect(outcomeOf(result('rl', { vsRef: diverged, chaotic: true }))).toBe('chaotic');
  });

  it('forgives nothing to a chaotic program that diverges at its first read', () => {
    const vsRef = { ...diverged, firstDivergence: 0 };
    expect(outcomeOf(result('rl', { vsRef, chaotic: true }))).toBe('mismatch');
  });

  it('does not take a missing reference for success', () => {
    const { vsRef: _, ...unreferenced } = result('rl');
    expect(outcomeOf(unreferenced)).toBe('no reference');
    expect(outcomeOf({ ...unreferenced, ok: false, error: 'boom' })).toBe('error');
  });
});

describe('formatCorpusReport', () => {
  it('sums calls, times and memory', () => {
    const report = formatCorpusReport('fullgraph', [result('kmeans'), result('gan')], baselines);
    expect(report.isAccepted).toBe(true);
    expect(report.text).toContain(
      '99.50 % of 2,000 kernel calls in compiled graphs (1.00 % in first runs, call by call); 6 compiles, of which 2 recompiles',
    );
    expect(report.text).toContain(
      'on the 1 programs that wasm runs: 50 ms in the programs against 100 (2.00x as fast)',
    );
    expect(report.text).toContain('2 of 2 end with the tf.memory() of cpu');
    expect(report.text.split('\n').at(-1)).toBe('2 passed, 0 failed');
  });

  it('rejects a leaked tensor', () => {
    const leaking = result('kmeans', { facts: { memory: { ...memory, numTensors: 9 }, stats } });
    const report = formatCorpusReport('fullgraph', [leaking], baselines);
    expect(report.isAccepted).toBe(false);
    expect(report.text).toContain('9/7 tensors');
  });

  it('rejects less than 99 % of calls in compiled graphs', () => {
    const facts = { memory, stats: { ...stats, kernelCalls: { compiled: 98, fallback: 2 } } };
    expect(formatCorpusReport('fullgraph', [result('kmeans', { facts })], baselines).isAccepted).toBe(false);
  });

  it('names errors and mismatches', () => {
    const broken = result('gan', { vsRef: { ...versus, match: false, firstDivergence: 2 } });
    const crashed = result('kmeans', { ok: false, error: 'CRASH code 139\nmore' });
    const report = formatCorpusReport('fullgraph', [broken, crashed], baselines);
    expect(report.isAccepted).toBe(false);
    expect(report.text).toContain('ERROR kmeans: CRASH code 139');
    expect(report.text).toContain('MISMATCH gan: 3 reads (cpu 3), first divergence at read 2');
  });
});
