import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  compile,
  install,
  type AnyFunction,
  type CompiledFunction,
  type CompileOptions,
} from '../../src/index.ts';
import { FullgraphError } from '../../src/ir/errors.ts';
import type { TraceRecord } from '../../src/ir/record.ts';
import { findSession } from '../../src/session.ts';

tf.env().set('IS_NODE', false);

/** tfjs under a name that the test runner leaves alone. */
const ops = tf;

const made: CompiledFunction<AnyFunction>[] = [];
const records: TraceRecord[] = [];

function compiled<F extends AnyFunction>(source: F, options: CompileOptions = {}): CompiledFunction<F> {
  const result = compile(source, {
    tf,
    backend: 'eager',
    onRecord: (record) => records.push(record),
    ...options,
  });
  made.push(result);
  return result;
}

const replayedCalls = (): number => findSession(tf)!.stats().replayedCalls;
const values = (tensor: tf.Tensor): number[] => [...tensor.dataSync()];

function codeOf(body: () => unknown): string {
  try {
    body();
  } catch (error) {
    return error instanceof FullgraphError ? error.code : String(error);
  }
  return 'no error';
}

beforeEach(async () => {
  await tf.setBackend('cpu');
  records.length = 0;
});

afterEach(() => {
  for (const one of made.splice(0)) one.dispose();
});

