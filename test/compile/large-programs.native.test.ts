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
  // 4,099, 10,007 and 99,991 are prime.
  it.each<[number[], number[]]>([
    [[4099], [0]],
    [[99_991], [0]],
    [
      [3, 1, 99_991],
      [1, 2],
    ],
    [
      [300, 1000],
      [0, 1],
    ],
    [
      [2, 50, 40, 50],
      [1, 2, 3],
    ],
    [[1 << 20], [0]],
    [[200_000, 4], [0]],
    [[10_007, 3], [0]],
    [
      [16, 100, 100, 4],
      [0, 1, 2],
    ],
    [
      [3, 4099, 2, 20],
      [1, 3],
    ],
    [
      [300, 4, 300],
      [0, 2],
    ],
    [[2, 257, 1, 3], [1]],
  ])('are as good as in double: %j over %j', async (shape, axes) => {
    const size = shape.reduce((product, length) => product * length);
    const numbers = Float32Array.from({ length: size }, (_, index) => 1e4 + ((index * 7919) % 1009) / 1009);
    const kept = shape.map((length, axis) => (axes.includes(axis) ? 1 : length));
    const wanted = Array.from({ length: kept.reduce((product, length) => product * length) }, () => 0);
    for (const [index, number] of numbers.entries()) {
      let [rest, position, stride] = [index, 0, 1];
      for (const [axis, length] of [...shape.entries()].toReversed()) {
        position += kept[axis] === 1 ? 0 : (rest % length) * stride;
        stride *= kept[axis]!;
        rest = Math.floor(rest / length);
      }
      wanted[position]! += number;
    }
    const log = await logOf((tf, write) => {
      const x = tf.tensor(numbers, shape);
      write([...x.sum(axes, true).dataSync()]);
      write([...x.mean(axes).dataSync()]);
      write([...tf.moments(x, axes).variance.dataSync()]);
    });
    const [sums, means, variances] = log as readonly (readonly number[])[];
    const count = size / wanted.length;
    for (const [index, sum] of wanted.entries()) {
      expect(Math.abs(sums![index]! / sum - 1)).toBeLessThan(1e-5);
      expect(Math.abs((means![index]! * count) / sum - 1)).toBeLessThan(1e-5);
      expect(variances![index]).toBeLessThan(0.1);
    }
  });
});
