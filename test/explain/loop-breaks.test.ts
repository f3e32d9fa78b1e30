import { expect, test } from 'vitest';
import { buildReport } from '../../src/explain/report-builder.ts';
import { breakRecord, cwd, stack } from './sample-trace.ts';

const frame = (line: number) =>
  ({ file: `${cwd}/src/train.ts`, line, column: 3, function: 'step', origin: 'user' }) as const;

test('the first round of a loop is part of the break that the later rounds show', () => {
  const { breaks } = buildReport([
    stack(1, [frame(10)]),
    stack(2, [frame(20)]),
    breakRecord({ reason: 'FG1001', stack: 1, waitMs: 3 }),
    breakRecord({ reason: 'FG1004', stack: 1, waitMs: 1, isInLoop: true }),
    breakRecord({ reason: 'FG1004', stack: 1, waitMs: 1, isInLoop: true }),
    breakRecord({ reason: 'FG1001', stack: 2, waitMs: 2 }),
    {
      kind: 'saving',
      reason: 'FG1001',
      stack: 1,
      before: '',
      after: '',
      brokenMs: 3,
      stitchedMs: 1,
      occurrences: 1,
    },
    {
      kind: 'saving',
      reason: 'FG1004',
      stack: 1,
      before: '',
      after: '',
      brokenMs: 2,
      stitchedMs: 1,
      occurrences: 2,
    },
  ]);
  expect(
    breaks.map(({ id, site, occurrences, waitMs, savingMs }) => [
      id,
      site?.line,
      occurrences,
      waitMs,
      savingMs,
    ]),
  ).toEqual([
    ['FG1004', 10, 3, 5, 4],
    ['FG1001', 20, 1, 2, null],
  ]);
  expect(breaks[0]).toMatchObject({ isInLoop: true, title: 'Read inside a loop' });
});

test('calls on one line are breaks of their own, with keys of their own', () => {
  const at = (column: number) => ({ ...frame(10), column });
  const records = [
    stack(1, [at(40)]),
    stack(2, [at(7)]),
    breakRecord({ reason: 'FG1001', stack: 1, waitMs: 1 }),
    breakRecord({ reason: 'FG1001', stack: 2, waitMs: 1 }),
    breakRecord({ reason: 'FG1001', stack: 1, waitMs: 1 }),
  ];
  const { breaks, totals } = buildReport(records);
  expect(totals).toMatchObject({ breaks: 3, distinctBreaks: 2 });
  expect(breaks.map(({ key, site, occurrences }) => [key, site?.column, occurrences])).toEqual([
    [`FG1001@${cwd}/src/train.ts:10`, 40, 2],
    [`FG1001@${cwd}/src/train.ts:10:7`, 7, 1],
  ]);
});
