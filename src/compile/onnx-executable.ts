/**
 * An executable out of a lowered graph: segments on native sessions, the rest on eager kernels, in order. All that can
 * be decided once (which array feeds which input) is decided when the executable is made; a run only moves references.
 */
import { InternalError } from '../ir/errors.ts';
import type { CallNode, Graph } from '../ir/graph.ts';
import { nodesByName, refKey, typeOf } from '../ir/graph.ts';
import { elementCount, type HostArray } from '../ir/tensor-type.ts';
import type { Compiled, RunKernel } from './executable.ts';
import { leavesOf, lowerGraph, type LoweredGraph, type OpDefinitions } from './lower.ts';
import type { OnnxValue } from './ops/define-op.ts';
import type { ElementArray, Segment } from './segment.ts';
import type { AcquiredSession, MadeSession, SessionStore } from './session-store.ts';

/** A segment with its session, and where each feed comes from: a slot of the run, or a constant of its own. */
interface BoundSegment {
  readonly acquired: AcquiredSession;
  readonly feeds: readonly (number | ElementArray)[];
  readonly dims: readonly (readonly number[])[];
  readonly outputSlots: readonly number[];
  readonly outputLengths: readonly number[];
}

interface BoundCall {
  readonly node: CallNode;
  readonly inputs: readonly (
    { readonly slot: number; readonly dtype: string; readonly shape: readonly number[] } | undefined
  )[];
  readonly outputSlots: readonly number[];
}

type BoundStep =
  | { readonly kind: 'onnx'; readonly bound: BoundSegment }
  | { readonly kind: 'eager'; readonly bound: BoundCall };

export interface ExecutableContext {
  readonly table: OpDefinitions;
  readonly sessions: SessionStore;
  readonly runKernel: RunKernel;
  /** Rewrites a segment before it is compared and compiled (layout and other ONNX-level passes). */
  readonly optimize: (segment: Segment) => Segment;
  readonly now: () => number;
}

function bindSegment(
  segment: Segment,
  acquired: AcquiredSession,
  slotOf: (name: OnnxValue) => number,
): BoundSegment {
  const feeds: (number | ElementArray)[] = segment.inputs.map((input) => slotOf(input.name));
  const dims: (readonly number[])[] = segment.inputs.map((input) => input.dims);
  for (const [index, constant] of segment.constants.entries()) {
    if (acquired.freeConstants[index] !== true) continue;
    // A constant of the graph that became an input takes its value from the leaves of each run.
    feeds.push(constant.leaf === undefined ? constant.data : constant.leaf);
    dims.push(constant.dims);
  }
  return {
    acquired,
    feeds,
    dims,
    outputSlots: segment.outputs.map((output) => slotOf(output.name)),
    outputLengths: segment.outputs.map((output) => elementCount(output.dims)),
  };
}

function runSegment(bound: BoundSegment, slots: (HostArray | undefined)[]): void {
  const feeds = bound.feeds.map((feed) => (typeof feed === 'number' ? (slots[feed] as ElementArray) : feed));
  const results = bound.acquired.run(feeds, bound.dims);
  for (const [index, slot] of bound.outputSlots.entries()) {
    const result = results[index]!;
    if (result.length !== bound.outputLengths[index]) {
      throw new InternalError(
        `output ${index} of a segment has ${result.length} elements, shape inference said ${bound.outputLengths[index]}`,
        { code: 'FG9002', hint: 'Please report it with the trace file.' },
      );
    }
    slots[slot] = result as HostArray;
  }
}

function runCall(bound: BoundCall, slots: (HostArray | undefined)[], context: ExecutableContext): void {
  const results = context.runKernel(
    bound.node.kernel,
    bound.inputs.map((input) => (input === undefined ? undefined : { ...input, data: slots[input.slot]! })),
    context.table.get(bound.node.kernel)?.inputs ?? 'variadic',
    bound.node.attributes,
  );
  for (const [index, slot] of bound.outputSlots.entries()) slots[slot] = results[index]!.data;
}

type Phases = MadeSession['phases'];

function phasesOf(sessions: readonly MadeSession[]): Phases {
  return sessions.flatMap((session) => session.phases);
}

