/** Each kind of layer as a model with an open batch. exportOnnx itself compares it with eager, at two batch sizes. */
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { exportOnnx } from '../../src/index.ts';

tf.env().set('IS_NODE', false);

const L = tf.layers;
type MakeLayers = () => tf.layers.Layer[];

const cases: readonly (readonly [string, readonly number[], MakeLayers])[] = [
  [
    '1-D convolution',
    [10, 3],
    () => [L.conv1d({ filters: 4, kernelSize: 3, padding: 'same', activation: 'relu' })],
  ],
  [
    'strided convolution',
    [9, 9, 3],
    () => [L.conv2d({ filters: 4, kernelSize: 3, strides: 2, padding: 'same' })],
  ],
  ['dilated convolution', [9, 9, 3], () => [L.conv2d({ filters: 4, kernelSize: 3, dilationRate: 2 })]],
  [
    'transposed convolution',
    [5, 5, 3],
    () => [L.conv2dTranspose({ filters: 4, kernelSize: 3, strides: 2, padding: 'same' })],
  ],
  ['3-D convolution', [5, 5, 5, 2], () => [L.conv3d({ filters: 2, kernelSize: 2 })]],
  ['separable convolution', [8, 8, 3], () => [L.separableConv2d({ filters: 4, kernelSize: 3 })]],
  ['depthwise convolution', [8, 8, 3], () => [L.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 2 })]],
  ['upsampling', [4, 4, 2], () => [L.upSampling2d({ size: [2, 2] })]],
  ['padding', [4, 4, 2], () => [L.zeroPadding2d({ padding: 1 })]],
  ['average pooling', [6, 6, 2], () => [L.averagePooling2d({ poolSize: 2 }), L.globalAveragePooling2d({})]],
  ['max pooling', [6, 6, 2], () => [L.maxPooling2d({ poolSize: 3, strides: 2 }), L.globalMaxPooling2d({})]],
  ['stacked GRUs', [6, 3], () => [L.gru({ units: 4, returnSequences: true }), L.gru({ units: 3 })]],
  ['a simple RNN', [6, 3], () => [L.simpleRNN({ units: 4 })]],
  [
    'a bidirectional LSTM',
    [6, 3],
    () => [L.bidirectional({ layer: L.lstm({ units: 4 }), mergeMode: 'concat' })],
  ],
  ['a layer for each step', [6, 3], () => [L.timeDistributed({ layer: L.dense({ units: 4 }) })]],
  ['normalization', [6, 3], () => [L.layerNormalization({}), L.batchNormalization({})]],
  [
    'activations',
    [6],
    () => [L.leakyReLU({}), L.elu({}), L.prelu({}), L.thresholdedReLU({ theta: 0.1 }), L.softmax({})],
  ],
  [
    'changes of shape',
    [6],
    () => [
      L.reshape({ targetShape: [3, 2] }),
      L.permute({ dims: [2, 1] }),
      L.flatten(),
      L.repeatVector({ n: 3 }),
    ],
  ],
  ['a masked LSTM', [5, 3], () => [L.masking({ maskValue: 0 }), L.lstm({ units: 3 })]],
  ['a convolutional LSTM', [3, 6, 6, 2], () => [L.convLstm2d({ filters: 2, kernelSize: 3 })]],
  [
    'noise, which predicts nothing',
    [6],
    () => [L.gaussianNoise({ stddev: 1 }), L.alphaDropout({ rate: 0.1 })],
  ],
];

describe('exportOnnx', () => {
  beforeAll(async () => {
    await tf.setBackend('cpu');
  });

  it.each(cases)('leaves the batch open behind %s', (_, shape, makeLayers) => {
    const input = tf.input({ shape: [...shape] });
    const output = makeLayers().reduce<tf.SymbolicTensor>(
      (y, layer) => layer.apply(y) as tf.SymbolicTensor,
      input,
    );
    const model = tf.model({ inputs: input, outputs: output });
    const { summary, notes, largestError } = exportOnnx(model, tf.randomNormal([2, ...shape]), { tf });
    expect(notes).toEqual([]);
    expect(summary.inputs[0]!.dims).toEqual(['batch', ...shape]);
    expect(summary.outputs[0]!.dims).toEqual(['batch', ...output.shape.slice(1)]);
    expect(largestError!).toBeLessThan(1e-4);
  });
});
