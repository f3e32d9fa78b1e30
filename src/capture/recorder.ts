/**
 * The lazy part: kernel calls become pending nodes; when a value is needed, the nodes it is connected with are planned,
 * compiled or found in the cache, run, and their results stored. Independent work stays pending.
 */
import type { HostArray } from '../ir/tensor-type.ts';
import type { FirstRuns } from './first-runs.ts';
import type { GraphCache, Structure } from './graph-cache.ts';
import type { Graph } from '../ir/graph.ts';
import { emptyHostArray } from './host-array.ts';
import {
  Component,
  findComponent,
  LazyValue,
  mergeComponents,
  orderedNodes,
  orderNodes,
  PendingNode,
} from './pending.ts';
import { isWanted, planCut, retainedBytes, type CutPlan } from './plan-cut.ts';
import type { BreakCause, Reporter } from './reporter.ts';
import type { ReplayTape } from './replay-tape.ts';
import type { Signature } from './signature.ts';
import { StreamHistory } from './stream-history.ts';
import type { InternedType } from './type-table.ts';

export interface RecorderOptions {
  readonly cache: GraphCache;
  /** Absent: every run is a graph's. */
  readonly firstRuns: FirstRuns | undefined;
  readonly reporter: Reporter;
  /** Pending nodes at which all of them are cut. */
  readonly maxNodes: number;
  /** Bytes of disposed tensors that pending nodes may keep alive. */
  readonly maxRetainedBytes: number;
  /** Called before recording stops; may throw to forbid it. */
  readonly onBreak: ((cause: BreakCause) => void) | undefined;
  /** Called after each run of a graph. */
  readonly onRun: ((run: FinishedRun) => void) | undefined;
}

/** A graph that ran. */
export interface FinishedRun {
  readonly graph: Graph;
  readonly leaves: readonly LazyValue[];
  readonly outputs: readonly LazyValue[];
}

/** Where in the program a graph ends, when known. */
type Place = Pick<BreakCause, 'stack'>;

interface WaitingRead {
  readonly values: readonly LazyValue[];
  readonly cause: BreakCause;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Smaller leftovers, such as running averages of losses, wait for more to come... */
const idleNodes = 10;
/** ...unless there are more of them than this. */
const idleComponents = 64;

/** Cause of a read by code that gives none: a custom kernel that looks at its inputs. */
const unknownCause: BreakCause = { reason: 'FG1001' };

export class Recorder {
  /** Listens while a model is called that may be replayed. */
  tape: ReplayTape | undefined;
  readonly #options: RecorderOptions;
  readonly #history: StreamHistory;
  readonly #components = new Set<Component>();
  #sequence = 0;
  #valueCount = 0;
  #pendingNodes = 0;
  #nodesUntilCut: number;
  #retainedBytes = 0;
  /** Sequence of the last node that was recorded when nothing was pending any more. */
  #emptySince = 0;
  #traceMs = 0;
  /** Number of breaks so far. */
  #epoch = 0;
  #waiting: WaitingRead[] = [];
  #lastGraph: string | undefined;
  /** Why values are read while some code has control that does not know about us. */
  #ambientCause: BreakCause | undefined;
  readonly #materialize = (value: LazyValue): HostArray => {
    this.require([value], this.#ambientCause ?? unknownCause);
    return value.host!;
  };

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#nodesUntilCut = options.maxNodes;
    this.#history = new StreamHistory(options.maxNodes);
  }

  /** Adds to the time that recording took since the last run. */
  addTraceTime(durationMs: number): void {
    this.#traceMs += durationMs;
    this.#options.reporter.totals.traceMs += durationMs;
  }

