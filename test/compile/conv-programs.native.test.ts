import type { layers as Layers, Rank, SymbolicTensor, Tensor, Tensor4D, Tensor5D } from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { runCaptured, runEager, type Program, type Tf } from '../capture/support/run-captured.ts';

/** Numbers of one log, near enough to another's; everything else equal. */
function expectClose(actual: unknown, expected: unknown): void {
  if (typeof expected === 'number') {
    expect(Math.abs((actual as number) - expected)).toBeLessThanOrEqual(
      2e-4 * Math.max(1, Math.abs(expected)),
    );
  } else if (Array.isArray(expected)) {
    expect(actual).toHaveLength(expected.length);
    for (const [index, item] of expected.entries()) expectClose((actual as unknown[])[index], item);
  } else {
    expect(actual).toEqual(expected);
  }
}

async function expectSameOnOnnxruntime(program: Program): Promise<void> {
  const eager = await runEager(program);
  const captured = await runCaptured(program, { backend: 'onnxruntime', threads: 1 });
  expectClose(captured.log, eager.log);
  expect(captured.memory).toEqual(eager.memory);
  expect(captured.stats.fallbackKernels).toEqual({});
}

/** A network with every kind of convolution and pool, wide and thin, with and without strides. */
function zoo(tf: Tf): ReturnType<Tf['model']> {
  let seed = 1;
  const random = (): { kernelInitializer: ReturnType<Tf['initializers']['randomNormal']> } => ({
    kernelInitializer: tf.initializers.randomNormal({ stddev: 0.1, seed: seed++ }),
  });
  const same = { padding: 'same' } as const;
  const { layers } = tf;
  const input = tf.input({ shape: [16, 16, 3] });
  const apply = (layer: Layers.Layer, x: unknown): SymbolicTensor =>
    layer.apply(x as SymbolicTensor) as SymbolicTensor;
  const stem = apply(
    layers.conv2d({ filters: 8, kernelSize: 3, activation: 'relu', ...same, ...random() }),
    input,
  );
  const normal = apply(layers.batchNormalization(), stem);
  const point = apply(layers.conv2d({ filters: 8, kernelSize: 1, activation: 'relu', ...random() }), normal);
  const depthwise = apply(
    layers.depthwiseConv2d({
      kernelSize: 3,
      depthwiseInitializer: tf.initializers.randomNormal({ seed: seed++ }),
      ...same,
    }),
    normal,
  );
  const sum = layers.add().apply([point, apply(layers.reLU({ maxValue: 6 }), depthwise)]) as SymbolicTensor;
  let y = layers.concatenate().apply([sum, normal]) as SymbolicTensor;
  y = apply(layers.maxPooling2d({ poolSize: 3, strides: 2, ...same }), y);
  y = apply(
    layers.conv2d({ filters: 64, kernelSize: 3, strides: 2, activation: 'elu', ...same, ...random() }),
    y,
  );
  y = apply(layers.conv2d({ filters: 40, kernelSize: 3, ...same, ...random() }), y);
  y = apply(layers.leakyReLU({ alpha: 0.1 }), y);
  y = apply(layers.conv2d({ filters: 8, kernelSize: 3, ...same, ...random() }), y);
  y = apply(layers.upSampling2d({ size: [2, 2] }), y);
  y = apply(layers.conv2dTranspose({ filters: 6, kernelSize: 3, strides: 2, ...same, ...random() }), y);
  y = apply(layers.averagePooling2d({ poolSize: 2 }), y);
  y = apply(layers.zeroPadding2d(), y);
  y = apply(layers.conv2d({ filters: 4, kernelSize: 3, activation: 'sigmoid', ...random() }), y);
  y = apply(layers.globalAveragePooling2d({}), y);
  y = apply(layers.dense({ units: 3, activation: 'softmax', ...random() }), y);
  return tf.model({ inputs: input, outputs: y });
}

const trainZoo: Program = async (tf, log) => {
  const model = zoo(tf);
  model.compile({ optimizer: tf.train.momentum(0.1, 0.9), loss: 'categoricalCrossentropy' });
  const x = tf.randomNormal([6, 16, 16, 3], 0, 1, 'float32', 5);
  const y = tf.oneHot(tf.tensor1d([0, 1, 2, 0, 1, 2], 'int32'), 3);
  for (let step = 0; step < 4; step++) log(await model.trainOnBatch(x, y));
  for (let run = 0; run < 4; run++) tf.tidy(() => log((model.predict(x) as Tensor).dataSync()));
};

const lastBatches: Program = async (tf, log) => {
  const model = zoo(tf);
  model.compile({ optimizer: tf.train.sgd(0.1), loss: 'categoricalCrossentropy' });
  const x = tf.randomNormal([11, 16, 16, 3], 0, 1, 'float32', 6);
  const y = tf.oneHot(tf.range(0, 11, 1, 'int32').mod(tf.scalar(3, 'int32')), 3);
  const { history } = await model.fit(x, y, { batchSize: 4, epochs: 2, shuffle: false });
  log(history['loss']);
};