describe('a compiled function', () => {
  it('is not run any more once it was seen to repeat itself', () => {
    let calls = 0;
    const seen = (x: tf.Tensor) => x.mul(2);
    const f = compiled((x: tf.Tensor) => ops.tidy(() => ops.relu(x).add(ops.scalar(1))), {
      captures: () => ({ ops }),
    });
    const g = compiled((x: tf.Tensor) => (calls++, seen(x)));
    expect(f.tracedBecause).toBeUndefined();
    for (let pass = 0; pass < 6; pass++) {
      expect(values(f(tf.tensor1d([-1, pass])))).toEqual([1, pass + 1]);
      expect(values(g(tf.tensor1d([pass])))).toEqual([2 * pass]);
    }
    expect(replayedCalls()).toBeGreaterThan(0);
    expect(calls).toBe(6);
    expect(g.tracedBecause).toContain('assigns to calls');
  });

  it('follows new values of variables, captured numbers and captured tensors', () => {
    const weights = tf.variable(tf.tensor1d([1, 2]));
    let rate = 1;
    let bias = tf.tensor1d([0, 0]);
    const f = compiled((x: tf.Tensor) => ops.tidy(() => x.mul(weights).mul(rate).add(bias)), {
      captures: () => ({ ops, weights, rate, bias }),
    });
    const x = tf.tensor1d([1, 1]);
    const call = () => values(f(x));
    for (let pass = 0; pass < 5; pass++) expect(call()).toEqual([1, 2]);
    expect(replayedCalls()).toBeGreaterThan(0);
    weights.assign(tf.tensor1d([3, 4]));
    expect(call()).toEqual([3, 4]);
    rate = 2;
    for (let pass = 0; pass < 5; pass++) expect(call()).toEqual([6, 8]);
    bias = tf.tensor1d([1, -1]);
    expect(call()).toEqual([7, 7]);
    weights.dispose();
  });

  it('has a form of its own for each kind of arguments', () => {
    const f = compiled((x: tf.Tensor, options: { power: number; twice?: boolean }) => {
      let y = x;
      for (let index = 1; index < options.power; index++) y = y.mul(x);
      return options.twice === true ? y.mul(2) : y;
    });
    for (let pass = 0; pass < 5; pass++) {
      expect(values(f(tf.tensor1d([2]), { power: 3 }))).toEqual([8]);
      expect(values(f(tf.tensor1d([2, 3]), { power: 2 }))).toEqual([4, 9]);
      expect(values(f(tf.tensor1d([2]), { power: 3, twice: true }))).toEqual([16]);
      expect(values(f(tf.tensor1d([2], 'int32'), { power: 3 }))).toEqual([8]);
    }
    expect(replayedCalls()).toBeGreaterThan(0);
  });

  it('tells 0 from -0', () => {
    const f = compiled((x: tf.Tensor, zero: number) => ops.tidy(() => ops.scalar(1).div(x.mul(zero))), {
      captures: () => ({ ops }),
    });
    for (let pass = 0; pass < 5; pass++) {
      expect(values(f(tf.ones([1]), 0))).toEqual([Infinity]);
      expect(values(f(tf.ones([1]), -0))).toEqual([-Infinity]);
    }
    expect(replayedCalls()).toBeGreaterThan(0);
  });

  it('gives back lists and records of tensors', () => {
    const f = compiled((x: tf.Tensor) => ({ sum: x.sum(), parts: x.square() }));
    for (let pass = 0; pass < 5; pass++) {
      const { sum, parts } = f(tf.tensor1d([1, pass]));
      expect(values(sum)).toEqual([1 + pass]);
      expect(values(parts)).toEqual([1, pass * pass]);
    }
    expect(replayedCalls()).toBeGreaterThan(0);
  });

  it('can be differentiated: gradients are traced', () => {
    const f = compiled((x: tf.Tensor) => x.square().sum<tf.Scalar>());
    const x = tf.tensor1d([1, 2]);
    for (let pass = 0; pass < 4; pass++) values(f(x));
    expect(values(tf.grad((y: tf.Tensor) => f(y))(x))).toEqual([2, 4]);
  });

  it.each<
    [string, () => CompiledFunction<(x: tf.Tensor) => tf.Tensor>, (calls: readonly number[][]) => void]
  >([
    [
      'random numbers',
      () => compiled((x: tf.Tensor) => x.add(ops.randomUniform([1])), { captures: () => ({ ops }) }),
      (calls) => expect(new Set(calls.flat()).size).toBe(calls.length),
    ],
    [
      'a list that it appends to',
      () => {
        const list: number[] = [];
        return compiled(
          (x: tf.Tensor) => {
            const alias = list;
            alias.push(1);
            return x.add(list.length);
          },
          { captures: () => ({ list }) },
        );
      },
      (calls) => expect(calls.flat()).toEqual(calls.map((_, pass) => pass + 1)),
    ],
    [
      'what it reads',
      () => compiled((x: tf.Tensor) => x.add(x.dataSync()[0]!)),
      (calls) => expect(calls.flat()).toEqual(calls.map(() => 0)),
    ],
    [
      'a name that is not captured',
      () => {
        let step = 0;
        const count = () => ++step;
        return compiled((x: tf.Tensor) => x.add(count()));
      },
      (calls) => expect(calls.flat()).toEqual(calls.map((_, pass) => pass + 1)),
    ],
    [
      'a captured function',
      () => {
        let step = 0;
        const count = () => ++step;
        return compiled((x: tf.Tensor) => x.add(count()), { captures: () => ({ count }) });
      },
      (calls) => expect(calls.flat()).toEqual(calls.map((_, pass) => pass + 1)),
    ],
  ])('is run each time because of %s', (_, make, check) => {
    const f = make();
    check(Array.from({ length: 8 }, () => values(f(tf.zeros([1])))));
    expect(replayedCalls()).toBe(0);
  });

  it('is run each time while it leaves tensors behind', () => {
    const f = compiled((x: tf.Tensor) => x.mul(2).add(1));
    for (let pass = 0; pass < 12; pass++) expect(values(f(tf.tensor1d([pass])))).toEqual([2 * pass + 1]);
    expect(replayedCalls()).toBe(0);
    expect(f.tracedBecause).toBe('it keeps a tensor alive');
    expect(records.find((record) => record.kind === 'note')).toMatchObject({
      code: 'FG2003',
      text: expect.stringContaining('it keeps a tensor alive') as string,
    });
  });

  it('says in the trace why it is traced', () => {
    const secret = 2;
    const f = compiled(function scale(x: tf.Tensor) {
      return x.mul(secret);
    });
    expect(f.tracedBecause).toBe('it uses secret, which captures() does not give');
    expect(records).toContainEqual({
      kind: 'note',
      severity: 'info',
      code: 'FG2003',
      text: 'the function scale is traced at each call, not replayed: it uses secret, which captures() does not give',
    });
  });

  it('uses models, whose weights and layers may change', async () => {
    const model = tf.sequential();
    model.add(tf.layers.dense({ units: 1, inputShape: [2], kernelInitializer: 'ones', name: 'scores' }));
    model.add(tf.layers.reLU({ maxValue: 6 }));
    model.compile({ loss: 'meanSquaredError', optimizer: tf.train.sgd(0.1) });
    const f = compiled((x: tf.Tensor) => ops.tidy(() => (model.predict(x) as tf.Tensor).mul(2)), {
      captures: () => ({ ops, model }),
    });
    const x = tf.tensor2d([[1, 2]]);
    const expected = (): number[] => values((model.predict(x) as tf.Tensor).mul(2));
    for (let pass = 0; pass < 5; pass++) expect(values(f(x))).toEqual([6]);
    expect(f.tracedBecause).toBeUndefined();
    const before = replayedCalls();
    expect(values(f(x))).toEqual([6]);
    expect(replayedCalls() - before).toBeGreaterThan(2);
    await model.trainOnBatch(x, tf.tensor2d([[0]]));
    expect(values(f(x))).toEqual(expected());
    expect(values(f(x))).not.toEqual([6]);
    model.getLayer('scores').setWeights([tf.tensor2d([[100], [100]]), tf.tensor1d([0])]);
    for (let pass = 0; pass < 5; pass++) expect(values(f(x))).toEqual([12]);
    (model.layers[1] as unknown as { maxValue: number }).maxValue = 3;
    for (let pass = 0; pass < 5; pass++) expect(values(f(x))).toEqual(expected());
  });

  it('is run each time when a captured model holds a layer of the program', () => {
    let calls = 0;
    class Scale extends tf.layers.Layer {
      static className = 'ScaleOfTest';
      override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
        return (Array.isArray(inputs) ? inputs[0]! : inputs).mul(++calls);
      }
      override computeOutputShape(shape: tf.Shape): tf.Shape {
        return shape;
      }
    }
    // As programs do before they compile: that makes it no class of tfjs's.
    tf.serialization.registerClass(Scale);
    const input = tf.input({ shape: [2] });
    const model = tf.model({ inputs: input, outputs: new Scale({}).apply(input) as tf.SymbolicTensor });
    const f = compiled((x: tf.Tensor) => model.predict(x) as tf.Tensor, { captures: () => ({ model }) });
    const before = calls;
    for (let pass = 1; pass <= 12; pass++)
      expect(values(f(tf.ones([1, 2])))).toEqual([before + pass, before + pass]);
    expect(f.tracedBecause).toBe("model: Scale is no layer of tfjs's");
  });

  it('keeps the captures of two compilations apart', () => {
    let rate = 2;
    const source = (x: tf.Tensor) => x.mul(rate);
    const [doubles, triples] = [2, 3].map((value) =>
      compiled(source, { captures: () => ({ rate: value && rate }) }),
    );
    for (let pass = 0; pass < 5; pass++) expect(values(doubles!(tf.ones([1])))).toEqual([2]);
    rate = 3;
    for (let pass = 0; pass < 5; pass++) expect(values(triples!(tf.ones([1])))).toEqual([3]);
    expect(values(doubles!(tf.ones([1])))).toEqual([3]);
  });

  it('leaves as many tensors as it makes without', () => {
    const weights = tf.variable(tf.ones([2]));
    const f = compiled((x: tf.Tensor) => ops.tidy(() => x.mul(weights).add(1).square()), {
      captures: () => ({ ops, weights }),
    });
    const x = tf.ones([2]);
    for (let pass = 0; pass < 6; pass++) {
      const before = { ...tf.memory() };
      const y = f(x);
      const after = { ...tf.memory() };
      expect([after.numTensors, after.numDataBuffers, after.numBytes]).toEqual([
        before.numTensors + 1,
        before.numDataBuffers + 1,
        before.numBytes + 8,
      ]);
      y.dispose();
      expect(tf.memory().numDataBuffers).toBe(before.numDataBuffers);
    }
    expect(replayedCalls()).toBeGreaterThan(0);
    weights.dispose();
  });
});

