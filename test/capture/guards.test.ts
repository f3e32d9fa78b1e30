import type { Rank, Tensor, Tensor2D, Tensor4D } from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import type { Graph } from '../../src/ir/graph.ts';
import { registerBackend } from '../../src/session.ts';
import { createParanoidBackend } from './support/paranoid-backend.ts';
import { recordsOf, runCaptured, runEager, type Program, type Tf } from './support/run-captured.ts';

const compiled: Graph[] = [];
let disposed = 0;
for (const [name, promotes] of [
  ['promoting', true],
  ['rigid', false],
] as const) {
  registerBackend(name, (context) =>
    createParanoidBackend(context, {
      promotes,
      onCompile: (graph) => compiled.push(graph),
      onDispose: () => disposed++,
    }),
  );
}

async function captured(program: Program, options: Parameters<typeof runCaptured>[1] = {}) {
  compiled.length = 0;
  disposed = 0;
  const result = await runCaptured(program, options);
  const eager = await runEager(program);
  expect(result.log).toEqual(eager.log);
  return result;
}

describe('many graphs', () => {
  it('forgets the least recently used of them with all that it knew about it', async () => {
    const { records, stats } = await captured((tf, log) => {
      const run = (pattern: number): void => {
        let x: Tensor = tf.tensor1d([1, -2]);
        for (let bit = 0; bit < 11; bit++) x = (pattern >> bit) & 1 ? x.abs() : x.neg();
        log(x.dataSync());
      };
      for (let pattern = 0; pattern < 1100; pattern++) run(pattern);
      run(1099);
      run(0);
    });
    expect(stats).toMatchObject({ graphs: 1101, runs: 1102 });
    const graphs = recordsOf(records, 'graph');
    expect([graphs[0]!.family, graphs.at(-1)!.family]).toEqual(['f1', 'f1101']);
    expect(recordsOf(records, 'guard-failure')).toEqual([]);
  }, 30_000);

  it('keeps fewer of them when they are large', async () => {
    const { stats } = await captured((tf, log) => {
      const run = (place: number): void => {
        let x: Tensor = tf.tensor1d([1, -2]);
        for (let call = 0; call < 4000; call++) x = call === place ? x.abs() : x.neg();
        log(x.dataSync());
      };
      for (let place = 0; place < 66; place++) run(place);
      run(65);
      run(0);
    });
    expect(stats).toMatchObject({ graphs: 67, runs: 68 });
  }, 30_000);
});

describe('shapes', () => {
  it('reports every dim that differs when another batch arrives, and finds both graphs afterwards', async () => {
    const { records, stats } = await captured((tf, log) => {
      const w = tf.variable(tf.ones([3, 2]));
      const predict = (x: Tensor2D): Tensor => tf.tidy(() => x.matMul(w).relu());
      for (const batch of [32, 7, 32, 7, 7]) log(predict(tf.ones([batch, 3])).dataSync());
    });
    expect(recordsOf(records, 'guard-failure')).toMatchObject([
      {
        closest: 'g1',
        graph: 'g2',
        outcome: 'recompile',
        differences: [{ kind: 'shape', what: 'x.shape[0]', expected: '32', actual: '7' }],
      },
    ]);
    expect(stats).toMatchObject({ graphs: 2, compiles: 2, recompiles: 1, runs: 5 });
  });

  it('tells an integer tensor from a float one that is used under the same type', async () => {
    await captured(
      (tf, log) => {
        for (const dtype of ['float32', 'int32', 'float32', 'int32'] as const) {
          const x = tf.tensor1d([1, 2, 3], dtype);
          log(x.toFloat().mul(0.5).dataSync());
        }
      },
      { backend: 'promoting' },
    );
  });

  it('knows a tensor under any shape of its memory', async () => {
    const { stats } = await captured((tf, log) => {
      log(tf.ones([2, 3]).reshape([6]).square().dataSync());
      log(tf.ones([6]).square().dataSync());
      const x = tf.ones([3, 2]);
      log(x.add(x.reshape([2, 3]).transpose()).dataSync());
    });
    expect(stats.graphs).toBe(2);
  });
});

describe('attributes', () => {
  it('reports them by name', async () => {
    const { records } = await captured((tf, log) => {
      const x = tf.ones([4, 4]);
      for (const alpha of [0.1, 0.2]) log(tf.leakyRelu(x.neg(), alpha).dataSync());
    });
    expect(recordsOf(records, 'guard-failure')[0]!.differences).toEqual([
      { kind: 'attribute', what: 'leakyRelu.alpha', expected: '0.1', actual: '0.2' },
    ]);
  });

  it('become data when they vary: the value that a tensor is filled with', async () => {
    const { stats } = await captured((tf, log) => {
      for (let step = 0; step < 10; step++) log(tf.fill([30], step).square().dataSync());
    });
    expect(stats.graphs).toBe(3);
  });

  it('gives each batch of a data set the same graph', async () => {
    const { stats } = await captured((tf, log) => {
      const data = tf.range(0, 60).reshape([20, 3]);
      data.dataSync();
      for (let start = 0; start < 20; start += 5)
        log(data.slice([start, 0], [5, 3]).square().sum().dataSync());
    });
    expect(stats).toMatchObject({ graphs: 2, recompiles: 0 });
  });
});

