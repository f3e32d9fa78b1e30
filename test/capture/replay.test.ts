import type * as tfjs from '@tensorflow/tfjs';
import type { LayersModel, Tensor, Tensor2D } from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runCaptured, runEager, type Program, type Tf } from './support/run-captured.ts';

const seeded = (tf: Tf, seed: number) => ({
  kernelInitializer: tf.initializers.randomNormal({ seed: seed + 1 }),
});

function convNet(tf: Tf): LayersModel {
  return tf.sequential({
    layers: [
      tf.layers.conv2d({
        inputShape: [6, 6, 1],
        filters: 2,
        kernelSize: 3,
        activation: 'relu',
        ...seeded(tf, 1),
      }),
      tf.layers.batchNormalization(),
      tf.layers.maxPooling2d({ poolSize: 2 }),
      tf.layers.dropout({ rate: 0.5, seed: 5 }),
      tf.layers.flatten(),
      tf.layers.dense({ units: 3, activation: 'softmax', ...seeded(tf, 2) }),
    ],
  });
}

const input = (tf: Tf, shape: number[], seed: number): Tensor =>
  tf.randomNormal(shape, 0, 1, 'float32', seed + 1);

/** Without the numbers that tfjs counts up in names of layers. */
const messageOf = (error: unknown): string => (error as Error).message.replaceAll(/\d+/g, '#');

/** Calls with new inputs each time; logs values, shapes and memory. */
function callRepeatedly(make: (tf: Tf) => LayersModel, shape: number[], calls = 7): Program {
  return (tf, log, memory) => {
    const model = make(tf);
    for (let call = 0; call < calls; call++) {
      const x = input(tf, shape, call);
      const y = model.predict(x);
      for (const tensor of Array.isArray(y) ? y : [y]) {
        log(tensor.shape);
        log(tensor.dataSync());
      }
      tf.dispose([x, y]);
      log(memory());
    }
  };
}

