import { describe, expect, it } from 'vitest';
import { progressLine, sizeCurve, type Progress } from '../../src/cli/commands/minify.ts';

describe('progress of minify', () => {
  it('draws sizes as a falling curve of at most 16 characters', () => {
    expect(sizeCurve([])).toBe('');
    expect(sizeCurve([900])).toBe('█');
    const curve = sizeCurve(Array.from({ length: 100 }, (_, index) => 2 ** (10 - index / 10)));
    expect(curve).toHaveLength(16);
    expect(curve.split('').sort().reverse().join('')).toBe(curve);
    expect(curve.at(-1)).toBe('▁');
  });

  it('says size, trials, accepted and the pass', () => {
    const progress: Progress = { trials: 0, accepted: 0, unit: '', sizes: [] };
    const start = { kind: 'minify-start', timeMs: 0, input: 'a.mjs', signature: 's', size: 64 } as const;
    expect(progressLine({ ...start, unit: 'tokens' }, progress)).toBeUndefined();
    const trial = {
      kind: 'minify-trial',
      timeMs: 1,
      pass: 'delete-statements',
      size: 8,
      durationMs: 1,
    } as const;
    progressLine({ ...trial, outcome: 'rejected' }, progress);
    progressLine({ kind: 'minify-best', timeMs: 2, size: 8, text: '' }, progress);
    expect(progressLine({ ...trial, outcome: 'accepted' }, progress)).toBe(
      '█▄ 8 tokens · 2 trials, 1 accepted · delete-statements',
    );
  });
});
