import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { compile, type CompileMode, type CompileOptions } from '../../src/index.ts';
import { liveOrtSessions } from '../../src/compile/backends/onnxruntime.ts';
import type { CompileRecord, TraceRecord } from '../../src/ir/record.ts';

tf.env().set('IS_NODE', false);

const records: TraceRecord[] = [];
const compiles = (): CompileRecord[] => records.filter((record) => record.kind === 'compile');

/** Calls a small network with batches of these sizes; gives what it answered. */
function callWith(sizes: readonly number[], options: CompileOptions): number[][] {
  const weights = tf.variable(tf.tensor2d([1, -2, 3, 4], [2, 2]));
  const ops = tf;
  const f = compile((x: tf.Tensor) => ops.tidy(() => x.matMul(weights).relu().sum(1)), {
    tf,
    captures: () => ({ ops, weights }),
    onRecord: (record) => records.push(record),
    ...options,
    options: { threads: 1, freeze: false, ...options.options },
  });
  const answers = sizes.map((rows) => {
    const x = tf.tensor2d(
      Array.from({ length: 2 * rows }, (_, at) => at - 2),
      [rows, 2],
    );
    return [...f(x).dataSync()];
  });
  f.dispose();
  weights.dispose();
  return answers;
}

const expected = (sizes: readonly number[]): number[][] => {
  const weights = tf.tensor2d([1, -2, 3, 4], [2, 2]);
  return sizes.map((rows) => {
    const x = tf.tensor2d(
      Array.from({ length: 2 * rows }, (_, at) => at - 2),
      [rows, 2],
    );
    return [...x.matMul<tf.Tensor2D>(weights).relu().sum(1).dataSync()];
  });
};

beforeEach(async () => {
  records.length = 0;
  await tf.setBackend('cpu');
});
afterEach(() => expect(liveOrtSessions()).toBe(0));

describe('options of compile', () => {
  it.each<CompileMode>(['default', 'reduce-overhead', 'max-autotune'])(
    'mode %s gives the same values',
    (mode) => {
      const sizes = [3, 3, 3, 3, 3, 2, 5];
      expect(callWith(sizes, { mode })).toEqual(expected(sizes));
    },
  );

  it('max-autotune says which settings won, graph by graph', () => {
    callWith([3], { mode: 'max-autotune' });
    const phases = compiles().flatMap((record) => record.phases.map(({ name }) => name));
    expect(phases.filter((name) => name.startsWith('autotune: 1 thread'))).toHaveLength(compiles().length);
  });

  it.each<[string, boolean | undefined, number]>([
    ['every size is compiled', false, 4],
    ['the second size opens it', undefined, 2],
    ['one compile serves all sizes', true, 1],
  ])('%s where dynamic is %s', (_, dynamic, sessions) => {
    const sizes = [3, 3, 2, 5, 7];
    const answers = callWith(sizes, dynamic === undefined ? {} : { dynamic });
    expect(answers).toEqual(expected(sizes));
    expect(compiles().filter(({ cache }) => cache === 'none')).toHaveLength(sessions);
  });

  it('runs on the backend that is asked for', () => {
    expect(callWith([3], { backend: 'fault-wrong' })).not.toEqual(expected([3]));
    expect(compiles()[0]!.backend).toBe('fault-wrong');
  });
});
