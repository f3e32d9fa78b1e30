/** MobileNetV2 (Sandler et al. 2018), width 1, as Keras defines it: inverted residuals with linear bottlenecks. */
import type * as tfjs from '@tensorflow/tfjs';
import type { GraphWriter } from '../../src/onnx/index.ts';
import { classifier, convNorm, depthwiseNorm, relu6 } from './conv-onnx.ts';
import type { InferenceModel, Tfjs } from './define-model.ts';
import { classes, defineImageModel } from './image-model.ts';

/** Expansion, output channels, repetitions and stride of the first of them. */
const stages: readonly (readonly [number, number, number, number])[] = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
];

const blocks = stages.flatMap(([expansion, outputs, repetitions, stride]) =>
  Array.from({ length: repetitions }, (_, index) => ({
    expansion,
    outputs,
    stride: index === 0 ? stride : 1,
  })),
);

function makeModel(tf: Tfjs): tfjs.LayersModel {
  const { layers } = tf;
  const conv = { kernelSize: 1, padding: 'same', useBias: false } as const;
  const norm = (x: tfjs.SymbolicTensor, name: string): tfjs.SymbolicTensor =>
    layers.batchNormalization({ name: `${name}_bn` }).apply(x) as tfjs.SymbolicTensor;
  const normRelu = (x: tfjs.SymbolicTensor, name: string): tfjs.SymbolicTensor =>
    layers.reLU({ name: `${name}_relu`, maxValue: 6 }).apply(norm(x, name)) as tfjs.SymbolicTensor;
  const pointwise = (x: tfjs.SymbolicTensor, name: string, filters: number): tfjs.SymbolicTensor =>
    layers.conv2d({ ...conv, name, filters }).apply(x) as tfjs.SymbolicTensor;

  const image = tf.input({ shape: [224, 224, 3] });
  const stem = layers.conv2d({ ...conv, name: 'conv1', filters: 32, kernelSize: 3, strides: 2 }).apply(image);
  let x = normRelu(stem as tfjs.SymbolicTensor, 'conv1');
  let channels = 32;
  for (const [index, { expansion, outputs, stride }] of blocks.entries()) {
    const shortcut = x;
    if (expansion > 1) x = normRelu(pointwise(x, `expand${index}`, channels * expansion), `expand${index}`);
    x = layers
      .depthwiseConv2d({ ...conv, name: `dw${index}`, kernelSize: 3, strides: stride })
      .apply(x) as tfjs.SymbolicTensor;
    x = normRelu(x, `dw${index}`);
    x = norm(pointwise(x, `project${index}`, outputs), `project${index}`);
    if (stride === 1 && channels === outputs)
      x = layers.add({ name: `add${index}` }).apply([shortcut, x]) as tfjs.SymbolicTensor;
    channels = outputs;
  }
  x = normRelu(pointwise(x, 'top', 1280), 'top');
  const pooled = layers.globalAveragePooling2d({ name: 'pool' }).apply(x);
  const dense = layers.dense({ name: 'predictions', units: classes, activation: 'softmax' });
  return tf.model({ inputs: image, outputs: dense.apply(pooled) as tfjs.SymbolicTensor });
}

function draw(graph: GraphWriter, image: string): string {
  const stem = { size: 224, kernel: 3, stride: 2, inputs: 3, outputs: 32 };
  let x = relu6(graph, convNorm(graph, image, 'conv1', 'conv1_bn', stem));
  let size = 112;
  let channels = 32;
  const pointwise = (input: string, name: string, inputs: number, outputs: number): string =>
    convNorm(graph, input, name, `${name}_bn`, { size, kernel: 1, stride: 1, inputs, outputs });
  for (const [index, { expansion, outputs, stride }] of blocks.entries()) {
    const shortcut = x;
    const wide = channels * expansion;
    if (expansion > 1) x = relu6(graph, pointwise(x, `expand${index}`, channels, wide));
    x = depthwiseNorm(graph, x, `dw${index}`, `dw${index}_bn`, { size, stride, channels: wide });
    x = relu6(graph, x);
    size /= stride;
    x = pointwise(x, `project${index}`, wide, outputs);
    if (stride === 1 && channels === outputs) x = graph.add('Add', [shortcut, x]);
    channels = outputs;
  }
  x = relu6(graph, pointwise(x, 'top', channels, 1280));
  return classifier(graph, x, 'predictions', 1280, classes);
}

export const mobilenetV2: InferenceModel = defineImageModel('MobileNetV2', makeModel, draw);
