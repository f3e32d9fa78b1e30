/** Training steps of batch 32 as users write them: `tf.layers` with `trainOnBatch`, and a transformer in plain ops. */
import type * as tfjs from '@tensorflow/tfjs';
import { uniform, uniformInts, sizeOf, weight } from '../support/weights.ts';
import { seedLayers, type ModelInput, type TrainingModel, type Tfjs } from './define-model.ts';
import { attention, blockShapes, dense, geluTanh, layerNorm } from './transformer-tf.ts';

const batch = 32;

function features(seed: number, shape: readonly number[]): ModelInput {
  return { data: uniform(seed, sizeOf(shape), -1, 1), shape, dtype: 'float32' };
}

/** One-hot labels. */
function labels(seed: number, classes: number): ModelInput {
  const data = new Float32Array(batch * classes);
  for (const [row, label] of uniformInts(seed, batch, classes).entries()) data[row * classes + label] = 1;
  return { data, shape: [batch, classes], dtype: 'float32' };
}

function layersTraining(
  name: string,
  inputShape: readonly number[],
  options: { readonly runsOnWasm: boolean; readonly optimizer: (tf: Tfjs) => tfjs.Optimizer },
  stack: (tf: Tfjs) => tfjs.layers.Layer[],
): TrainingModel {
  const classes = 10;
  return {
    kind: 'training',
    name,
    runsOnWasm: options.runsOnWasm,
    makeBatch: (seed) => ({ x: features(seed, [batch, ...inputShape]), y: labels(seed + 1, classes) }),
    build: (tf) => {
      const model = tf.sequential();
      for (const layer of stack(tf)) model.add(layer);
      model.add(tf.layers.dense({ name: 'classes', units: classes, activation: 'softmax' }));
      seedLayers(tf, model);
      model.compile({ optimizer: options.optimizer(tf), loss: 'categoricalCrossentropy' });
      return async (x, y) => Number(await model.trainOnBatch(x, y));
    },
  };
}

export const mnistConvTraining: TrainingModel = layersTraining(
  'MNIST conv net',
  [28, 28, 1],
  { runsOnWasm: false, optimizer: (tf) => tf.train.adam(0.001) },
  ({ layers }) => [
    layers.conv2d({
      name: 'conv1',
      inputShape: [28, 28, 1],
      filters: 16,
      kernelSize: 3,
      activation: 'relu',
    }),
    layers.maxPooling2d({ poolSize: 2 }),
    layers.conv2d({ name: 'conv2', filters: 32, kernelSize: 3, activation: 'relu' }),
    layers.maxPooling2d({ poolSize: 2 }),
    layers.conv2d({ name: 'conv3', filters: 32, kernelSize: 3, activation: 'relu' }),
    layers.flatten(),
    layers.dense({ name: 'hidden', units: 64, activation: 'relu' }),
  ],
);

export const mlpTraining: TrainingModel = layersTraining(
  'MLP',
  [784],
  { runsOnWasm: true, optimizer: (tf) => tf.train.adam(0.001) },
  ({ layers }) => [
    layers.dense({ name: 'hidden1', inputShape: [784], units: 512, activation: 'relu' }),
    layers.dense({ name: 'hidden2', units: 256, activation: 'relu' }),
  ],
);

export const lstmTraining: TrainingModel = layersTraining(
  'LSTM',
  [50, 64],
  { runsOnWasm: true, optimizer: (tf) => tf.train.rmsprop(0.001) },
  ({ layers }) => [layers.lstm({ name: 'lstm', inputShape: [50, 64], units: 128 })],
);

const shape = { width: 128, heads: 4, inner: 512 };
const time = 64;

export const transformerTraining: TrainingModel = {
  kind: 'training',
  name: 'transformer block',
  runsOnWasm: true,
  makeBatch: (seed) => ({ x: features(seed, [batch, time, shape.width]), y: labels(seed + 1, 10) }),
  build: (tf) => {
    const shapes = { ...blockShapes(shape), 'classes/kernel': [shape.width, 10], 'classes/bias': [10] };
    const weights: Record<string, tfjs.Variable> = Object.fromEntries(
      Object.entries(shapes).map(([role, dims]) => [
        role,
        tf.variable(tf.tensor(weight(`train/${role}`, dims), [...dims])),
      ]),
    );
    const forward = (input: tfjs.Tensor): tfjs.Tensor => {
      const normed = layerNorm(tf, input, weights['norm1/gamma']!, weights['norm1/beta']!);
      const x = input.add(attention(tf, normed, weights, shape.heads));
      const normed2 = layerNorm(tf, x, weights['norm2/gamma']!, weights['norm2/beta']!);
      const y = x.add(dense(tf, geluTanh(tf, dense(tf, normed2, weights, 'expand')), weights, 'contract'));
      return tf.matMul(y.mean(1), weights['classes/kernel']!).add(weights['classes/bias']!);
    };
    const optimizer = tf.train.adam(0.001);
    return async (x, y) => {
      const loss = optimizer.minimize(
        () => tf.losses.softmaxCrossEntropy(y, forward(x)).asScalar(),
        true,
        Object.values(weights),
      );
      const value = (await loss!.data())[0] ?? Number.NaN;
      loss!.dispose();
      return value;
    };
  },
};
