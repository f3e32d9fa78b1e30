/** The reference evaluator agrees with onnxruntime's kernels, operator by operator, and says what it does not know. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { outputsDifference } from '../../../src/minifier/graph/compare.ts';
import { evaluatedOperators, evaluateModel } from '../../../src/minifier/graph/evaluator/evaluate.ts';
import { erf } from '../../../src/minifier/graph/evaluator/elementwise.ts';
import { trialRequest } from '../../../src/minifier/graph/graph-oracle.ts';
import { TrialPool } from '../../../src/minifier/graph/trial-pool.ts';
import type { Setup } from '../../../src/minifier/graph/trial-messages.ts';
import type { AttributeValues, GraphWriter } from '../../../src/onnx/index.ts';
import { caseOf, floats } from './support.ts';

const plain: Setup = { level: 'disabled', resolveFrom: import.meta.url };
let pool: TrialPool;

beforeAll(() => {
  pool = new TrialPool({ jobs: 1, cwd: process.cwd(), memoryLimitMb: 2_048, warmUp: plain });
});
afterAll(() => pool.close());

type Write = (graph: GraphWriter, x: string, y: string) => string | readonly string[];

/** One node on `x` (and `y`); integers among the operands are INT64 constants. */
function node(
  opType: string,
  operands: readonly ('x' | 'y' | readonly number[] | number)[],
  attributes?: AttributeValues,
): Write {
  return (graph, x, y) => {
    const inputs = operands.map((operand) => {
      if (operand === 'x') return x;
      if (operand === 'y') return y;
      return typeof operand === 'number' ? graph.scalar(operand, 'float32') : graph.ints(operand);
    });
    return graph.add(opType, inputs, attributes);
  };
}

function weights(graph: GraphWriter, dims: readonly number[], phase = 0): string {
  return graph.initializer(floats('w', dims, (index) => Math.sin(index + phase)).data as Float32Array, dims);
}

const bool = (graph: GraphWriter, x: string): string => graph.add('Greater', [x, graph.scalar(0, 'float32')]);
const asFloat = (graph: GraphWriter, value: string): string => graph.add('Cast', [value], { to: 1 });

/** On one image `[2, 4, 5, 6]`. */
const image =
  (write: Write): Write =>
  (graph) =>
    write(graph, graph.input('image', 'float32', [2, 4, 5, 6]), '');
const convolution =
  (dims: readonly number[], attributes: AttributeValues = {}): Write =>
  (graph, x) =>
    graph.add('Conv', [x, weights(graph, dims), weights(graph, [dims[0]!], 2)], attributes);

const unary =
  'Abs Atan Ceil Cos Erf Exp Floor HardSwish Identity Neg Reciprocal Relu Round Sigmoid Sign Sin Softplus Softsign Tan Tanh';
const positive = 'Log Sqrt Asinh Cosh Sinh';
const reductions = 'L1 L2 LogSumExp Max Mean Min Prod Sum SumSquare';

