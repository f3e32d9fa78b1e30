/** MobileNetV1 (Howard et al. 2017), width 1, as Keras defines it. */
import type * as tfjs from '@tensorflow/tfjs';
import type { GraphWriter } from '../../src/onnx/index.ts';
import { classifier, convNorm, depthwiseNorm, relu6 } from './conv-onnx.ts';
import type { InferenceModel, Tfjs } from './define-model.ts';
import { classes, defineImageModel } from './image-model.ts';

/** Output channels and stride of each depthwise separable block. */
const blocks: readonly (readonly [number, number])[] = [
  [64, 1],
  [128, 2],
  [128, 1],
  [256, 2],
  [256, 1],
  [512, 2],
  [512, 1],
  [512, 1],
  [512, 1],
  [512, 1],
  [512, 1],
  [1024, 2],
  [1024, 1],
];

function makeModel(tf: Tfjs): tfjs.LayersModel {
  const { layers } = tf;
  const model = tf.sequential({ name: 'mobilenet_v1' });
  const conv = { kernelSize: 3, padding: 'same', useBias: false } as const;
  model.add(layers.conv2d({ ...conv, name: 'conv1', inputShape: [224, 224, 3], filters: 32, strides: 2 }));
  model.add(layers.batchNormalization({ name: 'conv1_bn' }));
  model.add(layers.reLU({ name: 'conv1_relu', maxValue: 6 }));
  for (const [index, [filters, strides]] of blocks.entries()) {
    model.add(layers.depthwiseConv2d({ ...conv, name: `dw${index}`, strides }));
    model.add(layers.batchNormalization({ name: `dw${index}_bn` }));
    model.add(layers.reLU({ name: `dw${index}_relu`, maxValue: 6 }));
    model.add(layers.conv2d({ ...conv, name: `pw${index}`, filters, kernelSize: 1 }));
    model.add(layers.batchNormalization({ name: `pw${index}_bn` }));
    model.add(layers.reLU({ name: `pw${index}_relu`, maxValue: 6 }));
  }
  model.add(layers.globalAveragePooling2d({ name: 'pool' }));
  model.add(layers.dense({ name: 'predictions', units: classes, activation: 'softmax' }));
  return model;
}

function draw(graph: GraphWriter, image: string): string {
  const stem = { size: 224, kernel: 3, stride: 2, inputs: 3, outputs: 32 };
  let x = relu6(graph, convNorm(graph, image, 'conv1', 'conv1_bn', stem));
  let size = 112;
  let channels = 32;
  for (const [index, [outputs, stride]] of blocks.entries()) {
    x = relu6(graph, depthwiseNorm(graph, x, `dw${index}`, `dw${index}_bn`, { size, stride, channels }));
    size /= stride;
    const pointwise = { size, kernel: 1, stride: 1, inputs: channels, outputs };
    x = relu6(graph, convNorm(graph, x, `pw${index}`, `pw${index}_bn`, pointwise));
    channels = outputs;
  }
  return classifier(graph, x, 'predictions', channels, classes);
}

export const mobilenetV1: InferenceModel = defineImageModel('MobileNetV1', makeModel, draw);
