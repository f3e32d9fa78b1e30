/** Transformer pieces in plain tf ops, as in the many GPT and BERT programs written for TensorFlow.js. */
import type * as tfjs from '@tensorflow/tfjs';
import { weight } from '../support/weights.ts';
import type { Tfjs } from './define-model.ts';

export interface TransformerShape {
  readonly width: number;
  readonly heads: number;
  readonly inner: number;
}

/** Tensors (or variables, when training) of one block by name. */
export type BlockWeights = Readonly<Record<string, tfjs.Tensor>>;

/** Names and shapes of the weights of a block. */
export function blockShapes({ width, inner }: TransformerShape): Readonly<Record<string, readonly number[]>> {
  return {
    'query/kernel': [width, width],
    'query/bias': [width],
    'key/kernel': [width, width],
    'key/bias': [width],
    'value/kernel': [width, width],
    'value/bias': [width],
    'output/kernel': [width, width],
    'output/bias': [width],
    'norm1/gamma': [width],
    'norm1/beta': [width],
    'expand/kernel': [width, inner],
    'expand/bias': [inner],
    'contract/kernel': [inner, width],
    'contract/bias': [width],
    'norm2/gamma': [width],
    'norm2/beta': [width],
  };
}

/** The seeded weights of block `name`. */
export function makeBlock(tf: Tfjs, name: string, shape: TransformerShape): BlockWeights {
  return Object.fromEntries(
    Object.entries(blockShapes(shape)).map(([role, dims]) => [
      role,
      tf.tensor(weight(`${name}/${role}`, dims), [...dims]),
    ]),
  );
}

/** Layer normalisation over the last axis. */
export function layerNorm(tf: Tfjs, x: tfjs.Tensor, gamma: tfjs.Tensor, beta: tfjs.Tensor): tfjs.Tensor {
  const { mean, variance } = tf.moments(x, -1, true);
  return x
    .sub(mean)
    .div(tf.sqrt(variance.add(1e-5)))
    .mul(gamma)
    .add(beta);
}

/** `x · kernel + bias` over the last axis of `[batch, time, width]`. */
export function dense(tf: Tfjs, x: tfjs.Tensor, weights: BlockWeights, name: string): tfjs.Tensor {
  const kernel = weights[`${name}/kernel`]!;
  const [batch = 1, time = 1, width = 1] = x.shape;
  const y = tf.matMul(x.reshape([batch * time, width]), kernel).add(weights[`${name}/bias`]!);
  return y.reshape([batch, time, kernel.shape[1] ?? 1]);
}

/** Multi-head self-attention; `mask` is added to the scores. */
export function attention(
  tf: Tfjs,
  x: tfjs.Tensor,
  weights: BlockWeights,
  heads: number,
  mask?: tfjs.Tensor,
): tfjs.Tensor {
  const [batch = 1, time = 1, width = 1] = x.shape;
  const split = (y: tfjs.Tensor): tfjs.Tensor =>
    y.reshape([batch, time, heads, width / heads]).transpose([0, 2, 1, 3]);
  const query = split(dense(tf, x, weights, 'query'));
  const key = split(dense(tf, x, weights, 'key'));
  const value = split(dense(tf, x, weights, 'value'));
  const scores = tf.matMul(query, key, false, true).div(Math.sqrt(width / heads));
  const attended = tf.matMul(tf.softmax(mask === undefined ? scores : scores.add(mask)), value);
  return dense(tf, attended.transpose([0, 2, 1, 3]).reshape([batch, time, width]), weights, 'output');
}

/** GELU, exact. */
export const geluErf = (tf: Tfjs, x: tfjs.Tensor): tfjs.Tensor =>
  x.mul(0.5).mul(tf.erf(x.div(Math.SQRT2)).add(1));

/** GELU in the approximation that GPT-2 uses. */
export const geluTanh = (tf: Tfjs, x: tfjs.Tensor): tfjs.Tensor =>
  x.mul(0.5).mul(tf.tanh(x.add(x.pow(3).mul(0.044715)).mul(Math.sqrt(2 / Math.PI))).add(1));