const replayed: Readonly<Record<string, Program>> = {
  'a convolutional network': callRepeatedly(convNet, [2, 6, 6, 1]),

  'more samples than fit into a batch': callRepeatedly(
    (tf) => tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [3], ...seeded(tf, 1) })] }),
    [40, 3],
  ),

  'a recurrent network': callRepeatedly(
    (tf) =>
      tf.sequential({
        layers: [
          tf.layers.lstm({
            units: 3,
            inputShape: [4, 2],
            returnSequences: true,
            recurrentInitializer: 'zeros',
            ...seeded(tf, 1),
          }),
          tf.layers.timeDistributed({ layer: tf.layers.dense({ units: 2, ...seeded(tf, 2) }) }),
        ],
      }),
    [2, 4, 2],
  ),

  'a model with two outputs, one of them a view': callRepeatedly(
    (tf) => {
      const x = tf.input({ shape: [4] });
      const h = tf.layers.dense({ units: 4, activation: 'tanh', ...seeded(tf, 3) }).apply(x);
      const outputs = [tf.layers.reshape({ targetShape: [2, 2] }).apply(h), h] as tfjs.SymbolicTensor[];
      return tf.model({ inputs: x, outputs });
    },
    [3, 4],
  ),

  'a model that only reshapes': callRepeatedly(
    (tf) => tf.sequential({ layers: [tf.layers.reshape({ inputShape: [4], targetShape: [2, 2] })] }),
    [3, 4],
  ),

  'batches of two sizes': (tf, log, memory) => {
    const model = convNet(tf);
    for (let call = 0; call < 12; call++) {
      const x = input(tf, [call % 3 === 2 ? 1 : 4, 6, 6, 1], call);
      log((model.predict(x) as Tensor).dataSync());
      log(memory());
    }
  },

  'weights that are set and trained between calls': async (tf, log, memory) => {
    const model = convNet(tf);
    model.compile({ optimizer: tf.train.sgd(0.1), loss: 'meanSquaredError' });
    const x = input(tf, [2, 6, 6, 1], 1);
    const y = tf.tensor2d([1, 0, 0, 0, 1, 0], [2, 3]);
    for (let call = 0; call < 9; call++) {
      log((model.predict(x) as Tensor).dataSync());
      if (call === 4) model.setWeights(model.getWeights().map((weight) => weight.mul(0.5)));
      if (call === 6) tf.tidy(() => model.layers[5]!.getWeights()[0]!.dataSync());
      if (call === 7) await model.trainOnBatch(x, y);
      log(memory());
    }
  },

  'inputs that the program writes into': (tf, log) => {
    const model = convNet(tf);
    const x = input(tf, [1, 6, 6, 1], 1);
    for (let call = 0; call < 7; call++) {
      x.dataSync()[call] = 10;
      log((model.predict(x) as Tensor).dataSync());
    }
  },

  'results that are read after more calls': (tf, log) => {
    const model = convNet(tf);
    const results: Tensor[] = [];
    for (let call = 0; call < 8; call++) {
      results.push((model.predict(input(tf, [1, 6, 6, 1], call).mul(2)) as Tensor).add(1));
    }
    for (const result of results) log(result.dataSync());
  },

  'a layer that is given a method of its own': (tf, log) => {
    const layer = tf.layers.dense({ units: 2, inputShape: [2], ...seeded(tf, 1) });
    const model = tf.sequential({ layers: [layer] });
    const predict = (): void => log((model.predict(tf.ones([1, 2])) as Tensor).dataSync());
    for (let call = 0; call < 5; call++) predict();
    const inherited = layer.call.bind(layer);
    layer.call = (...parameters) => (inherited(...parameters) as Tensor).mul(10);
    for (let call = 0; call < 3; call++) predict();
  },

  'a layer whose field changes': (tf, log) => {
    const model = tf.sequential({ layers: [tf.layers.leakyReLU({ inputShape: [3], alpha: 0.1 })] });
    for (let call = 0; call < 10; call++) {
      if (call === 5) (model.layers[0] as unknown as { alpha: number }).alpha = 0.7;
      log((model.predict(tf.tensor2d([[-1, 2, -3]])) as Tensor).dataSync());
    }
  },

  'the gradient through a model, and calls around it': (tf, log, memory) => {
    const model = tf.sequential({
      layers: [tf.layers.dense({ units: 2, inputShape: [3], ...seeded(tf, 1) })],
    });
    const x = input(tf, [2, 3], 1);
    for (let call = 0; call < 8; call++) {
      log((model.predict(x) as Tensor).dataSync());
      if (call % 3 === 2)
        log(
          tf
            .grad((t) => (model.predict(t) as Tensor).square().sum())(x)
            .dataSync(),
        );
      log(memory());
    }
  },

  'a profile of a call': async (tf, log) => {
    const model = tf.sequential({
      layers: [tf.layers.dense({ units: 2, inputShape: [3], ...seeded(tf, 1) })],
    });
    const x = input(tf, [2, 3], 1);
    for (let call = 0; call < 6; call++) log((model.predict(x) as Tensor).dataSync());
    const { kernelNames, newTensors } = await tf.profile(() => model.predict(x));
    log([...kernelNames].sort());
    log(newTensors);
  },

  'wrong arguments after right ones': (tf, log) => {
    const model = convNet(tf);
    for (let call = 0; call < 6; call++) model.predict(input(tf, [1, 6, 6, 1], call));
    for (const wrong of [tf.zeros([1, 5, 6, 1]), 3 as unknown as Tensor]) {
      try {
        log(model.predict(wrong));
      } catch (error) {
        log(messageOf(error));
      }
    }
  },

  'a disposed model': (tf, log, memory) => {
    const model = convNet(tf);
    const x = input(tf, [1, 6, 6, 1], 1);
    for (let call = 0; call < 6; call++) model.predict(x);
    model.dispose();
    log(memory());
    try {
      model.predict(x);
    } catch (error) {
      log(messageOf(error));
    }
  },

  'a graph model': async (tf, log, memory) => {
    const model = await tf.loadGraphModel(tf.io.fromMemory(graphModel));
    for (let call = 0; call < 8; call++) {
      const x = input(tf, [2, 3], call);
      const y = model.predict(x) as Tensor;
      log(y.dataSync());
      log((model.execute({ x }, 'hidden') as Tensor).dataSync());
      y.dispose();
      log(memory());
    }
  },
};

