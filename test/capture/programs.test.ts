import type { Scalar, Tensor, Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { runCaptured, runEager, type Program } from './support/run-captured.ts';

/** Weights that do not depend on tfjs's unseeded initializers. */
const seeded = { kernelInitializer: 'zeros' as const };

const inference: Program = async (tf, log, memory) => {
  const model = tf.sequential({
    layers: [
      tf.layers.conv2d({
        inputShape: [8, 8, 1],
        filters: 3,
        kernelSize: 3,
        activation: 'relu',
        kernelInitializer: tf.initializers.randomNormal({ seed: 1 }),
      }),
      tf.layers.maxPooling2d({ poolSize: 2 }),
      tf.layers.flatten(),
      tf.layers.dense({
        units: 4,
        activation: 'softmax',
        kernelInitializer: tf.initializers.randomNormal({ seed: 2 }),
      }),
    ],
  });
  const x = tf.randomNormal([2, 8, 8, 1], 0, 1, 'float32', 3);
  for (let run = 0; run < 3; run++) {
    const y = model.predict(x) as Tensor;
    log(y.dataSync());
    log(await y.argMax(-1).data());
    y.dispose();
  }
  log(memory());
};

function training(
  name: 'sgd' | 'momentum' | 'adagrad' | 'adadelta' | 'adam' | 'adamax' | 'rmsprop',
): Program {
  return async (tf, log, memory) => {
    const makers = {
      sgd: () => tf.train.sgd(0.1),
      momentum: () => tf.train.momentum(0.1, 0.9),
      adagrad: () => tf.train.adagrad(0.1),
      adadelta: () => tf.train.adadelta(0.1),
      adam: () => tf.train.adam(0.1),
      adamax: () => tf.train.adamax(0.1),
      rmsprop: () => tf.train.rmsprop(0.1),
    };
    const optimizer = makers[name]();
    const w = tf.variable(tf.randomNormal([3, 2], 0, 1, 'float32', 1));
    const b = tf.variable(tf.zeros([2]));
    const x = tf.randomNormal([8, 3], 0, 1, 'float32', 2);
    const y = tf.randomNormal([8, 2], 0, 1, 'float32', 3);
    for (let step = 0; step < 4; step++) {
      const cost = optimizer.minimize(() => x.matMul(w).add(b).sub(y).square().mean(), true)!;
      if (step % 2 === 1) log(cost.dataSync());
      cost.dispose();
      log(memory());
    }
    log(w.dataSync());
    log(await b.data());
    optimizer.dispose();
  };
}

const programs: Readonly<Record<string, Program>> = {
  'inference of a convolutional network': inference,
  'training with sgd': training('sgd'),
  'training with momentum': training('momentum'),
  'training with adagrad': training('adagrad'),
  'training with adadelta': training('adadelta'),
  'training with adam': training('adam'),
  'training with adamax': training('adamax'),
  'training with rmsprop': training('rmsprop'),

  'fit, evaluate and predict of a layers model': async (tf, log, memory) => {
    const model = tf.sequential({
      layers: [
        tf.layers.dense({ units: 5, inputShape: [3], activation: 'tanh', ...seeded }),
        tf.layers.dense({ units: 1, ...seeded }),
      ],
    });
    model.compile({ optimizer: tf.train.adam(0.05), loss: 'meanSquaredError', metrics: ['mae'] });
    const x = tf.randomNormal([20, 3], 0, 1, 'float32', 1);
    const y = x.sum(1, true);
    const history = await model.fit(x, y, { epochs: 3, batchSize: 8, shuffle: false });
    log(history.history);
    const scores = model.evaluate(x, y) as Scalar[];
    for (const score of scores) log(score.dataSync());
    log((model.predict(x) as Tensor).arraySync());
    log(memory());
  },

  'a recurrent network': async (tf, log, memory) => {
    const model = tf.sequential({
      layers: [
        tf.layers.lstm({
          units: 4,
          inputShape: [5, 2],
          kernelInitializer: tf.initializers.randomNormal({ seed: 4 }),
          recurrentInitializer: tf.initializers.randomNormal({ seed: 5 }),
        }),
        tf.layers.dense({ units: 1, kernelInitializer: tf.initializers.randomNormal({ seed: 6 }) }),
      ],
    });
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    const x = tf.randomNormal([6, 5, 2], 0, 1, 'float32', 7);
    const y = tf.ones([6, 1]);
    log(await model.trainOnBatch(x, y));
    log(await model.trainOnBatch(x, y));
    log((model.predict(x) as Tensor).dataSync());
    log(memory());
  },

  'gradients of gradients and custom gradients': (tf, log) => {
    const cube = (x: Tensor) => x.pow(3).sum();
    const x = tf.tensor1d([1, 2, 3]);
    log(tf.grad(cube)(x).dataSync());
    log(
      tf
        .grad((value) => tf.grad(cube)(value).sum())(x)
        .dataSync(),
    );
    const clipped = tf.customGrad((value) => {
      const input = value as Tensor;
      return { value: input.square(), gradFunc: (dy: Tensor) => dy.mul(10) };
    });
    log(
      tf
        .grad((value) => clipped(value).sum())(x)
        .dataSync(),
    );
    const { value, grads } = tf.valueAndGrads((a, b) => a.mul(b).sum())([x, x.add(1)]);
    log(value.dataSync());
    for (const grad of grads) log(grad.dataSync());
  },

  'tidy, keep, clone and dispose': (tf, log, memory) => {
    const x = tf.tensor2d([1, 2, 3, 4], [2, 2]);
    log(memory());
    const kept = tf.tidy(() => {
      const square = tf.keep(x.square());
      const view = square.reshape([4]);
      log(memory());
      return view.add(1);
    });
    log(memory());
    const twin = kept.clone();
    kept.dispose();
    log(memory());
    log(twin.dataSync());
    twin.dispose();
    log(memory());
  },

  'values that are read after other values were computed from them': (tf, log) => {
    const x = tf.tensor1d([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18]);
    for (let run = 0; run < 3; run++) {
      const middle = x.mul(run + 1);
      const end = middle.sum();
      log(end.dataSync());
      log(middle.dataSync());
      log(middle.add(end).dataSync());
    }
  },

  'strings, booleans, integers and complex numbers': async (tf, log, memory) => {
    const words = tf.tensor1d(['a', 'bc', 'ä']);
    log(words.dataSync());
    log(await words.data());
    log(words.reshape([3, 1]).arraySync());
    log(tf.concat([words, words]).dataSync());
    const flags = tf.tensor1d([true, false, true], 'bool');
    log(flags.dataSync());
    log(flags.logicalNot().dataSync());
    log(flags.cast('int32').add(1).dataSync());
    log(flags.cast('float32').dataSync());
    log(tf.tensor1d([5, 7], 'int32').div(2).dataSync());
    const z = tf.complex(tf.tensor1d([1, 2]).square(), tf.tensor1d([3, 4]));
    log(z.dataSync());
    log(await z.data());
    log(tf.real(z).add(1).dataSync());
    log(tf.imag(z).dataSync());
    log(z.mul(z).dataSync());
    log(tf.spectral.fft(z).dataSync());
    log(memory());
    z.dispose();
    log(memory());
  },

  'results whose size depends on data': async (tf, log) => {
    const x = tf.tensor1d([1, -2, 3, -4, 3]).mul(2);
    log(await (await tf.booleanMaskAsync(x, x.greater(0))).data());
    log(await (await tf.whereAsync(x.less(0))).data());
    const { values, indices } = tf.unique(x);
    log(values.dataSync());
    log(indices.dataSync());
    const boxes = tf.tensor2d([0, 0, 1, 1, 0, 0.1, 1, 1.1, 0, 2, 1, 3], [3, 4]).mul<Tensor2D>(1);
    log(await (await tf.image.nonMaxSuppressionAsync(boxes, tf.tensor1d([0.9, 0.8, 0.7]), 2)).data());
  },

  'tensors without elements': (tf, log, memory) => {
    const empty = tf.tensor2d([], [0, 3]);
    log(empty.add(1).dataSync());
    log(empty.sum(0).dataSync());
    log(tf.concat([empty, tf.tensor2d([1, 2, 3], [1, 3]).square()]).dataSync());
    log(tf.tensor1d([1, 2, 3]).square().slice(1, 0).dataSync());
    log(memory());
  },

  'the same tensor on both sides, and a kernel that gives back its input': (tf, log, memory) => {
    const x = tf.tensor2d([1, 2, 3, 4], [2, 2]).add(0);
    log(x.mul(x).dataSync());
    log(x.matMul(x).dataSync());
    const same = tf.concat([x]);
    log(tf.maxPool<Tensor4D>(x.reshape([1, 2, 2, 1]), 1, 1, 'same').dataSync());
    log(memory());
    x.dispose();
    log(same.dataSync());
    log(memory());
  },

  'a variable that is assigned a value of its own': (tf, log, memory) => {
    const v = tf.variable(tf.tensor1d([1, 2]));
    for (let step = 0; step < 3; step++) {
      const next = v.mul<Tensor1D>(2);
      v.assign(next);
      next.dispose();
      log(memory());
    }
    log(v.dataSync());
    const old = v.add(0);
    v.assign(tf.tensor1d([7, 8]));
    log(old.dataSync());
    log(v.dataSync());
  },

  'buffers and prints': async (tf, log) => {
    const x = tf.tensor2d([1, 2, 3, 4], [2, 2]).square();
    log(x.toString());
    log(await x.add(0).bytes());
    const buffer = await x.buffer();
    buffer.set(100, 0, 0);
    log(x.dataSync());
    log(x.add(1).dataSync());
    log(buffer.toTensor().dataSync());
  },

  'tensors that are written to through what was read from them': (tf, log) => {
    const mask = tf.zeros([2, 2]);
    const before = mask.add(1);
    const buffer = mask.bufferSync();
    buffer.set(7, 1, 1);
    const after = mask.add(1);
    log(before.dataSync());
    log(after.dataSync());
    const sum = after.sum();
    after.dataSync()[0] = 50;
    log(after.sum().dataSync());
    log(sum.dataSync());
    const v = tf.variable(tf.tensor1d([1, 2]));
    v.dataSync()[0] = 9;
    v.assign(v.mul(2));
    log(v.dataSync());
  },

  'tasks that take turns': async (tf, log) => {
    const ticks = async () => {
      for (let tick = 0; tick < 12; tick++) {
        log(`tick ${tick}`);
        await Promise.resolve();
      }
    };
    const reads = async () => {
      const x = tf.range(0, 4).square();
      log(await x.data());
      log(await x.array());
      log((await x.add(1).buffer()).values);
      log(await Promise.all([x.sum().data(), x.max().data()]));
    };
    await Promise.all([reads(), ticks()]);
    await Promise.all([ticks(), reads()]);
    await Promise.all([tf.whereAsync(tf.tensor1d([1, 0, 1]).greater(0)), ticks()]);
  },

  'seeded samples': (tf, log) => {
    log(tf.multinomial(tf.log(tf.tensor1d([0.1, 0.2, 0.7])), 10, 42).dataSync());
    log(tf.randomUniform([5], 0, 1, 'float32', 7).mul(2).dataSync());
    log(tf.truncatedNormal([5], 0, 1, 'float32', 7).dataSync());
  },
};

describe('captured programs observe what eager ones do', () => {
  it.each(Object.entries(programs))('%s', async (_name, program) => {
    const eager = await runEager(program);
    const captured = await runCaptured(program);
    expect(captured.log).toEqual(eager.log);
    expect(captured.memory).toEqual(eager.memory);
  });
});

describe('captured programs observe the same values when written arrays change later', () => {
  it('keeps the numbers of the moment of the call', async () => {
    const { log } = await runCaptured((tf, write) => {
      const source = new Float32Array([1, 2, 3]);
      const x = tf.tensor1d(source);
      const y = x.add(1);
      source.fill(9);
      write(y.dataSync());
      write(x.dataSync());
    });
    expect(log).toEqual([
      ['Float32Array', 2, 3, 4],
      ['Float32Array', 1, 2, 3],
    ]);
  });
});
