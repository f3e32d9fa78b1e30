/**
 * Compiled graphs and the facts they are valid under. A plan finds its graph by structure, outputs and the contents of
 * the constants that were compiled in; a miss in a known family (same kernels and wiring, same site) is a guard failure,
 * reported with all differences against the closest graph. After Dynamo's cache entries, but guards are compared as data.
 */
import { callNodes, type Graph } from '../ir/graph.ts';
import type { HostArray } from '../ir/tensor-type.ts';
import { Buckets } from './buckets.ts';
import { buildGraph, type GraphNaming, type LeafKind } from './build-graph.ts';
import { chooseFrozenLeaves, freezeLeaves, gainsByFreezing, Steadiness } from './frozen-weights.ts';
import { closestGraph, guardCount, guardedContents, holdsGuards } from './graph-guards.ts';
import type { Backend, CompileReport, Executable } from '../ir/executable.ts';
import type { LazyValue } from './pending.ts';
import { outputSlots, wiringOf, type CutPlan } from './plan-cut.ts';
import type { Reporter } from './reporter.ts';
import { sameIntegers } from './type-table.ts';

export interface CompiledGraph {
  readonly id: string;
  readonly executable: Executable;
  readonly report: CompileReport;
  readonly durationMs: number;
  /** What made it. */
  readonly compiler: Backend;
}

export interface Family {
  readonly id: string;
  readonly hash: number;
  readonly site: number;
  readonly wiring: Int32Array;
  /** Slots of values that were asked for after a graph of this family had left them out. */
  readonly learnedSlots: Set<number>;
  readonly kinds: readonly LeafKind[];
  /** How often frozen weights have changed. */
  thaws: number;
  /** Over all graphs: weights stay while sizes change. Absent where freezing them gains little. */
  readonly steadiness: Steadiness | undefined;
  /** What freezing a graph cost the last time. */
  freezeMs: number | undefined;
  graphs: CachedGraph[];
  recompiles: number;
  isLimitReported: boolean;
  /** Mean cost of what the recompile limit weighs. */
  compileMs: number;
  eagerMs: number | undefined;
}

export interface Structure {
  readonly hash: number;
  readonly integers: Int32Array;
  readonly family: Family;
  graphs: CachedGraph[];
}

/** The same graph with unchanging leaves compiled in, valid for these very leaves. */
interface FrozenGraph {
  readonly compiled: CompiledGraph;
  readonly leaves: readonly number[];
  readonly valueIds: readonly number[];
}

export interface CachedGraph {
  readonly id: string;
  readonly graph: Graph;
  readonly structure: Structure;
  readonly outputs: Int32Array;
  /** Per leaf: contents that the executable relies on. */
  guarded: readonly (HostArray | undefined)[];
  /** With all weights as inputs; made when it is needed, where those of the family are frozen. */
  plain: CompiledGraph | undefined;
  frozen: FrozenGraph | undefined;
  /** Over its own runs: graphs of a family may be of different models. */
  readonly steadiness: Steadiness;
}

export interface GraphCacheOptions {
  readonly compiler: Backend;
  /** Runs graphs of families that hit the recompile limit. */
  readonly interpreter: Backend;
  readonly reporter: Reporter;
  readonly naming: GraphNaming;
  readonly freeze: boolean;
  readonly recompileLimit: number;
}

/** Leaves of at most this size are constants until they change. */
const constantElements = 16;
/** Compiled graphs kept, and their nodes in all; beyond, the least recently used go. */
const cachedGraphLimit = 1024;
const cachedNodeLimit = 2 ** 18;
/** Scalars are usually written in the program's text; longer vectors mostly are data, unless they are integers. */
function kindOf(leaf: LazyValue): LeafKind {
  if (leaf.isState) return 'state';
  const { size, dtype } = leaf.type;
  const isSmall = dtype === 'float32' ? size === 1 : size <= constantElements;
  return isSmall && leaf.isHostWritten ? 'constant' : 'input';
}

export class GraphCache {
  readonly #options: GraphCacheOptions;
  readonly #structures = new Buckets<Structure>();
  readonly #families = new Buckets<Family>();
  /** The least recently used first. */
  readonly #graphs = new Set<CachedGraph>();
  #familyCount = 0;
  #graphCount = 0;
  #compileCount = 0;
  #nodeCount = 0;

  constructor(options: GraphCacheOptions) {
    this.#options = options;
  }

