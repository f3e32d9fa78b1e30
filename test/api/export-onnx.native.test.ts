import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createOrtSession } from '../../src/compile/backends/onnxruntime.ts';
import { exportOnnx, install, type ExportedModel, type ExportOptions } from '../../src/index.ts';
import { FullgraphError } from '../../src/ir/errors.ts';
import { checkModel, encodeModel, readModelFile } from '../../src/onnx/index.ts';

tf.env().set('IS_NODE', false);

const common: ExportOptions = { tf };
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fullgraph-export-'));
  await tf.setBackend('cpu');
});

afterAll(() => rmSync(folder, { recursive: true }));

/** Runs the model as any other program would: out of its bytes, in a session of its own. */
function run(exported: ExportedModel, inputs: Readonly<Record<string, tf.Tensor>>): Float32Array[] {
  const session = createOrtSession(encodeModel(exported.model), { threads: 1 });
  try {
    const given = session.inputs.map(({ name }) => inputs[name]!);
    return session
      .run(
        given.map((tensor) => tensor.dataSync()),
        given.map((tensor) => tensor.shape),
      )
      .map(({ data }) => data as Float32Array);
  } finally {
    session.dispose();
  }
}

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  expect(actual.length).toBe(expected.length);
  for (let index = 0; index < expected.length; index++)
    expect(actual[index]).toBeCloseTo(expected[index]!, 4);
}

function codeOf(body: () => unknown): string {
  try {
    body();
  } catch (error) {
    return error instanceof FullgraphError ? error.code : String(error);
  }
  return 'no error';
}

function convolutional(): tf.Sequential {
  const model = tf.sequential();
  model.add(tf.layers.conv2d({ filters: 4, kernelSize: 3, inputShape: [8, 8, 3], activation: 'relu' }));
  model.add(tf.layers.batchNormalization());
  model.add(tf.layers.maxPooling2d({ poolSize: 2 }));
  model.add(tf.layers.flatten());
  model.add(tf.layers.dropout({ rate: 0.5 }));
  model.add(tf.layers.dense({ units: 5, activation: 'softmax' }));
  return model;
}

describe('exportOnnx of a LayersModel', () => {
  it('keeps the names of the model, its weights inside, and the batch open', () => {
    const model = convolutional();
    const { model: onnx, summary, notes } = exportOnnx(model, tf.randomNormal([1, 8, 8, 3]), common);
    expect(checkModel(onnx)).toEqual([]);
    expect(summary.inputs).toEqual([
      { name: expect.stringMatching(/^conv2d_\w+_input$/), dataType: 'float32', dims: ['batch', 8, 8, 3] },
    ]);
    expect(summary.outputs).toEqual([
      { name: expect.stringMatching(/^dense_/), dataType: 'float32', dims: ['batch', 5] },
    ]);
    expect(onnx.graph.initializers.filter(({ name }) => name.endsWith('kernel'))).toHaveLength(2);
    expect(onnx.opsets).toEqual([{ domain: '', version: 21 }]);
    expect(notes).toEqual([]);
  });

  it('computes for batches that it was never traced with what predict computes', () => {
    const model = convolutional();
    const exported = exportOnnx(model, tf.randomNormal([1, 8, 8, 3]), common);
    expect(exported.largestError!).toBeLessThan(1e-4);
    for (const batch of [1, 2, 7, 33]) {
      const x = tf.randomNormal([batch, 8, 8, 3]);
      const [actual] = run(exported, { [exported.summary.inputs[0]!.name]: x });
      expectClose(actual!, (model.predict(x) as tf.Tensor).dataSync());
    }
  });

  it('exports recurrent layers over embeddings', () => {
    const model = tf.sequential();
    model.add(tf.layers.embedding({ inputDim: 20, outputDim: 8, inputLength: 6 }));
    model.add(tf.layers.lstm({ units: 7 }));
    model.add(tf.layers.dense({ units: 2 }));
    const exported = exportOnnx(model, tf.ones([2, 6]), common);
    const x = tf.randomUniform([5, 6], 0, 20).floor();
    const [actual] = run(exported, { [exported.summary.inputs[0]!.name]: x });
    expectClose(actual!, (model.predict(x) as tf.Tensor).dataSync());
  });

  it('keeps the shape of an input whose first use is under another shape', () => {
    const model = tf.sequential();
    model.add(tf.layers.dense({ units: 2, inputShape: [3] }));
    const exported = exportOnnx(model, tf.ones([1, 3]), common);
    expect(exported.summary.inputs[0]!.dims).toEqual(['batch', 3]);
    const x = tf.randomNormal([5, 3]);
    expectClose(
      run(exported, { [exported.summary.inputs[0]!.name]: x })[0]!,
      (model.predict(x) as tf.Tensor).dataSync(),
    );
  });

  it('takes examples by name for models of several inputs', () => {
    const left = tf.input({ shape: [3], name: 'left' });
    const right = tf.input({ shape: [3], name: 'right' });
    const sum = tf.layers.add().apply([left, right]) as tf.SymbolicTensor;
    const product = tf.layers.multiply().apply([left, right]) as tf.SymbolicTensor;
    const model = tf.model({ inputs: [left, right], outputs: [sum, product] });
    const examples = { right: tf.tensor2d([[3, 4, 5]]), left: tf.tensor2d([[1, 2, 3]]) };
    const exported = exportOnnx(model, examples, common);
    const [sums, products] = run(exported, examples);
    expect([...sums!]).toEqual([4, 6, 8]);
    expect([...products!]).toEqual([3, 8, 15]);
  });

  it('writes a file that reads back as the same model', () => {
    const file = join(folder, 'model.onnx');
    const { model } = exportOnnx(convolutional(), tf.zeros([1, 8, 8, 3]), { ...common, file });
    expect(encodeModel(readModelFile(file))).toEqual(encodeModel(model));
  });
});

