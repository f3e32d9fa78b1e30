/**
 * One call of a function → one graph, without running it: the inputs are tensors without contents, what the results
 * depend on besides them are constants of the graph. After make_fx: tracing with placeholders. Nothing is cut, run or cached.
 */
import { UserError } from '../ir/errors.ts';
import type { CallNode, Graph, GraphNode, ValueRef } from '../ir/graph.ts';
import type { Dtype, HostArray } from '../ir/tensor-type.ts';
import { buildGraph, type GraphNaming } from './build-graph.ts';
import { LazyBackend } from './lazy-backend.ts';
import { Component, type LazyValue, orderNodes, PendingNode } from './pending.ts';
import { planCut } from './plan-cut.ts';
import type { Signature } from './signature.ts';
import { makeTensor, type TensorInfo, type TensorMaker } from './tf-module.ts';
import { sameShape, type InternedType } from './type-table.ts';

/** The engine's part in making tensors and forgetting them again. */
export interface TracingEngine extends TensorMaker {
  readonly backend: unknown;
  readonly registeredVariables: Readonly<Record<string, { readonly name: string; readonly dataId: object }>>;
  startScope(name?: string): void;
  endScope(result?: unknown): void;
}

/** An input of the graph to be. */
export interface TraceInput {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: Dtype;
  /** What it holds once the graph is made, should anything that was recorded outlive the call. */
  readonly data: HostArray;
}

export interface TracedGraph {
  /** Inputs that the results depend on come first, in order; then constants. */
  readonly graph: Graph;
  /** Contents of the graph's leaves, in graph order. */
  readonly leaves: readonly HostArray[];
  /** Names of inputs that no result depends on. */
  readonly unusedInputs: readonly string[];
}

const placeholderKernel = 'TracePlaceholder';

/** Stands for the call that would make an input. No backend knows its kernel, so that running it fails. */
function placeholderSignature(type: InternedType): Signature {
  return {
    id: -1,
    kernel: { id: -1, name: placeholderKernel, op: undefined },
    attributes: {},
    inputTypes: [],
    outputs: [type],
    isEmpty: type.size === 0,
    siblings: 0,
    aliasedInput: -1,
    lastStep: -1,
  };
}

/** Whether an error came of running what has no contents: the recording was cut before its end. */
function isCut(error: unknown): boolean {
  return error instanceof Error && error.message.includes(placeholderKernel);
}

function cutError(cause: unknown): UserError {
  return new UserError('the function does not end as one graph: its recording was cut on the way', {
    code: 'FG3402',
    hint: 'Leave out training steps and reads, and raise `maxNodes` for graphs of many thousand ops.',
    cause,
  });
}

/** All pending nodes that the values depend on, down to the placeholders. */
function producersOf(values: readonly LazyValue[], placeholders: ReadonlySet<LazyValue>): PendingNode[] {
  const nodes = new Set<PendingNode>();
  const queue = [...values];
  for (let value = queue.pop(); value !== undefined; value = queue.pop()) {
    const { node } = value;
    if (value.host !== undefined || node === undefined || placeholders.has(value) || nodes.has(node))
      continue;
    nodes.add(node);
    for (const input of node.inputs) if (input !== undefined) queue.push(input);
  }
  return orderNodes([...nodes]);
}

/** Gives a result the shape and dtype that its tensor has, where its memory was made with others. */
function viewAs(ref: ValueRef, from: TensorInfo, to: TensorInfo, nodes: GraphNode[], name: string): ValueRef {
  let current = ref;
  const add = (kernel: string, attributes: CallNode['attributes'], dtype: Dtype): void => {
    const node = `${name}_${kernel.toLowerCase()}`;
    nodes.push({
      kind: 'call',
      name: node,
      kernel,
      inputs: [current],
      attributes,
      outputs: [{ dtype, shape: [...to.shape] }],
    });
    current = { node, output: 0 };
  };
  if (!sameShape(from.shape, to.shape)) add('Reshape', { shape: [...to.shape] }, from.dtype);
  if (from.dtype !== to.dtype) add('Cast', { dtype: to.dtype }, to.dtype);
  return current;
}

/**
 * Calls `call` with one tensor per input and gives the graph of what it returns.
 * @throws FG3401 when a result does not depend on any input, FG3402 when the recording was cut, and whatever `call` throws.
 */
