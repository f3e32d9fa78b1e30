/** What is in an ONNX model, for people: inputs, outputs, operators, weights. */
import { bytesOf, isNumeric, type OnnxDim, type OnnxModel, type OnnxValueInfo } from '../onnx/index.ts';

export interface NamedValue {
  readonly name: string;
  readonly dataType: string;
  /** Sizes; names of symbolic ones; `null` where a size follows from others in a way that has no name. */
  readonly dims: readonly OnnxDim[];
}

export interface ModelSummary {
  readonly inputs: readonly NamedValue[];
  readonly outputs: readonly NamedValue[];
  readonly nodeCount: number;
  /** Nodes per operator, most frequent first. */
  readonly operators: Readonly<Record<string, number>>;
  readonly initializers: number;
  readonly weightBytes: number;
  readonly opset: number;
}

function named({ name, type }: OnnxValueInfo): NamedValue {
  if (type?.kind !== 'tensor') return { name, dataType: 'unknown', dims: [] };
  return { name, dataType: type.dataType, dims: type.dims ?? [] };
}

export function summarizeModel({ graph, opsets }: OnnxModel): ModelSummary {
  const counts = new Map<string, number>();
  for (const { opType } of graph.nodes) counts.set(opType, (counts.get(opType) ?? 0) + 1);
  return {
    inputs: graph.inputs.map(named),
    outputs: graph.outputs.map(named),
    nodeCount: graph.nodes.length,
    operators: Object.fromEntries(
      [...counts].sort(([left, many], [right, few]) => few - many || left.localeCompare(right)),
    ),
    initializers: graph.initializers.length,
    weightBytes: graph.initializers.reduce(
      (sum, { data }) => sum + (isNumeric(data) ? bytesOf(data).byteLength : 0),
      0,
    ),
    opset: opsets.find(({ domain }) => domain === '')?.version ?? 0,
  };
}
