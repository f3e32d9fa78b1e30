/** One tensor where there were two of the same type and dims: inputs whatever they hold, constants that hold the same. */
import type { OnnxTensor } from '../../../onnx/index.ts';
import { pruneGraph } from '../graph-cut.ts';
import { acceptEdits, type GraphEdit } from '../graph-edits.ts';
import { defineGraphPass, type GraphPass } from '../graph-context.ts';
import { replaceReads } from '../bodies/rename-values.ts';

const name = 'merge-tensors';

/** Reads of `from` become reads of `to`. */
function merged(from: string, to: string): GraphEdit {
  return (testCase) => {
    const { graph } = testCase.model;
    const isKnown = (tensor: string): boolean =>
      testCase.inputs.has(tensor) || graph.initializers.some((each) => each.name === tensor);
    if (!isKnown(from) || !isKnown(to)) return undefined;
    const nodes = graph.nodes.map((node) => replaceReads(node, from, to));
    const pruned = pruneGraph({ ...graph, nodes }, testCase.inputs);
    return { model: { ...testCase.model, graph: pruned.graph }, inputs: pruned.inputs };
  };
}

function kindOf({ dataType, dims }: OnnxTensor): string {
  return `${dataType}[${dims.join()}]`;
}

export const mergeTensors: GraphPass = defineGraphPass({
  name,
  title: 'equal tensors',
  tier: 1,
  run: async (problem) => {
    const { graph } = problem.best.model;
    const first = new Map<string, string>();
    const edits: GraphEdit[] = [];
    const add = (tensor: string, key: string): void => {
      const known = first.get(key);
      if (known === undefined) first.set(key, tensor);
      else edits.push(merged(tensor, known));
    };
    for (const [input, tensor] of problem.best.inputs) add(input, kindOf(tensor));
    for (const tensor of graph.initializers) {
      if (problem.best.inputs.has(tensor.name)) continue;
      add(tensor.name, `${kindOf(tensor)} ${[...tensor.data].map(String).join()}`);
    }
    await acceptEdits(problem, name, edits);
  },
});
