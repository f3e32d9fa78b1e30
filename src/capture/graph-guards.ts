/** What cached graphs are valid under, and what a new one is compared with. */
import type { CallNode, Graph } from '../ir/graph.ts';
import { compareGraphs, type GuardDifference } from '../ir/guard.ts';
import { sameContents, type HostArray } from '../ir/tensor-type.ts';
import type { CachedGraph } from './graph-cache.ts';
import type { Executable } from '../ir/executable.ts';
import type { CutPlan } from './plan-cut.ts';

/** Earlier graphs of a family that a new one is compared with. */
const comparedGraphs = 8;

/** Per leaf: contents that the executable relies on. */
export function guardedContents(
  graph: Graph,
  plan: CutPlan,
  { freeLeaves }: Executable,
): readonly (HostArray | undefined)[] {
  return plan.leaves.map((leaf, index) =>
    graph.nodes[index]!.kind === 'constant' && freeLeaves[index] !== true ? leaf.host! : undefined,
  );
}

export function holdsGuards({ guarded }: CachedGraph, plan: CutPlan): boolean {
  for (let index = 0; index < guarded.length; index++) {
    const contents = guarded[index];
    if (contents !== undefined && !sameContents(contents, plan.leaves[index]!.host!)) return false;
  }
  return true;
}

/** Facts that the executable was specialised on: types and attributes of each call, constants. */
export function guardCount(graph: Graph, executable: Executable): number {
  const calls = graph.nodes.filter((node): node is CallNode => node.kind === 'call');
  const attributes = calls.reduce((sum, call) => sum + Object.keys(call.attributes).length, 0);
  const leaves = graph.nodes.length - calls.length;
  return leaves + attributes + executable.freeLeaves.filter((isFree) => !isFree).length;
}

export function closestGraph(
  graphs: readonly CachedGraph[],
  graph: Graph,
): { cached: CachedGraph; differences: readonly GuardDifference[] } {
  const compared = graphs.slice(-comparedGraphs).map((cached) => ({
    cached,
    differences: compareGraphs(cached.graph, graph),
  }));
  return compared.reduce((best, next) => (next.differences.length <= best.differences.length ? next : best));
}
