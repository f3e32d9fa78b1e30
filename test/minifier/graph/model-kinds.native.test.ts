/** Models of every kind: old and new operator sets, external data, graphs inside nodes, all element types, foreign operators. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type MinifyOnnxOptions, type MinifyOnnxResult } from '../../../src/minifier/graph/minify-onnx.ts';
import { seededRandom } from '../../../src/minifier/graph/make-inputs.ts';
import {
  checkModel,
  encodeNpy,
  encodeNpz,
  GraphWriter,
  readModelFile,
  writeModelFile,
  type OnnxFunction,
  type OnnxModel,
  type OnnxNode,
} from '../../../src/onnx/index.ts';
import { searchesOf, timeoutMs } from './searches.ts';

const { folder, minify } = searchesOf('kinds');

/** 1 / x times Identity: DivMulFusion leaves a model that onnxruntime refuses, in any operator set. */
function plantDivMul(graph: GraphWriter, x: string, y: string): string {
  const same = graph.add('Identity', [y]);
  return graph.add('Mul', [same, graph.add('Div', [graph.initializer(Float32Array.of(1), []), x])]);
}

type Write = (graph: GraphWriter, x: string) => string | undefined;

/** A model of one input; what `write` adds reads it, and its result is an output when it is float32. */
function modelWith(write: Write = () => undefined, opset = 21): OnnxModel {
  const graph = new GraphWriter('kinds');
  const x = graph.input('x', 'float32', [2, 3]);
  const extra = write(graph, x);
  const inner = graph.add('Tanh', [graph.add('Abs', [x])]);
  const safe = graph.add('Add', [graph.add('Exp', [inner]), extra ?? x]);
  graph.output(graph.add('Neg', [plantDivMul(graph, safe, inner)]), 'float32', [2, 3]);
  const model = graph.toModel();
  const irVersion = opset < 9 ? 3 : opset < 15 ? 6 : 10;
  const opsets = model.opsets.map((each) => (each.domain === '' ? { ...each, version: opset } : each));
  return { ...model, irVersion, opsets };
}

/** Before IR 4, constants are inputs with a default. */
function withDefaults(model: OnnxModel): OnnxModel {
  const { graph } = model;
  const declared = graph.initializers.map(({ name, dataType, dims }) => ({
    name,
    type: { kind: 'tensor' as const, dataType, dims },
  }));
  return { ...model, graph: { ...graph, inputs: [...graph.inputs, ...declared] } };
}

async function expectDivMul(options: Partial<MinifyOnnxOptions>): Promise<MinifyOnnxResult> {
  const result = await minify(options);
  expect(result.best.model.graph.nodes.map((node) => node.opType).toSorted()).toEqual([
    'Div',
    'Identity',
    'Mul',
  ]);
  expect(result.introducedBy).toContain('DivMulFusion');
  expect(result.isVerified).toBe(true);
  expect(checkModel(result.best.model)).toEqual([]);
  return result;
}

describe('operator sets', () => {
  test.each([7, 9, 13, 18, 22, 26])(
    'opset %i keeps its number and becomes three nodes',
    async (opset) => {
      const model = modelWith(undefined, opset);
      const result = await expectDivMul({ model: opset < 9 ? withDefaults(model) : model });
      expect(result.best.model.opsets).toEqual([{ domain: '', version: opset }]);
    },
    timeoutMs,
  );
});

const kinds: Readonly<Record<string, Write>> = {
  'an If whose branches read from outside': (graph, x) => {
    const branch = (opType: string) => {
      const inner = graph.subgraph(opType);
      inner.output(inner.add(opType, [x]), 'float32', [2, 3]);
      return inner.toGraph();
    };
    const condition = graph.initializer(Uint8Array.of(1), [], { dataType: 'bool' });
    return graph.add('If', [condition], { then_branch: branch('Cos'), else_branch: branch('Sin') });
  },
  'a Loop that carries a value': (graph, x) => {
    const body = graph.subgraph('body');
    body.input('round', 'int64', []);
    const go = body.input('go', 'bool', []);
    const value = body.input('value', 'float32', [2, 3]);
    body.output(body.add('Identity', [go]), 'bool', []);
    body.output(body.add('Tanh', [body.add('Add', [value, x])]), 'float32', [2, 3]);
    return graph.addMany('Loop', [graph.scalar(3, 'int64'), undefined, x], 1, { body: body.toGraph() })[0];
  },
  'quantised values': (graph, x) => {
    const scale = graph.scalar(0.05, 'float32');
    const zero = graph.initializer(Uint8Array.of(128), []);
    return graph.add('DequantizeLinear', [graph.add('QuantizeLinear', [x, scale, zero]), scale, zero]);
  },
  'doubles, integers and truth values': (graph, x) => {
    const double = graph.add('Sqrt', [graph.add('Abs', [graph.add('Cast', [x], { to: 11 })])]);
    const whole = graph.add('Cast', [double], { to: 7 });
    const truth = graph.add('Greater', [whole, graph.scalar(0, 'int64')]);
    return graph.add('Where', [truth, x, graph.add('Cast', [double], { to: 1 })]);
  },
  'half precision': (graph, x) => {
    const half = graph.add('Cast', [x], { to: 10 });
    return graph.add('Cast', [graph.add('Add', [half, half])], { to: 1 });
  },
  strings: (graph, x) => {
    const words = graph.input('words', 'string', [3]);
    const same = graph.add('Equal', [words, words]);
    return graph.add('Where', [same, x, x]);
  },
  'optional operands that are absent': (graph, x) =>
    graph.add('Clip', [x, undefined, graph.scalar(6, 'float32')]),
  "onnxruntime's own operators": (graph, x) => graph.add('com.microsoft:Gelu', [x]),
  'sizes that nobody knows': (graph, x) => {
    const rows = graph.input('rows', 'float32', ['batch', null]);
    return graph.add('Add', [x, graph.add('ReduceMax', [rows], { keepdims: 0 })]);
  },
};

