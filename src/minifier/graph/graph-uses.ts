/** Who reads which value of a graph, subgraphs included, and other facts that need no types. */
import type { OnnxGraph, OnnxNode } from '../../onnx/index.ts';

/** Graphs inside a node: the branches of If, the bodies of Loop and Scan. */
export function subgraphs(node: OnnxNode): readonly OnnxGraph[] {
  const graphs: OnnxGraph[] = [];
  for (const attribute of Object.values(node.attributes)) {
    if (attribute.kind === 'graph') graphs.push(attribute.value);
    else if (attribute.kind === 'graphs') graphs.push(...attribute.value);
  }
  return graphs;
}

/** Names that a graph reads from the graphs around it. */
export function freeNames(graph: OnnxGraph): Set<string> {
  const bound = new Set<string>();
  for (const { name } of graph.inputs) bound.add(name);
  for (const { name } of graph.initializers) bound.add(name);
  for (const { values } of graph.sparseInitializers ?? []) bound.add(values.name);
  const free = new Set<string>();
  for (const node of graph.nodes) {
    for (const name of nodeReads(node)) if (!bound.has(name)) free.add(name);
    for (const name of node.outputs) bound.add(name);
  }
  for (const { name } of graph.outputs) if (!bound.has(name)) free.add(name);
  return free;
}

const readsByNode = new WeakMap<OnnxNode, readonly string[]>();

/** Values that a node needs, those of its subgraphs included; each once. */
export function nodeReads(node: OnnxNode): readonly string[] {
  const known = readsByNode.get(node);
  if (known !== undefined) return known;
  const names = new Set(node.inputs);
  for (const graph of subgraphs(node)) for (const name of freeNames(graph)) names.add(name);
  names.delete('');
  const reads = [...names];
  readsByNode.set(node, reads);
  return reads;
}

/** A graph and those inside its nodes. */
export function allGraphs(graph: OnnxGraph): OnnxGraph[] {
  return [graph, ...graph.nodes.flatMap((node) => subgraphs(node).flatMap(allGraphs))];
}

/** Nodes, and those of the graphs inside them. */
export function allNodes(nodes: readonly OnnxNode[]): OnnxNode[] {
  return nodes.flatMap((node) => [node, ...subgraphs(node).flatMap((graph) => allNodes(graph.nodes))]);
}

/** Position of the node that makes each value. */
export function producers(nodes: readonly OnnxNode[]): Map<string, number> {
  const positions = new Map<string, number>();
  for (const [index, node] of nodes.entries()) {
    for (const name of node.outputs) if (name !== '') positions.set(name, index);
  }
  return positions;
}

/** For each node the positions of its neighbours: who makes what it reads, and who reads what it makes. */
export function neighbours(nodes: readonly OnnxNode[]): number[][] {
  const made = producers(nodes);
  const lists = nodes.map((): number[] => []);
  for (const [index, node] of nodes.entries()) {
    for (const name of nodeReads(node)) {
      const producer = made.get(name);
      if (producer === undefined || producer === index) continue;
      lists[index]!.push(producer);
      lists[producer]!.push(index);
    }
  }
  return lists;
}
