/**
 * How If, Loop and Scan hand values to the graphs inside them and back: which operand, input, output and result belong together,
 * what the inputs are in the first round, and the node with a result, an operand or an output less or more.
 */
import {
  allocateArray,
  isNumeric,
  normalDomain,
  tensorElements,
  type OnnxAttribute,
  type OnnxGraph,
  type OnnxNode,
  type OnnxTensor,
} from '../../../onnx/index.ts';
import { nodeReads } from '../graph-uses.ts';
import { mapGraphs } from './rename-values.ts';

export interface BodyInterface {
  /** Names of the attributes that hold graphs. */
  readonly keys: readonly string[];
  /** Operands before the first that is carried from round to round, and inputs of the graph before it. */
  readonly ahead: number;
  /** Outputs of the graph before the first that is a result of the node. */
  readonly outputsAhead: number;
  /** Results that are carried from round to round; those after them collect one value of each round. */
  readonly carried: number;
}

/** Of a node that is known; undefined for others and for those that are not as the standard has them. */
export function bodyInterface(node: OnnxNode): BodyInterface | undefined {
  if (normalDomain(node.domain) !== '') return undefined;
  const found = interfaceOf(node);
  const graphs = found?.keys.map((key) => graphOf(node, key)) ?? [];
  const isWhole = graphs.every(
    (graph) =>
      graph?.outputs.length === node.outputs.length + found!.outputsAhead &&
      graph.inputs.length === (node.opType === 'If' ? 0 : node.inputs.length),
  );
  return isWhole ? found : undefined;
}

function interfaceOf(node: OnnxNode): BodyInterface | undefined {
  switch (node.opType) {
    case 'If':
      return { keys: ['then_branch', 'else_branch'], ahead: 0, outputsAhead: 0, carried: 0 };
    case 'Loop':
      return { keys: ['body'], ahead: 2, outputsAhead: 1, carried: node.inputs.length - 2 };
    case 'Scan':
      return { keys: ['body'], ahead: 0, outputsAhead: 0, carried: node.inputs.length - scanInputs(node) };
    default:
      return undefined;
  }
}

function scanInputs(node: OnnxNode): number {
  const count = node.attributes['num_scan_inputs'];
  return count?.kind === 'int' ? Number(count.value) : 0;
}

/** The graph that an attribute holds. */
export function graphOf(node: OnnxNode, key: string): OnnxGraph | undefined {
  const attribute = node.attributes[key];
  return attribute?.kind === 'graph' ? attribute.value : undefined;
}

function intsOf(node: OnnxNode, key: string): readonly number[] {
  const attribute = node.attributes[key];
  return attribute?.kind === 'ints' ? attribute.value.map(Number) : [];
}

/** The axis along which a Scan goes through an operand of this rank. */
export function scanInputAxis(node: OnnxNode, operand: number, rank: number): number {
  const axis = intsOf(node, 'scan_input_axes')[operand - (node.inputs.length - scanInputs(node))] ?? 0;
  return axis < 0 ? axis + rank : axis;
}

/** One place of an axis; the axis is gone. */
export function sliceOf(tensor: OnnxTensor, axis: number, isLast: boolean): OnnxTensor | undefined {
  const length = tensor.dims[axis] ?? 0;
  if (length === 0 || !isNumeric(tensor.data)) return undefined;
  const inner = tensorElements(tensor.dims.slice(axis + 1));
  const outer = tensorElements(tensor.dims.slice(0, axis));
  const data = allocateArray(tensor.dataType, outer * inner);
  // Types of less than a byte are packed.
  if (tensor.data.length !== outer * length * inner) return undefined;
  const place = isLast ? length - 1 : 0;
  for (let index = 0; index < data.length; index++) {
    data[index] = tensor.data[(Math.floor(index / inner) * length + place) * inner + (index % inner)]!;
  }
  return { ...tensor, dims: tensor.dims.toSpliced(axis, 1), data };
}

