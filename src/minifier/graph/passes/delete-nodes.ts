/**
 * Deletes runs of nodes, then single ones, until none can go. Run lengths follow a fixed schedule (counter-based delta
 * debugging): each round assumes that a node is needed with a higher probability than the round before, and takes the length
 * that promises most. It needs no monotone failure.
 */
import { cutter, defineGraphPass, type GraphPass } from '../graph-context.ts';
import type { GraphCase } from '../graph-case.ts';

const name = 'delete-nodes';
/** Up to this many nodes, one at a time is best. */
const fewNodes = 12;
const firstProbability = 0.1;
const probabilityGrowth = 1 / (1 - Math.exp(-1));

/** Lengths of the runs, longest first; always ends with 1. */
export function runLengths(nodeCount: number): number[] {
  const lengths: number[] = [];
  if (nodeCount > fewNodes) {
    for (let probability = firstProbability; probability < 0.5; probability *= probabilityGrowth) {
      const length = Math.round(-1 / Math.log(1 - probability));
      if (length > 1 && length < nodeCount && length !== lengths.at(-1)) lengths.push(length);
    }
  }
  return [...lengths, 1];
}

export const deleteNodes: GraphPass = defineGraphPass({
  name,
  title: 'nodes',
  tier: 0,
  run: async (problem, context) => {
    for (const length of runLengths(problem.best.model.graph.nodes.length)) {
      let end = problem.best.model.graph.nodes.length;
      for (;;) {
        const cut = await cutter(problem.best, context);
        const positions = problem.best.model.graph.nodes.map((_, position) => position);
        const deletions = function* (): Generator<{ testCase: GraphCase; start: number } | undefined> {
          for (let to = end; to > 0; to -= length) {
            const start = Math.max(0, to - length);
            const testCase = cut(new Set(positions.filter((at) => at < start || at >= to)));
            yield testCase && { testCase, start };
          }
        };
        const hit = await problem.firstFailing(name, deletions());
        if (hit === undefined) break;
        end = hit.start;
      }
    }
  },
});
