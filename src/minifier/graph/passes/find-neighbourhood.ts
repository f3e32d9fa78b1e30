/**
 * The part of a large graph that fails, in about 2 log n trials. The shortest failing prefix ends with a node that is needed.
 * Bugs of optimizers are in fused neighbourhoods, so the search gallops outwards from there: the nearest 1, 2, 4, 8... nodes.
 * When the failure needs places far apart, the shortest prefix that fails together with the needed nodes names the next one
 * (QuickXplain's step), and so on. An error that names a node, a value or an operator saves looking for the first place.
 */
import type { OnnxNode } from '../../../onnx/index.ts';
import { neighbours } from '../graph-uses.ts';
import { cutter, defineGraphPass, type GraphPass } from '../graph-context.ts';

const name = 'find-neighbourhood';
/** Graphs up to this size go straight to deleting node by node. */
const smallNodes = 12;
const maxPlaces = 8;
/** A ball of more than this share of the candidates is not worth a trial. */
const maxShare = 0.75;
/** How many nodes that the message of the failure may mean are looked at, and how many nodes around each. */
const maxNamed = 2;
const namedReach = 4;

/** Nodes ordered by their distance from `centres` in the undirected graph; those nobody reaches come last. */
export function byDistance(
  lists: readonly (readonly number[])[],
  centres: readonly number[],
  allowed: ReadonlySet<number>,
): number[] {
  const order: number[] = [];
  const seen = new Set(centres);
  let ring = [...centres];
  while (ring.length > 0) {
    const next = new Set<number>();
    for (const position of ring) {
      for (const other of lists[position]!) if (!seen.has(other)) next.add(other);
    }
    // Later nodes first: the centre is the last needed node, so what it reads is near in the list as well.
    ring = [...next].sort((left, right) => right - left);
    for (const position of ring) seen.add(position);
    order.push(...ring.filter((position) => allowed.has(position)));
  }
  const reached = new Set(order);
  const rest = [...allowed].filter((position) => !reached.has(position) && !centres.includes(position));
  return [...order, ...rest.sort((left, right) => right - left)];
}

/** Positions of nodes that a message is about: named, or the only few of an operator that it names. */
export function namedPositions(nodes: readonly OnnxNode[], message: string): number[] {
  const words = new Set(message.split(/[\s'"(),;=]+/));
  const named = [...nodes.entries()].filter(([, node]) =>
    [node.name, ...node.outputs].some((word) => word !== '' && words.has(word)),
  );
  const ofType = [...nodes.entries()].filter(([, node]) => words.has(node.opType));
  const found = named.length > 0 ? named : ofType;
  return found.length <= maxNamed ? found.map(([position]) => position) : [];
}

export const findNeighbourhood: GraphPass = defineGraphPass({
  name,
  title: 'failing neighbourhood',
  tier: 0,
  run: async (problem, context) => {
    const { nodes } = problem.best.model.graph;
    if (nodes.length <= smallNodes) return;
    const cut = await cutter(problem.best, context, true);
    const lists = neighbours(nodes);
    const needed: number[] = [];
    let current = nodes.map((_, position) => position);

    async function fails(part: readonly number[]): Promise<boolean> {
      const isAccepted = await problem.accepts(name, cut(new Set([...needed, ...part])));
      if (isAccepted) current = [...needed, ...part];
      return isAccepted;
    }
    /** The least count in (low, high] whose first items fail; those of `high` are known to. */
    async function leastCount(items: readonly number[], low: number, high: number): Promise<number> {
      let [from, to] = [low + 1, high];
      while (from < to) {
        const middle = Math.floor((from + to) / 2);
        if (await fails(items.slice(0, middle))) to = middle;
        else from = middle + 1;
      }
      return to;
    }

    /** Whether some of the nodes nearest to the needed ones fail with them, and if so, as few as possible. */
    async function gallop(among: ReadonlySet<number>, most: number): Promise<boolean> {
      const around = byDistance(lists, needed, among);
      for (let count = 1; count <= Math.min(most, around.length); count *= 2) {
        if (!(await fails(around.slice(0, count)))) continue;
        await leastCount(around, Math.floor(count / 2), count);
        return true;
      }
      return false;
    }

    for (const position of namedPositions(nodes, context.message)) {
      needed.push(position);
      const others = new Set(current.filter((other) => other !== position));
      if (await gallop(others, namedReach)) return;
      needed.pop();
    }
    while (needed.length < maxPlaces && current.length > Math.max(smallNodes, needed.length)) {
      const rest = current.filter((position) => !needed.includes(position)).sort((a, b) => a - b);
      if (needed.length > 1 && (await fails([]))) break;
      const count = await leastCount(rest, 0, rest.length);
      const prefix = rest.slice(0, count);
      needed.push(prefix.pop()!);
      if (await gallop(new Set(prefix), prefix.length * maxShare)) return;
    }
  },
});
