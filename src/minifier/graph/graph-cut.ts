/**
 * Keeps some nodes of a model. What they read from nodes that are gone becomes an input with the recorded value, or a constant
 * where the optimizer could have computed it; every result that nobody reads any more becomes an output, so that no kept
 * node is dead. (XLA's bisection keeps all sinks; a single output would drag whole paths along.)
 */
import type { OnnxGraph, OnnxNode, OnnxTensor, OnnxValueInfo } from '../../onnx/index.ts';
import type { GraphCase } from './graph-case.ts';
import { nodeReads } from './graph-uses.ts';

/** What each value was when the model ran. */
export type Values = ReadonlyMap<string, OnnxTensor>;

export interface CutOptions {
  /**
   * Every value that was read by a node that is gone becomes an output: what is wrong with it stays visible, also where the kept
   * readers hide it (`max(wrong, 1)`), and a value of several readers does not become one of a single reader.
   */
  readonly showsBorder?: boolean;
  /** Nothing at all may be left, as in the branch of an If. */
  readonly mayBeEmpty?: boolean;
}

const random = /^(?:Random|Bernoulli|Multinomial)/;

/** Values that follow from constants and declared sizes alone: an optimizer may fold them. */
export function constantValues(graph: OnnxGraph): Set<string> {
  const inputs = new Map(graph.inputs.map((input) => [input.name, input.type]));
  const constants = new Set(graph.initializers.map(({ name }) => name).filter((name) => !inputs.has(name)));
  for (const node of graph.nodes) {
    if (random.test(node.opType)) continue;
    const type = inputs.get(node.inputs[0] ?? '');
    const hasDims = type?.kind === 'tensor' && type.dims?.every((size) => typeof size === 'number') === true;
    const isShape = (node.opType === 'Shape' || node.opType === 'Size') && hasDims;
    if (!isShape && !nodeReads(node).every((name) => constants.has(name))) continue;
    for (const name of node.outputs) constants.add(name);
  }
  return constants;
}

/** The declaration of a value as it was recorded. */
export function infoOf(name: string, tensor: OnnxTensor | undefined): OnnxValueInfo {
  if (tensor === undefined) return { name };
  return { name, type: { kind: 'tensor', dataType: tensor.dataType, dims: tensor.dims } };
}

/**
 * Outputs of the kept nodes: those of the model, and one from each node that nobody reads.
 * @param border values that the nodes that are gone read become outputs as well.
 */
function outputsOf(
  graph: OnnxGraph,
  kept: readonly OnnxNode[],
  read: ReadonlySet<string>,
  values: Values,
  border: ReadonlySet<string>,
): OnnxValueInfo[] {
  const made = new Set(kept.flatMap(({ outputs }) => outputs));
  const outputs = graph.outputs.filter(({ name }) => made.has(name));
  const isOutput = new Set(outputs.map(({ name }) => name));
  const wasRead = new Set(graph.nodes.flatMap(nodeReads));
  for (const node of kept) {
    const names = node.outputs.filter((name) => name !== '');
    for (const name of names) {
      if (!border.has(name) || isOutput.has(name)) continue;
      isOutput.add(name);
      outputs.push(infoOf(name, values.get(name)));
    }
    if (names.some((name) => read.has(name) || isOutput.has(name))) continue;
    const sinks = names.filter((name) => wasRead.has(name));
    for (const name of sinks.length > 0 ? sinks : names.slice(0, 1))
      outputs.push(infoOf(name, values.get(name)));
  }
  return outputs;
}

/** The graph without inputs, constants and declared types that nobody needs. */
export function pruneGraph(
  graph: OnnxGraph,
  inputs: GraphCase['inputs'],
): Pick<GraphCase, 'inputs'> & { graph: OnnxGraph } {
  const read = new Set(graph.nodes.flatMap(nodeReads));
  for (const { name } of graph.outputs) read.add(name);
  const made = new Set(graph.nodes.flatMap(({ outputs }) => outputs));
  const { valueInfos, sparseInitializers, ...rest } = graph;
  const infos = valueInfos?.filter(({ name }) => made.has(name)) ?? [];
  const sparse = sparseInitializers?.filter(({ values }) => read.has(values.name)) ?? [];
  return {
    graph: {
      ...rest,
      inputs: graph.inputs.filter(({ name }) => read.has(name)),
      initializers: graph.initializers.filter(({ name }) => read.has(name)),
      ...(infos.length > 0 && { valueInfos: infos }),
      ...(sparse.length > 0 && { sparseInitializers: sparse }),
    },
    inputs: new Map([...inputs].filter(([name]) => read.has(name))),
  };
}

/**
 * The test case with only these nodes.
 * @param kept positions among the model's nodes.
 * @returns undefined when a value that would have to come from outside is not known, or nothing is left.
 */
export function keepNodes(
  testCase: GraphCase,
  values: Values,
  kept: ReadonlySet<number>,
  { showsBorder = false, mayBeEmpty = false }: CutOptions = {},
): GraphCase | undefined {
  const { graph } = testCase.model;
  const nodes = graph.nodes.filter((_, index) => kept.has(index));
  if (nodes.length === 0 && !mayBeEmpty) return undefined;
  const made = new Set(nodes.flatMap(({ outputs }) => outputs));
  const read = new Set(nodes.flatMap(nodeReads));
  const known = new Set([
    ...made,
    ...graph.inputs.map(({ name }) => name),
    ...graph.initializers.map(({ name }) => name),
    ...(graph.sparseInitializers ?? []).map((tensor) => tensor.values.name),
  ]);
  const constants = constantValues(graph);
  const inputs = new Map(testCase.inputs);
  const inputInfos = [...graph.inputs];
  const initializers = [...graph.initializers];
  for (const name of read) {
    if (known.has(name)) continue;
    const value = values.get(name);
    if (value === undefined) return undefined;
    if (constants.has(name)) initializers.push({ ...value, name });
    else {
      inputInfos.push(infoOf(name, value));
      inputs.set(name, value);
    }
  }
  const gone = showsBorder ? graph.nodes.filter((_, index) => !kept.has(index)) : [];
  const outputs = outputsOf(graph, nodes, read, values, new Set(gone.flatMap(nodeReads)));
  const pruned = pruneGraph({ ...graph, nodes, inputs: inputInfos, initializers, outputs }, inputs);
  return { model: { ...testCase.model, graph: pruned.graph }, inputs: pruned.inputs };
}
