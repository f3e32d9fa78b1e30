import { expect, test } from 'vitest';
import type { TraceRecord } from '../../src/ir/record.ts';
import { parseChromiumEvent, SlicePairer, toPerfetto } from '../../src/torch/chromium.ts';

function event(name: string, ph: string, ts: number, tid = 0): string {
  return JSON.stringify({ name, ts, args: { compile_id: '0/1' }, ph, cat: 'dynamo_timed', tid, pid: 0 });
}

function pair(...payloads: readonly string[]): SlicePairer {
  const pairer = new SlicePairer();
  for (const payload of payloads) pairer.add(parseChromiumEvent(payload)!);
  return pairer;
}

test('begins and ends pair up by name, inner ones first, lanes apart', () => {
  const pairer = pair(
    event('dynamo', 'B', 10),
    event('gc', 'B', 12),
    event('gc', 'B', 13, 1),
    event('gc', 'E', 15),
    event('gc', 'E', 20, 1),
    event('dynamo', 'E', 30),
    event('hit', 'i', 31),
  );
  expect(pairer.slices.map((slice) => [slice.name, slice.lane, slice.durationUs, slice.depth])).toEqual([
    ['gc', '0/0', 3, 1],
    ['gc', '0/1', 7, 0],
    ['dynamo', '0/0', 20, 0],
    ['hit', '0/0', 0, -1],
  ]);
  expect([pairer.unmatched, pairer.unfinished]).toEqual([0, 0]);
});

test('what lacks its partner is counted', () => {
  const pairer = pair(event('a', 'E', 1), event('b', 'B', 2), event('c', 'B', 3), event('c', 'E', 4));
  expect([pairer.unmatched, pairer.unfinished, pairer.slices.length]).toEqual([1, 1, 1]);
});

test.each(['', '{', '[]', '{"name": "a"}', '{"name": "a", "ph": "B", "ts": "soon"}'])(
  '%j is no event',
  (payload) => {
    expect(parseChromiumEvent(payload)).toBeUndefined();
  },
);

test('the compile id None is none', () => {
  expect(
    parseChromiumEvent('{"name":"a","ph":"B","ts":1,"args":{"compile_id":"None"}}')!.compileId,
  ).toBeUndefined();
});

test('the Perfetto export has a track per lane, slices in microseconds and breaks as instants', () => {
  const records: TraceRecord[] = [
    { kind: 'slice', lane: 'phases', name: 'dynamo', timeMs: 1, durationMs: 2.5, owner: '0/0' },
    {
      kind: 'compile',
      id: 'c',
      graph: '0/0',
      timeMs: 1,
      durationMs: 3,
      trigger: 'first',
      backend: 'inductor',
      device: 'cpu',
      cache: 'none',
      phases: [],
      fallbacks: [],
    },
    {
      kind: 'break',
      reason: 'GB0170',
      title: 'Data-dependent branching',
      timeMs: 2,
      waitMs: 0,
      isInLoop: false,
    },
    { kind: 'memory', timeMs: 0, tensors: 1, tensorBytes: 1, rssBytes: 1 },
  ];
  const { traceEvents } = JSON.parse(toPerfetto(records)) as { traceEvents: Record<string, unknown>[] };
  expect(traceEvents.filter((item) => item['ph'] === 'M').map((item) => item['args'])).toEqual([
    { name: 'phases' },
    { name: 'compile' },
    { name: 'graph breaks' },
  ]);
  expect(traceEvents.filter((item) => item['ph'] !== 'M')).toMatchObject([
    { name: 'dynamo', ph: 'X', ts: 1000, dur: 2500, tid: 1, args: { compile: '0/0' } },
    { name: '0/0', ph: 'X', ts: 1000, dur: 3000, tid: 2 },
    { name: 'Data-dependent branching', ph: 'i', ts: 2000, tid: 3 },
  ]);
});
