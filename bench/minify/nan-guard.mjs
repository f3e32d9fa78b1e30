// Loaded before a tfjs program: ends it as soon as a kernel makes NaN of inputs that have none, and says which.
import * as tf from '@tensorflow/tfjs';

const engine = tf.engine();
const runKernel = engine.runKernel.bind(engine);
const hasNaN = (tensors) => tensors.some((tensor) => Array.from(tensor.dataSync()).some(Number.isNaN));

engine.runKernel = (name, inputs, attributes) => {
  const result = runKernel(name, inputs, attributes);
  const tensors = Object.values(inputs)
    .flat()
    .filter((each) => each instanceof tf.Tensor);
  if (hasNaN([result].flat()) && !hasNaN(tensors)) {
    process.stderr.write(`first NaN out of ${name}\n`);
    process.exit(3);
  }
  return result;
};
