import { describe, expect, it } from 'vitest';
import type { SpecResult } from '../../scripts/conformance-events.ts';
import {
  addStats,
  countLowered,
  formatReport,
  judge,
  minLoweredKernels,
  type ShardOutcome,
} from '../../scripts/conformance-report.ts';

const spec = (name: string, status: SpecResult['status'], index = 0): SpecResult => ({
  index,
  name,
  status,
  messages: status === 'failed' ? ['Expected 1 to be 2.'] : [],
});

const kernels = Array.from({ length: 172 }, (_, index) => `Kernel${index}`);

function outcome(results: readonly SpecResult[], loweredCount = minLoweredKernels): ShardOutcome {
  return {
    results,
    suiteFailures: [],
    stats: {
      compiled: 90,
      fallback: 10,
      fallbackKernels: { Unique: 10 },
      loweredKernels: [...kernels.slice(0, loweredCount), 'NotOnCpu'],
      compiles: 3,
    },
    specs: results.length,
    cpuKernels: kernels,
  };
}

describe('judge', () => {
  const reference = outcome([spec('add', 'passed'), spec('unique', 'passed')]);

  it('accepts a run that passes what the reference passes', () => {
    const verdict = judge(reference, reference, [], true);
    expect(verdict.isAccepted).toBe(true);
    expect(verdict.referencePassed).toBe(2);
  });

  it('rejects a failure without a reason and accepts one with a reason', () => {
    const run = outcome([spec('add', 'passed'), spec('unique', 'failed')]);
    expect(judge(run, reference, [], true)).toMatchObject({
      isAccepted: false,
      unexpected: [{ name: 'unique' }],
    });
    const known = [{ spec: 'unique', reason: 'because' }];
    expect(judge(run, reference, known, true)).toMatchObject({
      isAccepted: true,
      known: [{ reason: 'because' }],
    });
  });

  it('rejects a spec that silently did not run', () => {
    const run = outcome([spec('add', 'passed'), spec('unique', 'pending')]);
    expect(judge(run, reference, [], true)).toMatchObject({ isAccepted: false, missing: ['unique'] });
    expect(judge(outcome([spec('add', 'passed')]), reference, [], true).missing).toEqual(['unique']);
  });

  it('tells specs of equal name apart', () => {
    const run = outcome([spec('add', 'passed'), spec('add', 'failed')]);
    expect(judge(run, undefined, [{ spec: 'add', reason: 'r' }], true).unexpected).toHaveLength(1);
    expect(judge(run, undefined, [{ spec: 'add #2', reason: 'r' }], true).unexpected).toHaveLength(0);
  });

  it('rejects a known failure that passes, but only in a whole run', () => {
    const known = [{ spec: 'add', reason: 'once' }];
    expect(judge(reference, reference, known, true)).toMatchObject({ isAccepted: false, stale: ['add'] });
    expect(judge(reference, reference, known, false)).toMatchObject({ isAccepted: true, stale: [] });
  });

  it('rejects a long list of known failures', () => {
    const results = Array.from({ length: 6 }, (_, index) => spec(`s${index}`, 'failed'));
    const known = results.map(({ name }) => ({ spec: name, reason: 'r' }));
    expect(judge(outcome(results), undefined, known, true).isAccepted).toBe(false);
  });

  it('rejects too few lowerings of kernels that cpu has', () => {
    const run = outcome([spec('add', 'passed')], minLoweredKernels - 1);
    expect(judge(run, undefined, [], true).isAccepted).toBe(false);
    expect(countLowered(run)).toBe(minLoweredKernels - 1);
  });
});

describe('formatReport', () => {
  it('ends in the plain counts', () => {
    const run = outcome([spec('add', 'passed'), spec('unique', 'failed'), spec('x', 'pending')]);
    const text = formatReport('fullgraph', run, judge(run, undefined, [], true), 1234, false);
    expect(text.split('\n').at(-1)).toBe('1 passed, 1 failed');
    expect(text).toContain('90.0 % in 3 compiled graphs');
    expect(text).toContain(`lowered kernels: ${minLoweredKernels} of the 172`);
    expect(text).toContain('FAILED unique\n    Expected 1 to be 2.');
  });
});

describe('addStats', () => {
  it('sums calls and unites kernels', () => {
    const { stats } = outcome([]);
    expect(addStats(undefined, stats)).toBe(stats);
    expect(addStats(stats, stats)).toMatchObject({
      compiled: 180,
      fallback: 20,
      fallbackKernels: { Unique: 20 },
      loweredKernels: stats?.loweredKernels,
    });
  });
});
