/** The source passes' questions, answered by an oracle that can measure coverage and values. */
import { join } from 'node:path';
import { CommandOracle } from '../program/command-oracle.ts';
import { observerSource } from '../program/observe.ts';
import type { ProgramOracle } from '../program/program-oracle.ts';
import { scratchFolder } from '../process/worker-process.ts';
import { showsFailure, type Signature } from '../verdict.ts';
import { executionCounts } from './execution-counts.ts';
import { instrument, observationsAt } from './instrument.ts';
import type { ExecutionCounts, Observation, SourceContext } from './source-context.ts';
import type { SourceTree } from './source-tree.ts';

type Questions = Pick<SourceContext, 'coverage' | 'observations'>;

let reportCount = 0;

function askCommand(oracle: CommandOracle): Questions {
  return {
    coverage: async (tree) => {
      const coverage = await oracle.coverage(tree);
      return coverage && executionCounts(coverage);
    },
    observations: async (tree) => {
      const report = join(scratchFolder(), `observed-${reportCount++}.json`);
      const instrumented = instrument(tree, observerSource(report));
      const sites = instrumented && (await oracle.observations(instrumented.tree, report));
      return sites === undefined ? [] : observationsAt(instrumented!.sites, sites);
    },
  };
}

function askProgram(oracle: ProgramOracle, expected: Signature): Questions {
  return {
    coverage: async (tree) => {
      const { verdict, outcome } = await oracle.examine(tree, { coverage: true });
      if (!showsFailure(verdict, expected) || outcome.kind !== 'report') return undefined;
      return outcome.report.coverage && executionCounts(outcome.report.coverage);
    },
    observations: async (tree) => {
      const instrumented = instrument(tree);
      if (instrumented === undefined) return [];
      const { verdict, outcome } = await oracle.examine(instrumented.tree, { observations: true });
      if (!showsFailure(verdict, expected) || outcome.kind !== 'report') return [];
      return observationsAt(instrumented.sites, outcome.report.observations ?? []);
    },
  };
}

/** A context whose measuring runs count only when they fail as expected. Each program is measured once. */
export function createSourceContext(
  oracle: ProgramOracle | CommandOracle,
  expected: Signature,
): SourceContext {
  const questions = oracle instanceof CommandOracle ? askCommand(oracle) : askProgram(oracle, expected);
  const coverage = new WeakMap<SourceTree, Promise<ExecutionCounts | undefined>>();
  const observations = new WeakMap<SourceTree, Promise<readonly Observation[]>>();
  return {
    keepsImports: !(oracle instanceof CommandOracle),
    visits: new Map(),
    refused: new Set(),
    coverage: (tree) => {
      const answer = coverage.get(tree) ?? questions.coverage(tree);
      coverage.set(tree, answer);
      return answer;
    },
    observations: (tree) => {
      const answer = observations.get(tree) ?? questions.observations(tree);
      observations.set(tree, answer);
      return answer;
    },
  };
}
