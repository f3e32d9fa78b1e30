/**
 * Graph → ONNX segments and eager calls. Each call is lowered on its own by its entry in the op table; calls without
 * an ONNX form stay calls. Then the calls are partitioned into as few segments as their dependencies allow, in the
 * manner of ONNX Runtime's partitioner: a segment ends only where it needs the result of an eager call.
 */
import type { Attributes, CallNode, ConstantNode, Graph, GraphNode, PlaceholderNode } from '../ir/graph.ts';
import { nodesByName, refKey, typeOf } from '../ir/graph.ts';
import type { ConcreteType } from '../ir/op-signature.ts';
import type { Dtype } from '../ir/tensor-type.ts';
import type { FallbackNode } from '../ir/executable.ts';
import { Pen } from './lowering-pen.ts';
import type { LoweringContext, OnnxValue, OpDefinition } from './ops/define-op.ts';
import type {
  ElementArray,
  ElementType,
  LoweredConstant,
  LoweredNode,
  Segment,
  ValueType,
} from './segment.ts';

export type OpDefinitions = ReadonlyMap<string, OpDefinition>;

/** A step of an executable: an ONNX segment, or one call on the eager kernel. */
export type Step =
  { readonly kind: 'onnx'; readonly segment: Segment } | { readonly kind: 'eager'; readonly node: CallNode };

export interface LoweredGraph {
  readonly steps: readonly Step[];
  readonly fallbacks: readonly FallbackNode[];
  /** ONNX value that carries each graph value, by `refKey`. Equal names: one aliases the other. */
  readonly values: ReadonlyMap<string, OnnxValue>;
  /** Names of the ONNX nodes made of each call. */
  readonly lowered: Readonly<Record<string, readonly string[]>>;
}

interface LoweredCall {
  readonly node: CallNode;
  /** Absent: the call runs eagerly. */
  readonly nodes?: readonly LoweredNode[];
  readonly constants?: readonly LoweredConstant[];
  readonly stage: number;
}

/** Placeholders and constants, in the order in which executables take their values. */
export function leavesOf(graph: Graph): (PlaceholderNode | ConstantNode)[] {
  return graph.nodes.filter((node) => node.kind !== 'call');
}

function concrete(type: {
  readonly dtype: string;
  readonly shape: readonly (number | string)[];
}): ConcreteType {
  return { dtype: type.dtype as Dtype, shape: type.shape as readonly number[] };
}

/** Types that never reach ONNX: their producers and consumers run eagerly. */
function isHostOnly(type: ConcreteType | undefined): boolean {
  return type !== undefined && (type.dtype === 'string' || type.dtype === 'complex64');
}

/** What is known of the graph while its calls are lowered in order. */
interface Progress {
  readonly areSizesOpen: boolean;
  readonly graphNodes: ReadonlyMap<string, GraphNode>;
  readonly values: Map<string, OnnxValue>;
  readonly constants: Set<string>;
  /** Come from outside into a graph without gradients: constants, soon. */
  readonly settling: Set<string>;
}

class CallContext extends Pen implements LoweringContext {
  readonly kernel: string;
  readonly attributes: Attributes;
  readonly inputs: readonly (OnnxValue | undefined)[];
  readonly inputTypes: readonly (ConcreteType | undefined)[];
  readonly outputTypes: readonly ConcreteType[];
  readonly areSizesOpen: boolean;
  readonly #refs: CallNode['inputs'];
  readonly #progress: Progress;

  constructor(node: CallNode, progress: Progress) {
    super(node.name);
    const { graphNodes, values, areSizesOpen } = progress;
    this.kernel = node.kernel;
    this.attributes = node.attributes;
    this.inputs = node.inputs.map((ref) => (ref === undefined ? undefined : values.get(refKey(ref))));
    this.inputTypes = node.inputs.map((ref) =>
      ref === undefined ? undefined : concrete(typeOf(graphNodes, ref)!),
    );
    this.outputTypes = node.outputs.map(concrete);
    this.areSizesOpen = areSizesOpen;
    this.#refs = node.inputs;
    this.#progress = progress;
  }

  isConstant(index: number): boolean {
    const ref = this.#refs[index];
    return ref !== undefined && this.#progress.constants.has(ref.node);
  }

