/** Outputs that are read inside as well: the node that makes them lives without being watched. */
import type { GraphCase } from '../graph-case.ts';
import { acceptEdits, withNode, type GraphEdit } from '../graph-edits.ts';
import { defineGraphPass, withGraph, type GraphPass } from '../graph-context.ts';
import type { OnnxNode } from '../../../onnx/index.ts';
import { bodyInterface, withoutResult, withoutUnreadScans } from '../bodies/body-interface.ts';
import { pruneGraph } from '../graph-cut.ts';
import { nodeReads, subgraphs } from '../graph-uses.ts';

const name = 'drop-outputs';

/** Without the output; undefined when its node would be dead then. */
function withoutOutput(output: string): GraphEdit {
  return (testCase) => {
    const { graph } = testCase.model;
    const outputs = graph.outputs.filter((info) => info.name !== output);
    const maker = graph.nodes.find((node) => node.outputs.includes(output));
    if (outputs.length === 0 || outputs.length === graph.outputs.length) return undefined;
    const used = new Set([...graph.nodes.flatMap(nodeReads), ...outputs.map((info) => info.name)]);
    if (maker !== undefined && !maker.outputs.some((result) => used.has(result))) return undefined;
    return withGraph(testCase, { outputs });
  };
}

function withoutTrailing(node: OnnxNode, used: ReadonlySet<string>): OnnxNode | undefined {
  let count = node.outputs.length;
  while (count > 1 && !used.has(node.outputs[count - 1]!)) count--;
  const isShorter = count < node.outputs.length && subgraphs(node).length === 0;
  return isShorter ? { ...node, outputs: node.outputs.slice(0, count) } : undefined;
}

function changed(position: number, change: (node: OnnxNode) => OnnxNode | undefined): GraphEdit {
  return (testCase) => {
    const node = testCase.model.graph.nodes[position];
    const other = node && change(node);
    if (other === undefined) return undefined;
    const { graph } = withNode(testCase, position, other).model;
    const pruned = pruneGraph(graph, testCase.inputs);
    return { model: { ...testCase.model, graph: pruned.graph }, inputs: pruned.inputs };
  };
}

/** Results that nobody wants are not asked for: trailing ones, of nodes with graphs inside any. */
function withoutUnused({ model: { graph } }: GraphCase): GraphEdit[] {
  const used = new Set([...graph.nodes.flatMap(nodeReads), ...graph.outputs.map((info) => info.name)]);
  return graph.nodes.flatMap((node, at) => {
    if (bodyInterface(node) === undefined)
      return withoutTrailing(node, used) ? [changed(at, (each) => withoutTrailing(each, used))] : [];
    const unused = [...node.outputs.keys()].filter((result) => !used.has(node.outputs[result]!));
    const edits = unused.map((result) => changed(at, (each) => withoutResult(each, result)));
    return [...edits.reverse(), changed(at, withoutUnreadScans)];
  });
}

export const dropOutputs: GraphPass = defineGraphPass({
  name,
  title: 'outputs',
  tier: 1,
  run: async (problem, context) => {
    const keepValues = (before: GraphCase, after: GraphCase): void => context.inherit(after, before);
    const { outputs } = problem.best.model.graph;
    await acceptEdits(
      problem,
      name,
      outputs.map((info) => withoutOutput(info.name)),
      keepValues,
    );
    await acceptEdits(problem, name, withoutUnused(problem.best), keepValues);
  },
});
