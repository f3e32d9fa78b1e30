import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isTfjsNode } from '../../src/host/tfjs-node/names.ts';
import { imageFormat } from '../../src/host/tfjs-node/pixels.ts';
import { tfjsNodeStandIn, type TensorLike, type Tfjs } from '../../src/host/tfjs-node/stand-in.ts';

interface NodeNamespace {
  decodeImage(bytes: Uint8Array, channels?: number, dtype?: string, expandAnimations?: boolean): tf.Tensor;
  decodePng(bytes: Uint8Array, channels?: number): tf.Tensor;
  encodePng(image: TensorLike): Promise<Uint8Array>;
  encodeJpeg(image: TensorLike, format?: string, quality?: number): Promise<Uint8Array>;
  loadSavedModel(path: string): unknown;
}

const standIn = tfjsNodeStandIn(tf as unknown as Tfjs) as typeof tf & {
  readonly node: NodeNamespace;
  readonly io: typeof tf.io & { fileSystem(path: string): tf.io.IOHandler };
};
let folder: string;

beforeAll(async () => {
  await tf.setBackend('cpu');
  folder = await mkdtemp(join(tmpdir(), 'fullgraph-test-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** A picture with distinct corners, `[height, width, channels]`. */
function picture(height: number, width: number, channels: number): tf.Tensor3D {
  const samples = Int32Array.from({ length: height * width * channels }, (_, index) => (index * 37) % 256);
  return tf.tensor3d(samples, [height, width, channels], 'int32');
}

describe('names', () => {
  test.each([
    ['@tensorflow/tfjs-node', true],
    ['@tensorflow/tfjs-node-gpu', true],
    ['@tensorflow/tfjs', false],
    ['@tensorflow/tfjs-node/dist/io', false],
  ])('%s', (request, expected) => expect(isTfjsNode(request)).toBe(expected));
});

describe('images', () => {
  test.each([1, 2, 3, 4])('a png of %i channels comes back as it was', async (channels) => {
    const image = picture(5, 7, channels);
    const bytes = await standIn.node.encodePng(image);
    const decoded = standIn.node.decodeImage(bytes);
    expect(decoded.shape).toEqual([5, 7, channels]);
    expect(decoded.dtype).toBe('int32');
    expect(await decoded.data()).toEqual(await image.data());
  });

  test('a jpeg comes back nearly as it was', async () => {
    const image = tf.tensor3d(new Int32Array(16 * 16 * 3).fill(120), [16, 16, 3], 'int32');
    const bytes = await standIn.node.encodeJpeg(image, '', 95);
    expect(imageFormat(bytes)).toBe('jpeg');
    const decoded = standIn.node.decodeImage(bytes);
    const error = decoded.sub(image).abs().max().dataSync()[0]!;
    expect(error).toBeLessThanOrEqual(2);
  });

  test('channels can be asked for', async () => {
    const bytes = await standIn.node.encodePng(picture(2, 2, 3));
    expect(standIn.node.decodePng(bytes, 4).shape).toEqual([2, 2, 4]);
    const grey = standIn.node.decodePng(bytes, 1);
    const [red, green, blue] = [0, 37, 74];
    expect(grey.dataSync()[0]).toBe(Math.round(0.299 * red + 0.587 * green + 0.114 * blue));
  });

  test('other files are refused with the message of tfjs-node', () => {
    expect(() => standIn.node.decodeImage(Uint8Array.of(1, 2, 3, 4))).toThrow(
      'Expected image (BMP, JPEG, PNG, or GIF), but got unsupported image type',
    );
  });

  test('a damaged file is one clear error', () => {
    expect(() => standIn.node.decodeImage(Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 1))).toThrow(
      /png image cannot be decoded/,
    );
  });
});

describe('model files', () => {
  test('a layers model is saved and loaded through file://', async () => {
    const model = tf.sequential({ layers: [tf.layers.dense({ units: 3, inputShape: [2] })] });
    await model.save(`file://${join(folder, 'dense')}`);
    const manifest = JSON.parse(await readFile(join(folder, 'dense', 'model.json'), 'utf8')) as object;
    expect(manifest).toHaveProperty('weightsManifest.0.paths.0', 'weights.bin');
    const loaded = await tf.loadLayersModel(`file://${join(folder, 'dense', 'model.json')}`);
    const x = tf.tensor2d([1, 2], [1, 2]);
    expect((loaded.predict(x) as tf.Tensor).dataSync()).toEqual((model.predict(x) as tf.Tensor).dataSync());
  });

  test('a missing file is named', async () => {
    await expect(tf.loadLayersModel(`file://${join(folder, 'nowhere.json')}`)).rejects.toThrow(
      /nowhere\.json/,
    );
  });

  test('io.fileSystem takes a path', async () => {
    const model = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [1] })] });
    await model.save(standIn.io.fileSystem(join(folder, 'plain')));
    await expect(readFile(join(folder, 'plain', 'weights.bin'))).resolves.toHaveLength(8);
  });
});

describe('module', () => {
  test('has what tfjs has', () => {
    expect(standIn.add).toBe(tf.add);
    expect(Object.keys(standIn)).toEqual(expect.arrayContaining(['layers', 'node', 'io', 'version']));
    expect(standIn.version).toHaveProperty('tfjs-node');
  });

  test('what is not there says so by name', () => {
    expect(() => standIn.node.loadSavedModel('x')).toThrow(/tf\.node\.loadSavedModel is not available/);
  });

  test('is the same module for the same tfjs', () => {
    expect(tfjsNodeStandIn(tf as unknown as Tfjs)).toBe(standIn);
  });
});
