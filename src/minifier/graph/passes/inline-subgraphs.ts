/**
 * Graphs inside nodes become nodes: an If the branch that it took, a Loop its body once. What the branch reads from around
 * it, it reads still; what it made, the node's readers get.
 */
import type { OnnxGraph, OnnxNode, OnnxTensor, OnnxValueInfo } from '../../../onnx/index.ts';
import { pruneGraph, type Values } from '../graph-cut.ts';
import type { GraphCase } from '../graph-case.ts';
import { defineGraphPass, withGraph, type GraphPass } from '../graph-context.ts';
import { subgraphs } from '../graph-uses.ts';

const name = 'inline-subgraphs';

type Rename = (value: string) => string;

/** Names made inside a graph, not counting those of graphs inside it. */
function madeInside({ inputs, initializers, nodes }: OnnxGraph): string[] {
  return [
    ...inputs.map((info) => info.name),
    ...initializers.map((tensor) => tensor.name),
    ...nodes.flatMap((node) => node.outputs),
  ].filter((value) => value !== '');
}

function renameNode(node: OnnxNode, rename: Rename): OnnxNode {
  const attributes = Object.entries(node.attributes).map(([key, attribute]) => {
    if (attribute.kind === 'graph')
      return [key, { ...attribute, value: renameInside(attribute.value, rename) }] as const;
    if (attribute.kind === 'graphs') {
      return [
        key,
        { ...attribute, value: attribute.value.map((graph) => renameInside(graph, rename)) },
      ] as const;
    }
    return [key, attribute] as const;
  });
  return {
    ...node,
    inputs: node.inputs.map(rename),
    outputs: node.outputs.map(rename),
    attributes: Object.fromEntries(attributes),
  };
}

/** The reads of an inner graph from outside; what it makes itself keeps its name. */
function renameInside(graph: OnnxGraph, rename: Rename): OnnxGraph {
  const own = new Set(madeInside(graph));
  const outer: Rename = (value) => (own.has(value) ? value : rename(value));
  return {
    ...graph,
    nodes: graph.nodes.map((node) => renameNode(node, outer)),
    outputs: graph.outputs.map((info) => ({ ...info, name: outer(info.name) })),
  };
}

interface Inlined {
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxTensor[];
  /** What stands for each result of the node. */
  readonly results: readonly string[];
}

/** The nodes of an inner graph for use outside; `given` are the values of its inputs. */
function unfold(graph: OnnxGraph, given: readonly string[], prefix: string): Inlined {
  const names = new Map(madeInside(graph).map((value) => [value, `${prefix}/${value}`]));
  for (const [index, info] of graph.inputs.entries()) names.set(info.name, given[index] ?? '');
  const rename: Rename = (value) => names.get(value) ?? value;
  return {
    nodes: graph.nodes.map((node) => renameNode({ ...node, name: '' }, rename)),
    initializers: graph.initializers.map((tensor) => ({ ...tensor, name: rename(tensor.name) })),
    results: graph.outputs.map((info) => rename(info.name)),
  };
}

function graphAttribute(node: OnnxNode, key: string): OnnxGraph | undefined {
  const attribute = node.attributes[key];
  return attribute?.kind === 'graph' ? attribute.value : undefined;
}

function inlinedNode(node: OnnxNode, values: Values): Inlined | undefined {
  const prefix = node.outputs.find((output) => output !== '') ?? node.opType;
  if (node.opType === 'If') {
    const condition = values.get(node.inputs[0] ?? '');
    if (condition === undefined) return undefined;
    const branch = graphAttribute(node, Number(condition.data[0]) === 0 ? 'else_branch' : 'then_branch');
    return branch && unfold(branch, [], prefix);
  }
  const body = node.opType === 'Loop' ? graphAttribute(node, 'body') : undefined;
  // Results that collect one value of each round have another shape than one round's.
  if (body === undefined || body.outputs.length - 1 !== node.inputs.length - 2) return undefined;
  const zero: OnnxTensor = {
    name: `${prefix}/round`,
    dataType: 'int64',
    dims: [],
    data: BigInt64Array.of(0n),
  };
  const truth: OnnxTensor = { name: `${prefix}/go`, dataType: 'bool', dims: [], data: Uint8Array.of(1) };
  const condition = (node.inputs[1] ?? '') === '' ? truth.name : node.inputs[1]!;
  const { nodes, initializers, results } = unfold(
    body,
    [zero.name, condition, ...node.inputs.slice(2)],
    prefix,
  );
  return { nodes, initializers: [zero, truth, ...initializers], results: results.slice(1) };
}

/** The test case with the node at a position unfolded; undefined when that cannot be done. */
export function withInlined(testCase: GraphCase, values: Values, position: number): GraphCase | undefined {
  const { graph } = testCase.model;
  const node = graph.nodes[position]!;
  const inlined = inlinedNode(node, values);
  if (inlined === undefined) return undefined;
  const { nodes, initializers, results } = inlined;
  const stands = new Map(node.outputs.map((output, index) => [output, results[index] ?? '']));
  const rename: Rename = (value) => (value === '' ? '' : (stands.get(value) ?? value));
  const made = new Set(nodes.flatMap((each) => each.outputs));
  const taken = new Set<string>();
  const outputs = graph.outputs.flatMap((info): OnnxValueInfo[] => {
    const renamed = rename(info.name);
    // What merely passes through is no result of a node.
    if (renamed === '' || taken.has(renamed) || (renamed !== info.name && !made.has(renamed))) return [];
    taken.add(renamed);
    return [{ ...info, name: renamed }];
  });
  if (outputs.length === 0) return undefined;
  const others = graph.nodes.map((each) => (each === node ? each : renameNode(each, rename)));
  const unfolded = [...others.slice(0, position), ...nodes, ...others.slice(position + 1)];
  const whole = withGraph(testCase, {
    nodes: unfolded,
    initializers: [...graph.initializers, ...initializers],
    outputs,
  });
  const pruned = pruneGraph(whole.model.graph, testCase.inputs);
  return { model: { ...testCase.model, graph: pruned.graph }, inputs: pruned.inputs };
}

export const inlineSubgraphs: GraphPass = defineGraphPass({
  name,
  title: 'graphs inside nodes',
  tier: 0,
  run: async (problem, context) => {
    for (;;) {
      const { best } = problem;
      const nested = [...best.model.graph.nodes.entries()].filter(([, node]) => subgraphs(node).length > 0);
      if (nested.length === 0) return;
      const values = await context.values(best);
      const candidates = nested.map(([position]) => {
        const testCase = withInlined(best, values, position);
        return testCase && { testCase };
      });
      if ((await problem.firstFailing(name, candidates)) === undefined) return;
    }
  },
});
