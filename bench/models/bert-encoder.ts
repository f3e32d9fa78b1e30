/** A BERT-like encoder (Devlin et al. 2018): 6 post-norm layers of width 384 over 128 tokens, batch 1. */
import { GraphWriter } from '../../src/onnx/index.ts';
import { uniformInts, weight } from '../support/weights.ts';
import type { InferenceModel } from './define-model.ts';
import { attentionOnnx, denseOnnx, layerNormOnnx } from './transformer-onnx.ts';
import { attention, dense, geluErf, layerNorm, makeBlock } from './transformer-tf.ts';

const shape = { width: 384, heads: 6, inner: 1536 };
const layers = 6;
const time = 128;
const vocabulary = 8000;

export const bertEncoder: InferenceModel = {
  kind: 'inference',
  name: 'BERT-like encoder',
  makeInput: (seed) => ({ data: uniformInts(seed, time, vocabulary), shape: [1, time], dtype: 'int32' }),
  build: (tf) => {
    const { width, heads } = shape;
    const words = tf.tensor2d(weight('words/embeddings', [vocabulary, width]), [vocabulary, width]);
    const positions = tf.tensor2d(weight('positions/embeddings', [time, width]), [time, width]);
    const gamma = tf.tensor1d(weight('norm/gamma', [width]));
    const beta = tf.tensor1d(weight('norm/beta', [width]));
    const blocks = Array.from({ length: layers }, (_, index) => makeBlock(tf, `layer${index}`, shape));
    return (tokens) =>
      tf.tidy(() => {
        let x = layerNorm(tf, tf.gather(words, tokens as typeof words).add(positions), gamma, beta);
        for (const block of blocks) {
          const attended = attention(tf, x, block, heads);
          x = layerNorm(tf, x.add(attended), block['norm1/gamma']!, block['norm1/beta']!);
          const inner = geluErf(tf, dense(tf, x, block, 'expand'));
          const y = x.add(dense(tf, inner, block, 'contract'));
          x = layerNorm(tf, y, block['norm2/gamma']!, block['norm2/beta']!);
        }
        return x;
      });
  },
  onnx: () => {
    const { width, inner } = shape;
    const graph = new GraphWriter('bert');
    const tokens = graph.input('tokens', 'int32', [1, time]);
    const words = graph.initializer(weight('words/embeddings', [vocabulary, width]), [vocabulary, width]);
    const positions = graph.initializer(weight('positions/embeddings', [time, width]), [time, width]);
    const embedded = graph.add('Add', [graph.add('Gather', [words, tokens]), positions]);
    const rows = graph.add('Reshape', [embedded, graph.ints([time, width])]);
    let x = layerNormOnnx(graph, rows, 'norm', width);
    for (let index = 0; index < layers; index++) {
      const name = `layer${index}`;
      const attended = attentionOnnx(graph, x, name, { ...shape, batch: 1, time });
      x = layerNormOnnx(graph, graph.add('Add', [x, attended]), `${name}/norm1`, width);
      const gelu = graph.add('Gelu', [denseOnnx(graph, x, `${name}/expand`, [width, inner])]);
      const contracted = denseOnnx(graph, gelu, `${name}/contract`, [inner, width]);
      x = layerNormOnnx(graph, graph.add('Add', [x, contracted]), `${name}/norm2`, width);
    }
    graph.output(graph.add('Reshape', [x, graph.ints([1, time, width])]), 'float32', [1, time, width]);
    return graph.toModel();
  },
};
