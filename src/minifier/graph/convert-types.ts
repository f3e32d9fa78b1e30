/** A test case in another element type, wherever it stands: values, declared types, casts, in graphs inside nodes as well. */
import {
  allocateArray,
  dataTypeCode,
  dataTypeOfCode,
  type OnnxAttribute,
  type OnnxDataType,
  type OnnxGraph,
  type OnnxNode,
  type OnnxTensor,
  type OnnxValueInfo,
} from '../../onnx/index.ts';
import { mapGraphs } from './bodies/rename-values.ts';
import { numberReader } from './compare.ts';
import type { GraphCase } from './graph-case.ts';

/** Attributes that name an element type. */
const typeAttributes: ReadonlySet<string> = new Set(['to', 'dtype', 'output_dtype']);

function convertTensor(tensor: OnnxTensor, from: OnnxDataType, to: OnnxDataType): OnnxTensor {
  if (tensor.dataType !== from) return tensor;
  const read = numberReader({ ...tensor, type: from });
  const data = allocateArray(to, tensor.data.length);
  for (let index = 0; index < data.length; index++) data[index] = read(index);
  return { ...tensor, dataType: to, data };
}

function convertInfo(info: OnnxValueInfo, from: OnnxDataType, to: OnnxDataType): OnnxValueInfo {
  const { type } = info;
  if (type?.kind !== 'tensor' || type.dataType !== from) return info;
  return { ...info, type: { ...type, dataType: to } };
}

function convertNode(node: OnnxNode, from: OnnxDataType, to: OnnxDataType): OnnxNode {
  const attributes = Object.entries(node.attributes).map(([key, attribute]): [string, OnnxAttribute] => {
    if (attribute.kind === 'tensor')
      return [key, { ...attribute, value: convertTensor(attribute.value, from, to) }];
    const isType = attribute.kind === 'int' && typeAttributes.has(key);
    if (!isType || dataTypeOfCode(Number(attribute.value)) !== from) return [key, attribute];
    return [key, { ...attribute, value: dataTypeCode(to) }];
  });
  const converted = { ...node, attributes: Object.fromEntries(attributes) };
  return mapGraphs(converted, (graph) => convertGraph(graph, from, to));
}

function convertGraph(graph: OnnxGraph, from: OnnxDataType, to: OnnxDataType): OnnxGraph {
  const { valueInfos: _, ...rest } = graph;
  return {
    ...rest,
    inputs: graph.inputs.map((info) => convertInfo(info, from, to)),
    outputs: graph.outputs.map((info) => convertInfo(info, from, to)),
    initializers: graph.initializers.map((tensor) => convertTensor(tensor, from, to)),
    nodes: graph.nodes.map((node) => convertNode(node, from, to)),
  };
}

/** The test case with every element type `from` replaced. */
export function convertCase({ model, inputs }: GraphCase, from: OnnxDataType, to: OnnxDataType): GraphCase {
  return {
    model: { ...model, graph: convertGraph(model.graph, from, to) },
    inputs: new Map([...inputs].map(([name, tensor]) => [name, convertTensor(tensor, from, to)])),
  };
}
