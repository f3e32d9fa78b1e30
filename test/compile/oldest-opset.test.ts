import { describe, expect, test } from 'vitest';
import { inOldestOpset as inOldestOpsetOf, oldestOpset } from '../../src/compile/oldest-opset.ts';
import { GraphWriter, type OnnxModel } from '../../src/onnx/index.ts';

function modelOf(write: (graph: GraphWriter, x: string) => string): OnnxModel {
  const graph = new GraphWriter('test');
  const x = graph.input('x', 'float32', [2, 3]);
  graph.output(write(graph, x), 'float32');
  return graph.toModel();
}

const inOldestOpset = (model: OnnxModel): OnnxModel => inOldestOpsetOf(model, () => 'float32');

const opsetOf = (model: OnnxModel): number | undefined =>
  model.opsets.find(({ domain }) => domain === '')?.version;

describe('a model in the oldest opset', () => {
  test('keeps what has not changed since', () => {
    const model = modelOf((graph, x) => graph.add('Tanh', [graph.add('Mul', [x, x])]));
    const older = inOldestOpset(model);
    expect(opsetOf(older)).toBe(oldestOpset);
    expect(older.graph).toEqual(model.graph);
  });

  test('has the axes of reductions as attributes', () => {
    const older = inOldestOpset(
      modelOf((graph, x) => graph.add('ReduceMax', [x, graph.ints([1])], { keepdims: 0 })),
    );
    expect(opsetOf(older)).toBe(oldestOpset);
    const [node] = older.graph.nodes;
    expect(node!.inputs).toEqual(['x']);
    expect(node!.attributes).toEqual({
      keepdims: { kind: 'int', value: 0 },
      axes: { kind: 'ints', value: [1] },
    });
  });

  test('reduces over all axes where none are named', () => {
    const model = modelOf((graph, x) => graph.add('ReduceMean', [x]));
    expect(inOldestOpset(model).graph.nodes).toEqual(model.graph.nodes);
    expect(opsetOf(inOldestOpset(model))).toBe(oldestOpset);
  });

  test('has no dilations of averages where they are none', () => {
    const write =
      (by: number) =>
      (graph: GraphWriter, x: string): string =>
        graph.add('AveragePool', [x], { kernel_shape: [2], dilations: [by] });
    const [node] = inOldestOpset(modelOf(write(1))).graph.nodes;
    expect(node!.attributes).toEqual({ kernel_shape: { kind: 'ints', value: [2] } });
    const dilated = modelOf(write(2));
    expect(inOldestOpset(dilated)).toBe(dilated);
  });

  test('needs no word about sizes of 0 where there are none', () => {
    const older = inOldestOpset(
      modelOf((graph, x) => graph.add('Reshape', [x, graph.ints([3, 2])], { allowzero: 1 })),
    );
    expect(opsetOf(older)).toBe(oldestOpset);
    expect(older.graph.nodes[0]!.attributes).toEqual({});
  });

  test.each<[string, (graph: GraphWriter, x: string) => string]>([
    ['sizes of 0', (graph, x) => graph.add('Reshape', [x, graph.ints([0, 3])], { allowzero: 1 })],
    [
      'sizes that are fed',
      (graph, x) => graph.add('Reshape', [x, graph.input('shape', 'int64', [2])], { allowzero: 1 }),
    ],
    ['axes that are fed', (graph, x) => graph.add('ReduceMax', [x, graph.input('axes', 'int64', [1])])],
    [
      'reductions that may have no axes',
      (graph, x) => graph.add('ReduceMax', [x, graph.ints([])], { noop_with_empty_axes: 1 }),
    ],
    [
      'the axes of a Pad',
      (graph, x) => graph.add('Pad', [x, graph.ints([1, 1]), undefined, graph.ints([0])]),
    ],
    [
      'truth values to pad',
      (graph, x) =>
        graph.add('Pad', [graph.add('Less', [x, x]), graph.ints([1, 1, 1, 1]), graph.scalar(1, 'bool')]),
    ],
    [
      'truth values to pad that were turned and cast',
      (graph, x) =>
        graph.add('Pad', [
          graph.add('Transpose', [graph.add('Cast', [x], { to: 9 })]),
          graph.ints([1, 1, 1, 1]),
        ]),
    ],
    [
      'extrema of truth values that are fed and chosen',
      (graph, x) => {
        const mask = graph.input('mask', 'bool', [2, 3]);
        return graph.add('ReduceMin', [
          graph.add('Where', [graph.add('Less', [x, x]), mask, mask]),
          graph.ints([1]),
        ]);
      },
    ],
    [
      'scatters that add',
      (graph, x) => graph.add('ScatterND', [x, graph.ints([0]), x], { reduction: 'add' }),
    ],
    ['operators that are younger', (graph, x) => graph.add('Tanh', [graph.add('Gelu', [x])])],
  ])('is the model itself with %s', (_, write) => {
    const model = modelOf(write);
    expect(inOldestOpset(model)).toBe(model);
  });

  test('is the model itself with types that an operator learnt later', () => {
    const model = modelOf((graph, x) => graph.add('Relu', [x]));
    const [result] = model.graph.nodes[0]!.outputs;
    expect(inOldestOpsetOf(model, (name) => (name === result ? 'int32' : undefined))).toBe(model);
    expect(opsetOf(inOldestOpsetOf(model, () => undefined))).toBe(oldestOpset);
  });
});
