import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { compareRanks } from '../../src/torch/compare-ranks.ts';
import { foldTrace } from '../../src/torch/fold-trace.ts';
import { breakText, LogWriter, type Frame } from './support/make-log.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fullgraph-ranks-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const call: readonly Frame[] = [['/srv/model.py', 10, 'forward']];
const site = { file: '/srv/model.py', line: 14, function: 'forward', code: 'x' };

async function compare(ranks: Readonly<Record<number, (log: LogWriter) => LogWriter>>): Promise<string[]> {
  for (const [rank, writeMore] of Object.entries(ranks)) {
    const log = new LogWriter({ rank: Number(rank) })
      .start('0/0', call)
      .metrics('0/0', { co_name: 'forward', graph_op_count: 1 });
    writeFileSync(join(folder, `dedicated_log_torch_trace_rank_${rank}_x.log`), writeMore(log).text);
  }
  const trace = await foldTrace([folder]);
  return compareRanks(trace.processes).map((note) => note.text);
}

const same = (log: LogWriter): LogWriter => log;

test('ranks that agree give no note', async () => {
  expect(await compare({ 0: same, 1: same, 2: same })).toEqual([]);
});

test('one rank is not compared', async () => {
  expect(await compare({ 0: same })).toEqual([]);
});

test('ranks without a log are named', async () => {
  expect(await compare({ 0: same, 3: same })).toEqual([
    'There is no log of ranks 1, 2; the highest rank seen is 3.',
  ]);
});

test('a rank that compiled more differs from the majority', async () => {
  const more = (log: LogWriter): LogWriter => log.start('1/0', call).metrics('1/0', {});
  expect(await compare({ 0: same, 1: more, 2: same })).toEqual([
    'Rank 1 differs from ranks 0, 2 in what was compiled: with [1/0] besides.',
  ]);
});

test('other breaks, collectives and caches are told', async () => {
  const broken = (log: LogWriter): LogWriter =>
    log
      .artifact('dynamo_graph_break_reason', breakText(site, 'K'), '0/0')
      .artifact('inductor_collective_schedule', '["all_reduce"]', '0/0', 'json')
      .artifact('fx_graph_cache_hit', '{}', '0/0', 'json');
  expect(await compare({ 0: same, 1: broken })).toEqual([
    'Rank 1 differs from rank 0 in graph breaks: with K at /srv/model.py:14 besides.',
    'Rank 1 differs from rank 0 in the order of collectives: with 0/0 #1 all_reduce besides.',
    'Rank 1 differs from rank 0 in cache hits: with 0/0 fx graph hit besides.',
  ]);
});
