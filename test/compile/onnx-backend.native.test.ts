import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { liveOrtSessions } from '../../src/compile/backends/onnxruntime.ts';
import type { Backend } from '../../src/ir/executable.ts';
import { createOnnxBackend } from '../../src/compile/onnx-backend.ts';
import { oldestOpset } from '../../src/compile/oldest-opset.ts';
import { opTable } from '../../src/compile/ops/index.ts';
import { parseGraph } from '../../src/ir/parse.ts';
import { onnxVersions } from '../../src/onnx/index.ts';

let backend: Backend;

const noFallback = (): never => {
  throw new Error('no fallback expected');
};

function create(): Backend {
  backend = createOnnxBackend({
    table: opTable,
    threads: 1,
    runKernel: noFallback,
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

test('a model that onnxruntime has no kernels for in the oldest opset runs in the newest', () => {
  const opsets: (number | undefined)[] = [];
  const graph = parseGraph(`graph integers
    input x: int32[3]
    relu: int32[3] = Relu(x)
    return relu`);
  const relu = opTable.get('Relu')!;
  backend = createOnnxBackend({
    table: new Map([
      [
        'Relu',
        { ...relu, lower: (context) => [context.op('Abs', [context.op('Relu', [context.inputs[0]])])] },
      ],
    ]),
    threads: 1,
    runKernel: noFallback,
    watch: {
      creating: ({ opsets: [own] }) => opsets.push(own?.version),
      running() {},
    },
  });
  const { executable } = backend.compile(graph, []);
  expect(executable.run([Int32Array.of(-1, 0, 2)])).toEqual([Int32Array.of(0, 0, 2)]);
  expect(opsets).toEqual([oldestOpset, onnxVersions.opset]);
  executable.dispose();
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
  function compileAndRun(cacheDirectory = folder): { cache: string; outputs: unknown; phases: string[] } {
    backend?.dispose();
    backend = createOnnxBackend({
      table: opTable,
      threads: 1,
      cacheDirectory,
      runKernel: noFallback,
    });
    const { executable, report } = backend.compile(mlp(1), leaves);
    const phases = report.phases.map(({ name }) => name);
    return { cache: report.cache, outputs: executable.run(leaves), phases };
  }

  test('a second process takes the optimized model from disk and computes the same', async () => {
    const first = compileAndRun();
    const second = compileAndRun();
    expect([first.cache, second.cache]).toEqual(['none', 'disk']);
    expect(second.outputs).toEqual(first.outputs);
    expect((await readdir(folder)).map((name) => name.replace(/^[0-9a-f]{32}/, '')).sort()).toEqual([
      '.light.ort',
      '.plan',
    ]);
    expect(first.phases).toContain('lower');
    expect(second.phases).toEqual(['key', 'plan from disk', 'session from disk']);
  });

  test.each([
    ['.ort', 'no model', 'none'],
    ['.plan', 'no plan', 'disk'],
    ['.plan', `${'0'.repeat(64)}\n{}`, 'disk'],
  ])('a damaged entry (%s: %j) is made anew', async (ending, text, cache) => {
    const first = compileAndRun();
    const entry = (await readdir(folder)).find((name) => name.endsWith(ending));
    await writeFile(join(folder, entry!), text);
    const second = compileAndRun();
    expect(second).toMatchObject({ cache, outputs: first.outputs });
    expect(second.phases).toContain('lower');
    const third = compileAndRun();
    expect(third).toMatchObject({ cache: 'disk', outputs: first.outputs });
    expect(third.phases).not.toContain('lower');
  });

  test.each(['/proc/nowhere/cache', `${fileURLToPath(import.meta.url)}/cache`])(
    'a folder that cannot be made (%s) is no error',
    (cacheDirectory) => {
      const { outputs } = compileAndRun();
      expect(compileAndRun(cacheDirectory)).toMatchObject({ cache: 'none', outputs });
    },
  );

  test('a plan without its session is made anew', async () => {
    const first = compileAndRun();
    for (const name of await readdir(folder)) if (name.endsWith('.ort')) await rm(join(folder, name));
    const second = compileAndRun();
    expect(second).toMatchObject({ cache: 'none', outputs: first.outputs });
    expect(compileAndRun().phases).not.toContain('lower');
  });

  test('sessions from disk serve other sizes as if they had been made here', () => {
    const make = (): Backend =>
      createOnnxBackend({ table: opTable, threads: 1, cacheDirectory: folder, runKernel: noFallback });
    const batch = (size: number): Float32Array[] => [
      Float32Array.from({ length: 2 * size }, (_, index) => index),
      Float32Array.of(1, 0, 0, 1),
      Float32Array.of(0.5),
    ];
    const earlier = make();
    for (const size of [2, 3]) earlier.compile(mlp(size), batch(size));
    const values = earlier.compile(mlp(5), batch(5)).executable.run(batch(5));
    earlier.dispose();

    const later = make();
    const reports = [2, 3, 5, 7].map((size) => later.compile(mlp(size), batch(size)).report);
    expect(reports.map(({ outcome, cache }) => `${outcome} ${cache}`)).toEqual([
      'session disk',
      'session disk',
      'shared shared',
      'shared shared',
    ]);
    // Nobody compiled this size before: only now is what came from disk compared.
    expect(reports.map(({ phases }) => phases.some(({ name }) => name === 'lower'))).toEqual([
      false,
      false,
      false,
      true,
    ]);
    expect(later.compile(mlp(5), batch(5)).executable.run(batch(5))).toEqual(values);
    later.dispose();
  });

  test('a folder that cannot be written is no error', async () => {
    await writeFile(join(folder, 'file'), '');
    const inner = folder;
    folder = join(folder, 'file');
    expect(compileAndRun().cache).toBe('none');
    folder = inner;
  });
});
