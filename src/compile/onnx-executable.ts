/**
 * An executable out of a lowered graph: segments on native sessions, the rest on eager kernels, in order. All that can
 * be decided once (which array feeds which input) is decided when the plan is made; a run only moves references. A plan
 * that an earlier process kept saves lowering and passes.
 */
import { InternalError } from '../ir/errors.ts';
import type { CallNode, Graph } from '../ir/graph.ts';
import { nodesByName, refKey, typeOf } from '../ir/graph.ts';
import { elementCount, type HostArray } from '../ir/tensor-type.ts';
import type { CompileReport, Compiled, RunKernel } from '../ir/executable.ts';
import type { CallStep, ExecutionPlan, SessionStep, StoredPlan, StoredSession } from './execution-plan.ts';
import { leavesOf, lowerGraph, type OpDefinitions } from './lower.ts';
import type { OnnxValue } from './ops/define-op.ts';
import { joinTimes } from './profile-nodes.ts';
import { refusedBy, withoutRefused, type Refused } from './refused-calls.ts';
import type { ElementArray, Segment } from './segment.ts';
import type { AcquiredSession, MadeSession, SessionStore } from './session-store.ts';

/** Plans of earlier processes. */
export interface PlanCache {
  keyOf(graph: Graph): string;
  find(key: string): StoredPlan | undefined;
  store(key: string, plan: StoredPlan): void;
  /** Loads a session; undefined when it is gone or damaged. */
  open(session: StoredSession): MadeSession | undefined;
}

export interface ExecutableContext {
  readonly table: OpDefinitions;
  readonly sessions: SessionStore;
  readonly runKernel: RunKernel;
  /** Rewrites a segment before it is compared and compiled (layout and other ONNX-level passes). */
  readonly optimize: (segment: Segment) => Segment;
  readonly plans?: PlanCache | undefined;
  readonly now: () => number;
}

/** A plan and the sessions of its session steps, in order. */
interface Planned {
  readonly plan: ExecutionPlan;
  readonly sessions: readonly AcquiredSession[];
  /** Time that was no session's, by name. */
  readonly phases: Phases;
}

type Phases = MadeSession['phases'];

function planSegment(
  segment: Segment,
  { freeConstants }: AcquiredSession,
  slotOf: (name: OnnxValue) => number,
): SessionStep {
  const feeds: (number | ElementArray)[] = segment.inputs.map((input) => slotOf(input.name));
  const dims: (readonly number[])[] = segment.inputs.map((input) => input.dims);
  for (const [index, constant] of segment.constants.entries()) {
    if (freeConstants[index] !== true) continue;
    // A constant of the graph that became an input takes its value from the leaves of each run.
    feeds.push(constant.leaf === undefined ? constant.data : constant.leaf);
    dims.push(constant.dims);
  }
  return {
    kind: 'onnx',
    feeds,
    dims,
    outputSlots: segment.outputs.map((output) => slotOf(output.name)),
    outputLengths: segment.outputs.map((output) => elementCount(output.dims)),
  };
}

function runSegment(step: SessionStep, session: AcquiredSession, slots: (HostArray | undefined)[]): void {
  const feeds = step.feeds.map((feed) => (typeof feed === 'number' ? (slots[feed] as ElementArray) : feed));
  const results = session.run(feeds, step.dims);
  for (const [index, slot] of step.outputSlots.entries()) {
    const result = results[index]!;
    if (result.length !== step.outputLengths[index]) {
      throw new InternalError(
        `output ${index} of a segment has ${result.length} elements, shape inference said ${step.outputLengths[index]}`,
        { code: 'FG9002', hint: 'Please report it with the trace file.' },
      );
    }
    slots[slot] = result as HostArray;
  }
}

function runCall(
  step: CallStep,
  node: CallNode,
  slots: (HostArray | undefined)[],
  { runKernel, table }: ExecutableContext,
): void {
  const results = runKernel(
    node.kernel,
    step.inputs.map((input) => (input === null ? undefined : { ...input, data: slots[input.slot]! })),
    table.get(node.kernel)?.inputs ?? 'variadic',
    node.attributes,
  );
  for (const [index, slot] of step.outputSlots.entries()) slots[slot] = results[index]!.data;
}

function phasesOf(sessions: readonly MadeSession[]): Phases {
  return sessions.flatMap((session) => session.phases);
}

function sum(phases: Phases): number {
  return phases.reduce((total, phase) => total + phase.durationMs, 0);
}

function cacheOf(sessions: readonly MadeSession[]): 'disk' | 'none' {
  return sessions.every((session) => session.cache === 'disk') ? 'disk' : 'none';
}

/** Optimized segments of a graph, by step. */
function segmentsOf(graph: Graph, { table, optimize }: ExecutableContext): (Segment | undefined)[] {
  return lowerGraph(graph, table).steps.map((step) =>
    step.kind === 'onnx' ? optimize(step.segment) : undefined,
  );
}

/** By lowering. Acquires a session for each segment; calls that onnxruntime refuses run on eager kernels. */
function makePlan(graph: Graph, context: ExecutableContext, refused?: Refused): Planned {
  const sessions: AcquiredSession[] = [];
  const table = refused === undefined ? context.table : withoutRefused(context.table, refused);
  try {
    const planned = lowerAndAcquire(graph, { ...context, table }, sessions);
    if (refused === undefined) return planned;
    const fallbacks = planned.plan.fallbacks.map((fallback) =>
      refused.kernels.has(fallback.kernel) ? { ...fallback, reason: refused.reason } : fallback,
    );
    return { ...planned, plan: { ...planned.plan, fallbacks } };
  } catch (failure) {
    for (const session of sessions) session.release();
    const next = refusedBy(failure, graph, refused);
    if (next === undefined) throw failure;
    return makePlan(graph, context, next);
  }
}

