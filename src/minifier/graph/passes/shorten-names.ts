/** Short names that say what a value is: x, y, z for inputs, c for constants, v for results, i for what a round gets. Nodes need none. */
import type { OnnxGraph, OnnxNode, OnnxTensor } from '../../../onnx/index.ts';
import { mapGraphs, type Rename } from '../bodies/rename-values.ts';
import type { GraphCase } from '../graph-case.ts';
import { defineGraphPass, type GraphPass } from '../graph-context.ts';
import { allGraphs } from '../graph-uses.ts';

const name = 'shorten-names';
const inputLetters = ['x', 'y', 'z'];

/** Names of the values of graphs inside nodes may be there more than once: each graph gets its own. */
type Names = ReadonlyMap<OnnxGraph, ReadonlyMap<string, string>>;

/** A name for each value of a graph and of those inside it, by the graph that makes it; unique over all of them. */
export function shortNames(graph: OnnxGraph, inputs: Iterable<string>): Names {
  const graphs = allGraphs(graph);
  const names = new Map(graphs.map((each) => [each, new Map<string, string>()]));
  /** Numbers what has no name yet. */
  const numbered = (letter: string, pick: (each: OnnxGraph) => readonly string[]): void => {
    const fresh = graphs.flatMap((each) =>
      [...new Set(pick(each))]
        .filter((value) => value !== '' && !names.get(each)!.has(value))
        .map((value) => ({ own: names.get(each)!, value })),
    );
    for (const [index, { own, value }] of fresh.entries())
      own.set(value, fresh.length === 1 ? letter : `${letter}${index}`);
  };
  const fed = [...new Set([...graph.inputs.map((info) => info.name), ...inputs])];
  if (fed.length <= inputLetters.length)
    for (const [index, value] of fed.entries()) names.get(graph)!.set(value, inputLetters[index]!);
  else numbered('x', (each) => (each === graph ? fed : []));
  numbered('i', (each) => (each === graph ? [] : each.inputs.map((info) => info.name)));
  numbered('c', (each) => [
    ...each.initializers.map((tensor) => tensor.name),
    ...(each.sparseInitializers ?? []).map(({ values }) => values.name),
  ]);
  numbered('v', (each) => each.nodes.flatMap((node) => node.outputs));
  return names;
}

/** The graph with short names; `outer` are those of the graphs around it. */
function renameGraph(graph: OnnxGraph, names: Names, outer: Rename, keepsNodeNames: boolean): OnnxGraph {
  const own = names.get(graph)!;
  const rename: Rename = (value) => own.get(value) ?? outer(value);
  const renameNode = (node: OnnxNode): OnnxNode => ({
    ...mapGraphs(node, (inner) => renameGraph(inner, names, rename, keepsNodeNames)),
    name: keepsNodeNames ? node.name : '',
    inputs: node.inputs.map(rename),
    outputs: node.outputs.map(rename),
  });
  const renameTensor = (tensor: OnnxTensor): OnnxTensor => ({ ...tensor, name: rename(tensor.name) });
  const renameInfo = <T extends { readonly name: string }>(info: T): T => ({
    ...info,
    name: rename(info.name),
  });
  return {
    ...graph,
    name: 'g',
    inputs: graph.inputs.map(renameInfo),
    outputs: graph.outputs.map(renameInfo),
    initializers: graph.initializers.map(renameTensor),
    ...(graph.sparseInitializers && {
      sparseInitializers: graph.sparseInitializers.map((sparse) => ({
        ...sparse,
        values: renameTensor(sparse.values),
      })),
    }),
    ...(graph.valueInfos && { valueInfos: graph.valueInfos.map(renameInfo) }),
    nodes: graph.nodes.map(renameNode),
  };
}

/** The test case with short names. */
export function renamed(testCase: GraphCase, keepsNodeNames = false): GraphCase {
  const { graph } = testCase.model;
  const names = shortNames(graph, testCase.inputs.keys());
  const top = names.get(graph)!;
  const inputs = [...testCase.inputs].map(([input, tensor]): [string, OnnxTensor] => {
    const short = top.get(input) ?? input;
    return [short, { ...tensor, name: short }];
  });
  return {
    inputs: new Map(inputs),
    model: { ...testCase.model, graph: renameGraph(graph, names, (value) => value, keepsNodeNames) },
  };
}

export const shortenNames: GraphPass = defineGraphPass({
  name,
  title: 'names',
  tier: 1,
  run: async (problem, context) => {
    await problem.accepts(name, renamed(problem.best, context.keepsNodeNames));
  },
});