describe('exportOnnx of a GraphModel', () => {
  const shape = (...sizes: number[]) => ({ shape: { dim: sizes.map((size) => ({ size })) } });

  function graphModel(): Promise<tf.GraphModel> {
    const float = { type: 'DT_FLOAT' };
    return tf.loadGraphModel({
      load: () =>
        Promise.resolve({
          modelTopology: {
            node: [
              { name: 'x', op: 'Placeholder', attr: { dtype: float, shape: shape(-1, 2) } },
              { name: 'w', op: 'Const', attr: { dtype: float, value: { tensor: {} } } },
              { name: 'y', op: 'MatMul', input: ['x', 'w'], attr: { T: float } },
              { name: 'z', op: 'Relu', input: ['y'], attr: { T: float } },
            ],
            versions: { producer: 1 },
          },
          weightSpecs: [{ name: 'w', shape: [2, 2], dtype: 'float32' }],
          weightData: Float32Array.of(1, -1, 2, 1).buffer,
        }),
    });
  }

  it('keeps the names of its nodes and makes its constants initializers', async () => {
    const exported = exportOnnx(await graphModel(), tf.ones([1, 2]), common);
    expect(exported.summary.inputs).toEqual([{ name: 'x', dataType: 'float32', dims: ['batch', 2] }]);
    expect(exported.summary.outputs).toEqual([{ name: 'z', dataType: 'float32', dims: ['batch', 2] }]);
    const x = tf.tensor2d([
      [1, 2],
      [3, -4],
      [0, 1],
    ]);
    expect([...run(exported, { x })[0]!]).toEqual([5, 1, 0, 0, 2, 1]);
  });
});

