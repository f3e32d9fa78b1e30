import { expect, test } from 'vitest';
import { buildReport } from '../../src/explain/report-builder.ts';
import type { TimelineLane } from '../../src/explain/report.ts';
import type { TraceRecord } from '../../src/ir/record.ts';

function compile(timeMs: number, durationMs: number): TraceRecord {
  return {
    kind: 'compile',
    id: `c${timeMs}`,
    graph: 'g1',
    timeMs,
    durationMs,
    backend: 'onnxruntime',
    device: 'cpu',
    trigger: 'first',
    cache: 'none',
    phases: [],
    fallbacks: [],
  };
}

function run(timeMs: number, durationMs: number, traceMs: number): TraceRecord {
  return {
    kind: 'run',
    graph: 'g1',
    compile: 'c0',
    timeMs,
    durationMs,
    traceMs,
    captured: 1,
    folded: 0,
    eager: 0,
  };
}

function lanes(records: readonly TraceRecord[]): Record<string, [number, number][]> {
  const header: TraceRecord = {
    kind: 'header',
    schemaVersion: 1,
    source: 'fullgraph',
    program: 'a.js',
    arguments: [],
    cwd: '/app',
    startedAt: '',
    environment: {},
  };
  const spans = ({ startMs, durationMs }: TimelineLane): [number, number][] =>
    Array.from(startMs, (start, index) => [start, durationMs[index]!]);
  return Object.fromEntries(
    buildReport([header, ...records]).timeline.lanes.map((lane) => [lane.title, spans(lane)]),
  );
}

test('a graph is recorded before it is compiled: nothing counts twice, your code is what is left', () => {
  const found = lanes([compile(100, 50), run(150, 20, 60), run(200, 10, 5)]);
  expect(found).toMatchObject({
    trace: [
      [40, 60],
      [195, 5],
    ],
    compile: [[100, 50]],
    run: [
      [150, 20],
      [200, 10],
    ],
  });
  expect(found['your code']).toEqual([
    [0, 40],
    [170, 25],
  ]);
});

test('a compile that was over before the recording began moves nothing', () => {
  expect(lanes([compile(10, 20), run(150, 20, 60)])['trace']).toEqual([[90, 60]]);
});
