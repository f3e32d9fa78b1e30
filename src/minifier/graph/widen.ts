/**
 * The same test case in double precision, as the judge between two single-precision answers (PyTorch's way): constants,
 * inputs, declared types and casts of float32 become float64. onnxruntime has no float64 kernel for some operators; then the
 * model is refused and nobody judges.
 */
import {
  dataTypeCode,
  type OnnxAttribute,
  type OnnxGraph,
  type OnnxNode,
  type OnnxTensor,
  type OnnxType,
  type OnnxValueInfo,
} from '../../onnx/index.ts';
import { allGraphs } from './graph-uses.ts';
import type { GraphCase } from './graph-case.ts';

function widenTensor(tensor: OnnxTensor): OnnxTensor {
  if (!(tensor.data instanceof Float32Array) || tensor.dataType !== 'float32') return tensor;
  return { ...tensor, dataType: 'float64', data: Float64Array.from(tensor.data) };
}

function widenType(type: OnnxType): OnnxType {
  return type.kind === 'tensor' && type.dataType === 'float32' ? { ...type, dataType: 'float64' } : type;
}

function widenInfo(info: OnnxValueInfo): OnnxValueInfo {
  return info.type === undefined ? info : { ...info, type: widenType(info.type) };
}

/** Attributes that name an element type. */
const typeAttributes: ReadonlySet<string> = new Set(['to', 'dtype', 'output_dtype']);

function widenAttribute(name: string, attribute: OnnxAttribute): OnnxAttribute {
  if (attribute.kind === 'graph') return { ...attribute, value: widenGraph(attribute.value) };
  if (attribute.kind === 'tensor') return { ...attribute, value: widenTensor(attribute.value) };
  const isFloat = attribute.kind === 'int' && Number(attribute.value) === dataTypeCode('float32');
  return isFloat && typeAttributes.has(name) ? { kind: 'int', value: dataTypeCode('float64') } : attribute;
}

function widenNode(node: OnnxNode): OnnxNode {
  const attributes = Object.entries(node.attributes).map(
    ([name, attribute]) => [name, widenAttribute(name, attribute)] as const,
  );
  return { ...node, attributes: Object.fromEntries(attributes) };
}

function widenGraph(graph: OnnxGraph): OnnxGraph {
  const { valueInfos: _, ...rest } = graph;
  return {
    ...rest,
    nodes: graph.nodes.map(widenNode),
    inputs: graph.inputs.map(widenInfo),
    outputs: graph.outputs.map(widenInfo),
    initializers: graph.initializers.map(widenTensor),
  };
}

/** Bytes of tensors up to which a second, double-precision model is worth its time. */
const maxBytes = 64 * 2 ** 20;

const widened = new WeakMap<GraphCase, GraphCase>();

/** The test case in float64; undefined when it has functions, or is too large. */
export function widenCase(testCase: GraphCase): GraphCase | undefined {
  const known = widened.get(testCase);
  if (known !== undefined) return known;
  const { model, inputs } = testCase;
  const constants = allGraphs(model.graph).flatMap(({ initializers }) => initializers);
  const bytes = constants.reduce((sum, { data }) => sum + data.length * 4, 0);
  if ((model.functions?.length ?? 0) > 0 || bytes > maxBytes) return undefined;
  const wide: GraphCase = {
    model: { ...model, graph: widenGraph(model.graph) },
    inputs: new Map([...inputs].map(([name, tensor]) => [name, widenTensor(tensor)])),
  };
  widened.set(testCase, wide);
  return wide;
}
