import { describe, expect, test } from 'vitest';
import { buildReport } from '../../../src/explain/report-builder.ts';
import type { MinifyRecord } from '../../../src/ir/record.ts';
import { initialSettings } from '../../../src/ui/define-view.ts';
import { lineText, lineWidth } from '../../../src/ui/lines.ts';
import { createMinifyFold, sizeCurve, type MinifyModel } from '../../../src/ui/live/minify-model.ts';
import { createMinifyView } from '../../../src/ui/views/minify-view.ts';
import { drive } from '../support/ui-driver.ts';
import { searchEnd, searchModel, searchRecords, searchStart } from '../support/search.ts';

const report = buildReport([]);

function screen(model: MinifyModel, key = 'pass delete', width = 80): string {
  const view = createMinifyView(model);
  const list = view.list(report, initialSettings);
  const lines = [
    ...view.head!(report, initialSettings, width),
    ...Array.from({ length: list.count }, (_, index) => list.line(index, width)),
    ...view.detail!(report, initialSettings, key, width),
  ];
  for (const line of lines) expect(lineWidth(line)).toBeLessThanOrEqual(width);
  return lines.map(lineText).join('\n');
}

describe('a search', () => {
  test('is counted by pass, with what each took away', () => {
    const { passes, trials, outcomes, size } = searchModel(searchRecords);
    expect(passes).toEqual([
      { name: 'delete', trials: 2, accepted: 1, saved: 500, durationMs: 20 },
      { name: 'inline', trials: 1, accepted: 1, saved: 490, durationMs: 10 },
    ]);
    expect([trials, outcomes.accepted, outcomes.rejected, size]).toEqual([3, 2, 1, 10]);
  });

  test('goes through its phases', () => {
    const fold = createMinifyFold('train.mjs');
    expect(fold.model().phase).toBe('probing');
    fold.add(searchStart);
    expect(fold.model().phase).toBe('reducing');
    fold.setPhase('paused');
    expect(fold.model().phase).toBe('paused');
    fold.setPhase('resumed');
    fold.setPhase('stopping');
    expect(fold.model().phase).toBe('stopping');
    fold.add({ kind: 'minify-end', timeMs: 1, size: 3, trials: 4, directory: 'repro', verified: true });
    expect(fold.model().phase).toBe('done');
  });

  test('that ended without a result says why', () => {
    const fold = createMinifyFold('train.mjs');
    fold.fail('it does not fail');
    expect(screen(fold.model())).toContain('it does not fail');
  });
});

test('workers show what they tried last', () => {
  const tried: MinifyRecord = {
    kind: 'minify-trial',
    timeMs: 500,
    pass: 'inline',
    size: 8,
    outcome: 'rejected',
    durationMs: 1,
    worker: 2,
  };
  const { workers } = searchModel([...searchRecords, { ...tried, size: 9 }, tried, { ...tried, worker: 1 }]);
  expect(workers.map(({ worker, size }) => [worker, size])).toEqual([
    [1, 8],
    [2, 8],
  ]);
  expect(screen(searchModel([...searchRecords, tried]))).toContain('worker 2 inline: 8 tokens, rejected');
});

describe('the size curve', () => {
  test('falls from full blocks to the lowest, at the time of each step', () => {
    const curve = sizeCurve(searchModel(searchRecords), 6);
    expect(curve).toHaveLength(6);
    expect(curve.startsWith('█')).toBe(true);
    expect(curve.endsWith('▁')).toBe(true);
    const levels = Array.from(curve, (block) => '▁▂▃▄▅▆▇█'.indexOf(block));
    expect(levels).toEqual(levels.toSorted((left, right) => right - left));
  });

  test('is empty before the first size, and flat when nothing shrank', () => {
    expect(sizeCurve(searchModel([]), 10)).toBe('');
    expect(new Set(sizeCurve(searchModel([searchStart]), 10)).size).toBe(1);
  });
});

describe('the view', () => {
  test('shows the search at a glance', () => {
    expect(screen(searchModel(searchRecords))).toMatchInlineSnapshot(`
      " shrinking  train.mjs  crash: RangeError
       1000 → 10 tokens (99 % gone) █████████████▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▁▁▁▁▁▁▁▁
       3 trials · 2 accepted · 1 rejected · 450 ms
      pass                                        trials  accepted    saved       time
        delete                                         2         1     -500    20.0 ms
      ▶ inline                                         1         1     -490    10.0 ms
      other failures met on the way
      nan: Log  another program
      best so far: 10 tokens
       1 │ program of 10
       2 │ line 2"
    `);
  });

  test('says on which values a graph runs, from the first moment and also when nothing fails', () => {
    const drawn = 'on values drawn from the seed';
    const failed = createMinifyFold('g1', drawn);
    failed.fail('g1 does not fail');
    for (const model of [searchModel([], drawn), searchModel(searchRecords, drawn), failed.model()])
      expect(screen(model)).toContain(drawn);
  });

  test('shows what is shrunk before the first trial', () => {
    const best: MinifyRecord = { kind: 'minify-best', timeMs: 100, size: 1000, text: 'all of it' };
    const { screen: shown } = drive(report, [], 80, 24, {
      shown: [createMinifyView(searchModel([searchStart, best]))],
    });
    expect(shown.join('\n')).toContain('1 │ all of it');
  });

  test('shows no program where nothing failed', () => {
    const stage: MinifyRecord = { kind: 'minify-stage', timeMs: 1, name: 'all', verdict: 'passes' };
    const shown = screen(searchModel([stage]), 'stage 0');
    expect(shown).toContain('nothing has been shrunk');
    expect(shown).not.toContain('0 tokens');
  });

  test('shows another failure when the cursor is on it', () => {
    expect(screen(searchModel(searchRecords), 'slip 0')).toContain('another program');
  });

  test('offers to pause and stop only while there is something to stop', () => {
    const running = createMinifyView(searchModel(searchRecords)).commands!(report, initialSettings);
    expect(running).toMatchObject({ pause: 'pause', stop: 'stop with best' });
    const done = searchModel([...searchRecords, searchEnd]);
    expect(createMinifyView(done).commands!(report, initialSettings)).not.toHaveProperty('pause');
    expect(screen(done, 'pass delete', 60)).toContain('fails the same way');
  });
});
