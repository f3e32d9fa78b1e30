import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { liveOrtSessions } from '../../src/compile/backends/onnxruntime.ts';
import type { Backend } from '../../src/compile/executable.ts';
import { createOnnxBackend } from '../../src/compile/onnx-backend.ts';
import { opTable } from '../../src/compile/ops/index.ts';
import { parseGraph } from '../../src/ir/parse.ts';

let backend: Backend;

function create(): Backend {
  backend = createOnnxBackend({
    table: opTable,
    threads: 1,
    runKernel: () => {
      throw new Error('no fallback expected');
    },
  });
  return backend;
}

afterEach(() => {
  backend.dispose();
  expect(liveOrtSessions()).toBe(0);
});

const mlp = (batch: number) =>
  parseGraph(
    `graph mlp
    input x: float32[${batch},2]
    state kernel: float32[2,2]
    const half: float32[] = [0.5]
    matmul: float32[1,${batch},2] = BatchMatMul(x3, kernel3) {"transposeA":false,"transposeB":false}
    return matmul`
      .replace(
        '    matmul:',
        `    x3: float32[1,${batch},2] = Reshape(x) {"shape":[1,${batch},2]}
    kernel3: float32[1,2,2] = Reshape(kernel) {"shape":[1,2,2]}
    matmul:`,
      )
      .replace(
        'return matmul',
        `flat: float32[${batch},2] = Reshape(matmul) {"shape":[${batch},2]}
    scaled: float32[${batch},2] = Multiply(flat, half)
    relu: float32[${batch},2] = Relu(scaled)
    return relu, flat`,
      ),
  );

describe('onnxruntime backend', () => {
  test('runs a lowered graph', () => {
    const { executable, report } = create().compile(mlp(1), []);
    const outputs = executable.run([
      Float32Array.of(1, -2),
      Float32Array.of(1, 2, 3, 4),
      Float32Array.of(0.5),
    ]);
    expect(outputs).toEqual([Float32Array.of(0, 0), Float32Array.of(-5, -6)]);
    expect(report).toMatchObject({ outcome: 'session', cache: 'none', fallbacks: [] });
    executable.dispose();
  });

  test('serves three batch sizes from two sessions, with the right numbers', () => {
    create();
    const outcomes = [2, 1, 3].map((batch) => {
      const { executable, report } = backend.compile(mlp(batch), []);
      const x = Float32Array.from({ length: batch * 2 }, (_, index) => index);
      const [, flat] = executable.run([x, Float32Array.of(1, 0, 0, 1), Float32Array.of(0.5)]);
      expect(flat).toEqual(x);
      return report.outcome;
    });
    expect(outcomes).toEqual(['session', 'session', 'shared']);
    expect(liveOrtSessions()).toBe(2);
  });

  test('an output that is an input is a copy', () => {
    const { executable } = create().compile(
      parseGraph('graph id\n input x: float32[1]\n y: float32[1] = Identity(x)\n return y, x'),
      [],
    );
    const x = Float32Array.of(3);
    const [y, again] = executable.run([x]);
    expect([y, again]).toEqual([x, x]);
    expect(y).not.toBe(x);
    expect(again).not.toBe(x);
  });
});

describe('disk cache', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fullgraph-cache-'));
  });

  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  const leaves = [Float32Array.of(1, 2), Float32Array.of(1, 0, 0, 1), Float32Array.of(0.5)];

  /** Compiles and runs in a backend of its own, as another process would. */
  function compileAndRun(): { cache: string; outputs: unknown } {
    backend?.dispose();
    backend = createOnnxBackend({
      table: opTable,
      threads: 1,
      cacheDirectory: folder,
      runKernel: () => {
        throw new Error('no fallback expected');
      },
    });
    const { executable, report } = backend.compile(mlp(1), leaves);
    return { cache: report.cache, outputs: executable.run(leaves) };
  }

  test('a second process takes the optimized model from disk and computes the same', async () => {
    const first = compileAndRun();
    const second = compileAndRun();
    expect([first.cache, second.cache]).toEqual(['none', 'disk']);
    expect(second.outputs).toEqual(first.outputs);
    expect((await readdir(folder)).every((name) => /^[0-9a-f]{32}\.ort$/.test(name))).toBe(true);
  });

  test('a damaged entry is compiled anew', async () => {
    const first = compileAndRun();
    const [entry] = await readdir(folder);
    await writeFile(join(folder, entry!), 'no model');
    const second = compileAndRun();
    expect(second.cache).toBe('none');
    expect(second.outputs).toEqual(first.outputs);
    expect(compileAndRun().cache).toBe('disk');
  });

  test('a folder that cannot be written is no error', async () => {
    await writeFile(join(folder, 'file'), '');
    const inner = folder;
    folder = join(folder, 'file');
    expect(compileAndRun().cache).toBe('none');
    folder = inner;
  });
});
