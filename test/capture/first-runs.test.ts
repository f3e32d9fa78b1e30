import type { Tensor } from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { opTable } from '../../src/compile/ops/index.ts';
import type { CostModel } from '../../src/compile/tier-costs.ts';
import { createTieredBackend } from '../../src/compile/tiers.ts';
import { createEagerBackend } from '../../src/compile/backends/eager.ts';
import { registerBackend, type SessionOptions } from '../../src/session.ts';
import { runCaptured, runEager, type Captured, type Program } from './support/run-captured.ts';

const free = { perGraph: 0, perValue: 0, perCall: 0, perElement: 0, perProduct: 0 };

/** Tiers whose closures take a millisecond per call, and whose native tier never pays. */
function register(name: string, compileMs: number): void {
  const model: CostModel = {
    compile: { perGraph: compileMs, perCall: 0 },
    recompile: free,
    closures: { ...free, perCall: 1 },
    native: { ...free, perGraph: Infinity },
  };
  registerBackend(name, ({ runKernel, now }) =>
    createTieredBackend(createEagerBackend(runKernel, opTable), opTable, now, model),
  );
}
register('patient', Infinity);
register('ten-calls', 10);

async function unrecorded(program: Program, options: SessionOptions = {}): Promise<Captured> {
  const result = await runCaptured(program, { backend: 'patient', isRecorded: false, ...options });
  const eager = await runEager(program);
  expect(result.log).toEqual(eager.log);
  expect(result.memory).toEqual(eager.memory);
  return result;
}

/** Reads `make(size)` for each size. */
const reading =
  (sizes: readonly number[], make: (x: Tensor) => Tensor): Program =>
  (tf, log) => {
    for (const size of sizes) log(tf.tidy(() => make(tf.linspace(1, 2, size)).dataSync()));
  };

describe('the first run of a structure', () => {
  it('makes no graph, the second does', async () => {
    const chain = (x: Tensor): Tensor => x.square().add(1).exp();
    const once = await unrecorded(reading([3], chain));
    expect(once.stats).toMatchObject({ graphs: 0, compiles: 0, runs: 1, breaks: 1 });
    const twice = await unrecorded(reading([3, 3], chain));
    expect(twice.stats).toMatchObject({ graphs: 1, runs: 2 });
    expect(twice.stats.kernelCalls).toEqual({ compiled: 8, fallback: 0 });
  });

  it('gives what programs hold on to arrays of their own', async () => {
    await unrecorded((tf, log) => {
      const x = tf.linspace(0, 1, 5);
      const [y, z] = [x.square(), x.square().add(1)];
      const parts = tf.split(z.concat(y), 2);
      const flat = y.reshape([1, 5]).cast('float32');
      for (const tensor of [x, y, z, ...parts, flat]) log(tensor.dataSync());
      const written = y.dataSync();
      written[0] = 9;
      log(y.add(z).dataSync());
    });
  });

  it('of calls with several results, of which some are never read', async () => {
    await unrecorded((tf, log) => {
      const [, second] = tf.split(tf.range(0, 12), 3);
      const { mean } = tf.moments(tf.range(0, 6));
      log(second!.add(mean).dataSync());
    });
  });

  it('reads integers and booleans that a cast left as they are', async () => {
    await unrecorded((tf, log) => {
      const x = tf.tensor1d([1, -2, 16_777_217], 'int32');
      log(x.toFloat().mul(2).dataSync());
      log(x.greater(0).toFloat().sum().dataSync());
    });
  });

  it('goes to graphs once their kernels, in whatever sizes, took as long as compiling them', async () => {
    const chain = (x: Tensor): Tensor => x.square().add(1).exp();
    // Four calls each; two runs are within ten.
    const grown = await unrecorded(reading([2, 3, 4, 5], chain), { backend: 'ten-calls' });
    expect(grown.stats).toMatchObject({ graphs: 2, runs: 4 });
  });

  it('is compiled when it alone takes that long', async () => {
    const long = (x: Tensor): Tensor => Array.from({ length: 12 }).reduce<Tensor>((y) => y.add(0.5), x);
    const { stats } = await unrecorded(reading([3], long), { backend: 'ten-calls' });
    expect(stats.graphs).toBe(1);
  });

  it('is a graph where a call has no form in JavaScript', async () => {
    const { stats } = await unrecorded(reading([8], (x) => x.reshape([1, 8, 1]).maxPool([1, 1], 1, 'same')));
    expect(stats.graphs).toBe(0);
    const pooled = await unrecorded((tf, log) => {
      log(tf.linspace(0, 1, 16).reshape<Tensor>([1, 4, 4, 1]).maxPool(2, 2, 'same').dataSync());
    });
    expect(pooled.stats.graphs).toBe(1);
  });

  it('is a graph where somebody is told of each', async () => {
    const program = reading([3], (x) => x.square());
    const watched = await unrecorded(program, { onRun: () => undefined });
    const recorded = await runCaptured(program, { backend: 'patient' });
    expect(watched.stats.graphs).toBe(1);
    expect(recorded.stats.graphs).toBe(1);
  });

  it('raises what eager raises, and goes on', async () => {
    await unrecorded((tf, log) => {
      const table = tf.linspace(0, 1, 4);
      const index = tf.tensor1d([7], 'int32').add(tf.scalar(1, 'int32'));
      try {
        log(table.gather(index).square().dataSync());
      } catch (error) {
        log(error);
      }
      log(table.square().dataSync());
    });
  });

  it.each([true, false])('gives the numbers of the cpu kernels, also as a graph: %s', async (isRecorded) => {
    const program: Program = (tf, log) => {
      const zeros = tf.tensor2d([-0, 0, 0, -0], [2, 2]);
      for (const axis of [0, 1]) log([zeros.max(axis).dataSync(), zeros.min(axis).dataSync()]);
      const odd = tf.tensor1d([1, Number.NaN, 2]);
      log([odd.max().dataSync(), odd.min().dataSync()]);
      const integers = tf.tensor1d(
        Array.from({ length: 200 }, (_, at) => 16_777_217 + 4099 * at),
        'int32',
      );
      log([integers.abs().dataSync(), integers.floorDiv(3000).square().dataSync()]);
      const rows = tf.tensor2d([1, 2, Infinity, 4, 5, Number.NaN], [3, 2]);
      log(tf.unsortedSegmentSum(rows, tf.tensor1d([0, 2, 1], 'int32'), 4).dataSync());
      log(tf.unsortedSegmentSum(rows, tf.tensor1d([0, 9, -1], 'int32'), 2).dataSync());
    };
    const { log } = await runCaptured(program, { backend: 'patient', isRecorded });
    expect(log).toEqual((await runEager(program)).log);
  });
});