const float = { type: 'DT_FLOAT' };
const nodes = [
  {
    name: 'x',
    op: 'Placeholder',
    attr: { dtype: float, shape: { shape: { dim: [{ size: -1 }, { size: 3 }] } } },
  },
  { name: 'w', op: 'Const', attr: { dtype: float, value: { tensor: { dtype: 'DT_FLOAT' } } } },
  {
    name: 'target',
    op: 'Const',
    attr: { dtype: { type: 'DT_INT32' }, value: { tensor: { dtype: 'DT_INT32' } } },
  },
  { name: 'hidden', op: 'MatMul', input: ['x', 'w'], attr: { T: float } },
  { name: 'relu', op: 'Relu', input: ['hidden'], attr: { T: float } },
  { name: 'y', op: 'Reshape', input: ['relu', 'target'], attr: { T: float } },
];
const graphModel = {
  modelTopology: { node: nodes, versions: { producer: 1 } },
  format: 'graph-model',
  weightSpecs: [
    { name: 'w', shape: [3, 2], dtype: 'float32' as const },
    { name: 'target', shape: [1], dtype: 'int32' as const },
  ],
  weightData: new Uint8Array([
    ...new Uint8Array(new Float32Array([1, -2, 3, 4, -5, 6]).buffer),
    ...new Uint8Array(new Int32Array([-1]).buffer),
  ]).buffer,
};

/** Models whose calls may differ from each other. */
const traced: Readonly<Record<string, Program>> = {
  'a layer of the program': (tf, log) => {
    let calls = 0;
    class Counting extends tf.layers.Layer {
      static readonly className = 'Counting';
      override computeOutputShape(shape: number[]): number[] {
        return shape;
      }
      override call(inputs: Tensor | Tensor[]): Tensor {
        return (Array.isArray(inputs) ? inputs[0]! : inputs).add(calls++);
      }
    }
    const model = tf.sequential({
      layers: [tf.layers.dense({ units: 2, inputShape: [3], ...seeded(tf, 1) }), new Counting({})],
    });
    for (let call = 0; call < 8; call++) {
      log((model.predict(input(tf, [2, 3], call)) as Tensor).dataSync());
      log(calls);
    }
  },

  'a layer with a hook': (tf, log) => {
    const layer = tf.layers.dense({ units: 2, inputShape: [3], ...seeded(tf, 1) });
    const model = tf.sequential({ layers: [layer] });
    let calls = 0;
    layer.setCallHook(() => calls++);
    for (let call = 0; call < 8; call++) log((model.predict(input(tf, [2, 3], call)) as Tensor).dataSync());
    log(calls);
  },

  'a layer with a method of its own': (tf, log) => {
    const layer = tf.layers.dense({ units: 2, inputShape: [3], ...seeded(tf, 1) });
    const model = tf.sequential({ layers: [layer] });
    const call = layer.call.bind(layer);
    let calls = 0;
    layer.call = (inputs, options) => {
      calls++;
      return call(inputs, options);
    };
    for (let index = 0; index < 8; index++) {
      log((model.predict(input(tf, [2, 3], index)) as Tensor).dataSync());
    }
    log(calls);
  },

  'a recurrent layer with state': (tf, log) => {
    const model = tf.sequential({
      layers: [
        tf.layers.gru({
          units: 2,
          batchInputShape: [1, 2, 3],
          stateful: true,
          recurrentInitializer: 'zeros',
          ...seeded(tf, 1),
        }),
      ],
    });
    const x = input(tf, [1, 2, 3], 1);
    for (let call = 0; call < 8; call++) log((model.predict(x) as Tensor).dataSync());
  },
};

async function expectSame(program: Program): Promise<number> {
  const eager = await runEager(program);
  const captured = await runCaptured(program);
  expect(captured.log).toEqual(eager.log);
  expect(captured.memory).toEqual(eager.memory);
  return captured.stats.replayedCalls;
}