describe('a model with', () => {
  test.each(Object.entries(kinds))(
    '%s',
    async (_, write) => {
      await expectDivMul({ model: modelWith(write) });
    },
    timeoutMs,
  );

  test(
    'the failure inside a branch becomes the nodes of the branch',
    async () => {
      const graph = new GraphWriter('branch');
      const x = graph.input('x', 'float32', [1, 1, 2, 2]);
      const y = graph.add('Sub', [graph.add('Tanh', [x]), graph.scalar(2, 'float32')]);
      const inner = graph.subgraph('then');
      const padded = inner.add('Pad', [y, inner.ints([0, 0, 1, 1, 0, 0, 1, 1])]);
      const pooled = inner.add('MaxPool', [padded], { kernel_shape: [2, 2] });
      inner.output(inner.add('Abs', [pooled]), 'float32', [1, 1, 3, 3]);
      const other = graph.subgraph('else');
      other.output(other.add('Pad', [y, other.ints([0, 0, 0, 0, 0, 0, 1, 1])]), 'float32', [1, 1, 3, 3]);
      const condition = graph.initializer(Uint8Array.of(1), [], { dataType: 'bool' });
      const attributes = { then_branch: inner.toGraph(), else_branch: other.toGraph() };
      graph.output(graph.add('Neg', [graph.add('If', [condition], attributes)]), 'float32', [1, 1, 3, 3]);
      const { best, introducedBy } = await minify({ model: graph.toModel() });
      expect(best.model.graph.nodes.map((node) => node.opType)).toEqual(['Pad', 'MaxPool']);
      expect(introducedBy).toContain('PadFusion');
    },
    timeoutMs,
  );

  test(
    'functions and operators of its own',
    async () => {
      const model = modelWith((graph, x) => graph.add('my.domain:Twice', [x]));
      const double = {
        opType: 'Add',
        domain: '',
        name: '',
        inputs: ['a', 'a'],
        outputs: ['b'],
        attributes: {},
      };
      const twice = {
        name: 'Twice',
        domain: 'my.domain',
        inputs: ['a'],
        outputs: ['b'],
        nodes: [double],
        opsets: [{ domain: '', version: 21 }],
      };
      const opsets = model.opsets.map((each) =>
        each.domain === 'my.domain' ? { ...each, version: 1 } : each,
      );
      const result = await expectDivMul({ model: { ...model, opsets, functions: [twice] } });
      expect(result.best.model.functions).toBeUndefined();
    },
    timeoutMs,
  );

  test(
    'its weights in another file',
    async () => {
      const random = seededRandom(5);
      const weights = Float32Array.from({ length: 3_000 }, () => random());
      const model = modelWith((graph, x) => {
        const inner = graph.initializer(weights, [3, 1_000]);
        const back = graph.initializer(weights, [1_000, 3]);
        return graph.add('MatMul', [graph.add('MatMul', [x, inner]), back]);
      });
      const path = join(folder, 'external.onnx');
      writeModelFile(path, model, { externalAboveBytes: 1_000 });
      await expectDivMul({ input: path });
      expect(readModelFile(path).graph.initializers.length).toBeGreaterThan(1);
    },
    timeoutMs,
  );
});

