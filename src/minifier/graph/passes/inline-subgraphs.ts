/**
 * Graphs inside nodes become nodes: an If the branch that it took, a Loop its body once. What the branch reads from around
 * it, it reads still; what it made, the node's readers get. Then one round alone, whose number is not a constant. Calls of the
 * model's own functions become what they call.
 */
import type { OnnxGraph, OnnxModel, OnnxNode, OnnxTensor, OnnxValueInfo } from '../../../onnx/index.ts';
import { pruneGraph, type Values } from '../graph-cut.ts';
import type { GraphCase } from '../graph-case.ts';
import { defineGraphPass, withGraph, type GraphPass } from '../graph-context.ts';
import { graphOf } from '../bodies/body-interface.ts';
import { openBody, placesIn } from '../bodies/body-view.ts';
import { ownNames, renameNode, type Rename } from '../bodies/rename-values.ts';
import { calledFunction, opsetsWith, unfoldCall } from '../functions.ts';
import { subgraphs } from '../graph-uses.ts';

const name = 'inline-subgraphs';

interface Inlined {
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxTensor[];
  /** What stands for each result of the node. */
  readonly results: readonly string[];
}

/** The nodes of an inner graph for use outside; `given` are the values of its inputs. */
function unfold(graph: OnnxGraph, given: readonly string[], prefix: string): Inlined {
  const names = new Map(ownNames(graph).map((value) => [value, `${prefix}/${value}`]));
  for (const [index, info] of graph.inputs.entries()) names.set(info.name, given[index] ?? '');
  const rename: Rename = (value) => names.get(value) ?? value;
  return {
    nodes: graph.nodes.map((node) => renameNode({ ...node, name: '' }, rename)),
    initializers: graph.initializers.map((tensor) => ({ ...tensor, name: rename(tensor.name) })),
    results: graph.outputs.map((info) => rename(info.name)),
  };
}

function inlinedNode(node: OnnxNode, values: Values, model: OnnxModel): Inlined | undefined {
  const prefix = node.outputs.find((output) => output !== '') ?? node.opType;
  const called = calledFunction(node, model);
  if (called !== undefined) return { initializers: [], ...unfoldCall(called, node, prefix) };
  if (node.opType === 'If') {
    const condition = values.get(node.inputs[0] ?? '');
    if (condition === undefined) return undefined;
    const branch = graphOf(node, Number(condition.data[0]) === 0 ? 'else_branch' : 'then_branch');
    return branch && unfold(branch, [], prefix);
  }
  const body = node.opType === 'Loop' ? graphOf(node, 'body') : undefined;
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
  const inlined = inlinedNode(node, values, testCase.model);
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
  const opsets = opsetsWith(testCase.model, calledFunction(node, testCase.model)?.opsets ?? []);
  return opsets && { model: { ...testCase.model, opsets, graph: pruned.graph }, inputs: pruned.inputs };
}

/** The graph inside a node and nothing else: one round of it. */
function bodyAlone(testCase: GraphCase, values: Values, position: number): GraphCase | undefined {
  for (const place of placesIn(testCase.model.graph)) {
    const inner = place.position === position ? openBody(testCase, values, place)?.inner : undefined;
    if (inner === undefined) continue;
    const made = new Set(inner.model.graph.nodes.flatMap((node) => node.outputs));
    const outputs = inner.model.graph.outputs.filter((info) => made.has(info.name));
    if (outputs.length > 0) return withGraph(inner, { outputs });
  }
  return undefined;
}

export const inlineSubgraphs: GraphPass = defineGraphPass({
  name,
  title: 'graphs inside nodes',
  tier: 0,
  run: async (problem, context) => {
    for (;;) {
      const { best } = problem;
      const nested = [...best.model.graph.nodes.entries()].filter(
        ([, node]) => subgraphs(node).length > 0 || calledFunction(node, best.model) !== undefined,
      );
      if (nested.length === 0) return;
      const values = await context.values(best);
      const candidates = nested.flatMap(([position]) =>
        [withInlined(best, values, position), bodyAlone(best, values, position)].map(
          (testCase) => testCase && { testCase },
        ),
      );
      if ((await problem.firstFailing(name, candidates)) === undefined) return;
    }
  },
});
