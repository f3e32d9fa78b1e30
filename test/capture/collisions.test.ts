import fc from 'fast-check';
import { expect, it, vi } from 'vitest';
import { registerBackend } from '../../src/session.ts';
import { createParanoidBackend } from './support/paranoid-backend.ts';
import { anyStep, expectSame, runsOf, toProgram } from './support/random-programs.ts';
import { runCaptured } from './support/run-captured.ts';

// Hashes only speed up look-ups: with all of them equal, every look-up is decided by its exact comparison.
vi.mock('../../src/capture/type-table.ts', async (load) => ({
  ...(await load<typeof import('../../src/capture/type-table.ts')>()),
  mix: () => 0,
}));

registerBackend('paranoid', (context) => createParanoidBackend(context, { promotes: true }));

it('tells types, signatures and graphs apart when all hashes collide', async () => {
  const property = fc.asyncProperty(
    fc.array(anyStep, { maxLength: 8 }),
    fc.array(anyStep, { minLength: 1, maxLength: 14 }),
    (prelude, body) => expectSame(toProgram(prelude, body, 3), { backend: 'paranoid' }),
  );
  await fc.assert(property, { numRuns: runsOf(80) });
});

it('tells attributes apart that are almost equal', async () => {
  const { log } = await runCaptured((tf, write) => {
    const x = tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]);
    for (const axis of [0, 1]) write(x.max(axis).dataSync());
    for (const keepDims of [false, true]) write(x.max(0, keepDims).shape);
    for (const alpha of [0, -0, NaN, 0.1]) write(tf.leakyRelu(x.neg(), alpha).dataSync());
    for (const begin of [0, 1]) write(x.relu().slice([0, begin], [2, 2]).dataSync());
  });
  expect(log).toEqual([
    ['Float32Array', 4, 5, 6],
    ['Float32Array', 3, 6],
    [3],
    [1, 3],
    ['Float32Array', -0, -0, -0, -0, -0, -0],
    ['Float32Array', 0, 0, 0, 0, 0, 0],
    ['Float32Array', NaN, NaN, NaN, NaN, NaN, NaN],
    ['Float32Array', ...[-1, -2, -3, -4, -5, -6].map((value) => Math.fround(Math.fround(0.1) * value))].map(
      (value) => value,
    ),
    ['Float32Array', 1, 2, 4, 5],
    ['Float32Array', 2, 3, 5, 6],
  ]);
});
