import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import {
  decodeModel,
  encodeModel,
  encodeModelChunks,
  GraphWriter,
  readModelFile,
  writeModelFile,
  type OnnxModel,
} from '../../src/onnx/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'fullgraph-model-'));
afterAll(() => rmSync(folder, { recursive: true }));

const graph = new GraphWriter('files');
const big = Float32Array.from({ length: 2000 }, (_, index) => index / 3);
const bias = BigInt64Array.from({ length: 200 }, (_, index) => BigInt(index));
let sum = graph.add('Add', [
  graph.input('x', 'float32', [2000]),
  graph.initializer(big, [2000], { name: 'big' }),
]);
sum = graph.add('Gather', [sum, graph.initializer(bias, [200], { name: 'bias' })]);
graph.output(graph.add('Add', [sum, graph.scalar(1, 'float32')]), 'float32', [200]);
const model = graph.toModel();

/** A model whose one initializer lies at `location`. */
function withExternal(entries: Readonly<Record<string, string>>): Uint8Array {
  const externalData = Object.entries(entries).map(([key, value]) => ({ key, value }));
  const { chunks } = encodeModelChunks(model, (tensor) => (tensor.name === 'big' ? externalData : undefined));
  return Buffer.concat(chunks);
}

describe('a model file', () => {
  test('gives back the model', () => {
    const path = join(folder, 'small.onnx');
    writeModelFile(path, model);
    expect(readModelFile(path)).toStrictEqual(model);
    expect(readFileSync(path)).toEqual(Buffer.from(encodeModel(model)));
  });

  test('above the limit keeps big weights in a second file, each at the start of a page', () => {
    const inner = join(folder, 'external');
    mkdirSync(inner);
    const path = join(inner, 'model.onnx');
    writeModelFile(path, model, { externalAboveBytes: 5000 });
    expect(readdirSync(inner).sort()).toEqual(['model.onnx', 'model.onnx.data']);
    expect(statSync(path).size).toBeLessThan(1500);
    expect(statSync(join(inner, 'model.onnx.data')).size).toBe(8192 + bias.byteLength);
    expect(readModelFile(path)).toStrictEqual(model);
  });

  test('that cannot be written is a clear error and leaves nothing behind', () => {
    const path = join(folder, 'missing', 'model.onnx');
    expect(() => writeModelFile(path, model)).toThrow(/cannot write .*ENOENT/);
    const taken = join(folder, 'taken');
    mkdirSync(taken);
    expect(() => writeModelFile(taken, model)).toThrow(/cannot write/);
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  test('that is missing is a clear error', () => {
    expect(() => readModelFile(join(folder, 'nope.onnx'))).toThrow(/cannot read .*nope.onnx/);
  });
});

describe('external data', () => {
  writeFileSync(join(folder, 'w.bin'), Buffer.concat([Buffer.alloc(12), Buffer.from(big.buffer)]));
  const decode = (entries: Readonly<Record<string, string>>): OnnxModel =>
    decodeModel(withExternal(entries), { externalDataDir: folder });

  test('is read from its offset, to its length or to the end', () => {
    const read = decode({ location: 'w.bin', offset: '12', length: '8000' });
    expect(read.graph.initializers[0]!.data).toEqual(big);
    expect(decode({ location: './w.bin', offset: '12' })).toStrictEqual(read);
  });

  test.each<[string, Record<string, string>, RegExp]>([
    ['the folder above', { location: '../w.bin' }, /not inside the folder/],
    ['an absolute path', { location: join(folder, 'w.bin') }, /not inside the folder/],
    ['nowhere', {}, /not inside the folder/],
    ['a file that is missing', { location: 'nope.bin' }, /cannot open/],
    ['bytes behind the end', { location: 'w.bin', offset: '4000', length: '8000' }, /are not in w.bin/],
    ['a bad offset', { location: 'w.bin', offset: 'x' }, /are not in w.bin/],
  ])('in %s is refused', (_, entries, message) => {
    expect(() => decode(entries)).toThrow(message);
  });

  test('needs to know the folder', () => {
    expect(() => decodeModel(withExternal({ location: 'w.bin' }))).toThrow('tensor big is in the file w.bin');
  });
});
