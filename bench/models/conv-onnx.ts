/**
 * Convolutions by hand in ONNX: NCHW, batch normalisation folded into kernel and bias, `Clip`/`Relu` behind it for the
 * runtime to fuse. Padding `same` is written out as TensorFlow computes it.
 */
import type { GraphWriter } from '../../src/onnx/index.ts';
import { hwioToOihw, weight } from '../support/weights.ts';

/** Keras's default for batch normalisation. */
const epsilon = 1e-3;

interface FoldedNorm {
  readonly scale: Float32Array;
  readonly shift: Float32Array;
}

function foldNorm(name: string, channels: number): FoldedNorm {
  const gamma = weight(`${name}/gamma`, [channels]);
  const beta = weight(`${name}/beta`, [channels]);
  const mean = weight(`${name}/moving_mean`, [channels]);
  const variance = weight(`${name}/moving_variance`, [channels]);
  const scale = gamma.map((value, channel) => value / Math.sqrt((variance[channel] ?? 0) + epsilon));
  const shift = beta.map((value, channel) => value - (mean[channel] ?? 0) * (scale[channel] ?? 0));
  return { scale, shift };
}

/** Begin and end padding of `same`. */
function samePadding(size: number, kernel: number, stride: number): readonly [number, number] {
  const total = Math.max(0, (Math.ceil(size / stride) - 1) * stride + kernel - size);
  return [Math.floor(total / 2), total - Math.floor(total / 2)];
}

export interface ConvShape {
  readonly size: number;
  readonly kernel: number;
  readonly stride: number;
  readonly inputs: number;
  readonly outputs: number;
  readonly hasBias?: boolean;
  /** Begin and end padding where it is not `same`. */
  readonly padding?: readonly [number, number];
}

/** Convolution `name`, then batch normalisation `norm`. */
export function convNorm(
  graph: GraphWriter,
  input: string,
  name: string,
  norm: string,
  shape: ConvShape,
): string {
  const { kernel, inputs, outputs, stride, size } = shape;
  const { scale, shift } = foldNorm(norm, outputs);
  const hwio = [kernel, kernel, inputs, outputs];
  const values = hwioToOihw(weight(`${name}/kernel`, hwio), hwio);
  const perOutput = inputs * kernel * kernel;
  const folded = values.map((value, index) => value * (scale[Math.floor(index / perOutput)] ?? 0));
  const bias = shape.hasBias === true ? weight(`${name}/bias`, [outputs]) : new Float32Array(outputs);
  const foldedBias = bias.map((value, channel) => value * (scale[channel] ?? 0) + (shift[channel] ?? 0));
  const [begin, end] = shape.padding ?? samePadding(size, kernel, stride);
  return graph.add(
    'Conv',
    [
      input,
      graph.initializer(folded, [outputs, inputs, kernel, kernel]),
      graph.initializer(foldedBias, [outputs]),
    ],
    { strides: [stride, stride], pads: [begin, begin, end, end], kernel_shape: [kernel, kernel] },
  );
}

/** 3x3 depthwise convolution `name` with padding `same`, then batch normalisation `norm`. */
export function depthwiseNorm(
  graph: GraphWriter,
  input: string,
  name: string,
  norm: string,
  shape: { readonly size: number; readonly stride: number; readonly channels: number },
): string {
  const { size, stride, channels } = shape;
  const { scale, shift } = foldNorm(norm, channels);
  const values = hwioToOihw(weight(`${name}/depthwise_kernel`, [3, 3, channels, 1]), [3, 3, 1, channels]);
  const folded = values.map((value, index) => value * (scale[Math.floor(index / 9)] ?? 0));
  const [begin, end] = samePadding(size, 3, stride);
  return graph.add(
    'Conv',
    [input, graph.initializer(folded, [channels, 1, 3, 3]), graph.initializer(shift, [channels])],
    {
      strides: [stride, stride],
      pads: [begin, begin, end, end],
      kernel_shape: [3, 3],
      group: channels,
    },
  );
}

export const relu6 = (graph: GraphWriter, input: string): string =>
  graph.add('Clip', [input, graph.scalar(0, 'float32'), graph.scalar(6, 'float32')]);

/** Global average pooling, a dense layer `name` and softmax over `[1, channels, h, w]`. */
export function classifier(
  graph: GraphWriter,
  input: string,
  name: string,
  channels: number,
  classes: number,
): string {
  const pooled = graph.add('Flatten', [graph.add('GlobalAveragePool', [input])]);
  const kernel = graph.initializer(weight(`${name}/kernel`, [channels, classes]), [channels, classes]);
  const bias = graph.initializer(weight(`${name}/bias`, [classes]), [classes]);
  return graph.add('Softmax', [graph.add('Gemm', [pooled, kernel, bias])]);
}
