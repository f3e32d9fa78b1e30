/** {@link blameStage} on a reduced program: each set-up is one more run of it. */
import { optimizersAt } from '../graph/culprit.ts';
import { TrialPool } from '../graph/trial-pool.ts';
import type { SourceTree } from '../source/source-tree.ts';
import { showsFailure, type Signature } from '../verdict.ts';
import { blameStage } from './blame-stage.ts';
import type { CaptureSettings } from './messages.ts';
import type { ProgramOracle } from './program-oracle.ts';

const optimizerLimitMs = 10_000;

/** What introduces the failure, for people; `undefined` when that is not known. */
export async function blameCompiled(
  oracle: ProgramOracle,
  tree: SourceTree,
  expected: Signature,
  settings: CaptureSettings,
  { cwd, onStage }: { readonly cwd: string; onStage(name: string, verdict: string): void },
): Promise<string | undefined> {
  const { outcome } = await oracle.examine(tree, {});
  return blameStage({
    settings,
    passes: (outcome.kind === 'report' ? outcome.report.passes : undefined) ?? [],
    fails: async (capture) => {
      const { verdict } = await oracle.examine(tree, { capture });
      return showsFailure(verdict, expected);
    },
    optimizersAt: async (level) => {
      const setup = { level, resolveFrom: import.meta.url };
      const pool = new TrialPool({ jobs: 1, cwd, memoryLimitMb: 4_096, warmUp: setup });
      try {
        return await optimizersAt(level, pool, setup, optimizerLimitMs);
      } finally {
        pool.close();
      }
    },
    onStage,
  });
}
