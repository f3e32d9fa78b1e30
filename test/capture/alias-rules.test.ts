import type { Tensor, Tensor4D } from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { runCaptured, runEager, type Program, type Tf } from './support/run-captured.ts';

/** Whether a call shares its input's memory shows in the number of buffers, and in what a dispose frees. */
const measured =
  (call: (tf: Tf, x: Tensor) => Tensor): Program =>
  (tf, log, memory) => {
    const x = tf.ones([2, 1, 3]).add(1);
    const result = call(tf, x);
    log(memory());
    x.dispose();
    log(memory());
    log(result.dataSync());
    result.dispose();
    log(memory());
  };

const nothing = (tf: Tf, x: Tensor): Tensor => x.slice([0], [0]).add(tf.scalar(1));

describe('memory is shared where eager shares it', () => {
  const calls: Readonly<Record<string, (tf: Tf, x: Tensor) => Tensor>> = {
    'a strided slice of everything': (_tf, x) => x.stridedSlice([0, 0, 0], [2, 1, 3], [1, 1, 1]),
    'a strided slice that drops an axis of one': (_tf, x) =>
      x.stridedSlice([0, 0], [2, 1], [1, 1], 0, 0, 0, 0, 2),
    'a strided slice that adds an axis': (_tf, x) => x.stridedSlice([0, 0], [1, 2], [1, 1], 0, 0, 0, 1),
    'a strided slice at stride two over an axis of one': (_tf, x) => x.stridedSlice([0, 0], [2, 1], [1, 2]),
    'a strided slice of a part': (_tf, x) => x.stridedSlice([1], [2], [1]),
    'a backward slice': (_tf, x) => x.stridedSlice([1], [-3], [-1]),
    'a strided slice of all of nothing': (tf, x) => nothing(tf, x).stridedSlice([0, 0], [0, 1], [1, 1]),
    'a strided slice of a part of nothing': (tf, x) =>
      nothing(tf, x).stridedSlice([0, 0, 1], [0, 1, 3], [1, 1, 1]),
    'a slice of everything': (_tf, x) => x.slice([0, 0, 0]),
    'a concatenation with nothing': (tf, x) => tf.concat([x, tf.zeros([0, 1, 3])]),
    'a cast to the same type': (_tf, x) => x.toFloat(),
    'a pool of points': (tf, x) => tf.pool(x.expandDims<Tensor4D>(0), 1, 'max', 'valid', 1, 1),
    'a transposition of nothing': (_tf, x) => x.transpose([0, 1, 2]),
    'a tile of one': (_tf, x) => x.tile([1, 1, 1]),
    'a reverse along no axis': (_tf, x) => x.reverse([]),
    'a pad by nothing': (_tf, x) => x.pad([[0, 0], [0, 0], [0, 0]]), // prettier-ignore
  };
  it.each(Object.entries(calls))('by %s', async (_name, call) => {
    const eager = await runEager(measured(call));
    const captured = await runCaptured(measured(call));
    expect(captured.log).toEqual(eager.log);
  });
});
