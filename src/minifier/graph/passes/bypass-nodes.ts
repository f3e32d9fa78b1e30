/**
 * Takes nodes out of the middle: who read the result reads an operand of the same type and shape instead. At the rim that is what
 * deleting does, too.
 */
import type { GraphCase } from '../graph-case.ts';
import { pruneGraph, type Values } from '../graph-cut.ts';
import { defineGraphPass, type GraphContext, type GraphPass } from '../graph-context.ts';
import { replaceReads } from '../bodies/rename-values.ts';
import { nodeReads } from '../graph-uses.ts';

const name = 'bypass-nodes';

function isSameType(values: Values, left: string, right: string): boolean {
  const [one, other] = [values.get(left), values.get(right)];
  if (one === undefined || other === undefined) return false;
  return one.dataType === other.dataType && one.dims.join() === other.dims.join();
}

/** Without the node at `position`; `to` in place of its result. */
function bypassed(testCase: GraphCase, position: number, to: string): GraphCase | undefined {
  const { graph } = testCase.model;
  const node = graph.nodes[position]!;
  const [from] = node.outputs;
  const nodes = graph.nodes.filter((_, at) => at !== position).map((other) => replaceReads(other, from!, to));
  const made = new Set(nodes.flatMap(({ outputs }) => outputs));
  const taken = new Set(graph.outputs.map((output) => output.name));
  const outputs = graph.outputs.flatMap((output) => {
    if (output.name !== from) return [output];
    return made.has(to) && !taken.has(to) ? [{ ...output, name: to }] : [];
  });
  if (outputs.length === 0) return undefined;
  const pruned = pruneGraph({ ...graph, nodes, outputs }, testCase.inputs);
  return { model: { ...testCase.model, graph: pruned.graph }, inputs: pruned.inputs };
}

async function bypasses(testCase: GraphCase, context: GraphContext, end: number) {
  const values = await context.values(testCase);
  const { nodes } = testCase.model.graph;
  const made = new Set(nodes.flatMap(({ outputs }) => outputs));
  const read = new Set(nodes.flatMap(nodeReads));
  return function* () {
    for (let position = Math.min(end, nodes.length) - 1; position >= 0; position--) {
      const node = nodes[position]!;
      const [result, ...others] = node.outputs.filter((output) => output !== '');
      if (result === undefined || others.length > 0 || !read.has(result)) continue;
      for (const input of new Set(node.inputs)) {
        if (!made.has(input) || !isSameType(values, input, result)) continue;
        const candidate = bypassed(testCase, position, input);
        if (candidate) yield { testCase: candidate, position };
      }
    }
  };
}

export const bypassNodes: GraphPass = defineGraphPass({
  name,
  title: 'nodes in the middle',
  tier: 0,
  run: async (problem, context) => {
    let end = Infinity;
    for (;;) {
      const candidates = await bypasses(problem.best, context, end);
      const hit = await problem.firstFailing(name, candidates());
      if (hit === undefined) return;
      end = hit.position;
    }
  },
});
