import { expect, test } from 'vitest';
import type { NoteRecord } from '../../src/ir/record.ts';
import { readTorchTrace } from '../../src/torch/index.ts';
import { LogWriter, type Frame } from './support/make-log.ts';

const call: readonly Frame[] = [['/srv/model.py', 10, 'forward']];

async function notes(log: LogWriter | string): Promise<NoteRecord[]> {
  async function* stdin(): AsyncGenerator<Buffer> {
    yield Buffer.from(typeof log === 'string' ? log : log.text);
  }
  const found: NoteRecord[] = [];
  for await (const record of readTorchTrace('-', { stdin: stdin() })) {
    if (record.kind === 'note') found.push(record);
  }
  return found;
}

function compiled(fields: object): LogWriter {
  return new LogWriter()
    .start('0/0', call)
    .metrics('0/0', { co_name: 'forward', graph_op_count: 1, ...fields });
}

test.each([
  [
    'torch-cudagraph-skip',
    compiled({ cudagraph_skip_reason: 'mutated inputs' }),
    '[0/0] ran without CUDA graphs: mutated inputs',
  ],
  [
    'torch-custom-op',
    compiled({ non_compliant_ops: ['shop::noshape'] }),
    'custom op shop::noshape does not keep the rules for compiled code (in [0/0])',
  ],
  [
    'torch-restart',
    compiled({ restart_reasons: ['UnspecializeRestartAnalysis'] }),
    'tracing of [0/0] began again, not for a graph break: UnspecializeRestartAnalysis',
  ],
  [
    'torch-link',
    new LogWriter().record('link', { name: 'manifold', url: 'https://example.org/t' }),
    'manifold: https://example.org/t',
  ],
  [
    'torch-specialized',
    new LogWriter().record(
      'symbolic_shape_specialization',
      {
        symbol: 's0',
        sources: ["L['x'].size()[0]"],
        value: 6,
        reason: 'range_refined_to_singleton',
        user_stack: [{ line: 3, name: 'f', filename: 0 }],
      },
      { id: '0/0' },
    ),
    "L['x'].size()[0] was dynamic and became the constant 6 in [0/0] (range_refined_to_singleton): the code demands this size",
  ],
  [
    'torch-export-issue',
    new LogWriter().record('missing_fake_kernel', { op: 'shop.noshape' }),
    'draft export: Missing fake kernel: shop.noshape',
  ],
  [
    'torch-export-issue',
    new LogWriter().record('guard_added', { expr: 'u0 > 2', prefix: 'eval', result: true }),
    'draft export: Guard evaluated: u0 > 2',
  ],
  ['torch-bad-line', 'hello\n', 'lines of - are no records and were skipped'],
  [
    'torch-md5',
    new LogWriter().record('exported_program', {}, { payload: 'x', md5: '0' }).record('str', ['a', 0]),
    'texts of - do not match their md5; they are shown as they are',
  ],
  [
    'torch-bad-payload',
    new LogWriter().record('chromium_event', {}, { payload: '{' }),
    'records of - have a text that should be JSON and is not',
  ],
  [
    'torch-unpaired-event',
    new LogWriter().event('dynamo', 'B', 1, '0/0'),
    'timeline events of - lack their begin or end',
  ],
])('%s', async (code, log, text) => {
  expect((await notes(log)).filter((note) => note.code === code).map((note) => note.text)).toEqual([text]);
});

test('a guard that export only added, not evaluated, is no issue', async () => {
  expect(await notes(new LogWriter().record('guard_added', { expr: 's0 > 2', prefix: 'set' }))).toEqual([]);
});

test('a sound log has no notes', async () => {
  expect(await notes(compiled({}))).toEqual([]);
});

test('an empty stream is a trace without anything', async () => {
  expect(await notes('')).toEqual([]);
});
