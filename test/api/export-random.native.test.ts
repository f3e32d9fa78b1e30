import * as tfjs from '@tensorflow/tfjs';
import type { Tensor } from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createOrtSession } from '../../src/compile/backends/onnxruntime.ts';
import { exportOnnx, FullgraphError, type ExportedModel } from '../../src/index.ts';
import { runsOf } from '../capture/support/random-programs.ts';
import { anyFunction, functionText, type Surroundings } from './support/random-functions.ts';

tfjs.env().set('IS_NODE', false);

type Call = (x: Tensor, y: number) => Record<string, Tensor> | Tensor[] | Tensor;

function run({ model }: ExportedModel, x: Tensor): { data: number[]; dims: readonly number[] }[] {
  const session = createOrtSession(model, { threads: 1 });
  try {
    return session
      .run([x.dataSync()], [x.shape])
      .map(({ data, dims }) => ({ data: Array.from(data as Float32Array), dims }));
  } finally {
    session.dispose();
  }
}

/** What a random function may run into that no single model can hold. */
const refusals: ReadonlySet<string> = new Set(['FG1001', 'FG3401', 'FG3405']);

describe('any function', () => {
  it('computes the same as a model with open sizes, or is refused for a reason', async () => {
    await tfjs.setBackend('cpu');
    let exports = 0;
    const sizes = fc.tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 }));
    const property = fc.property(anyFunction, sizes, fc.boolean(), (plan, [rows, columns], isOpen) => {
      const around: Surroundings = {
        tf: tfjs,
        w: tfjs.variable(tfjs.tensor1d([0.5])),
        t: tfjs.tensor1d([0.25]),
        rate: 2,
        flag: true,
        list: [tfjs.scalar(1)],
      };
      // oxlint-disable-next-line typescript/no-implied-eval -- the program is generated
      const make = new Function('around', `with (around) { return ${functionText(plan)}; }`) as (
        around: object,
      ) => Call;
      const call = make(around);
      const x = (own: readonly [number, number]): Tensor =>
        tfjs.tensor2d(
          Array.from({ length: own[0] * own[1] }, (_, at) => ((at * 5) % 7) - 3),
          [...own],
        );
      try {
        const exported = exportOnnx(
          ({ x }: { x: Tensor }) => call(x, 1),
          { x: x([2, 3]) },
          {
            tf: tfjs,
            ...(isOpen ? { dynamic: { x: { 0: 'rows', 1: 'columns' } } } : {}),
          },
        );
        const given = x(isOpen ? [rows, columns] : [2, 3]);
        const expected = call(given, 1);
        const tensors = expected instanceof tfjs.Tensor ? [expected] : Object.values(expected);
        const actual = run(exported, given);
        exports++;
        for (const [index, tensor] of tensors.entries()) {
          expect(actual[index]!.dims).toEqual(tensor.shape);
          for (const [at, value] of tensor.dataSync().entries()) {
            const got = actual[index]!.data[at]!;
            expect(Object.is(got, value) || Math.abs(got - value) <= 1e-3 + 1e-4 * Math.abs(value)).toBe(
              true,
            );
          }
        }
      } catch (error) {
        if (!(error instanceof FullgraphError) || !refusals.has(error.code)) throw error;
      } finally {
        tfjs.disposeVariables();
      }
    });
    fc.assert(property, { numRuns: runsOf(80) });
    expect(exports).toBeGreaterThan(20);
  });
});
