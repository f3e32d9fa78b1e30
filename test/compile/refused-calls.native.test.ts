import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { afterEach, describe, expect, test } from 'vitest';
import { createRunKernel } from '../../src/compile/backends/eager.ts';
import { liveOrtSessions } from '../../src/compile/backends/onnxruntime.ts';
import { createOnnxBackend } from '../../src/compile/onnx-backend.ts';
import type { OpDefinition } from '../../src/compile/ops/define-op.ts';
import { opTable } from '../../src/compile/ops/index.ts';
import { parseGraph } from '../../src/ir/parse.ts';

await tf.setBackend('cpu');

/** The op table with lowerings that onnxruntime refuses: its Where has no form for bools. */
function refusing(...kernels: readonly string[]): ReadonlyMap<string, OpDefinition> {
  const lower: OpDefinition['lower'] = (context) => {
    const bools = context.inputs.map((value) => context.cast(value!, 'bool'));
    return [context.cast(context.op('Where', [bools[0]!, bools[0]!, bools[0]!]), 'float32')];
  };
  return new Map(
    [...opTable].map(([name, op]) => [name, kernels.includes(name) ? { ...op, lower } : op] as const),
  );
}

const graph = parseGraph(`graph tail
    input x: float32[4]
    relu: float32[4] = Relu(x)
    abs: float32[4] = Abs(relu)
    sqrt: float32[4] = Sqrt(abs)
    exp: float32[4] = Exp(sqrt)
    return exp`);

function compile(table: ReadonlyMap<string, OpDefinition>) {
  const backend = createOnnxBackend({ table, threads: 1, runKernel: createRunKernel(tf, 'cpu') });
  const { executable, report } = backend.compile(graph, []);
  const results = executable.run([Float32Array.of(-1, 0, 1, 4)]);
  executable.dispose();
  backend.dispose();
  return { results, report };
}

describe('a model that onnxruntime refuses', () => {
  afterEach(() => expect(liveOrtSessions()).toBe(0));

  test.each([['Sqrt'], ['Abs', 'Exp'], ['Relu', 'Abs', 'Sqrt', 'Exp']])(
    'runs the calls it was refused for on eager kernels: %s',
    (...kernels) => {
      const { results, report } = compile(refusing(...kernels));
      expect(results).toEqual([Float32Array.of(1, 1, Math.E, Math.E ** 2)]);
      expect(report.fallbacks.map(({ kernel }) => kernel)).toEqual(kernels);
      for (const { reason } of report.fallbacks) expect(reason).toMatch(/^onnxruntime failed to compile/);
    },
  );

  test('is no matter where nothing is refused', () => {
    expect(compile(opTable).report.fallbacks).toEqual([]);
  });
});
