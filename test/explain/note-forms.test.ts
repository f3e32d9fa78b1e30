import { expect, test } from 'vitest';
import { buildReport } from '../../src/explain/report-builder.ts';
import type { GraphRecord, TraceRecord } from '../../src/ir/record.ts';
import { cwd, stack } from './sample-trace.ts';

const frame = (line: number) =>
  ({ file: `${cwd}/src/train.ts`, line, column: 3, function: 'step', origin: 'user' }) as const;

function graphRecord(index: number, family: string, at: number): GraphRecord {
  return {
    kind: 'graph',
    id: `g${index}`,
    name: 'step',
    timeMs: index,
    stack: at,
    family,
    nodeCount: 1,
    opCounts: {},
    inputs: [],
    outputs: [],
    text: '',
    language: 'fullgraph',
  };
}

function notesOf(records: readonly TraceRecord[]): (readonly [string, number | undefined, string])[] {
  const { notes } = buildReport([stack(1, [frame(10)]), stack(2, [frame(20)]), ...records]);
  return notes.map(({ code, site, text }) => [code, site?.line, text] as const);
}

test('a place where the ops change from call to call is pointed out', () => {
  const unrolled = Array.from({ length: 12 }, (_, index) => graphRecord(index, `f${index}`, 1));
  expect(notesOf(unrolled)).toEqual([
    ['FG2003', 10, expect.stringMatching(/^12 graphs of different ops end here, compiled in /)],
  ]);
});

test('variants of one graph, and a few graphs at a line, are nothing to point out', () => {
  const variants = Array.from({ length: 12 }, (_, index) => graphRecord(index, 'f1', 1));
  const few = Array.from({ length: 8 }, (_, index) => graphRecord(20 + index, `f${20 + index}`, 2));
  expect(notesOf([...variants, ...few])).toEqual([]);
});
