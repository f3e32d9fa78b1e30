import type { Scalar, Tensor, Tensor1D } from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { recordsOf, runCaptured, runEager, type Captured, type Program } from './support/run-captured.ts';

async function captured(
  program: Program,
  options: Parameters<typeof runCaptured>[1] = {},
): Promise<Captured> {
  const result = await runCaptured(program, options);
  const eager = await runEager(program);
  expect(result.log).toEqual(eager.log);
  expect(result.memory).toEqual(eager.memory);
  return result;
}

/** Graph ids in the order they ran. */
const runsIn = ({ records }: Captured): string[] => recordsOf(records, 'run').map(({ graph }) => graph);
const reasonsIn = ({ records }: Captured): string[] =>
  recordsOf(records, 'break').map(({ reason }) => reason);

describe('reads', () => {
  it('run what they are connected with and leave other work pending', async () => {
    const result = await captured((tf, log) => {
      const other = tf.ones([50]).square();
      log(tf.ones([2]).add(1).dataSync());
      other.dispose();
    });
    expect(recordsOf(result.records, 'graph').map(({ nodeCount }) => nodeCount)).toEqual([1]);
  });

  it('find values that the same graph computed: two reads of one computation are one run', async () => {
    const result = await captured((tf, log) => {
      const x = tf.ones([3]).exp();
      const [sum, mean] = [x.sum(), x.mean()];
      log(sum.dataSync());
      log(mean.dataSync());
    });
    expect(result.stats.runs).toBe(1);
    expect(result.stats.totals.emptyReads).toBe(1);
  });

  it('that start in the same turn share a graph, across computations', async () => {
    const result = await captured(async (tf, log) => {
      const a = tf.ones([3]).add(1);
      const b = tf.ones([4]).mul(3);
      log(await Promise.all([a.data(), b.data()]));
    });
    expect(result.stats).toMatchObject({ runs: 1, breaks: 1 });
  });

  it('in a loop without a pause keep nothing of what was disposed', async () => {
    const megabytes = (): number => process.memoryUsage().arrayBuffers / 2 ** 20;
    let grown = 0;
    await runCaptured((tf) => {
      const before = megabytes();
      for (let turn = 0; turn < 400; turn++) {
        const [x, y] = tf.tidy(() => [tf.ones([512, 512]), tf.ones([512, 512]).mul(turn)]);
        y.dataSync();
        tf.dispose([x, y]);
        grown = Math.max(grown, megabytes() - before);
      }
    });
    // Each turn reads one megabyte; V8 collects what is not held every few dozen.
    expect(grown).toBeLessThan(250);
  });

  it('answer after their tensor was disposed', async () => {
    await captured(async (tf, log) => {
      const x = tf.ones([3]).add(1);
      const reading = x.data();
      x.dispose();
      log(await reading);
    });
  });

  it('of several tasks that take turns see their own values', async () => {
    await captured(async (tf, log) => {
      const task = async (start: number): Promise<unknown[]> => {
        const seen: unknown[] = [];
        let x: Tensor = tf.scalar(start);
        for (let step = 0; step < 4; step++) {
          x = x.add(1);
          seen.push(...(await x.data()));
        }
        return seen;
      };
      log(await Promise.all([task(0), task(10), task(20)]));
    });
  });
});

describe('values left out of a graph', () => {
  const program: Program = (tf, log) => {
    const x = tf.ones([100, 100]);
    for (let run = 1; run <= 4; run++) {
      const middle = x.mul(run);
      log(middle.sum().dataSync());
      log(middle.max().dataSync());
    }
  };

  it('are computed again when they are needed, and kept from then on', async () => {
    const result = await captured(program);
    const outputs = recordsOf(result.records, 'graph').map((graph) => graph.outputs.map(({ name }) => name));
    // The sum alone; the product again; its maximum; then sum and product at once.
    expect(outputs).toEqual(
      [['sum'], ['mul'], ['max'], ['mul', 'sum']].map((names) =>
        names.map((name) => name.replace('mul', 'multiply')),
      ),
    );
    expect(result.stats.runs).toBe(3 + 3 * 2);
  });

  it('are kept when forgetting them would hold on to more memory', async () => {
    const result = await captured((tf, log) => {
      const large = tf.ones([200, 200]);
      const middle = large.sum(0).tile<Tensor1D>([30]);
      large.dispose();
      log(middle.sum().dataSync());
      log(middle.max().dataSync());
    });
    expect(runsIn(result)).toEqual(['g1', 'g2']);
  });
});

