/** One GPT-like block (Radford et al. 2019): pre-norm, causal, 128 positions of width 384, batch 1. */
import { GraphWriter } from '../../src/onnx/index.ts';
import { uniform } from '../support/weights.ts';
import type { InferenceModel } from './define-model.ts';
import { attentionOnnx, denseOnnx, layerNormOnnx } from './transformer-onnx.ts';
import { attention, dense, geluTanh, layerNorm, makeBlock } from './transformer-tf.ts';

const shape = { width: 384, heads: 6, inner: 1536 };
const time = 128;
const masked = -1e9;

export const gptBlock: InferenceModel = {
  kind: 'inference',
  name: 'GPT-like block',
  makeInput: (seed) => ({
    data: uniform(seed, time * shape.width, -1, 1),
    shape: [1, time, shape.width],
    dtype: 'float32',
  }),
  build: (tf) => {
    const block = makeBlock(tf, 'block', shape);
    return (input) =>
      tf.tidy(() => {
        const future = tf.sub(1, tf.linalg.bandPart(tf.ones([time, time]), -1, 0));
        const mask = future.mul(masked);
        const normed = layerNorm(tf, input, block['norm1/gamma']!, block['norm1/beta']!);
        const x = input.add(attention(tf, normed, block, shape.heads, mask));
        const normed2 = layerNorm(tf, x, block['norm2/gamma']!, block['norm2/beta']!);
        const inner = geluTanh(tf, dense(tf, normed2, block, 'expand'));
        return x.add(dense(tf, inner, block, 'contract'));
      });
  },
  onnx: () => {
    const { width, inner } = shape;
    const graph = new GraphWriter('gpt');
    const input = graph.input('x', 'float32', [1, time, width]);
    const causal = Float32Array.from({ length: time * time }, (_, index) =>
      index % time > Math.floor(index / time) ? masked : 0,
    );
    const mask = graph.initializer(causal, [1, 1, time, time]);
    const rows = graph.add('Reshape', [input, graph.ints([time, width])]);
    const normed = layerNormOnnx(graph, rows, 'block/norm1', width);
    const attended = attentionOnnx(graph, normed, 'block', { ...shape, batch: 1, time }, mask);
    const x = graph.add('Add', [rows, attended]);
    const normed2 = layerNormOnnx(graph, x, 'block/norm2', width);
    const expanded = denseOnnx(graph, normed2, 'block/expand', [width, inner]);
    const gelu = graph.add('Gelu', [expanded], { approximate: 'tanh' });
    const y = graph.add('Add', [x, denseOnnx(graph, gelu, 'block/contract', [inner, width])]);
    graph.output(graph.add('Reshape', [y, graph.ints([1, time, width])]), 'float32', [1, time, width]);
    return graph.toModel();
  },
};
