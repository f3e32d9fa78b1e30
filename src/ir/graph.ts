/**
 * The graph that capture makes and every later stage reads: a list of nodes in topological order, each value in it
 * computed once (SSA), after torch.fx's node kinds. Values are plain frozen data; passes build new graphs.
 */
import type { HostArray, TensorType } from './tensor-type.ts';

/** Attributes of a tfjs kernel call, exactly as the kernel got them, without functions and tensors. */
export type AttributeValue =
  | number
  | string
  | boolean
  | null
  | undefined
  | readonly AttributeValue[]
  | { readonly [key: string]: AttributeValue };
export type Attributes = Readonly<Record<string, AttributeValue>>;

/** Result `output` of the node named `node`. */
export interface ValueRef {
  readonly node: string;
  readonly output: number;
}

interface NodeBase {
  /** Unique in the graph, a JS-identifier-like word: `relu_1`, or the program's variable name. */
  readonly name: string;
}

/** A tensor that arrives from outside at each run. */
export interface PlaceholderNode extends NodeBase {
  readonly kind: 'placeholder';
  readonly type: TensorType;
  /** `state`: held by a tf.Variable; `input`: anything else. */
  readonly role: 'input' | 'state';
}

/** A tensor with fixed values: a small host value or a frozen weight. Data is shared, never copied or written. */
export interface ConstantNode extends NodeBase {
  readonly kind: 'constant';
  readonly type: TensorType;
  readonly data: HostArray;
}

/** One call of a tfjs kernel. */
export interface CallNode extends NodeBase {
  readonly kind: 'call';
  /** tfjs's official kernel name, for example `FusedConv2D`'s `FusedConv2D`. */
  readonly kernel: string;
  /** In the order of the kernel's signature; optional inputs that are absent are `undefined`. */
  readonly inputs: readonly (ValueRef | undefined)[];
  readonly attributes: Attributes;
  readonly outputs: readonly TensorType[];
  /** Stack id in the trace where the program made this call, when known. */
  readonly stack?: number;
  /** Functions and layers around the call, outermost first, when known: `['encoder', 'attention']`. */
  readonly scope?: readonly string[];
}

export type GraphNode = PlaceholderNode | ConstantNode | CallNode;

export interface Graph {
  readonly name: string;
  /** Topological: a node stands behind all that it reads. Placeholders and constants come first. */
  readonly nodes: readonly GraphNode[];
  /** What a run returns, in this order. */
  readonly outputs: readonly ValueRef[];
}

/** Type of one value. Undefined when the ref points nowhere. */
export function typeOf(nodes: ReadonlyMap<string, GraphNode>, ref: ValueRef): TensorType | undefined {
  const node = nodes.get(ref.node);
  if (node === undefined) return undefined;
  return node.kind === 'call' ? node.outputs[ref.output] : ref.output === 0 ? node.type : undefined;
}

/** Nodes by name. */
export function nodesByName(graph: Graph): ReadonlyMap<string, GraphNode> {
  return new Map(graph.nodes.map((node) => [node.name, node]));
}

/** Key of a value, unique in its graph: `relu_1` or `split_2:1`. */
export function refKey(ref: ValueRef): string {
  return ref.output === 0 ? ref.node : `${ref.node}:${ref.output}`;
}

/** For each value (by {@link refKey}), the calls that read it, in graph order. */
export function usersByValue(graph: Graph): ReadonlyMap<string, readonly CallNode[]> {
  const users = new Map<string, CallNode[]>();
  for (const node of graph.nodes) {
    if (node.kind !== 'call') continue;
    for (const input of node.inputs) {
      if (input === undefined) continue;
      const key = refKey(input);
      const list = users.get(key);
      if (list === undefined) users.set(key, [node]);
      else if (list.at(-1) !== node) list.push(node);
    }
  }
  return users;
}

export function callNodes(graph: Graph): CallNode[] {
  return graph.nodes.filter((node) => node.kind === 'call');
}

export function placeholders(graph: Graph): PlaceholderNode[] {
  return graph.nodes.filter((node) => node.kind === 'placeholder');
}