  /** The structure of a plan; new ones join the family of their wiring and site. */
  structureOf(plan: CutPlan, site: number): Structure {
    const known = this.#structures.find(plan.structureHash, ({ integers }) =>
      sameIntegers(integers, plan.structure),
    );
    if (known !== undefined) return known;
    const structure: Structure = {
      hash: plan.structureHash,
      integers: plan.structure,
      family: this.#familyOf(plan, site),
      graphs: [],
    };
    this.#structures.add(structure);
    return structure;
  }

  #familyOf(plan: CutPlan, site: number): Family {
    const { wiring, hash } = wiringOf(plan);
    const known = this.#families.find(
      hash,
      (family) => family.site === site && sameIntegers(family.wiring, wiring),
    );
    if (known !== undefined) return known;
    const family: Family = {
      id: `f${++this.#familyCount}`,
      hash,
      site,
      wiring,
      learnedSlots: new Set(),
      kinds: plan.leaves.map(kindOf),
      thaws: 0,
      steadiness: gainsByFreezing(plan) ? new Steadiness(plan.leaves.length) : undefined,
      freezeMs: undefined,
      graphs: [],
      recompiles: 0,
      isLimitReported: false,
      compileMs: 0,
      eagerMs: undefined,
    };
    this.#families.add(family);
    return family;
  }

  /** A compiled graph that is valid for the plan: found, or compiled now. */
  acquire(structure: Structure, plan: CutPlan, stack: number | undefined): CachedGraph {
    structure.family.steadiness?.observe(plan);
    const outputs = outputSlots(plan);
    const found = structure.graphs.find(
      (cached) => sameIntegers(cached.outputs, outputs) && holdsGuards(cached, plan),
    );
    const cached = found ?? this.#compile(structure, plan, outputs, stack);
    this.#graphs.delete(cached);
    this.#graphs.add(cached);
    return cached;
  }

  #compile(structure: Structure, plan: CutPlan, outputs: Int32Array, stack: number | undefined): CachedGraph {
    const { family } = structure;
    const { reporter, naming, recompileLimit } = this.#options;
    const id = `g${++this.#graphCount}`;
    const kinds = plan.leaves.map((leaf, index): LeafKind => {
      const kind = family.kinds[index]!;
      return kind === 'constant' && leaf.type.size > constantElements ? 'input' : kind;
    });
    const graph = buildGraph(id, plan, kinds, naming);
    reporter.graph(id, family.id, graph, stack);
    const isKnown = family.graphs.length > 0;
    const isLimited = isKnown && family.recompiles >= recompileLimit && prefersEager(family);
    const frozenLeaves = isLimited ? [] : this.#steadyLeaves(family, graph, plan);
    const isFrozen = frozenLeaves.length > 0;
    const form = isFrozen ? freezeLeaves(graph, plan, frozenLeaves) : graph;
    const compiled = this.#make(form, plan, { isLimited, isHot: isFrozen });
    if (isFrozen) family.freezeMs = compiled.durationMs;
    if (isKnown && !isLimited && compiled.report.outcome === 'session') family.recompiles++;
    if (isKnown) this.#reportFailure(family, graph, compiled, stack, isLimited);
    if (!isLimited) family.compileMs += (compiled.durationMs - family.compileMs) / (family.graphs.length + 1);
    this.#reportCompile(id, graph, compiled, isLimited ? 'limit' : isKnown ? 'recompile' : 'first');
    const cached: CachedGraph = {
      id,
      graph,
      structure,
      outputs,
      guarded: guardedContents(graph, plan, compiled.executable),
      plain: isFrozen ? undefined : compiled,
      frozen: isFrozen ? frozenGraph(compiled, plan, frozenLeaves) : undefined,
      steadiness: new Steadiness(plan.leaves.length),
    };
    structure.graphs.unshift(cached);
    family.graphs.push(cached);
    this.#graphs.add(cached);
    this.#nodeCount += graph.nodes.length;
    while (this.#isFull) this.#evictOldest();
    return cached;
  }

  /** @param isLimited its family is at the recompile limit: all calls run on eager kernels. */
  #make(graph: Graph, plan: CutPlan, { isLimited = false, isHot = false } = {}): CompiledGraph {
    const { reporter, interpreter } = this.#options;
    const compiler = isLimited ? interpreter : this.#options.compiler;
    const start = reporter.now();
    const { executable, report } = compiler.compile(
      graph,
      plan.leaves.map((leaf) => leaf.host!),
      isHot,
    );
    const durationMs = reporter.now() - start;
    return {
      id: `c${++this.#compileCount}`,
      executable,
      report: isLimited ? { ...report, fallbacks: allCalls(graph, 'recompile limit') } : report,
      durationMs,
      compiler,
    };
  }

  #reportCompile(
    id: string,
    graph: Graph,
    compiled: CompiledGraph,
    trigger: 'first' | 'recompile' | 'freeze' | 'optimize' | 'limit',
  ): void {
    const { reporter } = this.#options;
    reporter.compile(id, compiled, trigger, compiled.compiler, guardCount(graph, compiled.executable));
  }

  #reportFailure(
    family: Family,
    graph: Graph,
    compiled: CompiledGraph,
    stack: number | undefined,
    isLimited: boolean,
  ): void {
    const { reporter } = this.#options;
    if (isLimited && !family.isLimitReported) {
      family.isLimitReported = true;
      reporter.note(
        'warning',
        'FG2002',
        `a graph was recompiled ${family.recompiles} times; new forms of it run on eager kernels now`,
        stack,
      );
    }
    if (reporter.emit === undefined) return;
    const closest = closestGraph(family.graphs, graph);
    reporter.guardFailure({
      family: family.id,
      graph: graph.name,
      closest: closest.cached.id,
      ...(stack === undefined ? {} : { stack }),
      differences: closest.differences,
      outcome: isLimited ? 'limit' : compiled.report.outcome === 'shared' ? 'reused' : 'recompile',
    });
  }

  get #isFull(): boolean {
    const { size } = this.#graphs;
    return size > cachedGraphLimit || (size > 1 && this.#nodeCount > cachedNodeLimit);
  }

  #evictOldest(): void {
    const [oldest] = this.#graphs;
    const victim = oldest!;
    this.#graphs.delete(victim);
    this.#nodeCount -= victim.graph.nodes.length;
    victim.structure.graphs = victim.structure.graphs.filter((cached) => cached !== victim);
    const { family } = victim.structure;
    family.graphs = family.graphs.filter((cached) => cached !== victim);
    if (victim.structure.graphs.length === 0) this.#structures.remove(victim.structure);
    if (family.graphs.length === 0) this.#families.remove(family);
    this.#reportTimes(victim);
    disposeOf(victim);
  }

  /** Runs a graph on the plan's leaves. All leaves must be in host memory. */
  run(cached: CachedGraph, plan: CutPlan, traceMs: number): HostArray[] {
    const { reporter, freeze } = this.#options;
    const leaves = plan.leaves.map((leaf) => leaf.host!);
    this.#tierUp(cached, plan, leaves);
    if (freeze && cached.plain?.executable.ignoresConstants !== true) this.#updateFrozen(cached, plan);
    const compiled = this.#formOf(cached, plan);
    const start = reporter.now();
    const results = this.#execute(cached.graph, compiled, leaves);
    const durationMs = reporter.now() - start;
    const { family } = cached.structure;
    cached.steadiness.runMs += durationMs;
    if (family.steadiness !== undefined) family.steadiness.runMs += durationMs;
    reporter.run(cached.id, compiled, durationMs, traceMs, plan.nodes.length);
    if (family.isLimitReported && durationMs > (family.eagerMs ?? 0)) family.eagerMs = durationMs;
    return results;
  }

  /** What eager kernels refuse as well (an index out of range...) is the program's error, and is raised in their words. */
  #execute(graph: Graph, { executable }: CompiledGraph, leaves: readonly HostArray[]): HostArray[] {
    try {
      return executable.run(leaves);
    } catch (refusal) {
      this.#options.interpreter.compile(graph, leaves).executable.run(leaves);
      throw refusal;
    }
  }

  /** What is to run. */
  #formOf(cached: CachedGraph, plan: CutPlan): CompiledGraph {
    if (cached.frozen !== undefined) return cached.frozen.compiled;
    if (cached.plain === undefined) {
      const graph = freezeLeaves(cached.graph, plan, [], cached.guarded);
      cached.plain = this.#make(graph, plan, { isHot: true });
      this.#reportCompile(cached.id, graph, cached.plain, 'recompile');
    }
    return cached.plain;
  }

  #tierUp(cached: CachedGraph, plan: CutPlan, leaves: readonly HostArray[]): void {
    const { reporter } = this.#options;
    const compiled = this.#formOf(cached, plan);
    const start = reporter.now();
    const report = compiled.executable.tierUp?.(leaves);
    if (report === undefined) return;
    const optimized = { ...compiled, report, durationMs: reporter.now() - start };
    if (cached.frozen === undefined) {
      cached.plain = optimized;
      cached.guarded = guardedContents(cached.graph, plan, optimized.executable);
    }
    this.#reportCompile(cached.id, cached.graph, optimized, 'optimize');
  }

  /**
   * Freezes weights that stay, of the graph or of all graphs of its family (images of many sizes, one model); thaws a graph
   * whose weights changed.
   */
  #updateFrozen(cached: CachedGraph, plan: CutPlan): void {
    const { frozen } = cached;
    const { family } = cached.structure;
    if (frozen !== undefined) {
      const changed = frozen.leaves.filter((leaf, index) => plan.leaves[leaf]!.id !== frozen.valueIds[index]);
      if (changed.length > 0) this.#thaw(cached, changed);
    }
    cached.steadiness.observe(plan);
    if (cached.frozen !== undefined || family.isLimitReported) return;
    // A second compile is tried once there were runs for as long as it takes (ski rental).
    const prices = [
      [cached.steadiness, this.#formOf(cached, plan).durationMs],
      [family.steadiness, family.freezeMs ?? family.compileMs],
    ] as const;
    for (const [steadiness, priceMs] of prices) {
      if (steadiness === undefined || steadiness.runMs < priceMs) continue;
      steadiness.runMs = 0;
      if (this.#freeze(cached, plan, steadiness)) return;
    }
  }

  /** What to freeze in a new graph of a family whose weights stay, if the runs of the others have paid for that. */
  #steadyLeaves(family: Family, graph: Graph, plan: CutPlan): readonly number[] {
    const { freezeMs, steadiness, thaws } = family;
    if (steadiness === undefined || freezeMs === undefined || steadiness.runMs < freezeMs) return [];
    const chosen = chooseFrozenLeaves(graph, plan, steadiness.sameRuns, thaws);
    if (chosen.length > 0) steadiness.runMs = 0;
    return chosen;
  }

  /** @returns whether there was something to freeze. */
  #freeze(cached: CachedGraph, plan: CutPlan, { sameRuns }: Steadiness): boolean {
    const { family } = cached.structure;
    const chosen = chooseFrozenLeaves(cached.graph, plan, sameRuns, family.thaws);
    if (chosen.length === 0) return false;
    const graph = freezeLeaves(cached.graph, plan, chosen, cached.guarded);
    const compiled = this.#make(graph, plan, { isHot: true });
    this.#reportCompile(cached.id, graph, compiled, 'freeze');
    cached.frozen = frozenGraph(compiled, plan, chosen);
    family.freezeMs = compiled.durationMs;
    return true;
  }

  #thaw(cached: CachedGraph, changed: readonly number[]): void {
    const { family } = cached.structure;
    const { reporter } = this.#options;
    reporter.guardFailure({
      family: family.id,
      graph: cached.id,
      closest: cached.id,
      differences: changed.map((index) => ({
        kind: 'weights',
        what: `weights of ${cached.graph.nodes[index]!.name}`,
        expected: 'unchanged',
        actual: 'another tensor',
      })),
      outcome: 'reused',
    });
    const { leaves, valueIds } = cached.frozen!;
    this.#dropFrozen(
      family.graphs,
      changed.map((leaf) => valueIds[leaves.indexOf(leaf)]!),
    );
  }

  /** Values that were replaced or are no more: what relies on them is of no use. */
  #dropFrozen(graphs: Iterable<CachedGraph>, valueIds: readonly number[]): void {
    const thawed = new Set<Family>();
    for (const cached of graphs) {
      const { frozen } = cached;
      if (frozen?.valueIds.some((id) => valueIds.includes(id)) !== true) continue;
      thawed.add(cached.structure.family);
      this.#reportTimes(cached);
      frozen.compiled.executable.dispose();
      cached.frozen = undefined;
      cached.steadiness.runMs = 0;
    }
    // Once, however many graphs there are.
    for (const family of thawed) family.thaws++;
  }

  /** Releases executables that were made for a value which no longer exists. */
  forget(value: LazyValue): void {
    this.#dropFrozen(this.#graphs, [value.id]);
  }

  /** Tells what profiles say about the graphs. */
  finish(): void {
    for (const cached of this.#graphs) this.#reportTimes(cached);
  }

  /** Of the form that ran last. */
  #reportTimes(cached: CachedGraph): void {
    const compiled = cached.frozen?.compiled ?? cached.plain;
    this.#options.reporter.nodeTimes(cached.id, compiled?.executable.nodeTimes?.());
  }

  dispose(): void {
    for (const cached of this.#graphs) disposeOf(cached);
    this.#graphs.clear();
    this.#structures.clear();
    this.#families.clear();
  }
}

/** Should the backend not rely on a leaf although it was constant, any value of it will do. */
function frozenGraph(compiled: CompiledGraph, plan: CutPlan, chosen: readonly number[]): FrozenGraph {
  const leaves = chosen.filter((index) => compiled.executable.freeLeaves[index] !== true);
  for (const index of leaves) plan.leaves[index]!.isFrozen = true;
  return { compiled, leaves, valueIds: leaves.map((index) => plan.leaves[index]!.id) };
}

function disposeOf({ frozen, plain }: CachedGraph): void {
  frozen?.compiled.executable.dispose();
  plain?.executable.dispose();
}

function allCalls(graph: Graph, reason: string): CompileReport['fallbacks'] {
  return callNodes(graph).map((call) => ({ node: call.name, kernel: call.kernel, reason }));
}

/** At the limit: whether the last eager run was cheaper than a compile is on average. */
function prefersEager(family: Family): boolean {
  return family.eagerMs === undefined || family.eagerMs <= family.compileMs;
}