describe('constants', () => {
  const schedule: Program = (tf, log) => {
    const x = tf.ones([20]);
    for (let step = 1; step <= 8; step++)
      log(
        x
          .mul(1 / step)
          .add(1)
          .dataSync(),
      );
  };

  it('become inputs once they change: a schedule is compiled twice', async () => {
    const { records, stats } = await captured(schedule, { backend: 'promoting' });
    expect(stats).toMatchObject({ compiles: 2, recompiles: 1, runs: 8 });
    expect(recordsOf(records, 'guard-failure')).toMatchObject([
      { differences: [{ kind: 'constant', what: 'c', expected: '[1]', actual: '[0.5]' }] },
    ]);
  });

  it('are guarded where the backend relies on them, up to the recompile limit', async () => {
    const { records, stats } = await captured(schedule, { backend: 'rigid', recompileLimit: 3 });
    const outcomes = recordsOf(records, 'guard-failure').map(({ outcome }) => outcome);
    expect(outcomes.slice(0, 4)).toEqual(['recompile', 'recompile', 'recompile', 'limit']);
    expect(stats.recompiles).toBe(outcomes.filter((outcome) => outcome === 'recompile').length);
    const limited = recordsOf(records, 'compile').filter(({ trigger }) => trigger === 'limit');
    expect(limited).toHaveLength(outcomes.filter((outcome) => outcome === 'limit').length);
    expect(recordsOf(records, 'note')).toMatchObject([{ code: 'FG2002', severity: 'warning' }]);
    expect(recordsOf(records, 'compile').map(({ backend }) => backend)).toContain('eager');
  });

  it('counts what runs on eager kernels from the limit on', async () => {
    const { stats } = await captured(schedule, { backend: 'rigid', recompileLimit: 3 });
    const { opsTotal, opsCaptured, opsFolded, opsEager } = stats.totals;
    expect(opsEager).toBeGreaterThan(0);
    expect(opsCaptured + opsFolded + opsEager).toBe(opsTotal);
    expect(stats.kernelCalls.fallback).toBe(opsEager);
  });

  it('what variables are made of is a graph of its own, so that the first step has the graph of the others', async () => {
    const { records } = await captured(
      (tf, log) => {
        const optimizer = tf.train.sgd(0.1);
        const w = tf.variable(tf.ones([4, 3]).mul(0.5));
        for (let step = 0; step < 4; step++)
          log(optimizer.minimize(() => w.square().sum(), true)!.dataSync());
      },
      { backend: 'promoting' },
    );
    const [initial, ...steps] = recordsOf(records, 'run').map(({ graph }) => graph);
    expect(steps).toHaveLength(4);
    expect(new Set(steps)).toEqual(new Set([steps[0]]));
    expect(steps).not.toContain(initial);
  });

  it.each(['sgd', 'momentum', 'adagrad', 'adadelta', 'adam', 'adamax', 'rmsprop'] as const)(
    'share one executable in all steps of %s, although its state is made in the first',
    async (name) => {
      const counts: number[] = [];
      const { records, stats } = await captured(
        (tf, log) => {
          const optimizer = tf.train[name](0.1, 0.9);
          const w = tf.variable(tf.ones([4, 3]));
          for (let step = 0; step < 6; step++) {
            optimizer.minimize(() => w.square().sum());
            counts.push(compiled.length);
          }
          log(w.dataSync());
          optimizer.dispose();
        },
        { backend: 'promoting' },
      );
      expect(new Set(counts)).toEqual(new Set([1]));
      expect(new Set(recordsOf(records, 'run').map(({ graph }) => graph)).size).toBe(1);
      const { opsTotal, opsCaptured, opsFolded, opsEager } = stats.totals;
      expect(opsCaptured + opsFolded + opsEager).toBe(opsTotal);
    },
  );
});