function sum(phases: Phases): number {
  return phases.reduce((total, phase) => total + phase.durationMs, 0);
}

function cacheOf(sessions: readonly MadeSession[]): 'disk' | 'none' {
  return sessions.every((session) => session.cache === 'disk') ? 'disk' : 'none';
}

/** Compiles a legal graph with concrete shapes. Acquires sessions from the store; the executable releases them. */
export function compileGraph(graph: Graph, context: ExecutableContext): Compiled {
  const started = context.now();
  const lowered: LoweredGraph = lowerGraph(graph, context.table);
  const leaves = leavesOf(graph);

  // Slots of a run: leaves first, in order, then every value that crosses a step.
  const slots = new Map<OnnxValue, number>(leaves.map((leaf, index) => [leaf.name, index]));
  const slotOf = (name: OnnxValue): number => {
    const known = slots.get(name);
    if (known !== undefined) return known;
    slots.set(name, slots.size);
    return slots.size - 1;
  };
  const slotOfRef = (key: string): number => slotOf(lowered.values.get(key)!);
  const segments = lowered.steps.map((step) =>
    step.kind === 'onnx' ? context.optimize(step.segment) : undefined,
  );
  const loweredAt = context.now();

  const graphNodes = nodesByName(graph);
  const acquired: AcquiredSession[] = [];
  const freeLeaves = leaves.map((leaf) => leaf.kind === 'placeholder');
  const steps = lowered.steps.map((step, index): BoundStep => {
    if (step.kind === 'eager') {
      const inputs = step.node.inputs.map((ref) => {
        if (ref === undefined) return undefined;
        const type = typeOf(graphNodes, ref)!;
        return { slot: slotOfRef(refKey(ref)), dtype: type.dtype, shape: type.shape as readonly number[] };
      });
      const outputSlots = step.node.outputs.map((_, output) =>
        slotOfRef(refKey({ node: step.node.name, output })),
      );
      return { kind: 'eager', bound: { node: step.node, inputs, outputSlots } };
    }
    const segment = segments[index]!;
    const session = context.sessions.acquire(segment);
    acquired.push(session);
    for (const [position, constant] of segment.constants.entries()) {
      if (constant.leaf !== undefined && session.freeConstants[position] === true)
        freeLeaves[constant.leaf] = true;
    }
    return { kind: 'onnx', bound: bindSegment(segment, session, slotOf) };
  });
  const outputSlots = graph.outputs.map((ref) => slotOfRef(refKey(ref)));
  const slotCount = slots.size;
  const made = acquired.flatMap((session) => session.made ?? []);
  const sessionPhases = phasesOf(made);
  const ended = context.now();
  const common = { fallbacks: lowered.fallbacks, lowered: lowered.lowered };

  return {
    executable: {
      freeLeaves,
      run(values) {
        const run: (HostArray | undefined)[] = [...values];
        run.length = slotCount;
        for (const step of steps) {
          if (step.kind === 'onnx') runSegment(step.bound, run);
          else runCall(step.bound, run, context);
        }
        // Outputs are the caller's own: a leaf or a value that is returned twice is copied.
        const given = new Set<number>();
        return outputSlots.map((slot) => {
          const value = run[slot]!;
          const isShared = slot < leaves.length || given.has(slot);
          given.add(slot);
          return isShared ? value.slice() : value;
        });
      },
      tierUp() {
        const optimized = acquired.flatMap((session) => session.tierUp() ?? []);
        if (optimized.length === 0) return undefined;
        return { ...common, outcome: 'session', cache: cacheOf(optimized), phases: phasesOf(optimized) };
      },
      dispose() {
        for (const session of acquired) session.release();
      },
    },
    report: {
      ...common,
      outcome: made.length > 0 ? 'session' : 'shared',
      cache: made.length === 0 ? 'shared' : cacheOf(made),
      phases: [
        { name: 'lower', durationMs: loweredAt - started },
        ...sessionPhases,
        { name: 'bind', durationMs: Math.max(0, ended - loweredAt - sum(sessionPhases)) },
      ],
    },
  };
}