test(
  'the failure inside a function, called with an attribute, becomes the nodes of the function',
  async () => {
    const node = (
      opType: string,
      inputs: string[],
      outputs: string[],
      attributes: OnnxNode['attributes'] = {},
    ) => ({
      opType,
      domain: opType === 'Inner' ? 'my.domain' : '',
      name: '',
      inputs,
      outputs,
      attributes,
    });
    const opsets = [
      { domain: '', version: 21 },
      { domain: 'my.domain', version: 1 },
    ];
    const inner: OnnxFunction = {
      name: 'Inner',
      domain: 'my.domain',
      inputs: ['image', 'pads'],
      outputs: ['pooled'],
      attributeNames: ['window'],
      nodes: [
        node('Pad', ['image', 'pads'], ['padded']),
        node('MaxPool', ['padded'], ['pooled'], {
          kernel_shape: { kind: 'reference', value: 'window', typeCode: 7 },
        }),
      ],
      opsets,
    };
    const outer: OnnxFunction = {
      name: 'Outer',
      domain: 'my.domain',
      inputs: ['image', 'pads'],
      outputs: ['result'],
      nodes: [
        node('Inner', ['image', 'pads'], ['pooled'], { window: { kind: 'ints', value: [2, 2] } }),
        node('Tanh', ['pooled'], ['result']),
      ],
      opsets,
    };
    const graph = new GraphWriter('calls');
    const x = graph.input('x', 'float32', [1, 1, 2, 2]);
    const below = graph.add('Sub', [graph.add('Tanh', [x]), graph.scalar(2, 'float32')]);
    const called = graph.add('my.domain:Outer', [below, graph.ints([0, 0, 1, 1, 0, 0, 1, 1])]);
    graph.output(graph.add('Neg', [called]), 'float32', [1, 1, 3, 3]);
    const { best, introducedBy, sizeBefore, isVerified } = await minify({
      model: { ...graph.toModel(), opsets, functions: [inner, outer] },
    });
    // Four nodes of the graph, two of Outer, two of Inner.
    expect(sizeBefore).toBe(8);
    expect(best.model.graph.nodes.map((each) => each.opType)).toEqual(['Pad', 'MaxPool']);
    expect(best.model.functions).toBeUndefined();
    expect(best.model.opsets).toEqual([{ domain: '', version: 21 }]);
    expect(introducedBy).toContain('PadFusion');
    expect(isVerified).toBe(true);
  },
  timeoutMs,
);

describe('values of inputs', () => {
  /** Pad and MaxPool are wrong together for negative values only. */
  function padModel(): OnnxModel {
    const graph = new GraphWriter('pad');
    const x = graph.input('x', 'float32', [1, 1, 2, 2]);
    const padded = graph.add('Pad', [
      graph.add('Neg', [graph.add('Neg', [x])]),
      graph.ints([0, 0, 1, 1, 0, 0, 1, 1]),
    ]);
    graph.output(graph.add('MaxPool', [padded], { kernel_shape: [2, 2] }), 'float32', [1, 1, 3, 3]);
    return graph.toModel();
  }
  const negative = Float32Array.of(-1, -2, -3, -4);
  const array = { dataType: 'float32', dims: [1, 1, 2, 2], data: negative } as const;
  const files: Readonly<Record<string, () => string | Uint8Array>> = {
    'x.npy': () => encodeNpy(array),
    'values.npz': () => encodeNpz(new Map([['x', array]])),
    'values.json': () =>
      JSON.stringify({
        x: [
          [
            [
              [-1, -2],
              [-3, -4],
            ],
          ],
        ],
      }),
  };

  test.each(Object.entries(files))(
    'come from %s',
    async (name, contents) => {
      const inputs = join(folder, name);
      writeFileSync(inputs, contents());
      const result = await minify({ model: padModel(), inputs });
      expect(result.best.model.graph.nodes.map((node) => node.opType)).toEqual(['Pad', 'MaxPool']);
      expect(result.isVerified).toBe(true);
    },
    timeoutMs,
  );

  test('that are not negative show nothing', async () => {
    const inputs = join(folder, 'positive.json');
    writeFileSync(
      inputs,
      JSON.stringify({
        x: [
          [
            [
              [1, 2],
              [3, 4],
            ],
          ],
        ],
      }),
    );
    await expect(minify({ model: padModel(), inputs })).rejects.toMatchObject({ code: 'FG4004' });
  });

  test.each([
    ['another name', { y: [1, 2] }, 'no input tensor y'],
    [
      'another size',
      { x: [[[[1, 2, 3]]]] },
      'input x is float32[1,1,2,2], the value given is float32[1,1,1,3]',
    ],
    ['lists of different lengths', { x: [[[[1, 2], [3]]]] }, 'the lists of input x differ in length'],
  ])('of %s are refused', async (_, values, message) => {
    const inputs = join(folder, 'wrong.json');
    writeFileSync(inputs, JSON.stringify(values));
    await expect(minify({ model: padModel(), inputs })).rejects.toMatchObject({
      code: 'FG4002',
      message: expect.stringContaining(message) as string,
    });
  });
});
