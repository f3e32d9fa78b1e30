import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeRecord, type ArtifactRecord, type TraceRecord } from '../../src/ir/record.ts';
import { loadText, readTorchTrace, saveRunnables } from '../../src/torch/index.ts';
import { torchFixture } from './support/fixture.ts';
import { LogWriter } from './support/make-log.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'fullgraph-texts-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function write(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

async function read(path: string, scrub = false): Promise<TraceRecord[]> {
  const records: TraceRecord[] = [];
  for await (const record of readTorchTrace(path, { scrub })) records.push(record);
  return records;
}

async function artifact(path: string, name: string): Promise<ArtifactRecord> {
  return (await read(path)).find(
    (record): record is ArtifactRecord => record.kind === 'artifact' && record.name === name,
  )!;
}

const code = 'import torch\n\n\tdef call(args):\n\t\treturn "ü"\n';

function log(prefix: string): LogWriter {
  return new LogWriter({ prefix }).record('inductor_output_code', {}, { id: '0/0', payload: code });
}

describe('a text that lies in the log', () => {
  test.each([
    ['a plain log', log('').text],
    ['a log with a prefix', log('[rank0]:').text],
    ['a log with CRLF', log('').text.replaceAll('\n', '\r\n')],
  ])('is read when opened, from %s', async (name, text) => {
    const record = await artifact(write(`${name}.log`, text), 'inductor_output_code');
    expect(record.text).toBeUndefined();
    expect(await loadText(record)).toBe(code);
  });

  test('is kept where the log cannot be read in place', async () => {
    const record = await artifact(write('packed.log.gz', gzipSync(log('').text)), 'inductor_output_code');
    expect(record).toMatchObject({ text: code });
    expect(record.location).toBeUndefined();
  });

  test('is nothing when the log is gone or was cut', async () => {
    const path = write('cut.log', log('').text);
    const record = await artifact(path, 'inductor_output_code');
    writeFileSync(path, 'short');
    expect(await loadText(record)).toBeUndefined();
    rmSync(path);
    expect(await loadText(record)).toBeUndefined();
  });
});

test('runnable graphs are written as scripts, two of one compilation apart', async () => {
  const writer = new LogWriter();
  for (const [id, text] of [
    ['0/0', 'a'],
    ['0/0', 'b'],
    ['!1/0/2_1', 'c'],
  ] as const)
    writer.artifact('fx_graph_runnable', `\nprint("${text}")\n`, id);
  const target = join(folder, 'repros');
  const paths = await saveRunnables(readTorchTrace(write('runnable.log', writer.text)), target);
  expect(paths.map((path) => [basename(path), readFileSync(path, 'utf8')])).toEqual([
    ['0_0.py', 'print("a")\n'],
    ['0_0_b.py', 'print("b")\n'],
    ['1_0_2_1.py', 'print("c")\n'],
  ]);
});

describe('a scrubbed trace', () => {
  let text: string;
  let records: TraceRecord[];

  beforeAll(async () => {
    records = await read(write('rank_0.log', torchFixture()[0]![1]), true);
    text = records.map(encodeRecord).join('');
  });

  test('names no path, no file of the user and no line of code', () => {
    expect(text).not.toMatch(/\/srv|shop|model\.py|train\.py|\/opt|\/tmp|rank_0\.log/);
    expect(text).not.toContain('y.sum()');
    expect(text).not.toContain('x = x.relu()');
    expect(text).not.toContain('print(');
  });

  test('still tells files apart, keeps library files and lines', () => {
    const files = new Set(
      records.flatMap((record) => (record.kind === 'stack' ? record.frames.map((frame) => frame.file) : [])),
    );
    expect([...files].sort()).toEqual(['file1.py', 'file2.py', 'torch/nn/modules/module.py']);
    const reasons = records.flatMap((record) =>
      record.kind === 'frame' && record.reason !== undefined ? [record.reason] : [],
    );
    expect(reasons).toContain('Data-dependent branching at file1.py:14');
  });

  test('keeps what the report needs: kinds, hints, public links, changes', () => {
    expect(text).toContain('https://meta-pytorch.github.io/compile-graph-break-site/gb/gb0170.html');
    expect(text).toContain('torch.where(condition, a, b)');
    expect(text).toContain('"what":"x.shape[0]","expected":"4","actual":"5"');
    expect(
      records.filter((record) => record.kind === 'artifact').every((record) => record.name === 'inputs'),
    ).toBe(true);
  });
});
