import { inspect, isDeepStrictEqual } from 'node:util';
import type { Tensor } from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { runCaptured, runEager, type Program } from './support/run-captured.ts';

/** Numbers that count tensors and data since the process began. */
const withoutIds = (text: string): string => text.replaceAll(/\b((?:id|scopeId)"?: ?)\d+/g, '$1n');

describe('a captured tensor is to programs what an eager one is', () => {
  const looks: Readonly<Record<string, (tensor: Tensor, other: Tensor) => unknown>> = {
    'when printed': (tensor) => withoutIds(inspect(tensor)),
    'when serialized': (tensor) => withoutIds(JSON.stringify(tensor)),
    'when its fields are listed': (tensor) => [Object.keys(tensor).toSorted(), Object.keys(tensor.dataId)],
    'when cloned': (tensor) => withoutIds(inspect(structuredClone(tensor))),
    'when compared': (tensor, other) => [isDeepStrictEqual(tensor, other), isDeepStrictEqual(tensor, tensor)],
    'when a copy of its id is asked for data': (tensor) => {
      const copy = Object.assign(Object.create(Object.getPrototypeOf(tensor) as object), tensor) as Tensor;
      Object.assign(copy, { dataId: structuredClone(tensor.dataId) });
      try {
        return copy.dataSync();
      } catch (error) {
        return (error as Error).constructor.name;
      }
    },
  };
  it.each(Object.entries(looks))('%s', async (_name, look) => {
    const program: Program = (tf, log) => {
      log(look(tf.ones([2, 3]).mul(2), tf.ones([2, 3]).mul(3)));
      const read = tf.ones([2, 3]).mul(2);
      read.dataSync();
      log(look(read, tf.tensor2d([[1, 2]])));
    };
    const eager = await runEager(program);
    const captured = await runCaptured(program);
    expect(captured.log).toEqual(eager.log);
  });
});
