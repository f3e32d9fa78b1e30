/** Other names for values, in the graphs inside nodes as well: what such a graph makes itself keeps its name. */
import type { OnnxAttribute, OnnxGraph, OnnxNode } from '../../../onnx/index.ts';
import { nodeReads, subgraphs } from '../graph-uses.ts';

export type Rename = (value: string) => string;

/** Names that a graph defines, not counting those of graphs inside it. */
export function ownNames({ inputs, initializers, sparseInitializers = [], nodes }: OnnxGraph): string[] {
  return [
    ...inputs.map((info) => info.name),
    ...initializers.map((tensor) => tensor.name),
    ...sparseInitializers.map(({ values }) => values.name),
    ...nodes.flatMap((node) => node.outputs),
  ].filter((value) => value !== '');
}

/** Names that a graph and those inside it define. */
export function allNames(graph: OnnxGraph): Set<string> {
  const names = new Set(ownNames(graph));
  for (const inner of graph.nodes.flatMap(subgraphs)) for (const name of allNames(inner)) names.add(name);
  return names;
}

/** A name that starts with `stem` and is not taken; it is then. */
export function freshName(stem: string, taken: Set<string>): string {
  let name = stem;
  for (let count = 1; taken.has(name); count++) name = `${stem}_${count}`;
  taken.add(name);
  return name;
}

/** The node with other graphs inside; `key` is the attribute's name. */
export function mapGraphs(node: OnnxNode, change: (graph: OnnxGraph, key: string) => OnnxGraph): OnnxNode {
  if (subgraphs(node).length === 0) return node;
  const attributes = Object.entries(node.attributes).map(([key, attribute]): [string, OnnxAttribute] => {
    if (attribute.kind === 'graph') return [key, { ...attribute, value: change(attribute.value, key) }];
    if (attribute.kind === 'graphs')
      return [key, { ...attribute, value: attribute.value.map((graph) => change(graph, key)) }];
    return [key, attribute];
  });
  return { ...node, attributes: Object.fromEntries(attributes) };
}

/** The node, reading and making values of other names. */
export function renameNode(node: OnnxNode, rename: Rename): OnnxNode {
  const renamed = mapGraphs(node, (graph) => renameInside(graph, rename));
  return { ...renamed, inputs: node.inputs.map(rename), outputs: node.outputs.map(rename) };
}

/** The reads of an inner graph from outside. */
export function renameInside(graph: OnnxGraph, rename: Rename): OnnxGraph {
  const own = new Set(ownNames(graph));
  const outer: Rename = (value) => (own.has(value) ? value : rename(value));
  return {
    ...graph,
    nodes: graph.nodes.map((node) => renameNode(node, outer)),
    outputs: graph.outputs.map((info) => ({ ...info, name: outer(info.name) })),
  };
}

/** The node, reading one value in place of another. */
export function replaceReads(node: OnnxNode, from: string, to: string): OnnxNode {
  return nodeReads(node).includes(from) ? renameNode(node, (value) => (value === from ? to : value)) : node;
}
