import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readRecordLine } from '../../src/explain/check-record.ts';
import { reportToPerfetto } from '../../src/explain/perfetto.ts';
import { createReportBuilder } from '../../src/explain/report-builder.ts';

interface Event {
  readonly name: string;
  readonly ph: string;
  readonly ts: number;
  readonly dur?: number;
  readonly tid: number;
  readonly args?: Readonly<Record<string, string | number>>;
}

const builder = createReportBuilder();
const trace = new URL('../../fixtures/traces/training.jsonl', import.meta.url);
for (const line of readFileSync(trace, 'utf8').split('\n')) builder.addLine(readRecordLine(line));
const report = builder.report();
const { traceEvents } = JSON.parse(reportToPerfetto(report)) as { readonly traceEvents: readonly Event[] };

test('each lane of the timeline is a thread, in the same order', () => {
  const threads = traceEvents.filter((event) => event.name === 'thread_name');
  expect(threads.map((event) => event.args!['name'])).toEqual(
    report.timeline.lanes.map((lane) => lane.title),
  );
});

test('each span is there, in microseconds, under the name that a person knows', () => {
  const spans = traceEvents.filter((event) => event.ph === 'X');
  expect(spans).toHaveLength(report.timeline.lanes.reduce((sum, lane) => sum + lane.length, 0));
  const run = report.timeline.lanes.findIndex((lane) => lane.title === 'run');
  const first = spans.find((event) => event.tid === run + 1)!;
  expect(first).toMatchObject({
    name: 'g1 trainEpoch',
    ts: report.timeline.lanes[run]!.startMs[0]! * 1000,
    dur: report.timeline.lanes[run]!.durationMs[0]! * 1000,
  });
  expect(spans.map((event) => event.name)).toContain('FG1004 Read inside a loop');
});

test('memory is a counter', () => {
  const counters = traceEvents.filter((event) => event.ph === 'C' && event.name === 'memory');
  expect(counters).toHaveLength(report.memory.length);
});
