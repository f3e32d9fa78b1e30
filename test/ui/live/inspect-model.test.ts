import { describe, expect, test } from 'vitest';
import { modelReport } from '../../../src/cli/interactive/inspect-model.ts';
import type { OnnxModel, OnnxNode, OnnxTensor, OnnxValueInfo } from '../../../src/onnx/index.ts';
import { graphModel } from '../../../src/ui/graph/graph-model.ts';

function node(opType: string, inputs: string[], outputs: string[], more: Partial<OnnxNode> = {}): OnnxNode {
  return { opType, domain: '', name: '', inputs, outputs, attributes: {}, ...more };
}

function value(name: string, ...dims: (number | string)[]): OnnxValueInfo {
  return { name, type: { kind: 'tensor', dataType: 'float32', dims } };
}

const weight: OnnxTensor = { name: 'w:0', dims: [3, 3], dataType: 'float32', data: new Float32Array(9) };

const model: OnnxModel = {
  irVersion: 10,
  opsets: [{ domain: '', version: 21 }],
  graph: {
    name: 'strange (names), all legal',
    inputs: [value('x:0', 'batch size', 3), value('w:0', 3, 3)],
    outputs: [value('y, z', 'batch size', 3)],
    initializers: [weight],
    nodes: [
      node('MatMul', ['x:0', 'w:0'], ['a = b'], { name: '/encoder/layer.0/MatMul' }),
      node('Split', ['a = b'], ['first', 'second'], {
        name: '/encoder/layer.0/split/Split',
        attributes: { axis: { kind: 'int', value: 1 } },
      }),
      node('Gelu', ['second', ''], ['y, z'], { name: '/act/Gelu', domain: 'com.microsoft' }),
    ],
  },
};

describe('a model as a graph', () => {
  const report = modelReport(model, 'model.onnx');
  const graph = report.graphs[0]!;
  const { nodes } = graphModel(graph);
  const find = (op: string): (typeof nodes)[number] => nodes.find((each) => each.op === op)!;
  const readBy = (op: string): string[] => find(op).inputs.map((index) => nodes[index]!.op);

  test('keeps its edges, whatever its names are made of', () => {
    expect(readBy('MatMul')).toEqual(['input', 'constant']);
    expect(readBy('Split')).toEqual(['MatMul']);
    expect(readBy('com.microsoft.Gelu')).toEqual(['Split']);
    expect(readBy('return')).toEqual(['com.microsoft.Gelu']);
  });

  test('shows weights once, as constants', () => {
    expect(nodes.filter((each) => each.kind === 'constant')).toHaveLength(1);
    expect(nodes.filter((each) => each.kind === 'input')).toHaveLength(1);
  });

  test('has types, attributes and the layers of its exporter', () => {
    expect(find('input').type).toBe('float32[batch_size,3]');
    expect(find('Split').text).toBe('{"axis":1}');
    expect(graph.origins.get(find('MatMul').name)?.scope).toEqual(['encoder', 'layer.0']);
  });

  test('has no layers that hold nothing but one node', () => {
    const scopeOf = (op: string): readonly string[] => graph.origins.get(find(op).name)?.scope ?? [];
    expect(scopeOf('Split')).toEqual(['encoder', 'layer.0']);
    expect(scopeOf('com.microsoft.Gelu')).toEqual([]);
  });

  test('has what is wrong with it as notes', () => {
    expect(report.notes.map((note) => note.text).join('\n')).toContain('com.microsoft');
  });
});
