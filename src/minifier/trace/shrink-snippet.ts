/**
 * Makes a snippet smaller with what is known about tensors: calls become leaves or are bypassed, values become constants,
 * sizes shrink. A size that occurs in several places is one variable (a dimension class) and moves everywhere at once,
 * because shrinking it in one place only breaks shapes.
 */
import type { Problem } from '../problem.ts';
import type { SourceTree } from '../source/source-tree.ts';
import { constantOf, printSnippet } from './print-snippet.ts';
import {
  mapValue,
  nodesIn,
  withoutDeadNodes,
  type Leaf,
  type LeafValue,
  type Snippet,
  type SnippetNode,
  type SnippetValue,
} from './snippet.ts';

type Move = (snippet: Snippet) => Iterable<Snippet>;

function replaceNode(snippet: Snippet, index: number, node: SnippetNode): Snippet {
  return withoutDeadNodes({
    ...snippet,
    nodes: snippet.nodes.map((each, at) => (at === index ? node : each)),
  });
}

/** Constant leaves: zero, one, the simplest other values, the leaf's own first value. */
function* simplifyLeaves(snippet: Snippet): Generator<Snippet> {
  const simple = (leaf: Leaf, value: LeafValue): Leaf => ({ ...leaf, values: [value], form: 'constant' });
  const choices = (leaf: Leaf): LeafValue[] => {
    if (leaf.form === 'constant') {
      const constant = constantOf(leaf)!;
      return [0, 1, -1].filter(
        (value) => value !== constant && !(constant === 1 && value === -1) && constant !== 0,
      );
    }
    const [first] = leaf.values;
    const rounded = Math.round(Number(first));
    return [
      0,
      1,
      -1,
      ...(Number.isFinite(rounded) ? [rounded] : []),
      ...(first === undefined ? [] : [first]),
    ];
  };
  for (const value of [0, 1, -1]) {
    const nodes = snippet.nodes.map((node) =>
      node.kind === 'leaf' && node.form !== 'constant' ? simple(node, value) : node,
    );
    if (nodes.some((node, index) => node !== snippet.nodes[index])) yield { ...snippet, nodes };
  }
  for (const [index, node] of snippet.nodes.entries()) {
    if (node.kind !== 'leaf') continue;
    for (const value of new Set(choices(node))) yield replaceNode(snippet, index, simple(node, value));
  }
}

/** Calls replaced by one of their inputs. */
function* bypassCalls(snippet: Snippet): Generator<Snippet> {
  const last = snippet.nodes.length - 1;
  for (let index = last - 1; index >= 0; index--) {
    const node = snippet.nodes[index]!;
    if (node.kind !== 'call') continue;
    for (const input of node.arguments.flatMap(nodesIn)) {
      const redirect = (value: SnippetValue): SnippetValue =>
        value.kind === 'node' && value.index === index ? { ...value, index: input } : value;
      yield withoutDeadNodes({
        ...snippet,
        nodes: snippet.nodes.map((each) =>
          each.kind === 'call'
            ? { ...each, arguments: each.arguments.map((value) => mapValue(value, redirect)) }
            : each,
        ),
      });
    }
  }
}

/** The first `to` entries of each axis that is `from` long. */
function cropLeaf(leaf: Leaf, from: number, to: number): Leaf {
  const shape = leaf.shape.map((dim) => (dim === from ? to : dim));
  const count = shape.reduce((product, dim) => product * dim, 1);
  if (leaf.form !== 'data') return { ...leaf, shape };
  const strides = leaf.shape.map((_, axis) =>
    leaf.shape.slice(axis + 1).reduce((product, dim) => product * dim, 1),
  );
  const values = Array.from({ length: count }, (_, position) => {
    let rest = position;
    let source = 0;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      source += (rest % shape[axis]!) * strides[axis]!;
      rest = Math.floor(rest / shape[axis]!);
    }
    return leaf.values[source] ?? 0;
  });
  return { ...leaf, shape, values };
}

function withSize(snippet: Snippet, from: number, to: number, alsoArguments: boolean): Snippet {
  const resize = (value: SnippetValue): SnippetValue =>
    value.kind === 'literal' && value.value === from ? { ...value, value: to } : value;
  const nodes = snippet.nodes.map((node): SnippetNode => {
    if (node.kind === 'leaf') return node.shape.includes(from) ? cropLeaf(node, from, to) : node;
    return alsoArguments
      ? { ...node, arguments: node.arguments.map((each) => mapValue(each, resize)) }
      : node;
  });
  return { ...snippet, nodes };
}

/** Sizes made smaller, the largest first; each as one variable, in shapes alone and in arguments as well. */
function* shrinkSizes(snippet: Snippet): Generator<Snippet> {
  const sizes = new Set(snippet.nodes.flatMap((node) => (node.kind === 'leaf' ? node.shape : [])));
  for (const size of [...sizes].filter((dim) => dim > 1).sort((left, right) => right - left)) {
    for (const smaller of new Set([1, 2, 3, size >> 1, size - 1])) {
      if (smaller >= size || smaller < 1) continue;
      yield withSize(snippet, size, smaller, true);
      yield withSize(snippet, size, smaller, false);
    }
  }
}

/** One axis of one leaf made shorter, where sizes that happen to be equal are not one variable. */
function* shrinkAxes(snippet: Snippet): Generator<Snippet> {
  for (const [index, node] of snippet.nodes.entries()) {
    if (node.kind !== 'leaf') continue;
    for (const [axis, size] of node.shape.entries()) {
      for (const smaller of new Set([1, 2, size >> 1])) {
        if (smaller >= size || smaller < 1) continue;
        // A size no axis has marks the one to crop.
        const marked = {
          ...node,
          shape: node.shape.map((dim, at) => (at === axis ? size : dim === size ? -1 : dim)),
        };
        const unmark = (leaf: Leaf): Leaf => ({
          ...leaf,
          shape: leaf.shape.map((dim) => (dim === -1 ? size : dim)),
        });
        if (node.form === 'data' && marked.shape.includes(-1)) continue;
        yield replaceNode(snippet, index, unmark(cropLeaf(marked, size, smaller)));
      }
    }
  }
}

const moves: readonly Move[] = [bypassCalls, shrinkSizes, simplifyLeaves, shrinkAxes];

/** Shrinks the snippet that is the problem's best to a fixed point of the moves. */
export async function shrinkSnippet(
  problem: Problem<SourceTree>,
  snippet: Snippet,
  read: boolean,
): Promise<Snippet> {
  function* candidates(
    from: Snippet,
    move: Move,
  ): Generator<{ testCase: SourceTree; snippet: Snippet } | undefined> {
    for (const smaller of move(from)) {
      const testCase = printSnippet(smaller, read);
      yield testCase && { testCase, snippet: smaller };
    }
  }
  let best = snippet;
  for (let before: Snippet | undefined; before !== best;) {
    before = best;
    for (const move of moves) {
      for (;;) {
        const hit = await problem.firstFailing(`trace/${move.name}`, candidates(best, move));
        if (hit === undefined) break;
        best = hit.snippet;
      }
    }
  }
  return best;
}