describe('frozen weights', () => {
  /** A clock for which everything takes as long. */
  const ticking = (): (() => number) => {
    let time = 0;
    return () => ++time;
  };
  const inference =
    (changedAt?: number): Program =>
    (tf, log) => {
      const w = tf.variable(tf.tensor2d(Float32Array.from({ length: 4096 }, Math.sqrt), [64, 64]));
      for (let run = 0; run < 40; run++) {
        if (run === changedAt) w.assign(tf.ones([64, 64]));
        const x = tf.tensor2d(new Float32Array(512).fill(run), [8, 64]);
        log(x.matMul(w).sum().dataSync());
      }
    };

  it('are constants of a second executable, guarded by identity', async () => {
    const { records } = await captured(inference(), { backend: 'promoting' });
    expect(recordsOf(records, 'compile').map(({ trigger }) => trigger)).toEqual(['first', 'freeze']);
    const frozen = compiled.at(-1)!;
    expect(frozen.nodes.filter(({ kind }) => kind === 'constant')).toHaveLength(1);
    expect(frozen.nodes.filter(({ kind }) => kind === 'placeholder')).toHaveLength(1);
  });

  it.each([
    ['inputs again once they change', 34, ['first', 'freeze']],
    ['frozen again when they stay four times as long', 20, ['first', 'freeze', 'freeze']],
  ])('are %s', async (_, changedAt, triggers) => {
    const { records } = await captured(inference(changedAt), { backend: 'promoting', now: ticking() });
    expect(recordsOf(records, 'compile').map(({ trigger }) => trigger)).toEqual(triggers);
    expect(disposed).toBe(1);
  });

  /** Rows of 64 numbers times a matrix, as a convolution. */
  const convolve = (tf: Tf, rows: number, value: number, w: Tensor): Tensor =>
    tf.conv2d(tf.fill<Rank.R3>([rows, 1, 64], value), w.reshape<Tensor4D>([1, 1, 64, 64]), 1, 'valid').sum();
  const product = (tf: Tf, rows: number, value: number, w: Tensor): Tensor =>
    tf.fill<Rank.R2>([rows, 64], value).matMul(w).sum();
  const sizes = Array.from({ length: 40 }, (_, index) => index + 2);
  const ofAllSizes =
    (change: boolean, op = convolve): Program =>
    (tf, log) => {
      const w = tf.variable(tf.tensor2d(Float32Array.from({ length: 4096 }, Math.sqrt), [64, 64]));
      for (const rows of sizes) log(op(tf, rows, rows, w).dataSync());
      if (change) w.assign(tf.ones([64, 64]));
      for (const rows of sizes.toReversed()) log(op(tf, rows, rows, w).dataSync());
    };
  const frozenCount = (): number =>
    compiled.filter(({ nodes }) =>
      nodes.some((node) => node.kind === 'constant' && node.data.length === 4096),
    ).length;

  it('are frozen at once in graphs of other sizes', async () => {
    const { records } = await captured(ofAllSizes(false), { backend: 'promoting', now: ticking() });
    const triggers = recordsOf(records, 'compile').map(({ trigger }) => trigger);
    expect(frozenCount()).toBeGreaterThan(triggers.filter((trigger) => trigger === 'freeze').length + 10);
  });

  it('stay inputs of products with rows of any number, which gain little', async () => {
    const { records } = await captured(ofAllSizes(false, product), { backend: 'promoting', now: ticking() });
    const frozen = recordsOf(records, 'compile').filter(({ trigger }) => trigger === 'freeze');
    expect(frozenCount()).toBe(frozen.length);
  });

  it('are inputs again in graphs that have known them as constants only', async () => {
    const { records } = await captured(ofAllSizes(true), { backend: 'promoting', now: ticking() });
    const isThawed = recordsOf(records, 'guard-failure').some(({ differences }) =>
      differences.some(({ kind }) => kind === 'weights'),
    );
    expect(isThawed).toBe(true);
    expect(frozenCount()).toBeGreaterThan(10);
    const graphs = recordsOf(records, 'compile').flatMap(({ graph, trigger }) =>
      trigger === 'recompile' ? [graph] : [],
    );
    // Once frozen, and once more with the weights as inputs.
    expect(graphs.length).toBeGreaterThan(new Set(graphs).size);
  });

  it('of two models that take turns are frozen where each has a size of its own', async () => {
    const { records } = await captured(
      (tf, log) => {
        const models = [3, 5].map((rows) => ({ rows, w: tf.variable(tf.fill<Rank.R2>([64, 64], rows)) }));
        for (let run = 0; run < 40; run++) {
          for (const { rows, w } of models) log(convolve(tf, rows, run, w).dataSync());
        }
      },
      { backend: 'promoting', now: ticking() },
    );
    expect(recordsOf(records, 'compile').filter(({ trigger }) => trigger === 'freeze')).toHaveLength(2);
  });

  it('stay inputs when asked to', async () => {
    const { records } = await captured(inference(), { backend: 'promoting', freeze: false });
    expect(recordsOf(records, 'compile')).toHaveLength(1);
  });

  it('report what was replaced when another model of the same form arrives', async () => {
    const { records } = await captured(
      (tf, log) => {
        const models = [1, 2].map((value) => tf.variable(tf.fill<Rank.R2>([64, 64], value)));
        for (const w of models) {
          for (let run = 0; run < 30; run++)
            log(tf.ones<Rank.R2>([8, 64]).mul<Tensor2D>(run).matMul(w).sum().dataSync());
        }
      },
      { backend: 'promoting' },
    );
    expect(recordsOf(records, 'guard-failure').filter(({ outcome }) => outcome === 'reused')).toMatchObject([
      { differences: [{ kind: 'weights', expected: 'unchanged', actual: 'another tensor' }] },
    ]);
  });

  it('leave data alone: a graph with nothing but unchanging inputs is not computed away', async () => {
    await captured(
      (tf, log) => {
        const x = tf.ones<Rank.R2>([64, 64]);
        const y = tf.ones<Rank.R2>([64, 64]);
        for (let run = 0; run < 40; run++) log(x.matMul(y).sum().dataSync());
      },
      { backend: 'promoting' },
    );
    expect(compiled.every((graph) => graph.nodes.some(({ kind }) => kind === 'placeholder'))).toBe(true);
  });
});