export function traceGraph(
  engine: TracingEngine,
  inputs: readonly TraceInput[],
  call: (tensors: readonly unknown[]) => readonly TensorInfo[],
): TracedGraph {
  const { backend } = engine;
  if (!(backend instanceof LazyBackend)) {
    throw new UserError('the backend of tfjs is not the one that captures', {
      code: 'FG3403',
      hint: "Call tf.setBackend('cpu') before.",
    });
  }
  engine.startScope('traceGraph');
  const placeholders = new Map<LazyValue, TraceInput>();
  const tensors = inputs.map((input) => {
    const dataId = backend.write(undefined, input.shape, input.dtype);
    const value = backend.data.get(dataId);
    value.isHostWritten = false;
    value.node = new PendingNode(0, placeholderSignature(value.type), [], new Component(), undefined);
    value.node.component = undefined;
    value.node.outputs = [value];
    placeholders.set(value, input);
    return makeTensor(engine, { dataId, shape: [...input.shape], dtype: input.dtype }, backend);
  });
  try {
    const results = call(tensors);
    return build(engine, backend, placeholders, results);
  } catch (error) {
    throw isCut(error) ? cutError(error) : error;
  } finally {
    for (const [value, { data }] of placeholders) value.values = data;
    engine.endScope();
  }
}

function build(
  engine: TracingEngine,
  backend: LazyBackend,
  placeholders: ReadonlyMap<LazyValue, TraceInput>,
  results: readonly TensorInfo[],
): TracedGraph {
  const names = new Map<LazyValue, string>();
  for (const { name, dataId } of Object.values(engine.registeredVariables)) {
    if (backend.data.has(dataId)) names.set(backend.data.get(dataId), name);
  }
  const reserved = new Set([...placeholders.values()].map(({ name }) => name));
  /** A name for what is no input, which must not take the name of one. */
  const constantName = (value: LazyValue): string => {
    const name = names.get(value)?.replace(/\W+/g, '_') ?? 'constant';
    return reserved.has(name) ? `${name}_value` : name;
  };
  const naming: GraphNaming = {
    leaves: () => (value) => placeholders.get(value)?.name ?? constantName(value),
    call: () => undefined,
    scope: () => undefined,
  };
  const values = results.map(({ dataId }) => backend.data.get(dataId));
  const cut = planCut(producersOf(values, new Set(placeholders.keys())), new Set(values));
  // Inputs have the shapes that the caller knows, whatever their first use makes of them.
  const plan = {
    ...cut,
    leafTypes: cut.leaves.map((leaf, index) => (placeholders.has(leaf) ? leaf.type : cut.leafTypes[index]!)),
  };
  const kinds = plan.leaves.map((leaf) => (placeholders.has(leaf) ? 'input' : 'constant'));
  const built = buildGraph('exported', plan, kinds, naming);
  const refs = new Map<LazyValue, ValueRef>();
  for (const [index, value] of plan.outputs.entries()) refs.set(value, built.outputs[index]!);
  for (const [index, leaf] of plan.leaves.entries())
    refs.set(leaf, { node: built.nodes[index]!.name, output: 0 });

  const leafTypes = new Map(plan.leaves.map((leaf, index) => [leaf, plan.leafTypes[index]!]));
  const calls = built.nodes.slice(plan.leaves.length);
  const leaves = plan.leaves.map((leaf, index) => ({ leaf, node: built.nodes[index]! }));
  // Views of inputs are no calls: what gives back nothing else of an input still needs it.
  for (const value of new Set(values)) {
    const input = placeholders.get(value);
    if (input === undefined || leafTypes.has(value)) continue;
    const { name, dtype, shape } = input;
    leafTypes.set(value, value.type);
    refs.set(value, { node: name, output: 0 });
    leaves.push({ leaf: value, node: { kind: 'placeholder', name, type: { dtype, shape }, role: 'input' } });
  }
  const outputs = results.map((result, index): ValueRef => {
    const value = values[index]!;
    const ref = refs.get(value);
    if (ref === undefined) {
      throw new UserError(`result ${index} does not depend on any input`, {
        code: 'FG3401',
        hint: 'Return only what the function computes from its arguments.',
      });
    }
    const { dtype, shape } = leafTypes.get(value) ?? value.type;
    return viewAs(ref, { dataId: result.dataId, dtype, shape: [...shape] }, result, calls, `result_${index}`);
  });
  // Inputs first, in the order in which they were given.
  const given = [...placeholders.keys()];
  leaves.sort((left, right) => rank(given, left.leaf) - rank(given, right.leaf));
  return {
    graph: { name: 'exported', nodes: [...leaves.map(({ node }) => node), ...calls], outputs },
    leaves: leaves.map(({ leaf }) => placeholders.get(leaf)?.data ?? leaf.host!),
    unusedInputs: given.flatMap((value) => (leafTypes.has(value) ? [] : [placeholders.get(value)!.name])),
  };
}

function rank(given: readonly LazyValue[], leaf: LazyValue): number {
  const index = given.indexOf(leaf);
  return index < 0 ? given.length : index;
}
