import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import {
  checkModel,
  GraphWriter,
  printOnnx,
  toAttribute,
  type AttributeValue,
  type OnnxAttribute,
  type OnnxModel,
} from '../../src/onnx/index.ts';

function modelOf(write: (graph: GraphWriter) => void): OnnxModel {
  const graph = new GraphWriter('test');
  write(graph);
  const model = graph.toModel();
  expect(checkModel(model)).toEqual([]);
  return model;
}

describe('a graph writer', () => {
  test('names nodes and values after their operator and label', () => {
    const model = modelOf((graph) => {
      const x = graph.input('x', 'float32', ['batch', 3]);
      graph.label('dense_1 train.ts:7');
      const w = graph.initializer(new Float32Array(300), [3, 100]);
      const y = graph.add('MatMul', [x, w]);
      graph.label('dense_2');
      graph.output(graph.add('Relu', [graph.add('Relu', [y])]), 'float32', ['batch', 100]);
    });
    expect(model.graph.nodes.map((node) => node.name)).toEqual([
      'dense_1 train.ts:7/MatMul',
      'dense_2/Relu',
      'dense_2/Relu_1',
    ]);
    expect(printOnnx(model)).toMatchInlineSnapshot(`
      "ir 8, opset 21
      graph test(x: float32[batch,3]) {
        constant = float32[3,100]
        "dense_1 train.ts:7/MatMul:0" = MatMul(x, constant)
        dense_2/Relu:0 = Relu("dense_1 train.ts:7/MatMul:0")
        dense_2/Relu_1:0 = Relu(dense_2/Relu:0)
        return dense_2/Relu_1:0: float32[batch,100]
      }
      "
    `);
  });

  test('shares small constants of equal type, dims and bits', () => {
    const graph = new GraphWriter();
    expect(graph.ints([0, -1])).toBe(graph.ints([0n, -1n]));
    expect(graph.scalar(0, 'float32')).not.toBe(graph.scalar(0, 'int32'));
    expect(graph.scalar(0, 'float32')).not.toBe(graph.scalar(-0, 'float32'));
    expect(graph.initializer(Float32Array.of(1), [1])).not.toBe(graph.scalar(1, 'float32'));
    expect(graph.initializer(Uint8Array.of(1), [], { dataType: 'bool' })).toBe(graph.scalar(1, 'bool'));
    expect(graph.initializer(Uint8Array.of(1), [])).not.toBe(graph.scalar(1, 'bool'));
    expect(graph.toGraph().initializers).toHaveLength(8);
  });

  test('does not share a constant that was given a name', () => {
    const graph = new GraphWriter();
    const first = graph.initializer(Float32Array.of(1), [1], { name: 'gamma' });
    expect([first, graph.initializer(Float32Array.of(1), [1], { name: 'gamma' })]).toEqual([
      'gamma',
      'gamma_1',
    ]);
  });

  test('puts Identity before an output that no node computes, or that is an output already', () => {
    const model = modelOf((graph) => {
      const x = graph.input('x', 'float32', [2]);
      const y = graph.add('Neg', [x]);
      for (const value of [x, y, y, graph.scalar(1, 'float32')]) graph.output(value, 'float32');
    });
    expect(model.graph.nodes.map((node) => node.opType)).toEqual(['Neg', 'Identity', 'Identity', 'Identity']);
    expect(new Set(model.graph.outputs.map((output) => output.name)).size).toBe(4);
  });

  test('writes absent inputs as empty names and drops them at the end', () => {
    const model = modelOf((graph) => {
      const x = graph.input('x', 'float32', [2]);
      graph.output(graph.add('Clip', [x, undefined, graph.scalar(6, 'float32')]), 'float32', [2]);
      graph.output(graph.add('Clip', [x, undefined, undefined]), 'float32', [2]);
    });
    expect(model.graph.nodes.map((node) => node.inputs)).toEqual([['x', '', 'constant'], ['x']]);
  });

  test('imports the domain of a contributed operator', () => {
    const model = modelOf((graph) => {
      const x = graph.input('x', 'float32', [2, 2]);
      graph.output(
        graph.add('com.microsoft:FusedMatMul', [x, x], { transB: 1, alpha: { float: 2 } }),
        'float32',
      );
    });
    expect(model.opsets).toEqual([
      { domain: '', version: 21 },
      { domain: 'com.microsoft', version: 1 },
    ]);
    expect(model.graph.nodes[0]).toMatchObject({ opType: 'FusedMatMul', domain: 'com.microsoft' });
  });

  test('gives subgraphs names of their own and the values around them', () => {
    const model = modelOf((graph) => {
      const x = graph.input('x', 'float32', [2]);
      const isPositive = graph.add('Greater', [
        graph.add('ReduceSum', [x], { keepdims: 0 }),
        graph.scalar(0, 'float32'),
      ]);
      const branches = ['Neg', 'Abs'].map((opType) => {
        const branch = graph.subgraph(opType);
        branch.output(branch.add(opType, [x]), 'float32', [2]);
        return branch.toGraph();
      });
      const chosen = graph.add('If', [isPositive], { then_branch: branches[0]!, else_branch: branches[1]! });
      graph.output(chosen, 'float32', [2]);
    });
    expect(printOnnx(model)).toContain('else_branch: graph Abs() {\n    Abs:0 = Abs(x)\n');
  });

  test('takes names for nodes and results', () => {
    const graph = new GraphWriter();
    const x = graph.input('y', 'float32', [4]);
    const options = { opType: 'TopK', inputs: [x, graph.ints([2])], outputs: ['top', 'at'], name: 'top_1' };
    expect(graph.addNode(options)).toEqual(['top', 'at']);
    expect(graph.uniqueName('top')).toBe('top_1');
    expect(graph.nodeCount).toBe(1);
  });
});

describe('attribute values', () => {
  const cases: readonly (readonly [AttributeValue, OnnxAttribute])[] = [
    [1, { kind: 'int', value: 1 }],
    [0.5, { kind: 'float', value: 0.5 }],
    [Infinity, { kind: 'float', value: Infinity }],
    [{ float: 1 }, { kind: 'float', value: 1 }],
    [{ floats: [] }, { kind: 'floats', value: [] }],
    [true, { kind: 'int', value: 1 }],
    [2n ** 60n, { kind: 'int', value: 2n ** 60n }],
    ['same', { kind: 'string', value: 'same' }],
    [[1, 2], { kind: 'ints', value: [1, 2] }],
    [[], { kind: 'ints', value: [] }],
    [[1, 2.5], { kind: 'floats', value: [1, 2.5] }],
    [['a'], { kind: 'strings', value: ['a'] }],
    [
      { kind: 'type', value: { kind: 'opaque' } },
      { kind: 'type', value: { kind: 'opaque' } },
    ],
  ];
  test.each(cases.map(([value, attribute]) => [inspect(value), value, attribute] as const))(
    '%s becomes the attribute it looks like',
    (_, value, attribute) => {
      expect(toAttribute(value)).toEqual(attribute);
    },
  );
});
