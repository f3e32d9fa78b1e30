/**
 * A captured graph beside the model that was made of it: which tfjs kernels the nodes of a reduced model came from, and the
 * part of the captured graph that they are.
 */
import {
  refKey,
  nodesByName,
  typeOf,
  type CallNode,
  type Graph,
  type GraphNode,
  type ValueRef,
} from '../../ir/graph.ts';
import type { OnnxModel } from '../../onnx/index.ts';

export interface CapturedSource {
  /** tfjs kernels; what a trace has no values of are placeholders. */
  readonly graph: Graph;
  /** Names of a kernel's inputs in order. */
  inputNames(kernel: string): readonly string[] | 'variadic';
  /** The graph as a model: inputs named as the placeholders, outputs in order. */
  toModel(graph: Graph): OnnxModel;
}

/** Names of the calls that the nodes of a model came from: nodes are named `<call>/<operator>`. */
export function callsOf({ graph }: CapturedSource, model: OnnxModel): Set<string> {
  const calls = new Set(graph.nodes.filter(({ kind }) => kind === 'call').map(({ name }) => name));
  const names = model.graph.nodes.map(({ name }) => name.split('/', 1)[0]!);
  return new Set(names.filter((name) => calls.has(name)));
}

/** The calls and those that made what they read. */
export function withProducers(graph: Graph, calls: ReadonlySet<string>): Set<string> {
  const nodes = nodesByName(graph);
  const grown = new Set(calls);
  for (const name of calls) {
    const node = nodes.get(name);
    if (node?.kind !== 'call') continue;
    for (const ref of node.inputs)
      if (ref !== undefined && nodes.get(ref.node)?.kind === 'call') grown.add(ref.node);
  }
  return grown;
}

function borderName(ref: ValueRef): string {
  return ref.output === 0 ? ref.node : `${ref.node}_${ref.output}`;
}

/** Only these calls: what they read from others comes from outside, what nobody reads is returned. */
export function partOf(graph: Graph, calls: ReadonlySet<string>): Graph {
  const nodes = nodesByName(graph);
  const kept = graph.nodes.filter((node): node is CallNode => node.kind === 'call' && calls.has(node.name));
  const outside = new Map<string, GraphNode>();
  const read = new Set<string>();
  const moved = (ref: ValueRef | undefined): ValueRef | undefined => {
    if (ref === undefined) return undefined;
    read.add(refKey(ref));
    const node = nodes.get(ref.node)!;
    if (node.kind !== 'call') {
      outside.set(node.name, node);
      return ref;
    }
    if (calls.has(ref.node)) return ref;
    const name = borderName(ref);
    outside.set(name, { kind: 'placeholder', name, type: typeOf(nodes, ref)!, role: 'input' });
    return { node: name, output: 0 };
  };
  const moving = kept.map((node): CallNode => ({ ...node, inputs: node.inputs.map(moved) }));
  const outputs = moving.flatMap(({ name, outputs: types }) =>
    types.map((_, output) => ({ node: name, output })).filter((ref) => !read.has(refKey(ref))),
  );
  return { name: graph.name, nodes: [...outside.values(), ...moving], outputs };
}
