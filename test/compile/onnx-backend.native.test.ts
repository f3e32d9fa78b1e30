import { afterEach, describe, expect, test } from 'vitest';
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
