// Loaded before a tfjs program: says what tf.image.threshold throws, however the program handles it.
const tf = require('@tensorflow/tfjs');

const { threshold } = tf.image;

tf.image.threshold = (...parameters) => {
  try {
    return threshold(...parameters);
  } catch (error) {
    process.stderr.write(`threshold: ${error.message}\n`);
    throw error;
  }
};
