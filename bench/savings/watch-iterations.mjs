/** Reads a small vector in each iteration; mended: reads all iterations together. */
import * as tf from '@tensorflow/tfjs';
import { isFixed, timeSteps } from './time-steps.mjs';

const start = tf.randomNormal([32]);

function iterate() {
  let state = start;
  const seen = [];
  for (let round = 0; round < 10; round++) {
    state = state.mul(1.01).add(0.1).tanh();
    seen.push(isFixed ? state : state.dataSync());
  }
  return isFixed ? tf.stack(seen).dataSync() : seen;
}

timeSteps(() => tf.tidy(iterate));
