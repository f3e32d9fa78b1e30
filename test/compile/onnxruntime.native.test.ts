import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BackendError, EnvironmentError, InternalError } from '../../src/ir/errors.ts';
import { loadOnnxruntime, pinnedVersion } from '../../src/compile/backends/onnxruntime-binding.ts';
import { listOrtDevices } from '../../src/compile/backends/onnxruntime-devices.ts';
import {
  createOrtSession,
  liveOrtSessions,
  onnxruntimeVersion,
  type OrtArray,
  type OrtOutput,
  type OrtSessionOptions,
} from '../../src/compile/backends/onnxruntime.ts';
import {
  allocateArray,
  decodeModel,
  encodeModel,
  GraphWriter,
  type OnnxDataType,
} from '../../src/onnx/index.ts';

function modelOf(write: (graph: GraphWriter) => void): Uint8Array {
  const graph = new GraphWriter('test');
  write(graph);
  return encodeModel(graph.toModel());
}

/** Creates, runs once, disposes. */
function runOnce(
  model: Uint8Array,
  data: readonly OrtArray[],
  dims: readonly (readonly number[])[],
  options: OrtSessionOptions = {},
): OrtOutput[] {
  const session = createOrtSession(model, { threads: 1, ...options });
  try {
    return session.run(data, dims);
  } finally {
    session.dispose();
  }
}

