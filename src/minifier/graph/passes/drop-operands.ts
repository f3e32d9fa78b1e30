/** Optional operands: a Conv without its bias, a Clip without its bounds. */
import type { OnnxGraph } from '../../../onnx/index.ts';
import { acceptEdits, withNode, type GraphEdit } from '../graph-edits.ts';
import { pruneGraph } from '../graph-cut.ts';
import { nodeReads } from '../graph-uses.ts';
import { defineGraphPass, type GraphPass } from '../graph-context.ts';

const name = 'drop-operands';

/** Operands that an operator of ONNX cannot do without; those not listed need all. */
const neededOperands: Readonly<Record<string, number>> = {
  BatchNormalization: 5,
  Clip: 1,
  Conv: 2,
  ConvInteger: 2,
  ConvTranspose: 2,
  DequantizeLinear: 2,
  Dropout: 1,
  Gemm: 2,
  GRU: 3,
  LayerNormalization: 2,
  LSTM: 3,
  MatMulInteger: 2,
  MaxRoiPool: 2,
  NonMaxSuppression: 2,
  Pad: 2,
  QLinearConv: 8,
  QuantizeLinear: 2,
  ReduceMax: 1,
  ReduceMean: 1,
  ReduceMin: 1,
  ReduceProd: 1,
  ReduceSum: 1,
  Resize: 1,
  RNN: 3,
  Slice: 3,
  Split: 1,
  Squeeze: 1,
  // Variadic: one is enough.
  Concat: 1,
  Max: 1,
  Mean: 1,
  Min: 1,
  Sum: 1,
};

/** Operators that take any number of operands, without gaps. */
const variadic: ReadonlySet<string> = new Set(['Concat', 'Max', 'Mean', 'Min', 'Sum']);

/** How many nodes make nothing that anybody wants. */
function deadNodes({ nodes, outputs }: OnnxGraph): number {
  const read = new Set([...nodes.flatMap(nodeReads), ...outputs.map((info) => info.name)]);
  return nodes.filter((node) => !node.outputs.some((output) => read.has(output))).length;
}

function withoutOperand(result: string, at: number): GraphEdit {
  return (testCase) => {
    const { nodes } = testCase.model.graph;
    const position = nodes.findIndex((node) => node.outputs.includes(result));
    const node = nodes[position];
    if (node === undefined || (node.inputs[at] ?? '') === '') return undefined;
    const inputs = [...node.inputs];
    if (variadic.has(node.opType)) inputs.splice(at, 1);
    else inputs[at] = '';
    while (inputs.at(-1) === '') inputs.pop();
    const { model } = withNode(testCase, position, { ...node, inputs });
    const pruned = pruneGraph(model.graph, testCase.inputs);
    // Nodes that only fed the operand are another pass's business.
    const isWhole = deadNodes(pruned.graph) === deadNodes(testCase.model.graph);
    return isWhole ? { model: { ...model, graph: pruned.graph }, inputs: pruned.inputs } : undefined;
  };
}

export const dropOperands: GraphPass = defineGraphPass({
  name,
  title: 'optional operands',
  tier: 1,
  run: async (problem) => {
    const edits = problem.best.model.graph.nodes.flatMap((node) => {
      const needed = node.domain === '' ? neededOperands[node.opType] : undefined;
      if (needed === undefined || needed >= node.inputs.length) return [];
      const optional = node.inputs.map((_, at) => at).slice(needed);
      return optional.map((at) =>
        withoutOperand(
          node.outputs.find((output) => output !== '')!,
          at,
        ),
      );
    });
    await acceptEdits(problem, name, edits.reverse());
  },
});
