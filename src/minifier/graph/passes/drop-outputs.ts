/** Outputs that are read inside as well: the node that makes them lives without being watched. */
import { acceptEdits, type GraphEdit } from '../graph-edits.ts';
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

/** The node without results that nobody wants: trailing ones, and of nodes with graphs inside any, there as well. */
function withoutUnused(node: OnnxNode, used: ReadonlySet<string>): OnnxNode {
  if (bodyInterface(node) === undefined) {
    let count = node.outputs.length;
    while (count > 1 && !used.has(node.outputs[count - 1]!)) count--;
    const isShorter = count < node.outputs.length && subgraphs(node).length === 0;
    return isShorter ? { ...node, outputs: node.outputs.slice(0, count) } : node;
  }
  let changed = withoutUnreadScans(node) ?? node;
  for (const [position, result] of [...node.outputs.entries()].reverse()) {
    if (!used.has(result)) changed = withoutResult(changed, position) ?? changed;
  }
  return changed;
}

const withoutUnusedResults: GraphEdit = (testCase) => {
  const { graph } = testCase.model;
  const used = new Set([...graph.nodes.flatMap(nodeReads), ...graph.outputs.map((info) => info.name)]);
  const nodes = graph.nodes.map((node) => withoutUnused(node, used));
  if (nodes.every((node, at) => node === graph.nodes[at])) return undefined;
  const pruned = pruneGraph({ ...graph, nodes }, testCase.inputs);
  return { model: { ...testCase.model, graph: pruned.graph }, inputs: pruned.inputs };
};

export const dropOutputs: GraphPass = defineGraphPass({
  name,
  title: 'outputs',
  tier: 1,
  run: async (problem, context) => {
    const keepValues = (before: typeof problem.best, after: typeof problem.best): void =>
      context.inherit(after, before);
    const { outputs } = problem.best.model.graph;
    await acceptEdits(
      problem,
      name,
      outputs.map((info) => withoutOutput(info.name)),
      keepValues,
    );
    await acceptEdits(problem, name, [withoutUnusedResults], keepValues);
  },
});
