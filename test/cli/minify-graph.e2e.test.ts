/** `fullgraph minify` on models and on graphs of traces. */
import { execFile, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buggyModel, onnxBugs } from '../../bench/onnx-bugs.ts';
import { GraphWriter, readModelFile, writeModelFile } from '../../src/onnx/index.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'fullgraph-minify-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function minify(...words: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const args = [join(root, 'dist/cli/main.js'), ...words];
    execFile(process.execPath, args, { cwd: folder }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : (error.code as number), stdout, stderr }),
    );
  });
}

describe('a model that onnxruntime gets wrong', () => {
  test('becomes the two nodes that do it, and the optimizer pass is named', async () => {
    const bug = onnxBugs.find(({ name }) => name === 'pad-maxpool')!;
    writeModelFile(join(folder, 'pad.onnx'), buggyModel(bug, 30, 3).model);
    const { code, stdout } = await minify('minify', 'pad.onnx', '--output', 'repro');
    expect(stdout).toContain('→ 2 nodes');
    expect(stdout).toContain('introduced by: onnxruntime PadFusion');
    expect(code).toBe(0);
    expect(existsSync(join(folder, 'repro', 'repro.mjs'))).toBe(true);
    const { nodes } = readModelFile(join(folder, 'repro', 'model.onnx')).graph;
    expect(nodes.map((node) => node.opType)).toEqual(['Pad', 'MaxPool']);
  });
});

describe('a model of which a command says that it fails', () => {
  beforeAll(() => {
    const graph = new GraphWriter('chain');
    const x = graph.input('x', 'float32', ['batch', 4]);
    const half = graph.add('Sinh', [graph.add('Neg', [graph.add('Erf', [graph.add('Abs', [x])])])]);
    graph.output(graph.add('Cos', [half]), 'float32', ['batch', 4]);
    writeModelFile(join(folder, 'chain.onnx'), graph.toModel());
  });

  test('becomes what the command needs, with any number of trials at once', async () => {
    for (const jobs of ['1', '4']) {
      const output = `chain-${jobs}`;
      const words = ['--fail', 'custom:grep -q Sinh model.onnx', '--sizes', 'batch=3', '--jobs', jobs];
      const { code, stdout } = await minify('minify', 'chain.onnx', ...words, '--output', output);
      expect(stdout).toContain('5 → 1 nodes');
      expect(code).toBe(0);
    }
    const [one, four] = ['chain-1', 'chain-4'].map((name) => readFileSync(join(folder, name, 'model.onnx')));
    expect(four).toEqual(one);
  });

  test('has the sizes that it declares', async () => {
    for (const sizes of ['bach=3', 'batch', 'y=1x4']) {
      const { code, stderr } = await minify('minify', 'chain.onnx', '--sizes', sizes);
      expect(stderr).toContain('FG4002');
      expect(code).toBe(2);
    }
  });
});

describe('a graph of a program that onnxruntime gets wrong', () => {
  const program = `import * as tf from '@tensorflow/tfjs';
const x = tf.tensor4d(Array.from({ length: 72 }, (_, index) => Math.sin(index * 1.7)), [1, 6, 6, 2]);
const filter = tf.tensor4d(Array.from({ length: 54 }, (_, index) => Math.cos(index)), [3, 3, 2, 3]);
const y = tf.tidy(() => {
  const below = tf.neg(tf.exp(tf.conv2d(x, filter, 1, 'same')));
  const padded = tf.pad(below, [[0, 0], [1, 1], [1, 1], [0, 0]]);
  return tf.tanh(tf.maxPool(padded, 3, 1, 'valid'));
});
y.dataSync();
`;

  test('becomes a model and a tfjs program, and both fail from their folder', async () => {
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction');
    writeFileSync(join(folder, 'pool.mjs'), program);
    await minify('run', '--trace-out', 'pool.jsonl', 'pool.mjs');
    const { code, stdout } = await minify('minify', 'pool.jsonl', '--output', 'pool');
    expect(stdout).toContain('introduced by: onnxruntime PadFusion');
    expect(code).toBe(0);
    const script = readFileSync(join(folder, 'pool', 'repro-tfjs.mjs'), 'utf8');
    expect(script).toContain("runKernel('MaxPool'");
    expect(script).not.toContain('tf.tanh');
    const report = readFileSync(join(folder, 'pool', 'README.md'), 'utf8');
    expect(report).toMatch(/## In TensorFlow.js[\s\S]*FAIL: \S+: expected /);
    expect(JSON.parse(readFileSync(join(folder, 'pool', 'package.json'), 'utf8'))).toMatchObject({
      dependencies: {
        '@tensorflow/tfjs': expect.any(String) as string,
        'onnxruntime-node': expect.any(String) as string,
      },
    });
    const again = spawnSync(process.execPath, ['repro-tfjs.mjs'], {
      cwd: join(folder, 'pool'),
      encoding: 'utf8',
    });
    expect(again.stdout).toContain('FAIL');
    expect(again.status).toBe(1);
  });
});

describe('a graph of a trace', () => {
  beforeAll(async () => {
    await minify('run', '--trace-out', 'run.jsonl', join(root, 'fixtures/programs/digits/train.ts'));
  });

  test('that does not fail says so', async () => {
    const { code, stderr } = await minify('minify', 'run.jsonl', '--graph', 'g5');
    expect(stderr).toContain('FG4004');
    expect(code).toBe(2);
  });

  test('that is not there is named with those that are', async () => {
    const { code, stderr } = await minify('minify', 'run.jsonl', '--graph', 'g99');
    expect(stderr).toMatch(/no graph g99[\s\S]*g1, g2/);
    expect(code).toBe(2);
  });

  test('has no backend of tfjs', async () => {
    const { code, stderr } = await minify('minify', 'run.jsonl', '--backend', 'wasm');
    expect(stderr).toContain('FG4002');
    expect(code).toBe(2);
  });
});