/** Values of a graph's inputs in the first round; undefined where they are not known. */
export function firstRound(
  node: OnnxNode,
  body: OnnxGraph,
  valueOf: (name: string) => OnnxTensor | undefined,
): (OnnxTensor | undefined)[] {
  const operands = node.inputs.map((name) => (name === '' ? undefined : valueOf(name)));
  if (node.opType === 'If') return [];
  if (node.opType === 'Loop') {
    const dimsOf = (at: number): number[] => {
      const type = body.inputs[at]?.type;
      return type?.kind === 'tensor' && type.dims?.length === 1 ? [1] : [];
    };
    const round = { dataType: 'int64', dims: dimsOf(0), data: BigInt64Array.of(0n) } as const;
    const go = { dataType: 'bool', dims: dimsOf(1), data: Uint8Array.of(1) } as const;
    return [{ name: '', ...round }, { name: '', ...go }, ...operands.slice(2)];
  }
  const first = operands.length - scanInputs(node);
  const directions = intsOf(node, 'scan_input_directions');
  return operands.map((tensor, at) => {
    if (at < first || tensor === undefined) return tensor;
    return sliceOf(tensor, scanInputAxis(node, at, tensor.dims.length), directions[at - first] === 1);
  });
}

function without<T>(list: readonly T[], at: number): T[] {
  return list.filter((_, index) => index !== at);
}

/** The node with lists of whole numbers changed where they are there. */
function withInts(
  node: OnnxNode,
  keys: readonly string[],
  change: (list: readonly (number | bigint)[]) => (number | bigint)[],
): OnnxNode {
  const attributes: Record<string, OnnxAttribute> = { ...node.attributes };
  for (const key of keys) {
    const attribute = attributes[key];
    if (attribute?.kind === 'ints') attributes[key] = { ...attribute, value: change(attribute.value) };
  }
  return { ...node, attributes };
}

const outputLists = ['scan_output_axes', 'scan_output_directions'];
const inputLists = ['scan_input_axes', 'scan_input_directions'];

/** The graph without constants that nobody reads. */
export function withoutUnread(graph: OnnxGraph): OnnxGraph {
  const read = new Set([...graph.nodes.flatMap(nodeReads), ...graph.outputs.map(({ name }) => name)]);
  return { ...graph, initializers: graph.initializers.filter(({ name }) => read.has(name)) };
}

/** Whether the graph's nodes read the input, or hand it on as another result. */
function readsInput(body: OnnxGraph, input: number, output: number): boolean {
  const { name } = body.inputs[input]!;
  const isOutput = body.outputs.some((info, at) => info.name === name && at !== output);
  return isOutput || body.nodes.some((node) => nodeReads(node).includes(name));
}

/** The node without one of its results; undefined when it needs that itself, or has no other. */
export function withoutResult(node: OnnxNode, result: number): OnnxNode | undefined {
  const { ahead, outputsAhead, carried } = bodyInterface(node)!;
  if (node.outputs.length === 1) return undefined;
  const isCarried = result < carried;
  const [input, output] = [ahead + result, outputsAhead + result];
  let isNeeded = false;
  const changed = mapGraphs(node, (graph) => {
    isNeeded ||= isCarried && readsInput(graph, input, output);
    const inputs = isCarried ? without(graph.inputs, input) : graph.inputs;
    return withoutUnread({ ...graph, inputs, outputs: without(graph.outputs, output) });
  });
  if (isNeeded) return undefined;
  const lists = isCarried ? [] : outputLists;
  return {
    ...withInts(changed, lists, (list) => without(list, result - carried)),
    inputs: isCarried ? without(node.inputs, input) : node.inputs,
    outputs: without(node.outputs, result),
  };
}

/** The Scan without the inputs that its graph does not read; one is left. */
export function withoutUnreadScans(node: OnnxNode): OnnxNode | undefined {
  const found = bodyInterface(node);
  if (node.opType !== 'Scan' || found === undefined) return undefined;
  let changed = node;
  for (let input = node.inputs.length - 1; input >= found.carried; input--) {
    const count = scanInputs(changed);
    if (count === 1 || readsInput(graphOf(changed, 'body')!, input, -1)) continue;
    const shorter = mapGraphs(changed, (graph) => ({ ...graph, inputs: without(graph.inputs, input) }));
    const { attributes, ...rest } = withInts(shorter, inputLists, (list) =>
      without(list, input - found.carried),
    );
    changed = {
      ...rest,
      inputs: without(changed.inputs, input),
      attributes: { ...attributes, num_scan_inputs: { kind: 'int', value: count - 1 } },
    };
  }
  return changed === node ? undefined : changed;
}

/** The node with one more result; `change` adds it to the outputs of each graph. */
export function withResult(
  node: OnnxNode,
  result: string,
  change: (graph: OnnxGraph, key: string) => OnnxGraph,
): OnnxNode {
  const changed = withInts(mapGraphs(node, change), outputLists, (list) => [...list, 0]);
  return { ...changed, outputs: [...node.outputs, result] };
}