describe('training', () => {
  it('runs each batch of fit in the same graph', async () => {
    const result = await captured(async (tf, log) => {
      const model = tf.sequential({
        layers: [tf.layers.dense({ units: 3, inputShape: [4], kernelInitializer: 'ones' })],
      });
      model.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
      const x = tf.linspace(0, 1, 160).reshape([40, 4]);
      const history = await model.fit(x, tf.ones([40, 3]), { batchSize: 4, epochs: 2, shuffle: false });
      log(history.history);
    });
    const steps = recordsOf(result.records, 'break').filter(({ reason }) => reason === 'FG1011');
    expect(steps).toHaveLength(20);
    expect(new Set(steps.map(({ graph }) => graph)).size).toBe(1);
  });

  it('leaves no gradients behind: a step returns its variables and its cost', async () => {
    const result = await captured((tf, log) => {
      const w = tf.variable(tf.ones([80, 80]));
      const optimizer = tf.train.sgd(0.1);
      for (let step = 0; step < 2; step++) {
        const cost = optimizer.minimize(() => w.square().sum<Scalar>(), true)!;
        log(cost.dataSync());
        cost.dispose();
      }
    });
    const outputs = recordsOf(result.records, 'graph')
      .at(-1)!
      .outputs.map(({ type }) => type.shape);
    expect(outputs).toHaveLength(2);
    expect(outputs).toContainEqual([80, 80]);
    expect(outputs).toContainEqual([]);
  });

  it('ends a step where gradients are applied by hand, too', async () => {
    const result = await captured((tf, log) => {
      const w = tf.variable(tf.ones([3]));
      const optimizer = tf.train.sgd(0.1);
      const { value, grads } = tf.variableGrads(() => w.square().sum());
      optimizer.applyGradients(grads);
      tf.dispose([value, grads]);
      log(w.dataSync());
    });
    expect(reasonsIn(result)).toEqual(['FG1011']);
  });
});

describe('recordings without end', () => {
  it('are cut at the node limit into pieces of whole iterations, which are the same graph', async () => {
    const result = await captured(
      (tf, log) => {
        let x: Tensor = tf.ones([3]);
        for (let step = 0; step < 300; step++) x = tf.tidy(() => x.mul(0.5).add(1).sqrt());
        log(x.dataSync());
      },
      { maxNodes: 100 },
    );
    expect(reasonsIn(result).slice(0, -1)).toEqual(Array.from({ length: 9 }, () => 'FG1008'));
    const graphs = runsIn(result);
    expect(new Set(graphs.slice(1, -1)).size).toBe(1);
  });

  it('do not count what nobody can ask for any more', async () => {
    const result = await captured(
      (tf, log) => {
        for (let model = 0; model < 3; model++) {
          const initial = tf.tidy(() => {
            let weights: Tensor = tf.ones([2, 2]);
            for (let step = 0; step < 40; step++) weights = weights.matMul(weights).tanh();
            return weights;
          });
          initial.dispose();
        }
        let y: Tensor = tf.ones([2, 2]);
        for (let step = 0; step < 30; step++) y = y.sin();
        log(y.dataSync());
      },
      { maxNodes: 100 },
    );
    expect(reasonsIn(result)).toEqual(['FG1001']);
    expect(runsIn(result)).toHaveLength(1);
  });

  it('are cut when they would hold on to too much memory', async () => {
    const result = await captured(
      (tf, log) => {
        let sum: Tensor = tf.scalar(0);
        for (let step = 0; step < 32; step++) {
          sum = tf.tidy(() => sum.add(tf.tensor1d(new Float32Array(1000).fill(step)).mean()));
        }
        log(sum.dataSync());
      },
      { maxPendingBytes: 20_000 },
    );
    expect(reasonsIn(result)).toEqual([...Array.from({ length: 5 }, () => 'FG1008'), 'FG1001']);
  });

  it('have one graph per iteration where iterations leave work behind', async () => {
    const result = await captured((tf, log) => {
      const w = tf.variable(tf.ones([4]));
      const gradients: Tensor[] = [];
      for (let step = 0; step < 12; step++) {
        const { value, grads } = tf.variableGrads(() => {
          const y = w.mul(step).sin().cos().exp().sqrt().tanh().sum<Scalar>();
          log(y.dataSync());
          return y.square();
        });
        value.dispose();
        gradients.push(Object.values(grads)[0]!);
      }
      log(tf.stack(gradients).mean(0).dataSync());
    });
    expect(result.stats.runs).toBeGreaterThan(20);
    expect(result.stats.graphs).toBeLessThan(8);
  });
});

describe('lists of tensors', () => {
  it('of different lengths are one graph when their tensors are known', async () => {
    const result = await captured((tf, log) => {
      for (const length of [5, 9, 6]) {
        const parts = Array.from({ length }, (_, index) => tf.tensor1d([index, length]));
        log(tf.stack(parts).dataSync());
        log(
          tf
            .concat([...parts, parts[0]!.add(1)])
            .reshape([-1, 2])
            .transpose()
            .dataSync(),
        );
      }
    });
    expect(new Set(recordsOf(result.records, 'graph').map(({ family }) => family)).size).toBe(1);
    expect(recordsOf(result.records, 'graph').every(({ nodeCount }) => nodeCount === 4)).toBe(true);
  });
});

describe('timing', () => {
  it('of a function includes what it recorded', async () => {
    const result = await captured(async (tf, log) => {
      const { kernelMs } = await tf.time(() => tf.ones([10]).square());
      log(typeof kernelMs);
      const profile = await tf.profile(() => tf.ones([3]).square().add(1));
      log(profile.kernels.map(({ name, bytesAdded }) => [name, bytesAdded]));
      log(profile.newTensors);
    });
    expect(new Set(reasonsIn(result))).toEqual(new Set(['FG1012']));
  });
});
