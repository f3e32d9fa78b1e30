/**
 * The driver: runs tiers of passes until none of them finds anything smaller. Cheap passes with large cuts come
 * first; whenever a later tier made progress, the earlier ones get another chance. A pass that found nothing is not
 * run again on the same test case. What was found warm is confirmed cold after the big cuts and at the end. Passes that
 * only change looks come last, once.
 */
import type { ReductionPass } from './define-pass.ts';
import { Stopped, type Problem } from './problem.ts';

/** How a reduction ended. */
export type ReductionEnd = 'fixed-point' | 'budget' | 'interrupted';

async function runTier<T, C>(
  problem: Problem<T>,
  passes: readonly ReductionPass<T, C>[],
  context: C,
  settled: Map<string, T>,
): Promise<boolean> {
  const atStart = problem.best;
  let before: T;
  do {
    before = problem.best;
    for (const pass of passes) {
      if (settled.get(pass.name) === problem.best) continue;
      const atPass = problem.best;
      await pass.run(problem, context);
      if (problem.best === atPass) settled.set(pass.name, atPass);
    }
  } while (problem.best !== before);
  return problem.best !== atStart;
}

/**
 * Reduces the problem's best test case to a fixed point of the passes, or until the budget or the user ends it. Passes may
 * remember what was refused; `forget` is called before each sweep that could be the last.
 */
export async function reduce<T, C>(
  problem: Problem<T>,
  passes: readonly ReductionPass<T, C>[],
  context: C,
  forget: () => void = () => {},
): Promise<ReductionEnd> {
  const cutting = passes.filter((pass) => pass.isCosmetic !== true);
  const tiers = [...new Set(cutting.map((pass) => pass.tier))]
    .sort((left, right) => left - right)
    .map((tier) => cutting.filter((pass) => pass.tier === tier));
  let settled = new Map<string, T>();
  let sweptFrom: T | undefined;
  try {
    let index = 0;
    while (index < tiers.length) {
      const hasProgress = await runTier(problem, tiers[index]!, context, settled);
      // The first tier cuts most; the rest is confirmed before the last sweep.
      const isTurn = hasProgress ? index === 0 : index === tiers.length - 1;
      const isConfirmed = !isTurn || (await problem.checkpoint());
      if (!isConfirmed) settled = new Map();
      if (hasProgress || !isConfirmed) index = index === 0 && isConfirmed ? 1 : 0;
      else index++;
      if (index === tiers.length && (problem.beThorough() || sweptFrom !== problem.best)) {
        sweptFrom = problem.best;
        forget();
        settled = new Map();
        index = 0;
      }
    }
    for (const pass of passes) if (pass.isCosmetic === true) await pass.run(problem, context);
    await problem.checkpoint();
    return 'fixed-point';
  } catch (error) {
    if (error instanceof Stopped) return error.reason;
    throw error;
  }
}