describe('exportOnnx of a function', () => {
  it('names inputs after parameters and results after keys', () => {
    const exported = exportOnnx(
      (a: tf.Tensor, b: tf.Tensor) => ({ sum: a.add(b), difference: a.sub(b) }),
      [tf.ones([2]), tf.ones([2])],
      common,
    );
    expect(exported.summary.inputs.map(({ name }) => name)).toEqual(['a', 'b']);
    expect(exported.summary.outputs.map(({ name }) => name)).toEqual(['sum', 'difference']);
  });

  it('makes names distinct, and words of them', () => {
    const { summary } = exportOnnx(
      ({ x, y }: { x: tf.Tensor; y: tf.Tensor }) => ({ x: x.add(y), 'sum of all': x.sum() }),
      { x: tf.ones([2]), y: tf.ones([2]) },
      { ...common, inputNames: ['left/x', '2nd'], outputNames: ['left_x', 'sum of all'] },
    );
    expect(summary.inputs.map(({ name }) => name)).toEqual(['left_x', '_2nd']);
    expect(summary.outputs.map(({ name }) => name)).toEqual(['left_x_1', 'sum_of_all']);
  });

  it('is quicker without a comparison, and says nothing about it then', () => {
    const { largestError, model } = exportOnnx((x: tf.Tensor) => x.add(1), tf.ones([2]), {
      ...common,
      verify: false,
    });
    expect(largestError).toBeUndefined();
    expect(checkModel(model)).toEqual([]);
  });

  it('is one model, however many nodes it has', () => {
    const layers = 1200;
    const exported = exportOnnx(
      (x: tf.Tensor) => {
        let y = x;
        for (let layer = 0; layer < layers; layer++) y = layer % 2 === 0 ? y.sin() : y.add(layer / layers);
        return y;
      },
      tf.ones([2]),
      common,
    );
    expect(exported.summary.nodeCount).toBe(layers);
  });

  it('sums over as many numbers as there are', () => {
    const exported = exportOnnx((x: tf.Tensor) => x.mean(0), tf.ones([600, 2]), {
      ...common,
      dynamic: { x: { 0: 'rows' } },
    });
    expect(exported.summary.inputs[0]!.dims).toEqual(['rows', 2]);
    for (const rows of [1, 300, 1021, 5000]) {
      const [mean] = run(exported, { x: tf.range(0, 2 * rows).reshape([rows, 2]) });
      expect([...mean!]).toEqual([rows - 1, rows]);
    }
  });

  it('computes sizes, offsets, fills and ranges from open sizes', () => {
    const exported = exportOnnx(
      ({ x }: { x: tf.Tensor2D }) => {
        const [rows, columns] = x.shape;
        const wide = tf.concat([x, tf.zeros([rows, 2])], 1).add(tf.range(0, rows).expandDims(1));
        return {
          wide,
          flat: wide.reshape([rows * (columns + 2)]),
          mean: x.sum().div(rows),
          last: x.slice([rows - 1, 0], [1, columns]),
        };
      },
      { x: tf.ones([2, 6]) },
      { ...common, dynamic: { x: { 0: 'rows', 1: 'columns' } } },
    );
    const x = tf.randomNormal<tf.Rank.R2>([4, 9]);
    const [wide, flat, mean, last] = run(exported, { x });
    const expected = tf.concat([x, tf.zeros([4, 2])], 1).add(tf.range(0, 4).expandDims(1));
    expectClose(wide!, expected.dataSync());
    expectClose(flat!, expected.dataSync());
    expectClose(mean!, x.sum().div(4).dataSync());
    expectClose(last!, x.slice([3, 0], [1, 9]).dataSync());
    expect(exported.summary.outputs.map(({ dims }) => dims)).toEqual([
      ['rows', null],
      [null],
      [],
      [1, 'columns'],
    ]);
  });

  it('exports what only views an input, or gives it back', () => {
    const exported = exportOnnx(
      ({ x, y }: { x: tf.Tensor; y: tf.Tensor }) => ({
        flat: x.reshape([-1]),
        same: y,
        twice: x.reshape([-1]),
      }),
      { y: tf.ones([2, 1]), x: tf.ones([2, 3]) },
      { ...common, dynamic: true },
    );
    const [flat, same, twice] = run(exported, { x: tf.tensor2d([[1, 2, 3]]), y: tf.tensor2d([[4]]) });
    expect([[...flat!], [...same!], [...twice!]]).toEqual([[1, 2, 3], [4], [1, 2, 3]]);
  });

  it('has fixed sizes unless asked for open ones', () => {
    const { summary } = exportOnnx((x: tf.Tensor) => x.square(), tf.ones([2, 3]), common);
    expect(summary.inputs[0]!.dims).toEqual([2, 3]);
  });

  it('takes the present values of variables, and changes nothing', () => {
    const weights = tf.variable(tf.tensor1d([1, 2]), true, 'my weights');
    weights.assign(tf.tensor1d([3, 4]));
    const examples = tf.tensor1d([1, 1]);
    const before = tf.memory().numTensors;
    const exported = exportOnnx((x: tf.Tensor) => x.mul(weights), examples, common);
    expect(tf.memory().numTensors).toBe(before);
    expect(tf.getBackend()).toBe('cpu');
    expect(
      exported.model.graph.initializers.map(({ name, data }) => [name, [...(data as Float32Array)]]),
    ).toEqual([['my_weights', [3, 4]]]);
    expect([...weights.dataSync()]).toEqual([3, 4]);
    weights.dispose();
  });

  it('uses the session that is installed, and leaves it', () => {
    const session = install(tf, { backend: 'onnxruntime', threads: 1 });
    try {
      const pending = tf.ones([3]).mul(2);
      const exported = exportOnnx((x: tf.Tensor) => x.add(pending), tf.ones([3]), common);
      expect([...run(exported, { [exported.summary.inputs[0]!.name]: tf.ones([3]) })[0]!]).toEqual([3, 3, 3]);
      expect([...pending.dataSync()]).toEqual([2, 2, 2]);
      expect(session.stats().runs).toBeGreaterThan(0);
    } finally {
      session.uninstall();
      session.dispose();
    }
  });

  it('says that a session cut the recording, which goes on all the same', () => {
    const session = install(tf, { backend: 'onnxruntime', threads: 1, maxNodes: 10 });
    try {
      const long = (x: tf.Tensor): tf.Tensor =>
        Array.from({ length: 30 }).reduce<tf.Tensor>((y) => y.add(1), x);
      expect(codeOf(() => exportOnnx(long, tf.zeros([2]), common))).toBe('FG3402');
      expect([...long(tf.zeros([2])).dataSync()]).toEqual([30, 30]);
      expect([
        ...run(
          exportOnnx((x: tf.Tensor) => x.add(1), tf.zeros([2]), common),
          { x: tf.zeros([2]) },
        )[0]!,
      ]).toEqual([1, 1]);
    } finally {
      session.uninstall();
      session.dispose();
    }
  });

  it('says which input no result depends on', () => {
    const { notes, summary } = exportOnnx(
      ({ x }: { x: tf.Tensor }) => x.square(),
      { x: tf.ones([2]), y: tf.ones([2]) },
      common,
    );
    expect(summary.inputs.map(({ name }) => name)).toEqual(['x']);
    expect(notes).toEqual(['No result depends on the input y: the model has no such input.']);
  });
});

