/**
 * A failing run as a handful of tfjs calls: the recorded call that failed, with its tensors as leaves or as the calls that
 * made them. Small enough to shrink with knowledge of shapes, and printable as the program one would write by hand.
 */
import type { RecordedOp, RecordedValue, Recording } from '../program/messages.ts';

export type LeafValue = number | 'NaN' | 'Infinity' | '-Infinity';

/** How a leaf is written. `data`: every value. */
export type LeafForm = 'data' | 'constant' | 'random';

export interface Leaf {
  readonly kind: 'leaf';
  readonly shape: readonly number[];
  readonly dtype: string;
  /** Row-major; the first stands for all in a constant; empty when they were too many to record. */
  readonly values: readonly LeafValue[];
  readonly form: LeafForm;
}

export type SnippetValue =
  | { readonly kind: 'node'; readonly index: number }
  | { readonly kind: 'literal'; readonly value: string | number | boolean | null | undefined }
  | { readonly kind: 'list'; readonly items: readonly SnippetValue[] }
  | { readonly kind: 'object'; readonly entries: readonly (readonly [string, SnippetValue])[] };

export interface Call {
  readonly kind: 'call';
  /** Path of a public function, or the name of a kernel. */
  readonly callee: string;
  readonly level: RecordedOp['level'];
  readonly arguments: readonly SnippetValue[];
}

export type SnippetNode = Leaf | Call;

/** Nodes in order of evaluation; the last is the call that fails. */
export interface Snippet {
  readonly specifier: string;
  readonly nodes: readonly SnippetNode[];
}

/** A recorded argument that no source text can stand for. */
class Unwritable extends Error {}

/** Calls that could stand for the failure: public functions from the innermost outwards, then kernels. */
export function failingCalls(recording: Recording): RecordedOp[] {
  const byNumber = new Map(recording.ops.map((op) => [op.sequence, op]));
  const chain: RecordedOp[] = [];
  for (let op = byNumber.get(recording.failed); op; op = byNumber.get(op.parent)) chain.push(op);
  const isPublic = (op: RecordedOp): boolean =>
    op.level === 'op' && recording.library.paths[op.name] !== undefined;
  return [...chain.filter(isPublic), ...chain.filter((op) => op.level === 'kernel')];
}

/**
 * The snippet that makes the call `target`, with the calls that made its inputs down to `depth` levels and everything
 * beyond as recorded values. `undefined` when something in it cannot be written down.
 */
