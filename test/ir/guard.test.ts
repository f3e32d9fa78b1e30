import { expect, test } from 'vitest';
import type { Graph } from '../../src/ir/graph.ts';
import { compareGraphs } from '../../src/ir/guard.ts';

function scaledBy(data: Float32Array | Int32Array): Graph {
  const dtype = data instanceof Float32Array ? 'float32' : 'int32';
  return {
    name: 'g1',
    nodes: [{ kind: 'constant', name: 'rate', type: { dtype, shape: [data.length] }, data }],
    outputs: [],
  };
}

test.each([
  [new Float32Array([0.1]), new Float32Array([0.05]), '[0.1]', '[0.05]'],
  [new Float32Array([1 / 3]), new Float32Array([1e-30]), '[0.33333334]', '[1e-30]'],
  [new Float32Array([-0, NaN]), new Float32Array([0, Infinity]), '[0, NaN]', '[0, Infinity]'],
  [new Int32Array([16777217]), new Int32Array([1, 2, 3, 4, 5]), '[16777217]', '[1, 2, 3, 4, ...]'],
])('constants %o and %o differ as a program writes them', (before, after, expected, actual) => {
  const [difference] = compareGraphs(scaledBy(before), scaledBy(after));
  const isResized = before.length !== after.length;
  expect(difference).toMatchObject(
    isResized ? { kind: 'shape' } : { kind: 'constant', what: 'rate', expected, actual },
  );
});
