/** `fullgraph export` as users run it: a program in a folder of its own, the built command, the file it leaves. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createOrtSession } from '../../src/compile/backends/onnxruntime.ts';
import { encodeModel, readModelFile, type OnnxModel } from '../../src/onnx/index.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'fullgraph-export-'));
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(join(root, 'node_modules/@tensorflow'), join(folder, 'node_modules/@tensorflow'));
  writeFileSync(
    join(folder, 'predict.mjs'),
    `import * as tf from '@tensorflow/tfjs';
     const model = tf.sequential();
     const ones = { kernelInitializer: 'ones', biasInitializer: 'ones' };
     model.add(tf.layers.dense({ units: 4, inputShape: [3], activation: 'relu', ...ones }));
     model.add(tf.layers.dense({ units: 2, ...ones }));
     for (const rows of [4, 4, Number(process.argv[2])]) {
       console.log(model.predict(tf.randomNormal([rows, 3])).dataSync().length);
     }`,
  );
  writeFileSync(
    join(folder, 'graph-model.mjs'),
    `import * as tf from '@tensorflow/tfjs';
     const T = { type: 'DT_FLOAT' };
     const constant = { dtype: T, value: { tensor: {} } };
     const node = [
       { name: 'x', op: 'Placeholder', attr: { dtype: T, shape: { shape: { dim: [{ size: -1 }, { size: 2 }] } } } },
       { name: 'w', op: 'Const', attr: constant },
       { name: 'b', op: 'Const', attr: constant },
       { name: 'y', op: 'MatMul', input: ['x', 'w'], attr: { T } },
       { name: 'z', op: 'BiasAdd', input: ['y', 'b'], attr: { T } },
     ];
     const weightSpecs = [{ name: 'w', shape: [2, 2], dtype: 'float32' }, { name: 'b', shape: [2], dtype: 'float32' }];
     const weightData = Float32Array.of(1, -1, 2, 1, 5, 6).buffer;
     const artifacts = { modelTopology: { node, versions: { producer: 1 } }, weightSpecs, weightData };
     const model = await tf.loadGraphModel({ load: () => Promise.resolve(artifacts) });
     for (const rows of process.argv.slice(2)) model.predict(tf.ones([Number(rows), 2])).dataSync();`,
  );
  writeFileSync(
    join(folder, 'train.mjs'),
    `import * as tf from '@tensorflow/tfjs';
     const w = tf.variable(tf.ones([2, 1]), true, 'w');
     const optimizer = tf.train.sgd(0.1);
     for (const rows of [4, 4, 3]) {
       const x = tf.randomNormal([rows, 2]), y = tf.randomNormal([rows, 1]);
       optimizer.minimize(() => tf.losses.meanSquaredError(y, x.matMul(w)), true).dataSync();
     }`,
  );
});

afterAll(() => rmSync(folder, { recursive: true }));

function fullgraph(...words: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [join(root, 'dist/cli/main.js'), ...words], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, XDG_CACHE_HOME: join(folder, 'cache'), NO_COLOR: '1', COLUMNS: '80' },
  });
}

function run(
  model: OnnxModel,
  feeds: Readonly<Record<string, readonly [readonly number[], readonly number[]]>>,
): number[] {
  const session = createOrtSession(encodeModel(model), { threads: 1 });
  try {
    const given = session.inputs.map(({ name }) => feeds[name]!);
    const [output] = session.run(
      given.map(([values]) => Float32Array.from(values)),
      given.map(([, dims]) => dims),
    );
    return [...(output!.data as Float32Array)];
  } finally {
    session.dispose();
  }
}

describe('fullgraph export', () => {
  test('writes what the program ran, its weights inside, open where sizes differed', () => {
    const { status, stdout, stderr } = fullgraph('export', '-o', 'predict.onnx', 'predict.mjs', '7');
    expect(stderr).toContain('8\n8\n14\n');
    expect(status).toBe(0);
    expect(stdout).toMatch(
      /^exported g1 \(of \d graphs\) to predict\.onnx\n {2}inputs {3}x: float32\[batch,3\]\n/,
    );
    expect(stdout).toMatch(/checked {2}legal, and run on onnxruntime/);
    const model = readModelFile(join(folder, 'predict.onnx'));
    expect(model.graph.inputs).toHaveLength(1);
    expect(
      run(model, {
        x: [
          [1, 2, 3, -9, 0, 0],
          [2, 3],
        ],
      }),
    ).toEqual([29, 29, 1, 1]);
  });

  test('keeps sizes fixed that never changed', () => {
    const { status, stdout } = fullgraph('export', '--json', 'predict.mjs', '4');
    expect(status).toBe(0);
    const report = JSON.parse(stdout) as { file: string; summary: { inputs: unknown } };
    expect(report.file).toBe('predict.onnx');
    expect(report.summary.inputs).toEqual([{ name: 'x', dataType: 'float32', dims: [4, 3] }]);
  });

  test('exports a training step although weights changed between its runs', () => {
    const { status, stdout } = fullgraph('export', '--json', 'train.mjs');
    expect(status).toBe(0);
    const { summary, largestError } = JSON.parse(stdout) as {
      summary: { inputs: { dims: unknown }[]; initializers: number };
      largestError: number;
    };
    // The last one is what tfjs itself feeds: the gradient of the mean.
    expect(summary.inputs.map(({ dims }) => dims)).toEqual([
      ['batch', 2],
      ['batch', 1],
      ['batch', 1],
    ]);
    expect(summary.initializers).toBeGreaterThan(0);
    expect(largestError).toBeLessThan(1e-5);
  });

  test.each([
    ['weights by what stays', ['2', '3', '4'], ['batch', 2], false],
    ['and says when it had to guess', ['2'], [2, 2], true],
  ])('tells the inputs of a GraphModel from its weights %s', (_, sizes, dims, isGuessed) => {
    const { status, stdout } = fullgraph('export', '--json', 'graph-model.mjs', ...sizes);
    expect(status).toBe(0);
    const { summary, notes } = JSON.parse(stdout) as {
      summary: { inputs: { dims: unknown }[] };
      notes: string[];
    };
    expect(summary.inputs.map((input) => input.dims)).toEqual([dims]);
    expect(notes.some((note) => note.startsWith('No tensor changed'))).toBe(isGuessed);
  });

  test('exports the structure out of a trace, with weights as inputs', () => {
    expect(fullgraph('run', '--trace-out', 'run.jsonl', 'predict.mjs', '4').status).toBe(0);
    const { status, stdout } = fullgraph('export', 'run.jsonl', '--graph', 'g1', '-o', 'structure.onnx');
    expect(status).toBe(0);
    expect(stdout).toContain('A trace holds no values');
    expect(readModelFile(join(folder, 'structure.onnx')).graph.inputs).toHaveLength(5);
  });

  test.each([
    ['a graph that never ran', ['export', '--graph', 'g99', 'predict.mjs', '4'], 'error FG5023'],
    ['an input that there is not', ['export', '--inputs', 'nothing', 'predict.mjs', '4'], 'error FG5023'],
    ['a file that is no program', ['export', 'predict.onnx'], 'error FG5012'],
    [
      'a place that cannot be written',
      ['export', '-o', 'missing/x.onnx', 'predict.mjs', '4'],
      'error FG3106',
    ],
  ])('says what is wrong with %s', (_, words, message) => {
    const { status, stdout, stderr } = fullgraph(...words);
    expect(status).toBe(2);
    expect(stderr).toContain(message);
    expect(stdout).toBe('');
  });
});
