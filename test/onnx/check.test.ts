import { describe, expect, test } from 'vitest';
import {
  checkModel,
  type OnnxGraph,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
} from '../../src/onnx/index.ts';

function node(
  opType: string,
  inputs: readonly string[],
  outputs: readonly string[],
  body?: OnnxGraph,
): OnnxNode {
  const attributes = body === undefined ? {} : { body: { kind: 'graph' as const, value: body } };
  return { opType, domain: '', name: `${opType}_0`, inputs, outputs, attributes };
}

function graphOf(parts: Partial<OnnxGraph>): OnnxGraph {
  return {
    name: 'g',
    nodes: [],
    inputs: [{ name: 'x' }],
    outputs: [{ name: 'y' }],
    initializers: [],
    ...parts,
  };
}

function problems(graph: Partial<OnnxGraph>, model: Partial<OnnxModel> = {}): string[] {
  const checked = checkModel({
    irVersion: 8,
    opsets: [{ domain: '', version: 21 }],
    graph: graphOf(graph),
    ...model,
  });
  return checked.map((problem) =>
    problem.node === undefined ? problem.message : `${problem.node}: ${problem.message}`,
  );
}

const w: OnnxTensor = { name: 'w', dims: [2], dataType: 'float32', data: new Float32Array(2) };
const relu = node('Relu', ['x'], ['y']);

describe('a model', () => {
  test('with everything defined once and before its use is well formed', () => {
    const loop = graphOf({
      inputs: [{ name: 'i' }],
      nodes: [node('Add', ['i', 'x'], ['z'])],
      outputs: [{ name: 'z' }],
    });
    expect(
      problems({
        nodes: [node('Add', ['x', 'w'], ['a']), node('Loop', ['', '', 'a'], ['y'], loop)],
        initializers: [w],
      }),
    ).toEqual([]);
  });

  test('may give an input a default, leave outputs unnamed, and call the own domain ai.onnx', () => {
    const x = { ...w, name: 'x' };
    const top = { ...node('TopK', ['x', 'x'], ['', 'y']), domain: 'ai.onnx' };
    expect(problems({ nodes: [top], initializers: [x] })).toEqual([]);
  });

  test.each<[string, Partial<OnnxGraph>, string]>([
    [
      'a node that reads what is not there',
      { nodes: [node('Relu', ['nope'], ['y'])] },
      'Relu_0: input nope is not defined before',
    ],
    [
      'a node that reads what comes later',
      { nodes: [node('Neg', ['b'], ['y']), node('Abs', ['x'], ['b'])] },
      'Neg_0: input b is not defined before',
    ],
    [
      'two nodes with one result',
      { nodes: [relu, node('Neg', ['x'], ['y'])] },
      'Neg_0: output y is defined twice',
    ],
    [
      'a result named as an input',
      { nodes: [relu, node('Neg', ['y'], ['x'])] },
      'Neg_0: output x is defined twice',
    ],
    ['an output that nobody computes', {}, 'output y is not defined'],
    [
      'an output listed twice',
      { nodes: [relu], outputs: [{ name: 'y' }, { name: 'y' }] },
      'output y is listed twice',
    ],
    [
      'an input listed twice',
      { nodes: [relu], inputs: [{ name: 'x' }, { name: 'x' }] },
      'input x is defined twice',
    ],
    [
      'an initializer listed twice',
      { nodes: [relu], initializers: [w, w] },
      'initializer w is defined twice',
    ],
    ['a node without operator', { nodes: [node('', ['x'], ['y'])] }, '_0: a node has no operator'],
    [
      'a domain that is not imported',
      { nodes: [{ ...relu, domain: 'my.ops' }] },
      'Relu_0: domain my.ops is not imported',
    ],
    [
      'a subgraph that takes a name of the graph around',
      {
        nodes: [
          node(
            'Loop',
            ['x'],
            ['y'],
            graphOf({ inputs: [], nodes: [node('Neg', ['x'], ['x'])], outputs: [] }),
          ),
        ],
      },
      'Neg_0: output x is defined twice',
    ],
    [
      'a graph that reads from its subgraph',
      {
        nodes: [
          node(
            'Loop',
            ['x'],
            ['a'],
            graphOf({ inputs: [], nodes: [node('Neg', ['x'], ['inner'])], outputs: [] }),
          ),
          node('Abs', ['inner'], ['y']),
        ],
      },
      'Abs_0: input inner is not defined before',
    ],
  ])('with %s is not', (_, graph, problem) => {
    expect(problems(graph)).toEqual([problem]);
  });

  test.each<[string, OnnxTensor]>([
    ['initializer', { name: 'w', dims: [3], dataType: 'float32', data: new Float32Array(2) }],
    ['packed initializer', { name: 'w', dims: [3], dataType: 'int4', data: new Uint8Array(3) }],
    ['list of strings', { name: 'w', dims: [3], dataType: 'string', data: ['a'] }],
  ])('with a %s of the wrong length is not', (_, tensor) => {
    expect(problems({ nodes: [relu], initializers: [tensor] })).toEqual([
      expect.stringMatching(/tensor w of dims \[3\] holds \d values, not \d/),
    ]);
    const constant: OnnxNode = {
      ...node('Constant', [], ['c']),
      attributes: { value: { kind: 'tensor', value: tensor } },
    };
    expect(problems({ nodes: [relu, constant] })).toHaveLength(1);
  });

  test('checks its functions against their own inputs and opsets', () => {
    const definition = {
      name: 'f',
      domain: 'my.ops',
      inputs: ['a', 'a'],
      outputs: ['c'],
      nodes: [node('Relu', ['x'], ['b'])],
      opsets: [],
    };
    expect(problems({ nodes: [relu] }, { functions: [definition] })).toEqual([
      'function f: input a is listed twice',
      'Relu_0: domain  is not imported',
      'Relu_0: input x is not defined before',
      'function f: output c is not defined',
    ]);
  });
});
