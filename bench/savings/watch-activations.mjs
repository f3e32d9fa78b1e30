/** Reads a statistic of each layer as it goes; mended: reads them together. */
import * as tf from '@tensorflow/tfjs';
import { isFixed, timeSteps } from './time-steps.mjs';

const weights = Array.from({ length: 12 }, () => tf.variable(tf.randomNormal([128, 128], 0, 0.05)));
const input = tf.randomNormal([64, 128]);

function forward() {
  let hidden = input;
  const means = [];
  for (const weight of weights) {
    hidden = hidden.matMul(weight).relu();
    const mean = hidden.mean();
    means.push(isFixed ? mean : mean.dataSync()[0]);
  }
  return isFixed ? tf.stack(means).dataSync() : means;
}

timeSteps(() => tf.tidy(forward));