const cases: Readonly<Record<string, Write>> = {
  ...Object.fromEntries(unary.split(' ').map((name) => [name, node(name, ['x'])])),
  ...Object.fromEntries(
    positive
      .split(' ')
      .map((name): [string, Write] => [name, (graph, x) => graph.add(name, [graph.add('Abs', [x])])]),
  ),
  ...Object.fromEntries(
    ['Acos', 'Asin', 'Atanh'].map((name): [string, Write] => [
      name,
      (graph, x) => graph.add(name, [graph.add('Tanh', [graph.add('Sin', [x])])]),
    ]),
  ),
  Acosh: (graph, x) => graph.add('Acosh', [graph.add('Exp', [graph.add('Abs', [x])])]),
  Elu: node('Elu', ['x'], { alpha: { float: 0.7 } }),
  Selu: node('Selu', ['x']),
  LeakyRelu: node('LeakyRelu', ['x'], { alpha: { float: 0.2 } }),
  HardSigmoid: node('HardSigmoid', ['x']),
  Gelu: node('Gelu', ['x']),
  'Gelu by tanh': node('Gelu', ['x'], { approximate: 'tanh' }),
  Clip: node('Clip', ['x', -0.5, 0.75]),
  Add: node('Add', ['x', 'y']),
  Sub: node('Sub', ['x', 'y']),
  Mul: node('Mul', ['x', 'y']),
  Div: node('Div', ['x', 'y']),
  'Div of integers': (graph, x) => {
    const whole = graph.add('Cast', [graph.add('Mul', [x, graph.scalar(10, 'float32')])], { to: 6 });
    return asFloat(graph, graph.add('Div', [whole, graph.scalar(3, 'int32')]));
  },
  Pow: (graph, x, y) => graph.add('Pow', [graph.add('Abs', [x]), y]),
  PRelu: node('PRelu', ['x', 'y']),
  Max: node('Max', ['x', 'y', 0]),
  Min: node('Min', ['x', 'y', 0]),
  Sum: node('Sum', ['x', 'y', 'x']),
  Mean: node('Mean', ['x', 'y']),
  ...Object.fromEntries(
    ['And', 'Or', 'Xor'].map((name): [string, Write] => [
      name,
      (graph, x, y) => asFloat(graph, graph.add(name, [bool(graph, x), bool(graph, y)])),
    ]),
  ),
  ...Object.fromEntries(
    ['Equal', 'Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual'].map((name): [string, Write] => [
      name,
      (graph, x, y) => asFloat(graph, graph.add(name, [graph.add('Round', [x]), graph.add('Round', [y])])),
    ]),
  ),
  Not: (graph, x) => asFloat(graph, graph.add('Not', [bool(graph, x)])),
  Where: (graph, x, y) => graph.add('Where', [bool(graph, y), x, y]),
  Dropout: node('Dropout', ['x']),
  'QuantizeLinear, DequantizeLinear': (graph, x) => {
    const [scale, zero] = [graph.scalar(0.05, 'float32'), graph.initializer(Uint8Array.of(120), [])];
    return graph.add('DequantizeLinear', [graph.add('QuantizeLinear', [x, scale, zero]), scale, zero]);
  },
  Concat: node('Concat', ['x', 'x'], { axis: 0 }),
  ConstantOfShape: (graph) => graph.add('ConstantOfShape', [graph.ints([2, 3])], { value: floats('v', [1]) }),
  Constant: (graph, x) => graph.add('Add', [x, graph.add('Constant', [], { value: floats('v', [4]) })]),
  Expand: node('Expand', ['y', [2, 3, 4]]),
  Flatten: image(node('Flatten', ['x'], { axis: 2 })),
  Gather: node('Gather', ['x', [2, 0, -1]], { axis: 0 }),
  Pad: node('Pad', ['x', [1, 0, 0, 2], 0.5]),
  'Pad by reflection': node('Pad', ['x', [1, 2, 0, 1]], { mode: 'reflect' }),
  'Pad with edges': node('Pad', ['x', [1, 2, 0, 1]], { mode: 'edge' }),
  Reshape: node('Reshape', ['x', [0, 2, -1]]),
  'Shape, Size': (graph, x) =>
    asFloat(graph, graph.add('Mul', [graph.add('Shape', [x]), graph.add('Size', [x])])),
  Slice: node('Slice', ['x', [-1, 1], [0, 4], [0, 1], [-1, 2]]),
  Split: (graph, x) =>
    graph.addNode({ opType: 'Split', inputs: [x, graph.ints([1, 3])], outputs: 2, attributes: { axis: 1 } }),
  'Squeeze, Unsqueeze': (graph, x) =>
    graph.add('Squeeze', [graph.add('Unsqueeze', [x, graph.ints([0, -1])]), graph.ints([-1])]),
  Tile: node('Tile', ['x', [2, 3]]),
  Transpose: image(node('Transpose', ['x'], { perm: [2, 0, 3, 1] })),
  ...Object.fromEntries(
    reductions.split(' ').map((name) => [`Reduce${name}`, node(`Reduce${name}`, ['x', [1]])]),
  ),
  ReduceLogSum: (graph, x) =>
    graph.add('ReduceLogSum', [graph.add('Abs', [x]), graph.ints([0])], { keepdims: 0 }),
  'ReduceMean over all': image(node('ReduceMean', ['x'], { keepdims: 0 })),
  ArgMax: (graph, x) => asFloat(graph, graph.add('ArgMax', [x], { axis: 1 })),
  ArgMin: (graph, x) => asFloat(graph, graph.add('ArgMin', [x], { axis: 0, keepdims: 0 })),
  Softmax: node('Softmax', ['x']),
  LogSoftmax: node('LogSoftmax', ['x'], { axis: 0 }),
  MatMul: (graph, x) => graph.add('MatMul', [x, weights(graph, [2, 4, 5])]),
  Gemm: (graph, x, y) =>
    graph.add('Gemm', [x, weights(graph, [3, 4]), y], {
      transA: 1,
      alpha: { float: 0.5 },
      beta: { float: 2 },
    }),
  Conv: image(convolution([6, 4, 3, 3], { pads: [1, 0, 2, 1], strides: [2, 1] })),
  'Conv in groups, dilated': image(convolution([6, 2, 2, 2], { group: 2, dilations: [2, 3] })),
  'Conv of the same size': image(convolution([6, 4, 2, 2], { auto_pad: 'SAME_UPPER', strides: [2, 2] })),
  MaxPool: image(
    node('MaxPool', ['x'], { kernel_shape: [3, 2], pads: [1, 1, 1, 0], strides: [2, 2], ceil_mode: 1 }),
  ),
  AveragePool: image(node('AveragePool', ['x'], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] })),
  'AveragePool counting the padding': image(
    node('AveragePool', ['x'], {
      kernel_shape: [2, 3],
      pads: [1, 1, 1, 1],
      strides: [2, 1],
      count_include_pad: 1,
    }),
  ),
  GlobalAveragePool: image(node('GlobalAveragePool', ['x'])),
  GlobalMaxPool: image(node('GlobalMaxPool', ['x'])),
  BatchNormalization: image((graph, x) => {
    const [scale, shift, mean] = [1, 2, 3].map((phase) => weights(graph, [4], phase));
    return graph.add('BatchNormalization', [
      x,
      scale,
      shift,
      mean,
      graph.add('Abs', [weights(graph, [4], 4)]),
    ]);
  }),
  InstanceNormalization: image((graph, x) =>
    graph.add('InstanceNormalization', [x, weights(graph, [4], 1), weights(graph, [4], 2)]),
  ),
  LayerNormalization: image((graph, x) =>
    graph.add('LayerNormalization', [x, weights(graph, [5, 6], 1), weights(graph, [5, 6], 2)], { axis: 2 }),
  ),
  If: (graph, x, y) => {
    const branch = (opType: string) => {
      const inner = graph.subgraph(opType);
      inner.output(inner.add(opType, [x, y]), 'float32');
      return inner.toGraph();
    };
    const condition = graph.initializer(Uint8Array.of(0), [], { dataType: 'bool' });
    return graph.add('If', [condition], { then_branch: branch('Add'), else_branch: branch('Sub') });
  },
};