describe('exportOnnx refuses', () => {
  const x = tf.ones([4]);
  it.each<[string, string, () => unknown]>([
    ['a read of an input', 'FG1001', () => exportOnnx((a: tf.Tensor) => a.mul(a.dataSync()[0]!), x, common)],
    [
      'a read on the way',
      'FG1001',
      () => exportOnnx((a: tf.Tensor) => a.mul(a.sum().arraySync()), x, common),
    ],
    [
      'a size that depends on data',
      'FG1005',
      () => exportOnnx((a: tf.Tensor) => tf.unique(a).values, x, common),
    ],
    ['a result without an input', 'FG3401', () => exportOnnx(() => tf.ones([3]), x, common)],
    [
      'an op without an ONNX form',
      'FG1007',
      () => exportOnnx((a: tf.Tensor) => tf.spectral.rfft(a).abs(), x, common),
    ],
    ['an asynchronous function', 'FG3407', () => exportOnnx(async (a: tf.Tensor) => a.square(), x, common)],
    [
      'more names than inputs',
      'FG3407',
      () => exportOnnx((a: tf.Tensor) => a.square(), x, { ...common, inputNames: ['a', 'b'] }),
    ],
    ['something else', 'FG3407', () => exportOnnx({}, x, common)],
    [
      'an example of a wrong name',
      'FG3407',
      () => exportOnnx((a: tf.Tensor) => a, x, { ...common, dynamic: { nothing: { 0: 'n' } } }),
    ],
    [
      'open sizes that decide on the ops',
      'FG3405',
      () =>
        exportOnnx((a: tf.Tensor) => tf.unstack(a).reduce((left, right) => left.mul(right)), x, {
          ...common,
          dynamic: true,
        }),
    ],
  ])('%s: %s', (_, code, body) => {
    const before = tf.memory().numTensors;
    expect(codeOf(body)).toBe(code);
    expect(tf.memory().numTensors).toBe(before);
    expect([...tf.ones([1]).dataSync()]).toEqual([1]);
  });
});
