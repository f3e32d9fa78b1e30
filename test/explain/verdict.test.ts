import { expect, test } from 'vitest';
import { buildReport } from '../../src/explain/report-builder.ts';
import { noTotals, type SavingRecord, type TraceRecord } from '../../src/ir/record.ts';
import { breakRecord, cwd, stack } from './sample-trace.ts';

const frame = (line: number) =>
  ({ file: `${cwd}/src/train.ts`, line, column: 3, function: 'step', origin: 'user' }) as const;

const end: TraceRecord = {
  kind: 'end',
  timeMs: 1000,
  exitCode: 0,
  totals: { ...noTotals, opsTotal: 10, opsCaptured: 10, wallMs: 1000 },
};

function saving(at: number, savedMs: number, skipped?: string): SavingRecord {
  const common = {
    kind: 'saving',
    reason: 'FG1001',
    stack: at,
    before: 'g1',
    after: 'g2',
    occurrences: 1,
  } as const;
  return { ...common, brokenMs: savedMs, stitchedMs: 0, ...(skipped === undefined ? {} : { skipped }) };
}

test.each([
  [0.5, undefined, '2 breaks at 2 lines cost less than 0.1 % of the run.'],
  [0.5, 'too large', '2 breaks at 2 lines cost less than 0.1 % of the run, as far as measured.'],
  [500, undefined, '2 breaks at 2 lines cost 50 % of the run.'],
  [500, 'too large', '2 breaks at 2 lines cost at least 50 % of the run.'],
])('the verdict on %d ms, the other break %s', (savedMs, skipped, sentence) => {
  const { verdict } = buildReport([
    stack(1, [frame(10)]),
    stack(2, [frame(20)]),
    breakRecord({ reason: 'FG1001', stack: 1 }),
    breakRecord({ reason: 'FG1001', stack: 2 }),
    saving(1, savedMs),
    saving(2, 0, skipped),
    end,
  ]);
  expect(verdict.sentence).toBe(sentence);
});
