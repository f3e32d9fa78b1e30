/**
 * Which leaves of a graph are worth compiling in as constants: weights that stay. onnxruntime prepacks and folds constants
 * only, and then removes most layout changes by itself; data gains nothing, and costs its size once more.
 */
import type { Graph, GraphNode } from '../ir/graph.ts';
import type { HostArray } from '../ir/tensor-type.ts';
import type { CutPlan } from './plan-cut.ts';

/**
 * A leaf must have been the same in this many runs after its first, and so many times as many for each time that a frozen
 * one changed: what is compiled in vain stays rare, yet a model that replaces another is frozen in time.
 */
const runsUntilFrozen = 2;
const runsFactor = 4;

/**
 * Kernels that run several times as fast with frozen filters, so that a family of graphs of many sizes is worth sessions
 * with its weights inside; products gain a tenth, which these sessions cost when sequences grow.
 */
const gainingKernel = /Conv/;

/** Whether graphs with this plan's kernels gain much by frozen weights. */
export function gainsByFreezing({ nodes }: CutPlan): boolean {
  return nodes.some(({ signature }) => gainingKernel.test(signature.kernel.name));
}

/** Leaves that are all smaller are not worth a second compile; beside larger ones, small ones fold into those. */
const frozenElements = 64;

/** For how long the leaves of a graph, or those of a family's graphs, have been the same. */
export class Steadiness {
  /** Value ids in the last run. */
  readonly #values: Float64Array;
  /** Per leaf, in how many runs in a row it has been the same. */
  readonly sameRuns: Int32Array;
  /** Time in runs that no freezing has been paid from. */
  runMs = 0;

  constructor(leafCount: number) {
    this.#values = new Float64Array(leafCount);
    this.sameRuns = new Int32Array(leafCount);
  }

  observe({ leaves }: CutPlan): void {
    for (let index = 0; index < leaves.length; index++) {
      const { id } = leaves[index]!;
      if (this.#values[index] === id) this.sameRuns[index]!++;
      else {
        this.#values[index] = id;
        this.sameRuns[index] = 0;
      }
    }
  }
}

/**
 * Indices of the leaves to freeze.
 * @param sameRuns per leaf, in how many runs in a row it has been the same.
 * @param thaws how often frozen leaves of the graph's family have changed.
 */
export function chooseFrozenLeaves(
  graph: Graph,
  plan: CutPlan,
  sameRuns: Int32Array,
  thaws: number,
): readonly number[] {
  const weights = weightLeaves(graph);
  const candidates = plan.leaves.flatMap((leaf, index) =>
    weights.has(index) &&
    sameRuns[index]! >= runsUntilFrozen * runsFactor ** thaws &&
    leaf.type.size > 1 &&
    leaf.isLive
      ? [index]
      : [],
  );
  const isWorthIt = candidates.some((index) => plan.leaves[index]!.type.size >= frozenElements);
  return isWorthIt ? keepOneInput(candidates, plan, graph) : [];
}

/**
 * The graph with the chosen leaves compiled in.
 * @param guarded contents of constants that are checked before each run, where the graph is in use. Nobody checks a
 * constant that became an input: it must stay one.
 */
export function freezeLeaves(
  graph: Graph,
  plan: CutPlan,
  chosen: readonly number[],
  guarded?: readonly (HostArray | undefined)[],
): Graph {
  const isChosen = new Set(chosen);
  const nodes = graph.nodes.map((node, index): GraphNode => {
    if (node.kind === 'placeholder' && isChosen.has(index)) {
      return { kind: 'constant', name: node.name, type: node.type, data: plan.leaves[index]!.host! };
    }
    if (node.kind === 'constant' && guarded !== undefined && guarded[index] === undefined) {
      return { kind: 'placeholder', name: node.name, type: node.type, role: 'input' };
    }
    return node;
  });
  return { ...graph, nodes };
}

/**
 * Leaves that some call reads as another input than its first: filters, biases, scales. Data comes first in tfjs's
 * kernels; a data set that a training loop gathers batches from gains nothing from being a constant.
 */
function weightLeaves(graph: Graph): ReadonlySet<number> {
  const viewed = new Map<string, number>();
  const weights = new Set<number>();
  for (const [index, node] of graph.nodes.entries()) {
    if (node.kind !== 'call') {
      viewed.set(node.name, index);
      continue;
    }
    const isView = node.kernel === 'Reshape' || node.kernel === 'Cast';
    for (const [position, input] of node.inputs.entries()) {
      const leaf = input === undefined ? undefined : viewed.get(input.node);
      if (leaf === undefined) continue;
      if (position > 0) weights.add(leaf);
      else if (isView) viewed.set(node.name, leaf);
    }
  }
  return weights;
}

/**
 * A graph whose every input is frozen would be computed at compile time: what looks like the data, the youngest input
 * that no variable holds, stays an input.
 */
function keepOneInput(candidates: readonly number[], plan: CutPlan, graph: Graph): readonly number[] {
  const isCandidate = new Set(candidates);
  const hasOther = graph.nodes.some(
    (node, index) =>
      node.kind === 'placeholder' && !isCandidate.has(index) && plan.leaves[index]!.type.size > 1,
  );
  if (hasOther) return candidates;
  let youngest = -1;
  for (const index of candidates) {
    const leaf = plan.leaves[index]!;
    if (leaf.isState) continue;
    if (youngest < 0 || leaf.id > plan.leaves[youngest]!.id) youngest = index;
  }
  return candidates.filter((index) => index !== youngest);
}