describe('compile', () => {
  it('takes a model and calls its predict', () => {
    const model = tf.sequential();
    model.add(tf.layers.dense({ units: 2, inputShape: [3], kernelInitializer: 'ones' }));
    const predict = compile(model, { tf, backend: 'eager' });
    made.push(predict);
    for (let pass = 0; pass < 6; pass++) {
      expect(values(predict(tf.tensor2d([[1, 2, pass]])) as tf.Tensor)).toEqual([3 + pass, 3 + pass]);
    }
    expect(replayedCalls()).toBeGreaterThan(0);
  });

  it('makes breaks errors where the whole function must be one graph', () => {
    const reads = compiled((x: tf.Tensor) => x.mul(x.square().dataSync()[0]!), { fullgraph: true });
    const whole = compiled((x: tf.Tensor) => x.mul(2), { fullgraph: true });
    // oxlint-disable-next-line typescript/require-await -- the word counts
    const waits = compiled(async (x: tf.Tensor) => x.mul(2), { fullgraph: true });
    expect(codeOf(() => reads(tf.ones([1]).add(1)))).toBe('FG1001');
    expect(values(whole(tf.ones([1])))).toEqual([2]);
    expect(codeOf(() => waits(tf.ones([1])))).toBe('FG5026');
    expect(values(tf.ones([1]).add(1))).toEqual([2]);
  });

  it('gives tfjs its own backend back with the last dispose, and values stay', () => {
    const f = compiled((x: tf.Tensor) => x.mul(2));
    const g = compiled((x: tf.Tensor) => x.mul(3));
    const pending = f(tf.ones([1]));
    f.dispose();
    expect(findSession(tf)).toBeDefined();
    expect(values(g(tf.ones([1])))).toEqual([3]);
    g.dispose();
    g.dispose();
    expect(findSession(tf)).toBeUndefined();
    expect(values(pending)).toEqual([2]);
    expect(values(f(tf.ones([1])))).toEqual([2]);
  });

  it('does nothing when it is disabled', () => {
    const f = compiled((x: tf.Tensor) => x.mul(2), { disable: true });
    expect(findSession(tf)).toBeUndefined();
    expect(values(f(tf.ones([1])))).toEqual([2]);
  });

  it('uses a session that is there, as it is, and leaves it there', () => {
    const session = install(tf, { backend: 'eager', onRecord: (record) => records.push(record) });
    const f = compile((x: tf.Tensor) => x.mul(2), { tf });
    expect(values(f(tf.ones([1])))).toEqual([2]);
    compile((x: tf.Tensor) => x, { tf, mode: 'max-autotune' }).dispose();
    f.dispose();
    expect(findSession(tf)).toBe(session);
    expect(records.filter((record) => record.kind === 'note').map(({ code }) => code)).toEqual(['FG5024']);
    session.uninstall();
    session.dispose();
  });

  it('shares the session with another copy of the package', async () => {
    const session = install(tf, { backend: 'eager' });
    vi.resetModules();
    const other = await import('../../src/index.ts');
    expect(other.compile).not.toBe(compile);
    expect(other.install(tf, { backend: 'eager' })).toBe(session);
    const f = other.compile((x: tf.Tensor) => x.mul(2), { tf });
    expect(values(f(tf.ones([1])))).toEqual([2]);
    f.dispose();
    session.uninstall();
    session.dispose();
    expect(findSession(tf)).toBeUndefined();
  });

  it.each<[string, string, () => unknown]>([
    ['an unknown mode', 'FG5010', () => compiled((x: tf.Tensor) => x, { mode: 'fast' as 'default' })],
    ['an unknown backend', 'FG5010', () => compiled((x: tf.Tensor) => x, { backend: 'nothing' })],
    [
      'other settings than those in use',
      'FG5024',
      () => {
        compiled((x: tf.Tensor) => x);
        compiled((x: tf.Tensor) => x, { dynamic: true });
      },
    ],
  ])('refuses %s', (_, code, body) => {
    expect(codeOf(body)).toBe(code);
  });

  it('keeps this, parameters and name', () => {
    const scale = {
      factor: 3,
      call(x: tf.Tensor): tf.Tensor {
        return x.mul(this.factor);
      },
    };
    const f = { factor: 4, call: compiled(scale.call) };
    expect(f.call.name).toBe('call');
    expect(values(f.call(tf.ones([1])))).toEqual([4]);
  });
});
