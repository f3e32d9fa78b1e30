import { describe, expect, test } from 'vitest';
import {
  printOnnx,
  type OnnxAttribute,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
  type OnnxType,
} from '../../src/onnx/index.ts';

const scalar: OnnxTensor = { name: 's', dims: [], dataType: 'float32', data: Float32Array.of(0.1) };
const sparse = { values: { ...scalar, name: 'sp' }, indices: scalar, dims: [9] };
const float: OnnxType = { kind: 'tensor', dataType: 'float32', dims: ['n', null] };

function nodeWith(attributes: Readonly<Record<string, OnnxAttribute>>): OnnxNode {
  return { opType: 'Op', domain: 'my', name: 'n', inputs: ['x', '', 'a b'], outputs: ['y', ''], attributes };
}

function modelWith(attributes: Readonly<Record<string, OnnxAttribute>>): OnnxModel {
  return {
    irVersion: 8,
    opsets: [
      { domain: '', version: 17 },
      { domain: 'my', version: 1 },
    ],
    graph: {
      name: 'g',
      nodes: [nodeWith(attributes)],
      inputs: [{ name: 'x', type: float }, { name: 'q' }],
      outputs: [{ name: 'y', type: { kind: 'sequence', element: { kind: 'tensor', dataType: 'int64' } } }],
      initializers: [scalar, { name: 't', dims: [2], dataType: 'string', data: ['a', Uint8Array.of(255)] }],
      sparseInitializers: [sparse],
    },
    functions: [
      { name: 'f', domain: 'my', inputs: ['a'], outputs: ['b'], nodes: [nodeWith({})], opsets: [] },
    ],
  };
}

describe('the text of a model', () => {
  test('has a line for each value, and the functions behind the graph', () => {
    expect(printOnnx(modelWith({ axis: { kind: 'int', value: -1 } }))).toMatchInlineSnapshot(`
      "ir 8, opset 17, my 1
      graph g(x: float32[n,?], q: ?) {
        s = float32[] {0.1}
        t = string[2] {"a", bytes(1)}
        sp = sparse float32[9]
        y, _ = my:Op(x, _, "a b") {axis: -1}
        return y: sequence(int64[...])
      }
      function my:f(a) {
        y, _ = my:Op(x, _, "a b")
        return b
      }
      "
    `);
  });

  test.each<[string, OnnxAttribute]>([
    ['0.1', { kind: 'float', value: Math.fround(0.1) }],
    ['1.0', { kind: 'float', value: 1 }],
    ['NaN', { kind: 'float', value: NaN }],
    ['1e-12', { kind: 'float', value: Math.fround(1e-12) }],
    ['[1, 9223372036854775807]', { kind: 'ints', value: [1, 2n ** 63n - 1n] }],
    ['[0.5, 2.0]', { kind: 'floats', value: [0.5, 2] }],
    ['"a\\"b"', { kind: 'string', value: 'a"b' }],
    ['["a", bytes(2)]', { kind: 'strings', value: ['a', Uint8Array.of(1, 2)] }],
    ['float32[] {0.1}', { kind: 'tensor', value: scalar }],
    ['[float32[] {0.1}]', { kind: 'tensors', value: [scalar] }],
    ['sparse float32[9]', { kind: 'sparseTensor', value: sparse }],
    ['1 sparse tensors', { kind: 'sparseTensors', value: [sparse] }],
    [
      'map(int64, opaque)',
      { kind: 'type', value: { kind: 'map', keyType: 'int64', valueType: { kind: 'opaque' } } },
    ],
    ['[sparse int8[3]]', { kind: 'types', value: [{ kind: 'sparseTensor', dataType: 'int8', dims: [3] }] }],
    ['@alpha', { kind: 'reference', value: 'alpha', typeCode: 1 }],
    ['opaque', { kind: 'opaque', typeCode: 99 }],
    [
      'graph b() {\n    return \n  }',
      { kind: 'graph', value: { name: 'b', nodes: [], inputs: [], outputs: [], initializers: [] } },
    ],
    ['[]', { kind: 'graphs', value: [] }],
  ])('writes an attribute as %s', (text, attribute) => {
    expect(printOnnx(modelWith({ a: attribute }))).toContain(`{a: ${text}}`);
  });
});
