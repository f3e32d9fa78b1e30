/**
 * A graph as an indented tree: nodes in the order in which they run, under the functions and layers that made them.
 * Neighbours of one scope share a header, so a layer that is called twice has two; a chain of scopes without anything
 * else in them shares one, too. Headers fold.
 */
import type { GraphReport, NodeOrigin } from '../../explain/report.ts';
import { graphModel, type GraphModel, type ModelNode } from './graph-model.ts';

export type TreeRow =
  | {
      readonly kind: 'scope';
      /** The first node's key and the depth make it unique. */
      readonly key: string;
      readonly depth: number;
      readonly title: string;
      readonly nodes: number;
      readonly durationMs: number;
      readonly isFolded: boolean;
    }
  | { readonly kind: 'node'; readonly index: number; readonly depth: number };

export interface TreeOptions {
  /** Indices to show; absent: all. */
  readonly only?: ReadonlySet<number>;
  /** Text that a node's own text or the names of the scopes around it must contain, in lower case. */
  readonly filter?: string;
  /** Keys of headers whose folding differs from the usual. */
  readonly toggled: ReadonlySet<string>;
}

/** A header while its nodes are still being counted. */
interface OpenScope {
  readonly key: string;
  readonly title: string;
  readonly depth: number;
  readonly isFolded: boolean;
  readonly row: number;
  nodes: number;
  durationMs: number;
}

/** More leaves than this are folded at first: weights and constants would fill the screen. */
const mostOpenLeaves = 6;
const leavesTitle = 'inputs, state, constants';

function isLeaf(node: ModelNode): boolean {
  return node.kind === 'input' || node.kind === 'state' || node.kind === 'constant';
}

const noScope: readonly string[] = [];

/** Layers and functions around a node; where the trace names none, the program's functions on its stack. */
function scopeOf(origin: NodeOrigin): readonly string[] {
  if (origin.scope.length > 0 || origin.stack === undefined) return origin.scope;
  return origin.stack
    .filter((frame) => frame.origin === 'user' && frame.function !== '')
    .map((frame) => frame.function)
    .reverse();
}

const leafScope: readonly string[] = [leavesTitle];

/** What is asked with each key press and never changes: made once per graph. */
interface Outline {
  readonly model: GraphModel;
  /** Leaves first, then the others as they run. */
  readonly order: readonly number[];
  /** Functions and layers around each node. */
  readonly scopes: readonly (readonly string[])[];
  /** What a filter looks at, per node. */
  readonly texts: readonly string[];
}

const outlines = new WeakMap<GraphReport, Outline>();

function outlineOf(graph: GraphReport): Outline {
  const known = outlines.get(graph);
  if (known !== undefined) return known;
  const model = graphModel(graph);
  const leaves: number[] = [];
  const others: number[] = [];
  // A node of unknown origin belongs to what ran before it: tfjs makes many, such as reshapes, on the way.
  let current = noScope;
  const scopes = model.nodes.map((node, index) => {
    (isLeaf(node) ? leaves : others).push(index);
    if (isLeaf(node)) return leafScope;
    if (node.kind === 'output') return noScope;
    const origin = graph.origins.get(node.name);
    if (origin !== undefined) current = scopeOf(origin);
    return current;
  });
  const texts = model.nodes.map(({ key, op, type }, index) =>
    `${key} ${op} ${type} ${scopes[index]!.join(' ')}`.toLowerCase(),
  );
  const outline = { model, order: [...leaves, ...others], scopes, texts };
  outlines.set(graph, outline);
  return outline;
}

/** Stands between the names of headers that share a row. */
const chainMark = ' › ';

/** A scope that holds nothing but one other scope shares its row: deep calls do not push the nodes to the right. */
function joinChains(rows: readonly TreeRow[]): TreeRow[] {
  const joined: TreeRow[] = [];
  /** Depths of the scopes around the row that share the row of their only child. */
  const shared: number[] = [];
  let titles = '';
  for (const [index, row] of rows.entries()) {
    while (shared.length > 0 && shared.at(-1)! >= row.depth) shared.pop();
    const depth = row.depth - shared.length;
    if (row.kind === 'node') {
      joined.push({ ...row, depth });
      continue;
    }
    const next = rows[index + 1];
    if (next?.kind === 'scope' && next.depth > row.depth && next.nodes === row.nodes) {
      titles += row.title + chainMark;
      shared.push(row.depth);
      continue;
    }
    joined.push({ ...row, depth, title: titles + row.title });
    titles = '';
  }
  return joined;
}

/** Rows of the tree, top to bottom. One pass over the nodes. */
export function treeRows(graph: GraphReport, options: TreeOptions): readonly TreeRow[] {
  const { model, order, scopes, texts } = outlineOf(graph);
  const rows: (TreeRow | undefined)[] = [];
  const open: OpenScope[] = [];
  const { only, filter } = options;
  const shown = order.filter(
    (index) => (only?.has(index) ?? true) && (filter === undefined || texts[index]!.includes(filter)),
  );
  const leaves = shown.findIndex((index) => !isLeaf(model.nodes[index]!));
  const foldsLeaves = filter === undefined && (leaves < 0 ? shown.length : leaves) > mostOpenLeaves;

  function close(depth: number): void {
    while (open.length > depth) {
      const { row, ...scope } = open.pop()!;
      if (row >= 0) rows[row] = { kind: 'scope', ...scope };
    }
  }

  function enter(scope: readonly string[], first: string, isUsuallyFolded: boolean): void {
    let shared = 0;
    while (shared < open.length && shared < scope.length && open[shared]!.title === scope[shared]) shared++;
    close(shared);
    for (let depth = shared; depth < scope.length; depth++) {
      const key = `${first}/${depth}`;
      const isHidden = open.some((outer) => outer.isFolded);
      const isFolded = isHidden || isUsuallyFolded !== options.toggled.has(key);
      if (!isHidden) rows.push(undefined);
      open.push({
        key,
        title: scope[depth]!,
        depth,
        isFolded,
        row: isHidden ? -1 : rows.length - 1,
        nodes: 0,
        durationMs: 0,
      });
    }
  }

  for (const index of shown) {
    const node = model.nodes[index]!;
    const scope = scopes[index]!;
    enter(scope, node.key, foldsLeaves && scope === leafScope);
    const durationMs = graph.nodeTimes.get(node.name) ?? 0;
    for (const outer of open) {
      outer.nodes += 1;
      outer.durationMs += durationMs;
    }
    if (open.every((outer) => !outer.isFolded)) rows.push({ kind: 'node', index, depth: scope.length });
  }
  close(0);
  return joinChains(rows.filter((row) => row !== undefined));
}
