/**
 * The test case: an ONNX model with the values of its inputs. Smaller means fewer nodes first, then fewer values that come
 * from outside, then smaller tensors, then simpler attributes, types and numbers.
 */
import { createHash } from 'node:crypto';
import {
  encodeModel,
  encodeNpz,
  isNumeric,
  printOnnx,
  tensorElements,
  type OnnxAttribute,
  type OnnxModel,
  type OnnxTensor,
} from '../../onnx/index.ts';
import { float32Text } from '../../ir/number-text.ts';
import type { Domain } from '../problem.ts';
import { ownNames } from './bodies/rename-values.ts';
import { countModelNodes } from './functions.ts';
import { allGraphs, subgraphs } from './graph-uses.ts';

export interface GraphCase {
  readonly model: OnnxModel;
  /** By name; inputs that have a default may be left out. */
  readonly inputs: ReadonlyMap<string, OnnxTensor>;
}

const encoded = new WeakMap<GraphCase, Uint8Array>();

/** The model as a file; encoded once. */
export function encodedModel(testCase: GraphCase): Uint8Array {
  const known = encoded.get(testCase);
  if (known !== undefined) return known;
  const bytes = encodeModel(testCase.model);
  encoded.set(testCase, bytes);
  return bytes;
}

/** Values beyond this many are not looked at one by one. */
const readableElements = 4_096;
/** Far less than an attribute or a digit more or less, so that numbers only break ties. */
const digitCost = 1e-9;
const costs = new WeakMap<OnnxTensor, number>();

/** How much there is to read in a tensor's values: digits, roughly. */
export function valueCost(tensor: OnnxTensor): number {
  const known = costs.get(tensor);
  if (known !== undefined) return known;
  let cost = tensor.data.length;
  if (tensor.data.length > readableElements) cost *= 20;
  else if (tensor.data instanceof Float32Array) {
    for (const value of tensor.data) cost += float32Text(value).length;
  } else for (const value of tensor.data) cost += String(value).length + (Object.is(value, -0) ? 1 : 0);
  // A whole number on its own may be the rounds of a Loop: fewer are simpler.
  if (tensor.dataType === 'int64' && tensor.dims.length === 0)
    cost += digitCost * Math.min(Math.abs(Number(tensor.data[0])), 1e6);
  costs.set(tensor, cost);
  return cost;
}

const typeCosts: Readonly<Record<string, number>> = { float32: 0, int64: 1, int32: 1, bool: 1 };

function tensorsOf({ model, inputs }: GraphCase): OnnxTensor[] {
  return [...inputs.values(), ...allGraphs(model.graph).flatMap(({ initializers }) => initializers)];
}

function numberCost(attribute: OnnxAttribute): number {
  switch (attribute.kind) {
    case 'int':
      return Math.abs(Number(attribute.value));
    case 'ints':
      return sum(attribute.value.map((value) => Math.abs(Number(value))));
    case 'float':
      return String(attribute.value).length;
    case 'floats':
      return sum(attribute.value.map((value) => String(value).length));
    default:
      return 0;
  }
}

function attributeCost(model: OnnxModel): number {
  const graphs = allGraphs(model.graph);
  let cost = sum(graphs.slice(1).map(({ inputs, outputs }) => inputs.length + outputs.length));
  for (const node of graphs.flatMap(({ nodes }) => nodes)) {
    for (const attribute of Object.values(node.attributes)) {
      cost += 1 + ('value' in attribute && Array.isArray(attribute.value) ? attribute.value.length : 0);
      cost += digitCost * Math.min(numberCost(attribute), 1e6);
    }
    cost += node.inputs.length + node.outputs.length;
    if (node.domain !== '') cost += 1;
    if (subgraphs(node).length > 0) cost += 1;
  }
  return cost;
}

/** What is carried along without meaning anything: types in between, texts, metadata, unused declarations. */
function ballast(model: OnnxModel): number {
  const graphs = allGraphs(model.graph);
  const holders = [model, ...graphs, ...graphs.flatMap(({ nodes }) => nodes)];
  const texts = [
    ...holders.map(({ docString }) => docString),
    model.producerName,
    model.producerVersion,
    model.domain,
  ];
  return (
    sum(graphs.map((graph) => (graph.valueInfos?.length ?? 0) + (graph.sparseInitializers?.length ?? 0))) +
    sum(holders.map(({ metadata }) => metadata?.length ?? 0)) +
    (model.functions?.length ?? 0) +
    model.opsets.length +
    texts.filter((text) => text !== undefined && text !== '').length
  );
}

function nameLength(model: OnnxModel): number {
  const names = allGraphs(model.graph).flatMap((graph) => [
    graph.name,
    ...ownNames(graph),
    ...graph.nodes.map((node) => node.name),
  ]);
  return sum(names.map((name) => name.length));
}

function hashCase(testCase: GraphCase): string {
  const hash = createHash('sha1').update(encodedModel(testCase));
  for (const [name, tensor] of testCase.inputs) {
    hash.update(`\n${name} ${tensor.dataType} ${tensor.dims.join()}\n`);
    if (isNumeric(tensor.data)) {
      hash.update(new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength));
    } else hash.update(JSON.stringify(tensor.data));
  }
  return hash.digest('hex');
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** ONNX models as a domain of the minifier. */
export const graphDomain: Domain<GraphCase> = {
  unit: 'nodes',
  size: (testCase) => countModelNodes(testCase.model),
  sortKey: (testCase) => {
    const { graph } = testCase.model;
    const tensors = tensorsOf(testCase);
    return [
      countModelNodes(testCase.model),
      tensors.length,
      graph.outputs.length,
      testCase.inputs.size,
      sum(tensors.map(({ dims }) => tensorElements(dims))),
      sum(tensors.map(({ dims }) => dims.length)),
      attributeCost(testCase.model),
      sum(tensors.map(({ dataType }) => typeCosts[dataType] ?? 2)),
      sum(tensors.map(valueCost)),
      ballast(testCase.model),
      nameLength(testCase.model),
    ];
  },
  hash: hashCase,
  text: (testCase) => printOnnx(testCase.model),
  files: (testCase) => ({ 'model.onnx': encodedModel(testCase), 'inputs.npz': inputsFile(testCase) }),
};

/** The values of the inputs as NumPy's .npz. */
export function inputsFile({ inputs }: GraphCase): Uint8Array {
  const arrays = [...inputs].map(([name, { dataType, dims, data }]) => {
    const values = isNumeric(data) ? data : data.map((text) => (typeof text === 'string' ? text : ''));
    return [name, { dataType, dims, data: values }] as const;
  });
  return encodeNpz(new Map(arrays));
}
