/** Remedies for reads that depend on who reads and what for. The general ones would send the reader the wrong way. */
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

/**
 * Remedies for a read, by what is known of it: for a number that decides a branch, how to decide without it; for the
 * models' own reads, what the models offer; undefined for all else.
 * @param general remedies of the reason, the first of which assume that the number itself is wanted.
 */
export function adviseRead(
  { api, branch }: BreakContext,
  general: readonly string[],
): readonly string[] | undefined {
  if (api !== undefined && Object.hasOwn(byApi, api)) return byApi[api];
  if (branch === undefined) return undefined;
  return [
    `\`${branch}\` needs the number only to choose: compute both sides and choose with \`tf.where(condition, a, b)\`, or scale, clamp (\`tf.minimum\`, \`tf.maximum\`) or multiply by the condition. The step stays one graph.`,
    'When it only stops a loop or reports, decide every n-th iteration.',
    ...general,
  ];
}
