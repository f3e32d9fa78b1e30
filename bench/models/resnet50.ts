/** ResNet50 (He et al. 2015), version 1 as Keras defines it: the first 1x1 convolution of a stage has the stride. */
import type * as tfjs from '@tensorflow/tfjs';
import type { GraphWriter } from '../../src/onnx/index.ts';
import { classifier, convNorm } from './conv-onnx.ts';
import type { InferenceModel, Tfjs } from './define-model.ts';
import { classes, defineImageModel } from './image-model.ts';

/** Inner channels, blocks, stride of the first one. */
const stages: readonly (readonly [number, number, number])[] = [
  [64, 3, 1],
  [128, 4, 2],
  [256, 6, 2],
  [512, 3, 2],
];

const blocks = stages.flatMap(([inner, count, stride], stage) =>
  Array.from({ length: count }, (_, index) => ({
    name: `s${stage}b${index}`,
    inner,
    stride: index === 0 ? stride : 1,
    isFirst: index === 0,
  })),
);

function makeModel(tf: Tfjs): tfjs.LayersModel {
  const { layers } = tf;
  const relu = (x: tfjs.SymbolicTensor): tfjs.SymbolicTensor =>
    layers.activation({ activation: 'relu' }).apply(x) as tfjs.SymbolicTensor;
  const convBn = (
    x: tfjs.SymbolicTensor,
    name: string,
    filters: number,
    kernelSize: number,
    strides = 1,
    padding: 'same' | 'valid' = 'same',
  ): tfjs.SymbolicTensor =>
    layers
      .batchNormalization({ name: `${name}_bn` })
      .apply(layers.conv2d({ name, filters, kernelSize, strides, padding }).apply(x)) as tfjs.SymbolicTensor;

  const image = tf.input({ shape: [224, 224, 3] });
  const padded = layers.zeroPadding2d({ padding: 3 }).apply(image) as tfjs.SymbolicTensor;
  let x = relu(convBn(padded, 'conv1', 64, 7, 2, 'valid'));
  x = layers.zeroPadding2d({ padding: 1 }).apply(x) as tfjs.SymbolicTensor;
  x = layers.maxPooling2d({ poolSize: 3, strides: 2 }).apply(x) as tfjs.SymbolicTensor;
  for (const { name, inner, stride, isFirst } of blocks) {
    const shortcut = isFirst ? convBn(x, `${name}_0`, inner * 4, 1, stride) : x;
    let y = relu(convBn(x, `${name}_1`, inner, 1, stride));
    y = relu(convBn(y, `${name}_2`, inner, 3));
    y = convBn(y, `${name}_residual`, inner * 4, 1);
    x = relu(layers.add().apply([shortcut, y]) as tfjs.SymbolicTensor);
  }
  const pooled = layers.globalAveragePooling2d({ name: 'pool' }).apply(x);
  const dense = layers.dense({ name: 'predictions', units: classes, activation: 'softmax' });
  return tf.model({ inputs: image, outputs: dense.apply(pooled) as tfjs.SymbolicTensor });
}

function draw(graph: GraphWriter, image: string): string {
  const relu = (x: string): string => graph.add('Relu', [x]);
  const conv = (
    x: string,
    name: string,
    shape: { size: number; kernel: number; stride: number; inputs: number; outputs: number },
    padding?: readonly [number, number],
  ): string =>
    convNorm(graph, x, name, `${name}_bn`, { ...shape, hasBias: true, ...(padding && { padding }) });
  const stem = { size: 224, kernel: 7, stride: 2, inputs: 3, outputs: 64 };
  let x = relu(conv(image, 'conv1', stem, [3, 3]));
  x = graph.add('MaxPool', [x], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] });
  let size = 56;
  let inputs = 64;
  for (const { name, inner, stride, isFirst } of blocks) {
    const outputs = inner * 4;
    const shortcut = isFirst ? conv(x, `${name}_0`, { size, kernel: 1, stride, inputs, outputs }) : x;
    let y = relu(conv(x, `${name}_1`, { size, kernel: 1, stride, inputs, outputs: inner }));
    size /= stride;
    y = relu(conv(y, `${name}_2`, { size, kernel: 3, stride: 1, inputs: inner, outputs: inner }));
    y = conv(y, `${name}_residual`, { size, kernel: 1, stride: 1, inputs: inner, outputs });
    x = relu(graph.add('Add', [y, shortcut]));
    inputs = outputs;
  }
  return classifier(graph, x, 'predictions', inputs, classes);
}

export const resnet50: InferenceModel = defineImageModel('ResNet50', makeModel, draw);
