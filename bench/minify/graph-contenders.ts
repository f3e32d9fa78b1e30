/**
 * How others reduce graphs, written anew from their descriptions, over the same oracle and the same recorded values:
 *
 * - PyTorch's fx minifier: blocks of nodes become placeholders with concrete values, prefixes with one output are tried,
 *   block lengths are halved; after each success it starts over with the longest.
 * - Polygraphy's `debug reduce`: the earliest node whose results may be the only outputs, then the latest whose operands may be
 *   inputs; by bisection, or node by node.
 */
import { withGraph } from '../../src/minifier/graph/graph-context.ts';
import { keepNodes, type Values } from '../../src/minifier/graph/graph-cut.ts';
import type { GraphCase } from '../../src/minifier/graph/graph-case.ts';
import { nodeReads } from '../../src/minifier/graph/graph-uses.ts';

export interface Reduction {
  readonly initial: GraphCase;
  readonly values: Values;
  /** Asks the oracle; every call counts. */
  fails(testCase: GraphCase): Promise<boolean>;
}

export type Reducer = (reduction: Reduction) => Promise<GraphCase>;

/** Positions of the nodes that the outputs need. */
function live({ model }: GraphCase, kept: ReadonlySet<number>): Set<number> {
  const { nodes, outputs } = model.graph;
  const wanted = new Set(outputs.map((info) => info.name));
  const alive = new Set<number>();
  for (let position = nodes.length - 1; position >= 0; position--) {
    const node = nodes[position]!;
    if (!kept.has(position) || !node.outputs.some((output) => wanted.has(output))) continue;
    alive.add(position);
    for (const name of nodeReads(node)) wanted.add(name);
  }
  return alive;
}

/** These nodes and outputs, without what is dead then; what is read from outside has its recorded value. */
function part(
  testCase: GraphCase,
  values: Values,
  kept: ReadonlySet<number>,
  outputs?: readonly string[],
): GraphCase | undefined {
  const { graph } = testCase.model;
  const made = new Set(graph.nodes.flatMap((node, position) => (kept.has(position) ? node.outputs : [])));
  const wanted = outputs?.map((name) => ({ name })) ?? graph.outputs;
  const cut = withGraph(testCase, { outputs: wanted.filter((info) => made.has(info.name)) });
  const alive = live(cut, kept);
  return alive.size === 0 ? undefined : keepNodes(cut, values, alive);
}

function positionsOf({ model }: GraphCase): number[] {
  return model.graph.nodes.map((_, position) => position);
}

/** PyTorch's fx minifier. */
export const fxMinifier: Reducer = async ({ initial, values, fails }) => {
  let best = initial;
  const accept = async (candidate: GraphCase | undefined): Promise<boolean> => {
    if (candidate === undefined || !(await fails(candidate))) return false;
    best = candidate;
    return true;
  };

  async function truncateSuffix(granularity: number): Promise<boolean> {
    const { nodes } = best.model.graph;
    for (let end = granularity; end < nodes.length; end += granularity) {
      const prefix = new Set(positionsOf(best).slice(0, end));
      if (await accept(part(best, values, prefix, [nodes[end - 1]!.outputs[0]!]))) return true;
    }
    return false;
  }

  async function blocksToPlaceholders(granularity: number): Promise<boolean> {
    const positions = positionsOf(best);
    for (let start = 0; start < positions.length; start += granularity) {
      const kept = new Set(positions.filter((at) => at < start || at >= start + granularity));
      if (await accept(part(best, values, kept))) return true;
    }
    return false;
  }

  async function removeOutputs(granularity: number): Promise<boolean> {
    const { outputs } = best.model.graph;
    const block = Math.max(1, Math.floor(granularity / 2));
    for (let start = 0; start < outputs.length && outputs.length > 1; start += block) {
      const others = outputs.filter((_, at) => at < start || at >= start + block).map((info) => info.name);
      if (others.length > 0 && (await accept(part(best, values, new Set(positionsOf(best)), others))))
        return true;
    }
    return false;
  }

  async function removeDeadCode(): Promise<boolean> {
    const alive = live(best, new Set(positionsOf(best)));
    if (alive.size === best.model.graph.nodes.length) return false;
    return accept(part(best, values, alive));
  }

  async function attempt(granularity: number, isFirst: boolean): Promise<boolean> {
    const { nodes, outputs } = best.model.graph;
    if (outputs.length > nodes.length / 2 && (await removeOutputs(granularity))) return true;
    if (isFirst && (await removeDeadCode())) return true;
    return (await truncateSuffix(granularity)) || (await blocksToPlaceholders(granularity));
  }

  for (;;) {
    let granularity = 2 ** Math.floor(Math.log2(best.model.graph.nodes.length));
    let hasProgress = await attempt(granularity, true);
    while (!hasProgress && granularity > 1) {
      granularity /= 2;
      hasProgress = await attempt(granularity, false);
    }
    if (!hasProgress && !(await removeOutputs(1))) return best;
  }
};

type Search = (count: number, test: (position: number) => Promise<number | undefined>) => Promise<void>;

/** Tries every position. */
const linear: Search = async (count, test) => {
  for (let position = 0; position < count; position++) await test(position);
};

/** Halves towards the smallest that fails, taking failures to be monotone. */
const bisect: Search = async (count, test) => {
  let [low, high] = [0, count - 1];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if ((await test(middle)) === undefined) low = middle + 1;
    else high = middle;
  }
};

/** Polygraphy's `debug reduce` in one of its two modes. */
function polygraphy(search: Search): Reducer {
  return async ({ initial, values, fails }) => {
    let best = initial;
    /** @returns the number of nodes, when it fails. */
    async function test(candidate: GraphCase | undefined): Promise<number | undefined> {
      if (candidate === undefined || !(await fails(candidate))) return undefined;
      const size = candidate.model.graph.nodes.length;
      if (size < best.model.graph.nodes.length) best = candidate;
      return size;
    }
    const whole = initial;
    await search(whole.model.graph.nodes.length, (position) => {
      const { outputs } = whole.model.graph.nodes[position]!;
      return test(
        part(
          whole,
          values,
          new Set(positionsOf(whole)),
          outputs.filter((name) => name !== ''),
        ),
      );
    });
    const truncated = best;
    const { nodes } = truncated.model.graph;
    await search(nodes.length, (fromEnd) => {
      // Its operands become inputs: who made them is not needed for them any more.
      const cut = new Set(nodeReads(nodes[nodes.length - 1 - fromEnd]!));
      const kept = positionsOf(truncated).filter((at) => !nodes[at]!.outputs.some((name) => cut.has(name)));
      return test(part(truncated, values, new Set(kept)));
    });
    return best;
  };
}

/** Reducers by the name that the table gives them. */
export const contenders: Readonly<Record<string, Reducer>> = {
  'fx minifier': fxMinifier,
  'Polygraphy bisect': polygraphy(bisect),
  'Polygraphy linear': polygraphy(linear),
};