const volumes: Program = (tf, log) => {
  const filter = tf.variable(tf.randomNormal<Rank.R5>([2, 3, 3, 2, 4], 0, 0.3, 'float32', 1));
  const optimizer = tf.train.sgd(0.05);
  const x = tf.randomNormal<Rank.R5>([2, 6, 8, 8, 2], 0, 1, 'float32', 2);
  for (let step = 0; step < 3; step++) {
    const loss = optimizer.minimize(() => {
      const y = tf.relu<Tensor5D>(tf.conv3d(x, filter, [1, 2, 2], 'same'));
      const pooled = tf.maxPool3d<Tensor5D>(tf.avgPool3d<Tensor5D>(y, 2, 1, 'valid'), 2, 2, 'same');
      return tf.mean(tf.square(pooled)).asScalar();
    }, true);
    log(loss!.dataSync());
  }
};

const imageGradients: Program = (tf, log) => {
  const x = tf.randomNormal<Rank.R4>([1, 5, 5, 3], 0, 1, 'float32', 3);
  const gradients = [
    (image: Tensor4D): Tensor => tf.image.resizeBilinear(image, [9, 7], true),
    (image: Tensor4D): Tensor => tf.image.resizeNearestNeighbor(image, [10, 10]),
    (image: Tensor4D): Tensor => tf.localResponseNormalization(image, 1),
    (image: Tensor4D): Tensor => tf.avgPool(image, 3, 1, 'same'),
    (image: Tensor4D): Tensor => tf.spaceToBatchND(image, [1, 1], [[1, 0], [0, 1]]), // prettier-ignore
  ];
  for (const gradient of gradients) {
    log(
      tf.tidy(() =>
        tf
          .grad((image) => gradient(image as Tensor4D).square())(x)
          .dataSync(),
      ),
    );
  }
};

describe('a program with convolutions sees on onnxruntime what it sees on cpu', () => {
  it.each([
    ['training and predicting with every kind of layer', trainZoo],
    ['fit with a smaller last batch', lastBatches],
    ['volumes', volumes],
    ['gradients of image kernels', imageGradients],
  ])('%s', { timeout: 120_000 }, async (_, program) => {
    await expectSameOnOnnxruntime(program);
  });
});

/** Patterns that optimizers of onnxruntime 1.30 compute wrongly, refuse or die of. */
describe('programs that onnxruntime gets wrong', () => {
  it('pad with zeros before the largest of negative numbers is taken', () =>
    expectSameOnOnnxruntime((tf, log) => {
      const x = tf.tensor4d(
        Float32Array.from({ length: 72 }, (_, index) => Math.sin(index)),
        [1, 6, 6, 2],
      );
      const filter = tf.tensor4d(
        Float32Array.from({ length: 54 }, (_, index) => Math.cos(index)),
        [3, 3, 2, 3],
      );
      const y = tf.tidy(() => {
        const below = tf.neg(tf.exp(tf.conv2d(x, filter, 1, 'same')));
        const padded = tf.pad(below, [
          [0, 0],
          [1, 1],
          [1, 1],
          [0, 0],
        ]);
        return tf.maxPool(padded, 3, 1, 'valid');
      });
      log(y.dataSync());
    }));

  it('normalize along an axis that the mean has lost', () =>
    expectSameOnOnnxruntime((tf, log) => {
      const x = tf.tensor2d(
        Float32Array.from({ length: 36 }, (_, index) => Math.sin(index * 1.7)),
        [6, 6],
      );
      const y = tf.tidy(() => {
        const hidden = tf.tanh(tf.exp(x));
        const centred = hidden.sub(hidden.mean(-1));
        const normal = centred.div(centred.pow(2).mean(-1).add(1e-5).sqrt());
        return normal.mul(tf.tensor1d([1, 2, 3, 4, 5, 6])).add(tf.tensor1d([6, 5, 4, 3, 2, 1]));
      });
      log(y.dataSync());
    }));

  it('multiply with a quotient of one', () =>
    expectSameOnOnnxruntime((tf, log) => {
      const x = tf.tensor1d([1, 2, 4, 5]);
      const y = tf.tidy(() => tf.mul(tf.div(1, x.square().add(1)).clone(), x.sin()));
      log(y.dataSync());
    }));

  it('multiply turned integers', () =>
    expectSameOnOnnxruntime((tf, log) => {
      const x = tf.tensor3d(
        Array.from({ length: 36 }, (_, index) => index % 5),
        [1, 6, 6],
        'int32',
      );
      const w = tf.tensor3d(
        Array.from({ length: 36 }, (_, index) => Math.sin(index)),
        [1, 6, 6],
      );
      const y = tf.tidy(() => tf.matMul(x.add(1).transpose([1, 0, 2]).toFloat(), w.tanh()));
      log(y.dataSync());
    }));
});
