/** Outputs that are read inside as well: the node that makes them lives without being watched. */
import { acceptEdits, type GraphEdit } from '../graph-edits.ts';
import { defineGraphPass, withGraph, type GraphPass } from '../graph-context.ts';
import { nodeReads } from '../graph-uses.ts';

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

/** Trailing results that nobody wants are not asked for. */
const withoutUnusedResults: GraphEdit = (testCase) => {
  const { graph } = testCase.model;
  const used = new Set([...graph.nodes.flatMap(nodeReads), ...graph.outputs.map((info) => info.name)]);
  let hasChanged = false;
  const nodes = graph.nodes.map((node) => {
    let count = node.outputs.length;
    while (count > 1 && !used.has(node.outputs[count - 1]!)) count--;
    hasChanged ||= count < node.outputs.length;
    return count === node.outputs.length ? node : { ...node, outputs: node.outputs.slice(0, count) };
  });
  return hasChanged ? withGraph(testCase, { nodes }) : undefined;
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
