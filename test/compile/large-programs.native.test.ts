import { describe, expect, it } from 'vitest';
import { runCaptured, type Program } from '../capture/support/run-captured.ts';

/** What a program logs when large kernels run in parallel. */
async function logOf(program: Program): Promise<readonly unknown[]> {
  const { log, stats } = await runCaptured(program, { backend: 'onnxruntime', threads: 2 });
  expect(stats.fallbackKernels).toEqual({});
  return log;
}

describe('sums into rows that many threads add to', () => {
  const rows = 400_000;
  const counts = ['Float32Array', ...Array.from({ length: 10 }, () => rows / 10)];
  const digits = Int32Array.from({ length: rows }, (_, index) => (index * 7) % 10);

  it.each<[string, Program]>([
    [
      'gradients of gathers',
      (tf, log) => {
        const ids = tf.tensor1d(digits, 'int32');
        log(
          tf
            .grad((table) => tf.gather(table, ids).sum())(tf.zeros([10]))
            .dataSync(),
        );
      },
    ],
    ['counts', (tf, log) => log(tf.bincount(tf.tensor1d(digits, 'int32'), [], 10).toFloat().dataSync())],
    [
      'scattered slices',
      (tf, log) => {
        const places = tf.stack([tf.tensor1d(digits, 'int32'), tf.zeros([rows], 'int32')], 1);
        log(
          tf
            .scatterND(places, tf.ones([rows, 2]), [10, 1, 2])
            .max([1, 2])
            .dataSync(),
        );
      },
    ],
  ])('lose nothing: %s', async (_, program) => {
    for (let run = 0; run < 4; run++) expect(await logOf(program)).toEqual([counts]);
  });
});
