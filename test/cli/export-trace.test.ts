import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { exportTrace, type TracedSizes } from '../../src/cli/export-trace.ts';
import { readModelFile } from '../../src/onnx/index.ts';
import type { GraphRecord } from '../../src/ir/record.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'fullgraph-export-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** One graph of a family that ran with several batch sizes. */
function graph(id: string, batch: number): GraphRecord {
  return {
    kind: 'graph',
    id,
    name: 'step',
    timeMs: 0,
    family: 'f1',
    nodeCount: 1,
    opCounts: { Relu: 1 },
    inputs: [{ name: 'x', type: { dtype: 'float32', shape: [batch, 784] }, role: 'input' }],
    outputs: [{ name: 'relu', type: { dtype: 'float32', shape: [batch, 784] } }],
    text: `graph ${id}\n  input x: float32[${batch},784]\n  relu: float32[${batch},784] = Relu(x) {}\n  return relu\n`,
    language: 'fullgraph',
    origins: [],
  };
}

/** Sizes of the first input of the exported graph. */
async function sizesOf(id: string, sizes?: TracedSizes): Promise<unknown> {
  const trace = join(folder, 'run.jsonl');
  writeFileSync(
    trace,
    [graph('g1', 32), graph('g2', 7)].map((record) => `${JSON.stringify(record)}\n`).join(''),
  );
  const stream = new PassThrough();
  const context = { cwd: folder, env: {}, stdin: stream, stdout: stream, stderr: stream };
  const model = join(folder, 'graph.onnx');
  await exportTrace({ kind: 'trace', path: trace }, model, id, context, sizes);
  const { type } = readModelFile(model).graph.inputs[0]!;
  return type?.kind === 'tensor' ? type.dims : undefined;
}

test('a graph that ran with several batch sizes is exported for all of them', async () => {
  expect(await sizesOf('g1')).toEqual(['batch', 784]);
});

test('the minifier gets it in the sizes that it ran with', async () => {
  expect(await sizesOf('g1', 'recorded')).toEqual([32, 784]);
  expect(await sizesOf('g2', 'recorded')).toEqual([7, 784]);
});
