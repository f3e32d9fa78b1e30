/** Sizes are chosen with all that hangs on them: what comes out of `resized` is a model that onnxruntime runs. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { captureValues } from '../../../src/minifier/graph/capture-values.ts';
import { dimClasses } from '../../../src/minifier/graph/dim-classes.ts';
import { trialRequest } from '../../../src/minifier/graph/graph-oracle.ts';
import { smallerSizes } from '../../../src/minifier/graph/passes/shrink-dims.ts';
import type { Setup } from '../../../src/minifier/graph/trial-messages.ts';
import { TrialPool } from '../../../src/minifier/graph/trial-pool.ts';
import type { GraphWriter } from '../../../src/onnx/index.ts';
import { caseOf, floats } from './support.ts';

const plain: Setup = { level: 'disabled', resolveFrom: import.meta.url };
let pool: TrialPool;

beforeAll(() => {
  pool = new TrialPool({ jobs: 1, cwd: process.cwd(), memoryLimitMb: 2_048, warmUp: plain });
});
afterAll(() => pool.close());

function weights(graph: GraphWriter, dims: readonly number[]): string {
  const tensor = floats('w', dims, (index) => Math.sin(index));
  return graph.initializer(tensor.data as Float32Array, dims);
}

/** Models with the names of what must be free in them: the sizes that are left for each class. */
const models: readonly {
  readonly name: string;
  readonly classes: readonly number[];
  write(graph: GraphWriter): void;
}[] = [
  {
    name: 'a convolution, a pool and a dense layer',
    // Units, batch, output and input channels, height, width and the kernel's own sizes.
    classes: [10, 2, 5, 3, 9, 8, 3, 3],
    write: (graph) => {
      const x = graph.input('x', 'float32', [2, 3, 9, 8]);
      const conv = graph.add('Conv', [x, weights(graph, [5, 3, 3, 3]), weights(graph, [5])], {
        pads: [1, 1, 1, 1],
      });
      const pool = graph.add('GlobalAveragePool', [graph.add('Relu', [conv])]);
      const flat = graph.add('Flatten', [pool]);
      const dense = graph.add('Gemm', [flat, weights(graph, [10, 5]), weights(graph, [10])], { transB: 1 });
      graph.output(dense, 'float32', [2, 10]);
    },
  },
  {
    name: 'heads split off by Reshape and Transpose',
    classes: [7, 4, 3, 2],
    write: (graph) => {
      const x = graph.input('x', 'float32', [2, 7, 12]);
      const heads = graph.add('Reshape', [x, graph.ints([2, 7, 4, 3])]);
      const turned = graph.add('Transpose', [heads], { perm: [0, 2, 1, 3] });
      const keys = graph.add('Transpose', [heads], { perm: [0, 2, 3, 1] });
      const scores = graph.add('Softmax', [graph.add('MatMul', [turned, keys])], { axis: -1 });
      const mixed = graph.add('Transpose', [graph.add('MatMul', [scores, turned])], { perm: [0, 2, 1, 3] });
      graph.output(graph.add('Reshape', [mixed, graph.ints([2, 7, 12])]), 'float32', [2, 7, 12]);
    },
  },
  {
    name: 'Concat, Slice, Pad, Split and reductions',
    classes: [6, 4, 5],
    write: (graph) => {
      const [x, y] = [graph.input('x', 'float32', [5, 4]), graph.input('y', 'float32', [5, 6])];
      const joined = graph.add('Concat', [x, y], { axis: 1 });
      const [left, right] = graph.addMany('Split', [joined], 2, { axis: 1, num_outputs: 2 });
      const sum = graph.add('Add', [left!, right!]);
      const cut = graph.add('Slice', [sum, graph.ints([0]), graph.ints([-1]), graph.ints([0])]);
      const padded = graph.add('Pad', [cut, graph.ints([1, 0, 0, 2])]);
      const mean = graph.add('ReduceMean', [padded, graph.ints([1])], { keepdims: 0 });
      graph.output(graph.add('Unsqueeze', [mean, graph.ints([0])]), 'float32', [1, 5]);
    },
  },
  {
    name: 'a sum whose reduced axis broadcasts against another one',
    classes: [6],
    write: (graph) => {
      const x = graph.input('x', 'float32', [6, 6]);
      const mean = graph.add('ReduceMean', [x, graph.ints([-1])], { keepdims: 0 });
      graph.output(graph.add('Sub', [x, mean]), 'float32', [6, 6]);
    },
  },
  {
    name: 'a residual convolution, whose result is as large as its operand',
    classes: [6, 4, 3, 2],
    write: (graph) => {
      const x = graph.input('x', 'float32', [2, 4, 6, 3]);
      const conv = graph.add('Conv', [x, weights(graph, [4, 4, 1, 1])]);
      graph.output(graph.add('Add', [x, conv]), 'float32', [2, 4, 6, 3]);
    },
  },
];

const ascending = (sizes: readonly number[]): number[] => sizes.toSorted((left, right) => left - right);

describe.each(models.map((model) => [model.name, model] as const))('%s', (_, { write, classes }) => {
  test('has these sizes to choose, and runs with whatever is chosen', async () => {
    const testCase = caseOf(write);
    const { values } = await captureValues(testCase, pool, plain, 10_000);
    const found = dimClasses(testCase, values);
    expect(ascending(found.classes.map(({ size }) => size))).toEqual(ascending(classes));
    let resized = 0;
    for (const { dim, size } of found.classes) {
      for (const smaller of smallerSizes(size)) {
        const candidate = found.resized(new Map([[dim, smaller]]));
        if (candidate === undefined) continue;
        resized++;
        const request = trialRequest(candidate, { reference: plain }, { relative: 0, absolute: 0 });
        const outcome = await pool.run(request, 10_000);
        expect(outcome).toMatchObject({ kind: 'report', report: { reference: { kind: 'ok' } } });
      }
    }
    expect(resized).toBeGreaterThanOrEqual(found.classes.length);
  });
});