function modelOf(write: Write) {
  const made = caseOf((graph) => {
    const results = write(graph, graph.input('x', 'float32', [3, 4]), graph.input('y', 'float32', [4]));
    for (const result of [results].flat()) graph.output(result, 'float32');
  });
  const read = new Set(
    JSON.stringify(made.model.graph.nodes)
      .match(/"(?:x|y|image)"/g)
      ?.map((name) => name.slice(1, -1)),
  );
  const graph = { ...made.model.graph, inputs: made.model.graph.inputs.filter(({ name }) => read.has(name)) };
  const inputs = new Map(
    [...made.inputs]
      .filter(([name]) => read.has(name))
      .map(([name, tensor]) => [name, floats(name, tensor.dims, (index) => Math.sin(3 * index + 1) * 2)]),
  );
  return { model: { ...made.model, graph }, inputs };
}

describe('the evaluator', () => {
  test.each(Object.entries(cases))('computes %s as onnxruntime does', async (_, write) => {
    const testCase = modelOf(write);
    const request = trialRequest(testCase, { reference: plain }, { relative: 0, absolute: 0 });
    const outcome = await pool.run({ ...request, wantsValues: true }, 10_000);
    expect(outcome).toMatchObject({ kind: 'report', report: { reference: { kind: 'ok' } } });
    const native = outcome.kind === 'report' ? outcome.report.values! : [];
    const own = evaluateModel(testCase.model, testCase.inputs.values());
    expect(own.map(({ dims }) => dims)).toEqual(native.map(({ dims }) => dims));
    const asked = own.map(({ dataType, ...value }) => ({ ...value, type: dataType }));
    expect(outputsDifference(asked, native, { relative: 1e-4, absolute: 1e-6 })).toBeUndefined();
  });

  test('has a case for each operator', () => {
    const tested = new Set(
      Object.values(cases).flatMap((write) => modelOf(write).model.graph.nodes.map((each) => each.opType)),
    );
    expect(evaluatedOperators.filter((name) => !tested.has(name))).toEqual([]);
  });

  test('says which operator it does not know', () => {
    const { model, inputs } = modelOf(node('Einsum', ['x', 'y'], { equation: 'ij,j->i' }));
    expect(() => evaluateModel(model, inputs.values())).toThrow('Einsum');
  });

  test.each([
    [0.5, 0.5204998778130465],
    [2.4, 0.9993114861033549],
    [2.6, 0.9997639655834707],
    [-4, -0.9999999845827421],
  ])('knows the error function of %d', (x, value) => {
    expect(erf(x)).toBeCloseTo(value, 14);
  });
});
