/** Simpler element types, each wherever it stands at once: other floats become float32, other integers int32. */
import {
  allocateArray,
  dataTypeCode,
  dataTypeOfCode,
  isNumeric,
  type OnnxAttribute,
  type OnnxDataType,
  type OnnxGraph,
  type OnnxNode,
  type OnnxTensor,
  type OnnxValueInfo,
} from '../../../onnx/index.ts';
import { numberReader } from '../compare.ts';
import type { GraphCase } from '../graph-case.ts';
import { mapGraphs } from '../bodies/rename-values.ts';
import { acceptEdits, type GraphEdit } from '../graph-edits.ts';
import { allGraphs } from '../graph-uses.ts';
import { defineGraphPass, type GraphPass } from '../graph-context.ts';

const name = 'simplify-types';

const simpler: Readonly<Partial<Record<OnnxDataType, OnnxDataType>>> = {
  float64: 'float32',
  float16: 'float32',
  bfloat16: 'float32',
  int8: 'int32',
  int16: 'int32',
  uint16: 'int32',
  uint32: 'int32',
  uint64: 'int32',
};

/** Attributes that name an element type. */
const typeAttributes: ReadonlySet<string> = new Set(['to', 'dtype', 'output_dtype']);

function convertTensor(tensor: OnnxTensor, from: OnnxDataType, to: OnnxDataType): OnnxTensor {
  if (tensor.dataType !== from || !isNumeric(tensor.data)) return tensor;
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

function converted(from: OnnxDataType, to: OnnxDataType): GraphEdit {
  return (testCase) => {
    const inputs = new Map(
      [...testCase.inputs].map(([input, tensor]) => [input, convertTensor(tensor, from, to)]),
    );
    return { model: { ...testCase.model, graph: convertGraph(testCase.model.graph, from, to) }, inputs };
  };
}

function typesOf({ model, inputs }: GraphCase): Set<OnnxDataType> {
  const constants = allGraphs(model.graph).flatMap(({ initializers }) => initializers);
  return new Set([...inputs.values(), ...constants].map(({ dataType }) => dataType));
}

export const simplifyTypes: GraphPass = defineGraphPass({
  name,
  title: 'element types',
  tier: 1,
  run: (problem) => {
    const edits = [...typesOf(problem.best)].flatMap((type) => {
      const to = simpler[type];
      return to === undefined ? [] : [converted(type, to)];
    });
    return acceptEdits(problem, name, edits);
  },
});
