import { describe, expect, it } from 'vitest';
import { benchModels } from '../../bench/models/index.ts';
import { makeContender, prepareEnvironment } from '../../bench/support/contenders.ts';

/** Largest difference relative to the largest value. */
function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let error = 0;
  let scale = 0;
  for (let index = 0; index < expected.length; index++) {
    error = Math.max(error, Math.abs((actual[index] ?? Number.NaN) - (expected[index] ?? 0)));
    scale = Math.max(scale, Math.abs(expected[index] ?? 0));
  }
  return error / scale;
}

const environment = await prepareEnvironment({ threads: 1, hasFullgraph: false });

describe('benchmark programs', () => {
  const networks = benchModels.filter((model) => model.kind === 'inference');

  it.each(networks.map((model) => [model.name, model] as const))(
    '%s by hand in ONNX is the network of the tfjs program',
    async (_, model) => {
      const tfjs = await makeContender(environment, 'wasm', model, 1);
      const onnx = await makeContender(environment, 'onnx', model, 1);
      const outputs: ArrayLike<number>[] = [];
      for (const seed of [0, 1]) {
        const expected = await tfjs.call(seed);
        expect(await onnx.call(seed)).toHaveLength(expected.length);
        expect(relativeError(await onnx.call(seed), expected)).toBeLessThan(1e-3);
        outputs.push(expected);
      }
      // Saturated networks would agree whatever their weights.
      expect(relativeError(outputs[0]!, outputs[1]!)).toBeGreaterThan(1e-2);
    },
    120_000,
  );

  const trainings = benchModels.filter((model) => model.kind === 'training' && model.runsOnWasm);

  it.each(trainings.map((model) => [model.name, model] as const))(
    'training %s lowers the loss',
    async (_, model) => {
      const step = await makeContender(environment, 'wasm', model, 1);
      const first = (await step.call(0))[0] ?? Number.NaN;
      for (let index = 1; index < 4; index++) await step.call(0);
      expect((await step.call(0))[0]).toBeLessThan(first);
    },
    120_000,
  );
});
