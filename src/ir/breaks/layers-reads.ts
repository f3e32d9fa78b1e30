/** Remedies for reads that tfjs-layers makes itself: the general ones would send the reader to code that is not theirs. */
import type { BreakContext } from '../break.ts';

const fitting = [
  '`fit` reads its own loss and metrics at the end of each epoch, for the history and the callbacks: nothing in your code to fix.',
  'To read less often, train fewer epochs over more batches; pass `callbacks` that work per batch only where their numbers are needed.',
];

const byApi: Readonly<Record<string, readonly string[]>> = {
  fit: fitting,
  fitDataset: fitting,
  evaluateDataset: ['`evaluateDataset` reads its sums at its end: nothing in your code to fix.'],
  trainOnBatch: [
    '`trainOnBatch` returns numbers, so it reads in every call. `optimizer.minimize(() => loss, true)` keeps the loss a tensor: read it every n-th step.',
  ],
};

/** Remedies when one of the models' own methods reads; undefined for all else. */
export function layersAdvice({ api }: BreakContext): readonly string[] | undefined {
  return api !== undefined && Object.hasOwn(byApi, api) ? byApi[api] : undefined;
}
