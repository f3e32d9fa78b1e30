import * as tf from '@tensorflow/tfjs';
import { afterEach, describe, expect, it } from 'vitest';
import { install, listBackends, type Session } from '../../src/index.ts';
import { BackendError } from '../../src/ir/errors.ts';

tf.env().set('IS_NODE', false);

let session: Session | undefined;

function installed(backend: string): void {
  session = install(tf, { backend, threads: 1 });
}

afterEach(() => {
  session?.uninstall();
  session?.dispose();
  session = undefined;
});

const faults = ['fault-compile', 'fault-run', 'fault-wrong', 'fault-fusion'];

const withRelu = () =>
  tf.tidy(() =>
    tf
      .relu(tf.tensor1d([-2, 0, 3]))
      .mul(2)
      .dataSync(),
  );
const withoutRelu = () =>
  tf.tidy(() =>
    tf
      .elu(tf.tensor1d([0, 3]))
      .mul(2)
      .dataSync(),
  );
const withFusedRelu = () =>
  tf.tidy(() => tf.fused.matMul({ a: tf.tensor2d([[1, -1]]), b: tf.eye(2), activation: 'relu' }).dataSync());

function failureOf(program: () => unknown): unknown {
  try {
    program();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('backends with a fault', () => {
  it('are listed as for tests, the others are not', () => {
    expect(
      listBackends()
        .filter((backend) => backend.isForTests)
        .map(({ name }) => name),
    ).toEqual(faults);
    expect(
      listBackends()
        .filter((backend) => backend.isDefault)
        .map(({ name }) => name),
    ).toEqual(['onnxruntime']);
  });

  it.each(faults)('%s runs graphs without Relu as onnxruntime does', (backend) => {
    installed(backend);
    expect([...withoutRelu()]).toEqual([0, 6]);
  });

  it.each([
    ['fault-compile', 'FG3301', 'cannot compile Relu at node relu'],
    ['fault-run', 'FG3302', 'cannot run Relu at node relu'],
  ])('%s throws %s at a Relu, again at each read', (backend, code, message) => {
    installed(backend);
    const first = failureOf(withRelu) as BackendError;
    expect(first).toBeInstanceOf(BackendError);
    expect(first.code).toBe(code);
    expect(first.message).toContain(message);
    expect((failureOf(withRelu) as BackendError).code).toBe(code);
    expect((failureOf(withFusedRelu) as BackendError).message).toContain('_FusedMatMul');
    expect([...withoutRelu()]).toEqual([0, 6]);
  });

  it('fault-wrong adds 1 to each result of relu, also in a fused kernel', () => {
    installed('fault-wrong');
    expect([...withRelu()]).toEqual([2, 2, 8]);
    expect([...withFusedRelu()]).toEqual([2, 1]);
    const integers = tf.tidy(() => tf.relu(tf.tensor1d([-2, 5], 'int32')).dataSync());
    expect([...integers]).toEqual([1, 6]);
  });

  it('fault-fusion loses a Pad of zeros before a max pool, which onnxruntime does not', () => {
    const pooled = () =>
      tf
        .tidy(() => {
          const cold = tf.conv2d(
            tf.fill<tf.Rank.R4>([1, 4, 4, 1], -5),
            tf.ones<tf.Rank.R4>([2, 2, 1, 1]),
            1,
            'same',
          );
          const border: [number, number][] = [
            [0, 0],
            [1, 1],
            [1, 1],
            [0, 0],
          ];
          return tf.maxPool(tf.pad(cold, border), 3, 1, 'valid');
        })
        .dataSync()[0];
    installed('fault-fusion');
    expect(pooled()).toBeLessThan(-1);
    session?.uninstall();
    installed('onnxruntime');
    expect(pooled()).toBe(0);
  });

  it('fault-wrong stays wrong when weights are frozen and shapes change', () => {
    installed('fault-wrong');
    const weights = tf.variable(tf.tensor2d([[1], [-1]]));
    for (const rows of [1, 1, 1, 1, 1, 3, 2]) {
      const results = tf.tidy(() => tf.ones([rows, 2]).matMul(weights).relu().dataSync());
      expect([...results]).toEqual(Array.from({ length: rows }, () => 1));
    }
    weights.dispose();
  });
});