function failureOf(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

const relu = modelOf((graph) => {
  graph.label('relu_1 model.ts:12');
  const x = graph.input('x', 'float32', ['n']);
  graph.output(graph.add('Relu', [x]), 'float32', ['n']);
});

const folder = mkdtempSync(join(tmpdir(), 'fullgraph-ort-'));

let liveBefore = 0;
beforeEach(() => void (liveBefore = liveOrtSessions()));
afterEach(() => expect(liveOrtSessions()).toBe(liveBefore));
afterAll(() => rmSync(folder, { recursive: true }));

describe('a session', () => {
  test('is made of the pinned onnxruntime', () => {
    expect(onnxruntimeVersion()).toBe(pinnedVersion);
  });

  test('knows its inputs and outputs, symbolic sizes by name', () => {
    const session = createOrtSession(relu);
    expect(session.inputs).toEqual([{ name: 'x', dataType: 'float32', dims: ['n'] }]);
    expect(session.outputs.map((output) => output.dims)).toEqual([['n']]);
    session.dispose();
  });

  test('runs at once, again and again, with other sizes', () => {
    const session = createOrtSession(relu, { threads: 1 });
    expect(session.run([Float32Array.of(-1, 2)], [[2]])).toEqual([
      { data: Float32Array.of(0, 2), dims: [2], dataType: 'float32' },
    ]);
    expect(session.runArrays([Float32Array.of(3, -4, 5)], [[3]])).toEqual([Float32Array.of(3, 0, 5)]);
    session.dispose();
  });

  test('reads inputs in place and gives fresh outputs', () => {
    const session = createOrtSession(relu, { threads: 1 });
    const memory = Float32Array.of(9, 9, -1, 5);
    const [first] = session.runArrays([memory.subarray(2)], [[2]]);
    memory.fill(7);
    const [second] = session.runArrays([memory.subarray(2)], [[2]]);
    expect(first).toEqual(Float32Array.of(0, 5));
    expect(second).toEqual(Float32Array.of(7, 7));
    session.dispose();
  });

  test('gives several outputs in the order of the model', () => {
    const model = modelOf((graph) => {
      const x = graph.input('x', 'float32', [4]);
      const [values, indices] = graph.addMany('TopK', [x, graph.ints([2])], 2, { axis: 0 });
      graph.output(indices!, 'int64', [2]);
      graph.output(values!, 'float32', [2]);
    });
    expect(runOnce(model, [Float32Array.of(1, 4, 3, 2)], [[4]]).map((output) => output.data)).toEqual([
      BigInt64Array.of(1n, 2n),
      Float32Array.of(4, 3),
    ]);
  });

  test('takes tensors with no element and tensors of rank 0', () => {
    expect(runOnce(relu, [new Float32Array()], [[0]])).toEqual([
      { data: new Float32Array(), dims: [0], dataType: 'float32' },
    ]);
    const double = modelOf((graph) => {
      const x = graph.input('x', 'float32', []);
      graph.output(graph.add('Add', [x, x]), 'float32', []);
    });
    expect(runOnce(double, [Float32Array.of(4)], [[]])).toEqual([
      { data: Float32Array.of(8), dims: [], dataType: 'float32' },
    ]);
  });

  test.each<OnnxDataType>([
    'float32',
    'float64',
    'float16',
    'int8',
    'int16',
    'int32',
    'int64',
    'uint8',
    'uint16',
    'uint32',
    'uint64',
    'bool',
  ])('passes %s through unchanged', (dataType) => {
    const model = modelOf((graph) => {
      const x = graph.input('x', dataType, [3]);
      graph.output(graph.add('Identity', [x]), dataType, [3]);
    });
    const data = allocateArray(dataType, 3);
    new Uint8Array(data.buffer)[0] = 1;
    expect(runOnce(model, [data], [[3]])).toEqual([{ data, dims: [3], dataType }]);
  });

  test('passes strings through unchanged', () => {
    const model = modelOf((graph) => {
      const x = graph.input('x', 'string', ['n']);
      graph.output(graph.add('Identity', [x]), 'string', ['n']);
    });
    expect(runOnce(model, [['', 'schön', '\u{1F600}']], [[3]])).toEqual([
      { data: ['', 'schön', '\u{1F600}'], dims: [3], dataType: 'string' },
    ]);
  });

  test('can be disposed twice, and not be used afterwards', () => {
    const session = createOrtSession(relu);
    expect(liveOrtSessions()).toBe(liveBefore + 1);
    session.dispose();
    session.dispose();
    expect(failureOf(() => session.run([new Float32Array(1)], [[1]]))).toBeInstanceOf(InternalError);
  });

  test('takes a model as data, and its own copy of the weights', () => {
    const weights = new Float32Array(20_000).fill(2);
    const graph = new GraphWriter('data');
    const x = graph.input('x', 'float32', [20_000]);
    const sum = graph.add('Add', [x, graph.initializer(weights, [20_000])]);
    graph.output(graph.add('Mul', [sum, graph.scalar(3, 'float32')]), 'float32', [20_000]);
    const session = createOrtSession(graph.toModel(), { threads: 1 });
    weights.fill(0);
    expect(session.runArrays([new Float32Array(20_000)], [[20_000]])).toEqual([
      new Float32Array(20_000).fill(6),
    ]);
    session.dispose();
  });

  test('loads a model from a file', () => {
    const path = join(folder, 'relu.onnx');
    writeFileSync(path, relu);
    const session = createOrtSession(path, { threads: 1 });
    expect(session.runArrays([Float32Array.of(-1)], [[1]])).toEqual([Float32Array.of(0)]);
    session.dispose();
  });
});

describe('options', () => {
  const conv = modelOf((graph) => {
    const x = graph.input('x', 'float32', [1, 1, 4, 4]);
    const kernel = graph.initializer(new Float32Array(9).fill(1), [1, 1, 3, 3]);
    graph.output(graph.add('Relu', [graph.add('Conv', [x, kernel])]), 'float32', [1, 1, 2, 2]);
  });
  const optimizedOps = (options: OrtSessionOptions): string[] => {
    const optimizedModelPath = join(folder, 'optimized.onnx');
    createOrtSession(conv, { ...options, optimizedModelPath }).dispose();
    return decodeModel(readFileSync(optimizedModelPath)).graph.nodes.map((node) => node.opType);
  };

  test('optimizationLevel says how far fusion goes', () => {
    expect(optimizedOps({ optimizationLevel: 'disabled' })).toEqual(['Conv', 'Relu']);
    expect(optimizedOps({ optimizationLevel: 'extended' })).toEqual(['FusedConv']);
  });

  test('disabledOptimizers switches single passes off', () => {
    expect(
      optimizedOps({ optimizationLevel: 'extended', disabledOptimizers: ['ConvActivationFusion'] }),
    ).toEqual(['Conv', 'Relu']);
  });

  test('a model saved in the own format of onnxruntime runs from its file and from memory', () => {
    const path = join(folder, 'optimized.ort');
    createOrtSession(conv, { optimizedModelPath: path, threads: 1 }).dispose();
    const bytes = readFileSync(path);
    expect(bytes.toString('latin1', 4, 8)).toBe('ORTM');
    const x = Float32Array.from({ length: 16 }, (_, index) => index - 8);
    const expected = runOnce(conv, [x], [[1, 1, 4, 4]]);
    expect(runOnce(bytes, [x], [[1, 1, 4, 4]])).toEqual(expected);
    const session = createOrtSession(path, { threads: 1 });
    renameSync(path, `${path}.old`);
    expect(session.run([x], [[1, 1, 4, 4]])).toEqual(expected);
    session.dispose();
  });

  test('a damaged file in the own format of onnxruntime is refused', () => {
    const path = join(folder, 'damaged.ort');
    createOrtSession(conv, { optimizedModelPath: path, threads: 1 }).dispose();
    const bytes = readFileSync(path);
    for (const length of [0, 100, bytes.length >> 2, bytes.length >> 1]) {
      writeFileSync(path, bytes.subarray(0, length));
      expect(failureOf(() => createOrtSession(path))).toMatchObject({ code: 'FG3202' });
    }
  });

  test('profilePrefix writes a trace with the names of nodes', () => {
    const prefix = join(folder, 'profile');
    const session = createOrtSession(relu, { threads: 1, profilePrefix: prefix });
    session.runArrays([new Float32Array(4)], [[4]]);
    session.endProfiling();
    session.dispose();
    const trace = readdirSync(folder).find((name) => name.startsWith('profile'))!;
    expect(readFileSync(join(folder, trace), 'utf8')).toContain('relu_1 model.ts:12/Relu');
  });
});

describe('failures', () => {
  test.each<[string, (graph: GraphWriter) => void, string]>([
    [
      'an operator nobody knows',
      (graph) => {
        const x = graph.input('x', 'float32', [3]);
        graph.output(graph.add('Frobnicate', [x]), 'float32', [3]);
      },
      'dense_1 train.ts:12/Frobnicate',
    ],
    [
      'types that do not agree',
      (graph) => {
        const x = graph.input('x', 'int32', [3]);
        graph.output(graph.add('Add', [x, graph.scalar(1, 'float32')]), 'int32', [3]);
      },
      'dense_1 train.ts:12/Add',
    ],
    [
      'shapes that do not agree',
      (graph) => {
        const x = graph.input('x', 'float32', [3, 4]);
        graph.output(graph.add('MatMul', [x, x]), 'float32', [3, 4]);
      },
      'dense_1 train.ts:12/MatMul',
    ],
    [
      'a type without a kernel',
      (graph) => {
        const x = graph.input('x', 'int4', [4]);
        graph.output(graph.add('Identity', [x]), 'int4', [4]);
      },
      'dense_1 train.ts:12/Identity',
    ],
  ])('at creation name the node: %s', (_, write, node) => {
    const model = modelOf((graph) => {
      graph.label('dense_1 train.ts:12');
      write(graph);
    });
    const error = failureOf(() => createOrtSession(model)) as BackendError;
    expect(error).toBeInstanceOf(BackendError);
    expect(error.code).toBe('FG3202');
    expect(error.message).toContain(`at node ${node}:`);
    expect(error.cause).toBeInstanceOf(Error);
  });

  test('at run time name the node, and the session goes on', () => {
    const model = modelOf((graph) => {
      graph.label('dense_1');
      const x = graph.input('x', 'float32', ['a', 'b']);
      const y = graph.input('y', 'float32', ['c', 'd']);
      graph.output(graph.add('MatMul', [x, y]), 'float32', ['a', 'd']);
    });
    const session = createOrtSession(model, { threads: 1 });
    const error = failureOf(() =>
      session.run(
        [new Float32Array(6), new Float32Array(20)],
        [
          [2, 3],
          [4, 5],
        ],
      ),
    ) as BackendError;
    expect(error.code).toBe('FG3203');
    expect(error.message).toContain('at node dense_1/MatMul:');
    expect(
      session.run(
        [Float32Array.of(2), Float32Array.of(3)],
        [
          [1, 1],
          [1, 1],
        ],
      )[0]!.data,
    ).toEqual(Float32Array.of(6));
    session.dispose();
  });

  test.each<[string, OrtArray, readonly number[]]>([
    ['too few values', new Float32Array(2), [3]],
    ['too many values', new Float32Array(4), [3]],
    ['the wrong rank', new Float32Array(3), [3, 1]],
    ['the wrong type', new Int32Array(3), [3]],
  ])('of feeding are BackendErrors: %s', (_, data, dims) => {
    expect(failureOf(() => runOnce(relu, [data], [dims]))).toMatchObject({
      name: 'BackendError',
      code: 'FG3203',
    });
  });

  test('of the number of inputs are BackendErrors', () => {
    expect(failureOf(() => runOnce(relu, [], []))).toMatchObject({ code: 'FG3203' });
  });

  test('of bytes that are no model are BackendErrors', () => {
    expect(failureOf(() => createOrtSession(Uint8Array.of(1, 2, 3)))).toMatchObject({ code: 'FG3202' });
    expect(failureOf(() => createOrtSession('/nowhere/model.onnx'))).toMatchObject({ code: 'FG3202' });
  });

  test('of the installation say how to install it', () => {
    const error = failureOf(() => loadOnnxruntime(join(folder, 'index.js'))) as EnvironmentError;
    expect(error).toBeInstanceOf(EnvironmentError);
    expect(error.code).toBe('FG3201');
    expect(error.hint).toContain(`npm install onnxruntime-node@${pinnedVersion}`);
  });
});

describe('devices', () => {
  test('cpu works everywhere', () => {
    expect(listOrtDevices()[0]).toEqual({ device: 'cpu', isUsable: true });
  });

  test.each([
    ['webgpu', /no graphics adapter|does not have it/, /Vulkan driver/],
    ['cuda', /provider libraries|does not have it/, /ONNXRUNTIME_NODE_INSTALL=cuda12/],
  ] as const)('%s computes what cpu computes, or says what is missing', (device, reason, hint) => {
    const model = modelOf((graph) => {
      const x = graph.input('x', 'float32', [1, 3, 8, 8]);
      const kernel = Float32Array.from({ length: 4 * 3 * 9 }, (_, index) => Math.sin(index));
      const conv = graph.add('Conv', [x, graph.initializer(kernel, [4, 3, 3, 3])]);
      const flat = graph.add('Reshape', [conv, graph.ints([4, 36])]);
      const product = graph.add('MatMul', [flat, graph.add('Transpose', [flat], { perm: [1, 0] })]);
      graph.output(graph.add('Softmax', [product], { axis: -1 }), 'float32', [4, 4]);
    });
    const x = Float32Array.from({ length: 192 }, (_, index) => Math.cos(index) / 4);
    const status = listOrtDevices().find((candidate) => candidate.device === device)!;
    if (status.isUsable) {
      const [expected] = runOnce(model, [x], [[1, 3, 8, 8]]);
      const [actual] = runOnce(model, [x], [[1, 3, 8, 8]], { device });
      const pairs = [...(actual!.data as Float32Array)].map(
        (value, index) => value - Number(expected!.data[index]),
      );
      expect(Math.max(...pairs.map(Math.abs))).toBeLessThan(1e-5);
    } else {
      expect(status.reason).toMatch(reason);
      expect(status.hint).toMatch(hint);
      const error = failureOf(() => createOrtSession(model, { device }));
      expect(error).toBeInstanceOf(EnvironmentError);
      expect(error).toMatchObject({ code: 'FG3204' });
    }
  });
});