export function snippetFrom(recording: Recording, target: RecordedOp, depth: number): Snippet | undefined {
  const { ops, library } = recording;
  const producers = new Map<number, RecordedOp>();
  for (const op of ops) {
    // The outermost finished call that returned just this tensor: later entries are outer ones.
    const isWritable = op.level === 'kernel' || library.paths[op.name] !== undefined;
    const [id] = op.results;
    if (id !== undefined && op.results.length === 1 && isWritable && op.sequence < target.sequence) {
      const known = producers.get(id);
      if (known === undefined || op.level === 'op') producers.set(id, prefersOuter(known, op));
    }
  }
  const nodes: SnippetNode[] = [];
  const indices = new Map<number, number>();

  const addTensor = (tensor: Extract<RecordedValue, { kind: 'tensor' }>, level: number): number => {
    const known = indices.get(tensor.id);
    if (known !== undefined) return known;
    const producer = level > 0 ? producers.get(tensor.id) : undefined;
    const index = producer === undefined ? addLeaf(tensor) : tryCall(producer, tensor, level - 1);
    indices.set(tensor.id, index);
    return index;
  };
  const addLeaf = (tensor: Extract<RecordedValue, { kind: 'tensor' }>): number => {
    if (tensor.dtype === 'string' || tensor.dtype === 'complex64') throw new Unwritable();
    const values = (tensor.values ?? []) as readonly LeafValue[];
    return (
      nodes.push({
        kind: 'leaf',
        shape: tensor.shape,
        dtype: tensor.dtype,
        values,
        form: tensor.values === undefined ? 'random' : 'data',
      }) - 1
    );
  };
  const tryCall = (
    op: RecordedOp,
    tensor: Extract<RecordedValue, { kind: 'tensor' }>,
    level: number,
  ): number => {
    const mark = nodes.length;
    try {
      return addCall(op, level);
    } catch (error) {
      if (!(error instanceof Unwritable)) throw error;
      nodes.length = mark;
      for (const [id, index] of indices) if (index >= mark) indices.delete(id);
      return addLeaf(tensor);
    }
  };
  const convert = (value: RecordedValue, level: number): SnippetValue => {
    switch (value.kind) {
      case 'json':
        return { kind: 'literal', value: value.value as string };
      case 'undefined':
        return { kind: 'literal', value: undefined };
      case 'number':
        return { kind: 'literal', value: value.value === '-0' ? -0 : Number(value.value) };
      case 'tensor':
        return { kind: 'node', index: addTensor(value, level) };
      case 'list':
        return { kind: 'list', items: value.items.map((item) => convert(item, level)) };
      case 'object':
        return { kind: 'object', entries: value.entries.map(([key, item]) => [key, convert(item, level)]) };
      case 'opaque':
        throw new Unwritable();
      default:
        return value satisfies never;
    }
  };
  const addCall = (op: RecordedOp, level: number): number => {
    const parameters = op.arguments.map((argument) => convert(argument, level));
    while (isUndefined(parameters.at(-1))) parameters.pop();
    const callee = op.level === 'op' ? library.paths[op.name]! : op.name;
    return nodes.push({ kind: 'call', callee, level: op.level, arguments: parameters }) - 1;
  };

  try {
    addCall(target, depth);
    return { specifier: library.specifier, nodes };
  } catch (error) {
    if (error instanceof Unwritable) return undefined;
    throw error;
  }
}

function prefersOuter(known: RecordedOp | undefined, op: RecordedOp): RecordedOp {
  return known !== undefined && known.level === 'op' && known.sequence < op.sequence ? known : op;
}

function isUndefined(value: SnippetValue | undefined): boolean {
  return value?.kind === 'literal' && value.value === undefined;
}

/** The snippet without nodes that the last one does not need. */
export function withoutDeadNodes(snippet: Snippet): Snippet {
  const needed = new Set<number>();
  const mark = (index: number): void => {
    if (needed.has(index)) return;
    needed.add(index);
    const node = snippet.nodes[index]!;
    if (node.kind === 'call') for (const argument of node.arguments) nodesIn(argument).forEach(mark);
  };
  mark(snippet.nodes.length - 1);
  const kept = [...snippet.nodes.keys()].filter((index) => needed.has(index));
  const moved = new Map(kept.map((index, position) => [index, position]));
  const nodes = kept.map((index) => {
    const node = snippet.nodes[index]!;
    return node.kind === 'leaf'
      ? node
      : { ...node, arguments: node.arguments.map((each) => mapNodes(each, (old) => moved.get(old)!)) };
  });
  return { ...snippet, nodes };
}

/** Indices of the nodes in an argument. */
export function nodesIn(value: SnippetValue): number[] {
  switch (value.kind) {
    case 'node':
      return [value.index];
    case 'list':
      return value.items.flatMap(nodesIn);
    case 'object':
      return value.entries.flatMap(([, item]) => nodesIn(item));
    default:
      return [];
  }
}

function mapNodes(value: SnippetValue, to: (index: number) => number): SnippetValue {
  return mapValue(value, (each) => (each.kind === 'node' ? { ...each, index: to(each.index) } : each));
}

/** The argument with each innermost value replaced. */
export function mapValue(value: SnippetValue, to: (value: SnippetValue) => SnippetValue): SnippetValue {
  switch (value.kind) {
    case 'list':
      return { ...value, items: value.items.map((item) => mapValue(item, to)) };
    case 'object':
      return { ...value, entries: value.entries.map(([key, item]) => [key, mapValue(item, to)]) };
    default:
      return to(value);
  }
}
