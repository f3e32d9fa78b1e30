import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { readRecordLine } from '../../src/explain/check-record.ts';
import { buildReport } from '../../src/explain/report-builder.ts';
import type { Report } from '../../src/explain/report.ts';
import { encodeRecord, type RecordKind, type TraceRecord } from '../../src/ir/record.ts';
import { readTorchTrace } from '../../src/torch/index.ts';
import { torchFixture } from './support/fixture.ts';

const folder = join(import.meta.dirname, '..', '..', 'fixtures', 'traces', 'torch-two-ranks');
let records: TraceRecord[];
let report: Report;

function ofKind<Kind extends RecordKind>(kind: Kind): Extract<TraceRecord, { kind: Kind }>[] {
  return records.filter((record): record is Extract<TraceRecord, { kind: Kind }> => record.kind === kind);
}

beforeAll(async () => {
  records = [];
  for await (const record of readTorchTrace(folder)) records.push(record);
  report = buildReport(records);
});

test('the fixture is what its script writes', () => {
  const files = readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]);
  expect(files).toEqual(torchFixture());
});

test('every record is one that explain accepts, stacks before their use', () => {
  const known = new Set<number>();
  for (const record of records) {
    expect(readRecordLine(encodeRecord(record)).kind).toBe('record');
    if (record.kind === 'stack') known.add(record.id);
    else if ('stack' in record && record.stack !== undefined) expect(known).toContain(record.stack);
  }
});

test('ids are unique over ranks', () => {
  for (const kind of ['graph', 'frame', 'compile'] as const) {
    const ids = ofKind(kind).map((record) => record.id);
    expect(new Set(ids).size).toBe(ids.length);
  }
});

describe('the report', () => {
  test('has distinct breaks with occurrences, ranks, hints and call paths', () => {
    expect(
      report.breaks.map((item) => [item.id, item.site?.file, item.site?.line, item.occurrences, item.ranks]),
    ).toEqual([
      ['GB0170', 'model.py', 14, 4, [0, 1]],
      ['GB0059', 'model.py', 18, 1, [1]],
      ['GB0142', 'model.py', 42, 2, [0, 1]],
    ]);
    expect(report.breaks[0]).toMatchObject({
      title: 'Data-dependent branching',
      branches: ['if y.sum() > 0:'],
      frames: ['r0:[0/0_1]', 'r0:[0/1_1]', 'r1:[0/0_1]', 'r1:[0/1_1]'],
    });
    expect(report.breaks[0]!.hints[0]).toContain('torch.where');
    expect(report.breaks[0]!.callPaths[0]!.frames.map((frame) => frame.origin)).toEqual([
      'user',
      'framework',
      'user',
      'user',
    ]);
  });

  test('weighs breaks by how often their graphs ran', () => {
    expect(report.breaks[1]).toMatchObject({ occurrences: 1, weight: 2 });
  });

  test('has a matrix of what changed per recompiled function, once for ranks that agree', () => {
    expect(
      report.families.map((family) => [
        family.name,
        family.copies,
        family.recompiles,
        family.rows.map((row) => [row.what, ...row.values]),
      ]),
    ).toEqual([['forward', 2, 2, [['x.shape[0]', '4', '5']]]]);
    expect(report.families[0]!.failures.map((failure) => [failure.closest, failure.graph])).toEqual([
      ['r0:0/0', 'r0:0/1'],
      ['r1:0/0', 'r1:0/1'],
    ]);
  });

  test('says which functions ended eager and why', () => {
    const eager = report.frames.filter(
      (frame) => frame.rank === 0 && frame.status !== 'ok' && frame.status !== 'break',
    );
    expect(eager.map((frame) => [frame.function, frame.status, frame.reason])).toEqual([
      ['helper', 'skipped', 'Unsupported context manager at /srv/shop/model.py:42'],
      ['log_only', 'empty', 'no tensor operation to compile'],
    ]);
  });

  test('has restarts with what they cost, phases, caches and guards', () => {
    expect(report.frames[0]).toMatchObject({
      restarts: 1,
      restartMs: 4,
      durationMs: 50,
      details: { guards: 2, 'guard latency us': 12, ops: 2 },
    });
    expect(report.phases.map((phase) => phase.name)).toEqual([
      'dynamo',
      'aot autograd',
      'inductor',
      'code generation',
      'thrown away by restarts',
    ]);
    expect(report.caches).toEqual([{ name: 'fx graph cache', hits: 2, misses: 2, bypasses: 0 }]);
  });

  test('has graphs with ops, types and the line of each node', () => {
    expect(report.graphs[0]).toMatchObject({
      id: 'r0:0/0',
      opCounts: { relu: 2 },
      inputs: [{ name: 'L_x_', type: { dtype: 'float32', shape: [4, 8] } }],
      language: 'fx',
    });
    expect(report.graphs[0]!.origins.get('y_1')?.site).toMatchObject({
      file: 'model.py',
      line: 12,
    });
    expect(report.graphs.find((graph) => graph.id === 'r0:0/1')!.inputs[0]!.type.shape).toEqual(['s0', 8]);
  });

  test('compares ranks and shows unknown kinds', () => {
    expect(report.notes.map((note) => [note.code, note.count])).toEqual([
      ['torch-rank-breaks', 1],
      ['torch-unknown-kind', 2],
    ]);
    expect(report.ranks.map((rank) => [rank.rank, rank.frames, rank.breaks])).toEqual([
      [0, 5, 2],
      [1, 5, 3],
    ]);
  });

  test('has the time line of the compiler', () => {
    const titles = report.timeline.lanes.map((lane) => lane.title);
    expect(titles).toEqual(expect.arrayContaining(['rank 0 phases', 'rank 0 phases +1', 'rank 1 phases']));
    expect(ofKind('slice')[0]).toMatchObject({
      name: 'entire_frame_compile',
      timeMs: 5,
      durationMs: 10,
      owner: 'r0:0/0',
    });
  });
});