  isSettling(index: number): boolean {
    const ref = this.#refs[index];
    return ref !== undefined && (this.isConstant(index) || this.#progress.settling.has(ref.node));
  }
}

function lowerCall(
  node: CallNode,
  progress: Progress,
  table: OpDefinitions,
): { readonly nodes: LoweredNode[]; readonly constants: LoweredConstant[] } | { readonly reason: string } {
  const definition = table.get(node.kernel);
  if (definition?.lower === undefined) return { reason: 'no lowering' };
  const context = new CallContext(node, progress);
  const { inputTypes, nodes, constants } = context;
  if (inputTypes.some(isHostOnly) || context.outputTypes.some(isHostOnly))
    return { reason: 'string or complex64' };
  const results = definition.lower(context);
  if (results === undefined)
    return { reason: `no ONNX form for ${inputTypes.map((type) => type?.dtype ?? '_').join(', ')}` };
  for (const [output, value] of results.entries()) {
    // A result must come from a node: only those can be a model's outputs.
    const isConstant = constants.some((constant) => constant.name === value);
    progress.values.set(
      refKey({ node: node.name, output }),
      isConstant ? context.op('Identity', [value]) : value,
    );
  }
  return { nodes, constants };
}

/** Where one of these runs, weights change with each run. */
const gradientKernel = /Grad|Backprop/;

/**
 * onnxruntime takes more than linear time to make a session: 20 us per node up to here, four times as much per node of
 * 4,000. Values that cross from one segment to the next cost a few percent of a run.
 */
const maxSegmentNodes = 1000;

export interface LoweringOptions {
  /** Where a segment ends, at the latest. Infinity: only where a call runs eagerly. */
  readonly segmentNodes?: number;
  /** Whether the graph stands for graphs of other sizes, which must have the same nodes. */
  readonly areSizesOpen?: boolean;
}

/** Lowers every call and gives it its stage: eager calls of stage s run behind ONNX segment s. */
function lowerCalls(
  graph: Graph,
  table: OpDefinitions,
  values: Map<string, OnnxValue>,
  fallbacks: FallbackNode[],
  { segmentNodes = maxSegmentNodes, areSizesOpen = false }: LoweringOptions,
): LoweredCall[] {
  const constants = new Set<string>();
  const settling = new Set<string>();
  const graphNodes = nodesByName(graph);
  const progress: Progress = { areSizesOpen, graphNodes, values, constants, settling };
  const calls = new Map<string, LoweredCall>();
  const nodesOfStage: number[] = [];
  const isInference = !graph.nodes.some((node) => node.kind === 'call' && gradientKernel.test(node.kernel));
  for (const node of graph.nodes) {
    if (node.kind !== 'call') {
      values.set(node.name, node.name);
      if (node.kind === 'constant') constants.add(node.name);
      else if (isInference) settling.add(node.name);
      continue;
    }
    const lowered = lowerCall(node, progress, table);
    const inputs = node.inputs.filter((ref) => ref !== undefined);
    if (inputs.length > 0 && inputs.every((ref) => constants.has(ref.node))) constants.add(node.name);
    const isEager = 'reason' in lowered;
    let stage = 0;
    for (const ref of node.inputs) {
      const producer = ref === undefined ? undefined : calls.get(ref.node);
      if (producer === undefined) continue;
      const isProducerEager = producer.nodes === undefined;
      stage = Math.max(stage, producer.stage + (isProducerEager && !isEager ? 1 : 0));
    }
    if (isEager) {
      fallbacks.push({ node: node.name, kernel: node.kernel, reason: lowered.reason });
      for (const output of node.outputs.keys()) {
        const key = refKey({ node: node.name, output });
        values.set(key, key);
      }
      calls.set(node.name, { node, stage });
    } else {
      while ((nodesOfStage[stage] ?? 0) >= segmentNodes) stage++;
      nodesOfStage[stage] = (nodesOfStage[stage] ?? 0) + lowered.nodes.length;
      calls.set(node.name, { node, stage, ...lowered });
    }
  }
  return [...calls.values()];
}

const elementTypes: Readonly<Record<string, ElementType>> = {
  float32: 'float32',
  int32: 'int32',
  bool: 'bool',
};

/** ONNX type of each value that crosses a segment's border, by ONNX name. */
function borderTypes(
  graph: Graph,
  values: ReadonlyMap<string, OnnxValue>,
): ReadonlyMap<OnnxValue, ValueType> {
  const types = new Map<OnnxValue, ValueType>();
  for (const node of graph.nodes) {
    const outputs = node.kind === 'call' ? node.outputs : [node.type];
    for (const [output, type] of outputs.entries()) {
      const name = values.get(refKey({ node: node.name, output }))!;
      if (!types.has(name)) {
        types.set(name, {
          type: elementTypes[type.dtype] ?? 'float32',
          dims: type.shape as readonly number[],
        });
      }
    }
  }
  return types;
}

function buildSegment(
  calls: readonly LoweredCall[],
  leafConstants: ReadonlyMap<OnnxValue, LoweredConstant>,
  types: ReadonlyMap<OnnxValue, ValueType>,
  neededOutside: (name: OnnxValue) => boolean,
): Segment {
  const nodes = calls.flatMap((call) => call.nodes ?? []);
  const constants = calls.flatMap((call) => call.constants ?? []);
  const defined = new Set(constants.map((constant) => constant.name));
  for (const node of nodes) for (const output of node.outputs) defined.add(output);
  const outside = new Set<OnnxValue>();
  for (const node of nodes)
    for (const input of node.inputs) if (input !== '' && !defined.has(input)) outside.add(input);
  const used = [...outside];
  const outputs = nodes
    .flatMap((node) => node.outputs)
    .filter((name) => types.has(name) && neededOutside(name));
  return {
    inputs: used.filter((name) => !leafConstants.has(name)).map((name) => ({ name, ...types.get(name)! })),
    constants: [...used.flatMap((name) => leafConstants.get(name) ?? []), ...constants],
    nodes,
    outputs: outputs.map((name) => ({ name, ...types.get(name)! })),
    results: types,
  };
}

/** The result of a call that is its input with another shape. */
function viewOf({ nodes }: LoweredCall): OnnxValue | undefined {
  return nodes?.length === 1 && nodes[0]!.op === 'Reshape' ? nodes[0]!.outputs[0] : undefined;
}

interface Placement {
  /** Stages in which each call runs. */
  readonly stages: ReadonlyMap<LoweredCall, ReadonlySet<number>>;
  /** Values that others than the segment read which makes them, with its stage. */
  readonly leaving: ReadonlyMap<OnnxValue, number>;
}

/**
 * Each call runs in its stage; a view in the stages that read it, because what it shows would be copied once more from one
 * session to the next.
 * @param readOutside values that others than segments read.
 */
function placeCalls(calls: readonly LoweredCall[], readOutside: ReadonlySet<OnnxValue>): Placement {
  const stages = new Map<LoweredCall, ReadonlySet<number>>();
  const leaving = new Map<OnnxValue, number>();
  const lastReads = new Map<OnnxValue, number>();
  const stagesOfViews = new Map<OnnxValue, Set<number>>();
  for (const call of calls) {
    const view = viewOf(call);
    if (view !== undefined) stagesOfViews.set(view, new Set(readOutside.has(view) ? [call.stage] : []));
  }
  const alone = Array.from({ length: 1 + lastStageOf(calls) }, (_, stage) => new Set([stage]));
  for (const call of calls.toReversed()) {
    const copies = stagesOfViews.get(viewOf(call) ?? '');
    const places = copies ?? alone[call.stage]!;
    stages.set(call, places);
    for (const { inputs, outputs } of call.nodes ?? []) {
      for (const output of outputs) {
        const isReadLater = copies === undefined && lastReads.get(output)! > call.stage;
        if (isReadLater || readOutside.has(output)) leaving.set(output, call.stage);
      }
      for (const input of inputs) {
        const views = stagesOfViews.get(input);
        for (const stage of places) {
          if (views !== undefined) views.add(stage);
          else if (!(lastReads.get(input)! >= stage)) lastReads.set(input, stage);
        }
      }
    }
  }
  return { stages, leaving };
}

function lastStageOf(calls: readonly LoweredCall[]): number {
  return calls.reduce((last, call) => Math.max(last, call.stage), 0);
}

/**
 * Lowers and partitions a legal graph with concrete shapes.
 * @throws whatever a lowering throws on attributes it does not know: our bug.
 */
export function lowerGraph(graph: Graph, table: OpDefinitions, options: LoweringOptions = {}): LoweredGraph {
  const values = new Map<string, OnnxValue>();
  const fallbacks: FallbackNode[] = [];
  const calls = lowerCalls(graph, table, values, fallbacks, options);
  const types = borderTypes(graph, values);

  const leafConstants = new Map<OnnxValue, LoweredConstant>();
  for (const [leaf, node] of leavesOf(graph).entries()) {
    if (node.kind === 'constant' && !isHostOnly(concrete(node.type))) {
      leafConstants.set(node.name, {
        name: node.name,
        type: elementTypes[node.type.dtype]!,
        dims: node.type.shape as readonly number[],
        data: node.data as ElementArray,
        leaf,
      });
    }
  }

  const readOutside = new Set<OnnxValue>(graph.outputs.map((ref) => values.get(refKey(ref))!));
  for (const call of calls) {
    if (call.nodes !== undefined) continue;
    for (const ref of call.node.inputs) if (ref !== undefined) readOutside.add(values.get(refKey(ref))!);
  }
  const { stages, leaving } = placeCalls(calls, readOutside);

  const steps: Step[] = [];
  const lastStage = lastStageOf(calls);
  for (let stage = 0; stage <= lastStage; stage++) {
    const here = calls.filter((call) => stages.get(call)!.has(stage));
    const segment = buildSegment(
      here.filter((call) => call.nodes !== undefined),
      leafConstants,
      types,
      (name) => leaving.get(name) === stage,
    );
    if (segment.outputs.length > 0) steps.push({ kind: 'onnx', segment });
    for (const call of here) if (call.nodes === undefined) steps.push({ kind: 'eager', node: call.node });
  }
  const lowered = Object.fromEntries(
    calls.map((call) => [call.node.name, (call.nodes ?? []).map((node) => node.name)]),
  );
  return { steps, fallbacks, values, lowered };
}