/** @param sessions where those that were acquired are added, at once. */
function lowerAndAcquire(graph: Graph, context: ExecutableContext, sessions: AcquiredSession[]): Planned {
  const started = context.now();
  const lowered = lowerGraph(graph, context.table);
  const leaves = leavesOf(graph);
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
  const freeLeaves = leaves.map((leaf) => leaf.kind === 'placeholder');
  const steps = lowered.steps.map((step, index): SessionStep | CallStep => {
    if (step.kind === 'eager') {
      const inputs = step.node.inputs.map((ref) => {
        if (ref === undefined) return null;
        const type = typeOf(graphNodes, ref)!;
        return { slot: slotOfRef(refKey(ref)), dtype: type.dtype, shape: type.shape as readonly number[] };
      });
      const outputSlots = step.node.outputs.map((_, output) =>
        slotOfRef(refKey({ node: step.node.name, output })),
      );
      return { kind: 'eager', node: graph.nodes.indexOf(step.node), inputs, outputSlots };
    }
    const segment = segments[index]!;
    const session = context.sessions.acquire(segment);
    sessions.push(session);
    for (const [position, constant] of segment.constants.entries()) {
      if (constant.leaf !== undefined && session.freeConstants[position] === true)
        freeLeaves[constant.leaf] = true;
    }
    return planSegment(segment, session, slotOf);
  });
  const outputSlots = graph.outputs.map((ref) => slotOfRef(refKey(ref)));
  const { fallbacks, lowered: names } = lowered;
  const sessionMs = sum(phasesOf(sessions.flatMap((session) => session.made ?? [])));
  return {
    plan: {
      leafCount: leaves.length,
      slotCount: slots.size,
      freeLeaves,
      steps,
      outputSlots,
      fallbacks,
      lowered: names,
    },
    sessions,
    phases: [
      { name: 'lower', durationMs: loweredAt - started },
      { name: 'bind', durationMs: Math.max(0, context.now() - loweredAt - sessionMs) },
    ],
  };
}

/** As an earlier process left it; undefined when it left none, or part of it is gone. */
function findPlan(graph: Graph, key: string, context: ExecutableContext): Planned | undefined {
  const started = context.now();
  const stored = context.plans?.find(key);
  if (stored === undefined) return undefined;
  let segments: (Segment | undefined)[] | undefined;
  const sessions: AcquiredSession[] = [];
  const positions = stored.plan.steps.flatMap((step, index) => (step.kind === 'onnx' ? [index] : []));
  for (const [index, session] of stored.sessions.entries()) {
    const adopted = context.sessions.adopt(
      session,
      () => context.plans!.open(session),
      () => (segments ??= segmentsOf(graph, context))[positions[index]!]!,
    );
    if (adopted === undefined) {
      for (const acquired of sessions) acquired.release();
      return undefined;
    }
    sessions.push(adopted);
  }
  const sessionMs = sum(phasesOf(sessions.flatMap((session) => session.made ?? [])));
  const durationMs = Math.max(0, context.now() - started - sessionMs);
  return { plan: stored.plan, sessions, phases: [{ name: 'plan from disk', durationMs }] };
}

/** Compiles a legal graph with concrete shapes. Acquires sessions from the store; the executable releases them. */
export function compileGraph(graph: Graph, context: ExecutableContext): Compiled {
  const started = context.now();
  const key = context.plans?.keyOf(graph);
  const keyMs = context.now() - started;
  const found = key === undefined ? undefined : findPlan(graph, key, context);
  const { plan, sessions, phases } = found ?? makePlan(graph, context);

  if (found === undefined && key !== undefined) {
    const stored = sessions.flatMap((session) => session.stored() ?? []);
    if (stored.length === sessions.length) context.plans!.store(key, { plan, sessions: stored });
  }

  const made = sessions.flatMap((session) => session.made ?? []);
  const report: CompileReport = {
    outcome: made.length > 0 ? 'session' : 'shared',
    cache: made.length === 0 ? 'shared' : cacheOf(made),
    phases: [
      ...(key === undefined ? [] : [{ name: 'key', durationMs: keyMs }]),
      ...phases.slice(0, 1),
      ...phasesOf(made),
      ...phases.slice(1),
    ],
    fallbacks: plan.fallbacks,
    get lowered() {
      return plan.lowered;
    },
  };
  return { executable: createExecutable(graph, plan, sessions, context), report };
}

function createExecutable(
  graph: Graph,
  plan: ExecutionPlan,
  sessions: readonly AcquiredSession[],
  context: ExecutableContext,
): Compiled['executable'] {
  let used = 0;
  const steps = plan.steps.map((step) =>
    step.kind === 'onnx'
      ? { step, session: sessions[used++]! }
      : { step, node: graph.nodes[step.node] as CallNode },
  );
  return {
    freeLeaves: plan.freeLeaves,
    run(values) {
      const run: (HostArray | undefined)[] = [...values];
      run.length = plan.slotCount;
      for (const bound of steps) {
        if (bound.session === undefined) runCall(bound.step, bound.node, run, context);
        else runSegment(bound.step, bound.session, run);
      }
      // Outputs are the caller's own: a leaf or a value that is returned twice is copied.
      const given = new Set<number>();
      return plan.outputSlots.map((slot) => {
        const value = run[slot]!;
        const isShared = slot < plan.leafCount || given.has(slot);
        given.add(slot);
        return isShared ? value.slice() : value;
      });
    },
    nodeTimes: () => joinTimes(sessions.flatMap((session) => session.nodeTimes() ?? [])),
    dispose() {
      for (const session of sessions) session.release();
    },
  };
}
