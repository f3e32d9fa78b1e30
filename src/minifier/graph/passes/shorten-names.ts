/** Short names that say what a value is: x, y, z for inputs, c for constants, v for results. Nodes need none. */
import type { OnnxGraph, OnnxNode, OnnxTensor } from '../../../onnx/index.ts';
import type { GraphCase } from '../graph-case.ts';
import { defineGraphPass, type GraphPass } from '../graph-context.ts';
import { subgraphs } from '../graph-uses.ts';

const name = 'shorten-names';
const inputLetters = ['x', 'y', 'z'];

type Rename = (value: string) => string;

/** A name for each value of a graph. */
export function shortNames(graph: OnnxGraph, inputs: Iterable<string>): Map<string, string> {
  const names = new Map<string, string>();
  const numbered = (letter: string, values: readonly string[]): void => {
    const fresh = values.filter((value) => value !== '' && !names.has(value));
    for (const [index, value] of fresh.entries())
      names.set(value, fresh.length === 1 ? letter : `${letter}${index}`);
  };
  const fed = [...new Set([...graph.inputs.map((info) => info.name), ...inputs])];
  if (fed.length <= inputLetters.length)
    for (const [index, value] of fed.entries()) names.set(value, inputLetters[index]!);
  else numbered('x', fed);
  numbered('c', [
    ...graph.initializers.map((tensor) => tensor.name),
    ...(graph.sparseInitializers ?? []).map(({ values }) => values.name),
  ]);
  numbered(
    'v',
    graph.nodes.flatMap((node) => node.outputs),
  );
  return names;
}

function renameNode(node: OnnxNode, rename: Rename, keepsName: boolean): OnnxNode {
  return {
    ...node,
    name: keepsName ? node.name : '',
    inputs: node.inputs.map(rename),
    outputs: node.outputs.map(rename),
  };
}

/** The test case with short names. */
export function renamed(testCase: GraphCase, keepsNodeNames = false): GraphCase {
  const { graph } = testCase.model;
  const names = shortNames(graph, testCase.inputs.keys());
  const rename: Rename = (value) => names.get(value) ?? value;
  const renameTensor = (tensor: OnnxTensor): OnnxTensor => ({ ...tensor, name: rename(tensor.name) });
  return {
    inputs: new Map(
      [...testCase.inputs].map(([input, tensor]) => [
        rename(input),
        renameTensor({ ...tensor, name: input }),
      ]),
    ),
    model: {
      ...testCase.model,
      graph: {
        ...graph,
        name: 'g',
        inputs: graph.inputs.map((info) => ({ ...info, name: rename(info.name) })),
        outputs: graph.outputs.map((info) => ({ ...info, name: rename(info.name) })),
        initializers: graph.initializers.map(renameTensor),
        ...(graph.sparseInitializers && {
          sparseInitializers: graph.sparseInitializers.map((sparse) => ({
            ...sparse,
            values: renameTensor(sparse.values),
          })),
        }),
        ...(graph.valueInfos && {
          valueInfos: graph.valueInfos.map((info) => ({ ...info, name: rename(info.name) })),
        }),
        nodes: graph.nodes.map((node) => renameNode(node, rename, keepsNodeNames)),
      },
    },
  };
}

export const shortenNames: GraphPass = defineGraphPass({
  name,
  title: 'names',
  tier: 1,
  run: async (problem, context) => {
    const { best } = problem;
    // Subgraphs see the names around them.
    if (best.model.graph.nodes.some((node) => subgraphs(node).length > 0)) return;
    await problem.accepts(name, renamed(best, context.keepsNodeNames));
  },
});