  /** A value that is in host memory already. */
  hostValue(type: InternedType, host: HostArray | undefined): LazyValue {
    return new LazyValue(++this.#valueCount, type, this.#materialize, host, undefined, 0);
  }

  /** Appends one call; its results are pending. Results without elements are known at once. */
  record(signature: Signature, inputs: readonly (LazyValue | undefined)[]): readonly LazyValue[] {
    const types = signature.outputs!;
    if (signature.isEmpty) {
      return types.map((type) => this.hostValue(type, emptyHostArray(type.dtype, 0)));
    }
    if (this.#pendingNodes >= this.#nodesUntilCut && !this.#dropDead()) this.#cutAll();
    let component: Component | undefined;
    for (const input of inputs) {
      const other = input?.node?.component;
      if (other === undefined || input!.host !== undefined) continue;
      const found = findComponent(other);
      if (component === undefined) component = found;
      else if (component !== found) {
        const merged = mergeComponents(component, found);
        this.#components.delete(merged === component ? found : component);
        component = merged;
      }
    }
    if (component === undefined) this.#components.add((component = new Component()));
    const stack = this.#history.add(signature.id, this.#options.reporter.stacks);
    const node = new PendingNode(++this.#sequence, signature, inputs, component, stack);
    component.nodes.push(node);
    component.epoch = this.#epoch;
    component.youngest = node.sequence;
    for (const input of inputs) if (input !== undefined) input.lastReader = node.sequence;
    // `map`, as V8 would learn to put a literal that lives this long into its old generation, where it keeps what it
    // holds until the next full collection.
    node.outputs = types.map(
      (type, output) => new LazyValue(++this.#valueCount, type, this.#materialize, undefined, node, output),
    );
    this.#pendingNodes++;
    this.#options.reporter.totals.captured++;
    return node.outputs;
  }

  /**
   * A variable takes hold of a value. One that is merely filled is made now: optimizers make their state like this in
   * their first step, whose graph would be one of its own.
   */
  settle(value: LazyValue): void {
    const { node } = value;
    if (value.host !== undefined || node?.component === undefined) return;
    const { kernel, attributes } = node.signature;
    const filling = kernel.op?.filling?.(attributes);
    if (filling === undefined) return;
    value.values = (emptyHostArray(value.type.dtype, value.type.size) as Float32Array).fill(filling);
    const { totals } = this.#options.reporter;
    totals.captured--;
    totals.folded++;
    const component = findComponent(node.component);
    if (component.nodes.length === 1) this.#forget(component);
  }

  /** Whether so many more calls can be recorded before a cut. */
  hasRoomFor(calls: number): boolean {
    return this.#pendingNodes + calls < this.#nodesUntilCut;
  }

  /** The program let go of a value: what only pending nodes keep alive is bounded. */
  release(value: LazyValue): void {
    value.isLive = false;
    if (value.isFrozen) this.#options.cache.forget(value);
    if (value.host === undefined || value.lastReader <= this.#emptySince) return;
    this.#retainedBytes += value.type.sizeBytes;
    if (this.#retainedBytes > this.#options.maxRetainedBytes) this.#cutAll();
  }

  /** Runs `body`; reads inside it that name no cause have this one. */
  withCause<T>(cause: BreakCause, body: () => T): T {
    const before = this.#ambientCause;
    this.#ambientCause = cause;
    try {
      return body();
    } finally {
      this.#ambientCause = before;
    }
  }

  /**
   * Makes values be in host memory.
   * @returns whether anything had to run for it.
   * @throws BackendError when compiling or running fails; everything stays pending then.
   */
  require(values: readonly LazyValue[], cause: BreakCause): boolean {
    const missing = values.filter((value) => value.host === undefined && value.node !== undefined);
    if (missing.length === 0) return false;
    const { reporter, onBreak } = this.#options;
    this.tape?.fail('it reads a value');
    onBreak?.(cause);
    const start = reporter.now();
    for (const value of missing) value.pins++;
    try {
      this.#computePending(missing, cause);
      const deferred = missing.filter((value) => value.host === undefined);
      if (deferred.length > 0) this.#recompute(deferred, cause);
    } finally {
      for (const value of missing) value.pins--;
    }
    reporter.graphBreak(cause, reporter.now() - start, this.#lastGraph);
    this.#flushIdle();
    return true;
  }

  /** Number of calls recorded so far. */
  get recordedNodes(): number {
    return this.#sequence;
  }

  /** Runs everything that was recorded since then, with what it is connected with, as one graph. */
  flushSince(recordedNodes: number, cause: BreakCause): void {
    const recent = new Set<Component>();
    for (const component of this.#components) if (component.youngest > recordedNodes) recent.add(component);
    this.#cut(recent, cause);
    this.#flushIdle();
  }

  /** Runs what computes these pending values, with what it is connected with, as one graph. */
  flushFor(values: readonly LazyValue[], cause: BreakCause): void {
    this.#cut(componentsOf(values), cause);
  }

  #cut(components: ReadonlySet<Component>, cause: BreakCause): void {
    if (components.size === 0) return;
    const { reporter, onBreak } = this.#options;
    onBreak?.(cause);
    const start = reporter.now();
    if (this.#flush(components, cause)) {
      reporter.graphBreak(cause, reporter.now() - start, this.#lastGraph);
    }
  }

  /** Whether anything is pending. */
  get isPending(): boolean {
    return this.#components.size > 0;
  }

  /** Whether anything is pending that the program could still ask for. */
  get hasLiveNodes(): boolean {
    for (const component of this.#components) if (isAlive(component)) return true;
    return false;
  }

  /**
   * Forgets what nobody can ask for any more, such as initial weights that were replaced before their first use.
   * @returns whether that was most of what is pending.
   */
  #dropDead(): boolean {
    const before = this.#pendingNodes;
    for (const component of this.#components) if (!isAlive(component)) this.#retire(component);
    return this.#pendingNodes < before / 2;
  }

  /**
   * Runs what has not grown since the break before this one. A loop that leaves work behind in each iteration (gradients
   * that are applied after many games) then has one graph per iteration instead of one of all iterations.
   */
  #flushIdle(): void {
    this.#epoch++;
    const isCrowded = this.#components.size > idleComponents;
    for (const component of this.#components) {
      const isWorthARun = isCrowded || component.nodes.length >= idleNodes;
      if (isWorthARun && component.epoch < this.#epoch - 1) this.#flush(new Set([component]), {});
    }
  }

  /** As {@link require}, behind the current turn, together with all others that wait for it then. */
  requireLater<T>(values: readonly LazyValue[], cause: BreakCause, result: () => T): Promise<T> {
    for (const value of values) value.pins++;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ values, cause, resolve: () => resolve(result()), reject });
      if (this.#waiting.length === 1) queueMicrotask(() => this.#serveWaiting());
    });
  }

  #serveWaiting(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    try {
      this.require(
        waiting.flatMap((entry) => entry.values),
        waiting[0]!.cause,
      );
      for (const { resolve } of waiting) resolve();
    } catch (error) {
      for (const { reject } of waiting) reject(error);
    } finally {
      for (const { values } of waiting) for (const value of values) value.pins--;
    }
  }

  /**
   * Runs everything that is pending and can still be asked for.
   * @param cause absent: we were asked to, so that it is no break of the program's.
   */
  flushAll(cause?: BreakCause): void {
    if (this.#components.size === 0) return;
    const { reporter } = this.#options;
    const start = reporter.now();
    let hasRun = false;
    for (const component of this.#components) {
      hasRun = this.#flush(new Set([component]), cause ?? {}) || hasRun;
    }
    if (hasRun && cause !== undefined) reporter.graphBreak(cause, reporter.now() - start, this.#lastGraph);
  }

  /** Forgets what is pending without running it. */
  drop(): void {
    for (const component of this.#components) this.#retire(component);
  }

  #cutAll(): void {
    const detail = `The recorded graph reached ${this.#pendingNodes} nodes`;
    this.flushAll({ reason: 'FG1008', detail, stack: this.#options.reporter.stacks?.take() });
    this.#nodesUntilCut = this.#history.alignedLimit();
  }

  #computePending(values: readonly LazyValue[], cause: Place): void {
    const components = componentsOf(values);
    if (components.size > 0) this.#flush(components, cause);
  }

  /** Runs sets of nodes as one graph. @returns whether a graph ran; false when all of it is dead. */
  #flush(components: ReadonlySet<Component>, cause: Place): boolean {
    const plan = planCut(orderedUnion(components));
    const deferred = plan.leaves.filter((leaf) => leaf.host === undefined);
    if (deferred.length > 0) this.#recompute(deferred, cause);
    const hasRun = plan.outputs.length > 0;
    if (hasRun) this.#run(plan, cause);
    for (const component of components) this.#retire(component);
    this.#history.restart(cause.stack?.id);
    return hasRun;
  }

  /** Its nodes count as run. */
  #retire(component: Component): void {
    this.#forget(component);
    this.#history.restart();
  }

  #forget(component: Component): void {
    for (const node of component.nodes) node.component = undefined;
    this.#pendingNodes -= component.nodes.length;
    component.nodes = [];
    this.#components.delete(component);
    if (this.#components.size > 0) return;
    this.#retainedBytes = 0;
    this.#emptySince = this.#sequence;
  }

  /** Runs again what computes values that an earlier graph left out, and lets its family keep them from now on. */
  #recompute(values: readonly LazyValue[], cause: Place): void {
    const nodes = new Set<PendingNode>();
    const queue = values.map((value) => value.node!);
    for (let node = queue.pop(); node !== undefined; node = queue.pop()) {
      if (nodes.has(node)) continue;
      nodes.add(node);
      for (const input of node.inputs) {
        if (input !== undefined && input.host === undefined) queue.push(input.node!);
      }
    }
    for (const { deferral } of values) deferral?.learnedSlots.add(deferral.slot);
    const ordered = [...nodes].sort((left, right) => left.sequence - right.sequence);
    this.#run(planCut(ordered, new Set(values)), cause);
  }

  #run(plan: CutPlan, cause: Place): void {
    const { cache, firstRuns } = this.#options;
    if (firstRuns !== undefined && this.#runFirst(plan, firstRuns)) return;
    const structure = cache.structureOf(plan, cause.stack?.site ?? -1);
    const deferred = settleOutputs(plan, structure);
    const cached = cache.acquire(structure, plan, cause.stack?.id);
    const traceMs = this.#traceMs;
    this.#traceMs = 0;
    const results = cache.run(cached, plan, traceMs);
    for (const [index, value] of plan.outputs.entries()) value.values = results[index];
    for (const value of deferred) {
      value.deferral = { learnedSlots: structure.family.learnedSlots, slot: value.slot };
    }
    this.#lastGraph = cached.id;
    this.#options.onRun?.({ graph: cached.graph, leaves: plan.leaves, outputs: plan.outputs });
  }

  #runFirst(plan: CutPlan, firstRuns: FirstRuns): boolean {
    const { reporter } = this.#options;
    const start = reporter.now();
    if (!firstRuns.run(plan)) return false;
    reporter.firstRun(reporter.now() - start, plan.nodes.length);
    this.#traceMs = 0;
    return true;
  }
}

/** Whether the program, or a read under way, can still ask for one of its values. */
function isAlive({ nodes }: Component): boolean {
  return nodes.some((node) => node.outputs.some((value) => value.node === node && isWanted(value)));
}

/** What is pending of them. */
function componentsOf(values: readonly LazyValue[]): ReadonlySet<Component> {
  const components = new Set<Component>();
  for (const { node } of values) {
    if (node?.component !== undefined) components.add(findComponent(node.component));
  }
  return components;
}

function orderedUnion(components: ReadonlySet<Component>): readonly PendingNode[] {
  if (components.size === 1) for (const component of components) return orderedNodes(component);
  return orderNodes([...components].flatMap((component) => component.nodes));
}

/**
 * Decides which values that are alive but were read inside the graph are kept: those that graphs of this family were
 * asked for before, and all when leaving them out would hold on to more memory than keeping them.
 * @returns the ones left out.
 */
function settleOutputs(plan: CutPlan, structure: Structure): readonly LazyValue[] {
  if (plan.deferrable.length === 0) return [];
  const { learnedSlots } = structure.family;
  const left = plan.deferrable.filter((value) => !learnedSlots.has(value.slot));
  const leftBytes = left.reduce((sum, value) => sum + value.type.sizeBytes, 0);
  const isDeferred = left.length > 0 && retainedBytes(plan) <= leftBytes;
  const kept = isDeferred ? plan.deferrable.filter((value) => learnedSlots.has(value.slot)) : plan.deferrable;
  plan.outputs.push(...kept);
  plan.outputs.sort((first, second) => first.slot - second.slot);
  return isDeferred ? left : [];
}
