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

describe('sums of many numbers far from 0', () => {
  // 4,099 and 99,991 are prime.
  it.each([[[4099]], [[99_991]], [[3, 1, 99_991]], [[300, 1000]], [[2, 50, 40, 50]], [[1 << 20]]])(
    'are as good as in double: %j',
    async (shape) => {
      const size = shape.reduce((product, length) => product * length);
      const numbers = Float32Array.from({ length: size }, (_, index) => 1e4 + ((index * 7919) % 1009) / 1009);
      const eachRow = shape.length > 1 ? size / shape[0]! : size;
      const rows = Array.from({ length: size / eachRow }, (_, row) =>
        numbers.slice(row * eachRow, (row + 1) * eachRow).reduce((sum, number) => sum + number, 0),
      );
      const total = rows.reduce((sum, row) => sum + row, 0);
      const log = await logOf((tf, write) => {
        const x = tf.tensor(numbers, shape);
        const inRows = shape.slice(1).map((_, axis) => axis + 1);
        write([...x.sum().dataSync(), ...x.mean().dataSync()]);
        write([...(inRows.length > 0 ? x.sum(inRows, true) : x.sum()).dataSync()]);
        write([...tf.moments(x).variance.dataSync()]);
      });
      const close = (found: unknown, wanted: number): void =>
        expect(Math.abs((found as number) / wanted - 1)).toBeLessThan(1e-5);
      const [totals, sums, variances] = log as readonly (readonly number[])[];
      close(totals![0], total);
      close(totals![1], total / size);
      for (const [row, wanted] of rows.entries()) close(sums![row], wanted);
      expect(variances![0]).toBeLessThan(0.1);
    },
  );
});
