/** A text classifier in tf.layers: embedding, LSTM(128) over 50 tokens, two dense layers; batch 1. */
import type * as tfjs from '@tensorflow/tfjs';
import { GraphWriter } from '../../src/onnx/index.ts';
import { transposed, uniformInts, weight } from '../support/weights.ts';
import { seedLayers, type InferenceModel } from './define-model.ts';
import { denseOnnx } from './transformer-onnx.ts';

const time = 50;
const vocabulary = 10_000;
const embedding = 128;
const units = 128;

/** Keras orders the gates input, forget, cell, output; ONNX input, output, forget, cell. Rows of the transposed matrix. */
function reorderGates(rows: Float32Array, rowLength: number): Float32Array {
  const result = new Float32Array(rows.length);
  const gate = units * rowLength;
  for (const [target, source] of [0, 3, 1, 2].entries())
    result.set(rows.subarray(source * gate, (source + 1) * gate), target * gate);
  return result;
}

export const lstmText: InferenceModel = {
  kind: 'inference',
  name: 'LSTM text',
  makeInput: (seed) => ({ data: uniformInts(seed, time, vocabulary), shape: [1, time], dtype: 'int32' }),
  build: (tf) => {
    const { layers } = tf;
    const model = tf.sequential();
    model.add(
      layers.embedding({ name: 'words', inputDim: vocabulary, outputDim: embedding, inputLength: time }),
    );
    model.add(layers.lstm({ name: 'lstm', units }));
    model.add(layers.dense({ name: 'hidden', units: 64, activation: 'relu' }));
    model.add(layers.dense({ name: 'topic', units: 20, activation: 'softmax' }));
    seedLayers(tf, model);
    return (tokens) => model.predict(tokens) as tfjs.Tensor;
  },
  onnx: () => {
    const graph = new GraphWriter('lstm');
    const tokens = graph.input('tokens', 'int32', [1, time]);
    const words = weight('words/embeddings', [vocabulary, embedding]);
    // The recurrence wants [time, batch, features].
    const steps = graph.add('Transpose', [tokens], { perm: [1, 0] });
    const x = graph.add('Gather', [graph.initializer(words, [vocabulary, embedding]), steps]);
    const gates = units * 4;
    const kernel = transposed(weight('lstm/kernel', [embedding, gates]), embedding, gates);
    const recurrent = transposed(weight('lstm/recurrent_kernel', [units, gates]), units, gates);
    const bias = new Float32Array(gates * 2);
    bias.set(reorderGates(weight('lstm/bias', [gates]), 1));
    const [, last = ''] = graph.addMany(
      'LSTM',
      [
        x,
        graph.initializer(reorderGates(kernel, embedding), [1, gates, embedding]),
        graph.initializer(reorderGates(recurrent, units), [1, gates, units]),
        graph.initializer(bias, [1, gates * 2]),
      ],
      2,
      {
        hidden_size: units,
        activations: ['HardSigmoid', 'Tanh', 'Tanh'],
        activation_alpha: { floats: [0.2] },
        activation_beta: { floats: [0.5] },
      },
    );
    const state = graph.add('Squeeze', [last, graph.ints([0])]);
    const hidden = graph.add('Relu', [denseOnnx(graph, state, 'hidden', [units, 64])]);
    graph.output(graph.add('Softmax', [denseOnnx(graph, hidden, 'topic', [64, 20])]), 'float32', [1, 20]);
    return graph.toModel();
  },
};
