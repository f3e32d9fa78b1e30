import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { foldTrace } from '../../src/torch/fold-trace.ts';
import { findTraceFiles, isTorchTrace, rankInName } from '../../src/torch/trace-files.ts';
import { LogWriter } from './support/make-log.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fullgraph-torch-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function write(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, content);
  return path;
}

const log = new LogWriter().record('str', ['/srv/app.py', 0]).metrics('0/0', { co_name: 'f' }).text;

async function names(path: string): Promise<string[]> {
  return (await findTraceFiles([path])).map((file) => basename(file.path));
}

test('a directory gives its dedicated logs in numeric order and nothing else', async () => {
  for (const rank of [10, 2, 0]) write(`dedicated_log_torch_trace_rank_${rank}_abcd1234.log`, log);
  write('notes.log', log);
  write('events.json', '{}');
  const found = await findTraceFiles([folder]);
  expect(found.map((file) => file.rank)).toEqual([0, 2, 10]);
});

test('a directory without dedicated logs gives the logs that look like traces', async () => {
  write('nested/run.log', log);
  write('nested/run.log.gz', gzipSync(log));
  write('server.log', 'GET /index.html\n');
  expect(await names(folder)).toEqual(['run.log', 'run.log.gz']);
});

test.each([
  ['dedicated_log_torch_trace_rank_3_x8z.log', 3],
  ['dedicated_log_torch_trace_rank_12.log', 12],
  ['graph_rank_0.log', 0],
  ['dedicated_log_torch_trace_ab12.log', undefined],
  ['crank_7x.log', undefined],
])('the rank in %s is %s', (name, rank) => {
  expect(rankInName(name)).toBe(rank);
});

test('says what to do when there is nothing', async () => {
  await expect(findTraceFiles([join(folder, 'missing.log')])).rejects.toMatchObject({ code: 'FG5101' });
  await expect(findTraceFiles([folder])).rejects.toMatchObject({ code: 'FG5102' });
});

test('tells traces from other files', async () => {
  expect(await isTorchTrace(write('a.log', log))).toBe(true);
  expect(await isTorchTrace(write('b.gz', gzipSync(log)))).toBe(true);
  expect(await isTorchTrace(folder)).toBe(true);
  expect(await isTorchTrace(write('train.ts', 'console.log(1);\n'))).toBe(false);
  expect(await isTorchTrace(write('c.gz', Buffer.of(0x1f, 0x8b, 1, 2, 3)))).toBe(false);
  expect(await isTorchTrace(join(folder, 'missing'))).toBe(false);
});

async function* chunks(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
}

test.each([
  ['plain', Buffer.from(log)],
  ['compressed', gzipSync(log)],
])('reads %s standard input', async (_, bytes) => {
  const trace = await foldTrace(['-'], { stdin: chunks(bytes, 7) });
  expect(trace.processes[0]!.compilations.map((compile) => compile.key)).toEqual(['0/0']);
});

test('reads an archive, and what is left of a cut one', async () => {
  const long = new LogWriter();
  for (let index = 0; index < 2000; index++)
    long.record('describe_storage', { id: index, size: index * 7919 }, { id: '0/0' });
  const whole = gzipSync(long.text);
  const good = await foldTrace([write('whole.log.gz', whole)]);
  expect(good.files[0]!.counts.records).toBe(2000);
  const cut = await foldTrace([write('cut.log.gz', whole.subarray(0, whole.length / 2))]);
  const { counts } = cut.files[0]!;
  expect(counts.records).toBeGreaterThan(500);
  expect(counts.records).toBeLessThan(2000);
});

test('reports a damaged archive and keeps its good part', async () => {
  const long = new LogWriter();
  for (let index = 0; index < 20_000; index++)
    long.record('describe_storage', { id: index, size: (index * 7919) % 104729 }, { id: '0/0' });
  const bytes = gzipSync(long.text);
  bytes.fill(0xff, Math.floor(bytes.length / 2), Math.floor(bytes.length / 2) + 64);
  const trace = await foldTrace([write('damaged.log.gz', bytes)]);
  expect(trace.files[0]!.damage).toBeDefined();
  expect(trace.files[0]!.counts.records).toBeGreaterThan(0);
});

test('tells how far it has come', async () => {
  const path = write('a.log', log);
  const seen: number[] = [];
  await foldTrace([path], { onProgress: ({ bytes, totalBytes }) => void seen.push(bytes / totalBytes) });
  expect(seen.at(-1)).toBe(1);
});