describe('a replayed model', () => {
  it.each(Object.entries(replayed))('is what eager observes: %s', async (_name, program) => {
    expect(await expectSame(program)).toBeGreaterThan(0);
  });

  it.each(Object.entries(traced))('is never %s', async (_name, program) => {
    expect(await expectSame(program)).toBe(0);
  });

  it('counts its kernel calls as a traced one does', async () => {
    const program = replayed['a convolutional network']!;
    const [replaying, tracing] = [await runCaptured(program), await runCaptured(program, { replay: false })];
    expect(tracing.stats.replayedCalls).toBe(0);
    expect(replaying.stats.tracedCalls).toBe(tracing.stats.tracedCalls);
    expect(replaying.stats.kernelCalls).toEqual(tracing.stats.kernelCalls);
    expect(replaying.stats.compiles).toBe(tracing.stats.compiles);
  });

  it('runs a kernel that the program registers later', async () => {
    const program: Program = (tf, log) => {
      const model = tf.sequential({
        layers: [tf.layers.activation({ activation: 'relu', inputShape: [2] })],
      });
      const own = { kernelName: 'Relu', backendName: 'cpu' };
      const call = (): void => log((model.predict(tf.tensor2d([[-1, 2]])) as Tensor).dataSync());
      for (let index = 0; index < 5; index++) call();
      const before = tf.getKernel('Relu', 'cpu');
      tf.unregisterKernel('Relu', 'cpu');
      tf.registerKernel({
        ...own,
        kernelFunc: ({ inputs, backend }) => {
          const { x } = inputs as { x: Tensor2D };
          type Cpu = { makeTensorInfo(shape: number[], dtype: string, values: Float32Array): Tensor };
          return (backend as unknown as Cpu).makeTensorInfo(x.shape, 'float32', new Float32Array([5, 6]));
        },
      });
      call();
      tf.unregisterKernel('Relu', 'cpu');
      tf.registerKernel(before);
    };
    const { log, stats } = await runCaptured(program);
    expect(stats.replayedCalls).toBeGreaterThan(0);
    expect(log.at(-1)).toEqual(['Float32Array', 5, 6]);
  });
});

type Action =
  | { readonly kind: 'predict'; readonly batch: number; readonly seed: number }
  | { readonly kind: 'scale' | 'train' | 'keep' | 'retrieve' };

const layerMakers: readonly ((tf: Tf, seed: number) => tfjs.layers.Layer)[] = [
  (tf, seed) => tf.layers.dense({ units: 3, activation: 'tanh', ...seeded(tf, seed) }),
  (tf) => tf.layers.reshape({ targetShape: [3, 1] }),
  (tf) => tf.layers.flatten(),
  (tf) => tf.layers.layerNormalization(),
  (tf) => tf.layers.dropout({ rate: 0.3, seed: 5 }),
  (tf) => tf.layers.reLU({ maxValue: 1 }),
  (tf, seed) =>
    tf.layers.gru({ units: 3, returnSequences: true, recurrentInitializer: 'zeros', ...seeded(tf, seed) }),
  (tf, seed) => tf.layers.timeDistributed({ layer: tf.layers.dense({ units: 2, ...seeded(tf, seed) }) }),
];

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('predict' as const),
      batch: fc.constantFrom(1, 2, 35),
      seed: fc.nat(100),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('scale', 'train', 'keep', 'retrieve') }) },
);

/** A random model under random use. Stacks of layers that do not fit throw, in eager too. */
function randomUse(layers: readonly number[], actions: readonly Action[]): Program {
  return async (tf, log, memory) => {
    const model = tf.sequential();
    model.add(tf.layers.inputLayer({ inputShape: [3] }));
    for (const [index, layer] of layers.entries()) {
      try {
        model.add(layerMakers[layer]!(tf, index));
      } catch (error) {
        log(messageOf(error));
      }
    }
    model.compile({ optimizer: tf.train.sgd(0.01), loss: 'meanSquaredError' });
    const kept: Tensor[] = [];
    const act = async (step: Action): Promise<void> => {
      if (step.kind === 'predict') {
        const x = input(tf, [step.batch, 3], step.seed);
        const y = model.predict(x) as Tensor;
        log(y.shape);
        if (step.seed % 2 === 0) log(y.dataSync());
        if (step.seed % 3 === 0) kept.push(y);
        else y.dispose();
      } else if (step.kind === 'scale') {
        model.setWeights(model.getWeights().map((weight) => weight.mul(0.9)));
      } else if (step.kind === 'train') {
        const x = input(tf, [2, 3], 7);
        const y = tf.zerosLike(model.predict(x) as Tensor);
        if (model.trainableWeights.length > 0) await model.trainOnBatch(x, y);
      } else if (step.kind === 'keep') {
        for (const weight of model.getWeights()) kept.push(weight.clone());
      } else {
        for (const tensor of kept.splice(0)) log(tensor.dataSync());
      }
    };
    for (const step of actions) {
      try {
        await act(step);
      } catch (error) {
        log(messageOf(error));
      }
      log(memory());
    }
  };
}

it('random models under random use observe what eager ones do', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(layerMakers.length - 1), { minLength: 1, maxLength: 5 }),
      fc.array(action, { minLength: 5, maxLength: 25 }),
      async (layers, actions) => {
        await expectSame(randomUse(layers, actions));
      },
    ),
    { numRuns: 40 },
  );
});
