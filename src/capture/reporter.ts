/**
 * Capture's events as records and sums. Without a listener only the sums are kept.
 */
import { callNodes, typeOf, nodesByName, refKey, type Graph } from '../ir/graph.ts';
import { printGraph } from '../ir/print.ts';
import type { GuardFailureRecord, NamedType, NodeTimesRecord, TraceRecord } from '../ir/record.ts';
import type { TensorType } from '../ir/tensor-type.ts';
import type { CompiledGraph } from './graph-cache.ts';
import type { StackTaker, TakenStack } from './stacks.ts';

/** Why recording had to stop. */
export interface BreakCause {
  /** `FG1001`. */
  readonly reason: string;
  readonly stack?: TakenStack | undefined;
  readonly type?: TensorType | undefined;
  readonly sizeBytes?: number | undefined;
  /** When the stack does not tell. */
  readonly api?: string | undefined;
  readonly kernel?: string | undefined;
  readonly detail?: string | undefined;
}

/** Sums since installation. Times in milliseconds. */
export interface CaptureTotals {
  kernelCalls: number;
  /** Of these, calls that were recorded from a template. */
  replayed: number;
  captured: number;
  folded: number;
  aliased: number;
  eager: number;
  /** Of the captured, calls that ran on eager kernels inside of graphs. */
  eagerNodes: number;
  traceMs: number;
  compileMs: number;
  runMs: number;
  waitMs: number;
  eagerMs: number;
  emptyReads: number;
  graphs: number;
  compiles: number;
  recompiles: number;
  diskCacheHits: number;
  runs: number;
  /** Of the captured, calls of runs that were no graph's yet. */
  firstRunNodes: number;
  breaks: number;
}

interface FallbackSum {
  readonly kernel: string;
  readonly reason: string;
  readonly stack: number | undefined;
  count: number;
  durationMs: number;
}

function zeroTotals(): CaptureTotals {
  return {
    kernelCalls: 0,
    replayed: 0,
    captured: 0,
    folded: 0,
    aliased: 0,
    eager: 0,
    eagerNodes: 0,
    traceMs: 0,
    compileMs: 0,
    runMs: 0,
    waitMs: 0,
    eagerMs: 0,
    emptyReads: 0,
    graphs: 0,
    compiles: 0,
    recompiles: 0,
    diskCacheHits: 0,
    runs: 0,
    firstRunNodes: 0,
    breaks: 0,
  };
}

function optional<K extends string, V>(name: K, value: V | undefined): { readonly [name in K]?: V } {
  return (value === undefined ? {} : { [name]: value }) as { readonly [name in K]?: V };
}

const readReasons: ReadonlySet<string> = new Set(['FG1001', 'FG1002']);

/** Methods that read what they are called on. */
const readMethods: ReadonlySet<string> = new Set([
  'array',
  'arraySync',
  'buffer',
  'bufferSync',
  'bytes',
  'bytesSync',
  'data',
  'dataSync',
  'print',
  'toString',
]);

/** The program's expression for the tensor that a call reads; unknown when tfjs itself reads, as `fit` does. */
export function tensorReadBy(stack: TakenStack | undefined): string | undefined {
  const { callee, receiver } = stack?.facts ?? {};
  return callee !== undefined && readMethods.has(callee) ? receiver : undefined;
}

export class Reporter {
  readonly totals: CaptureTotals = zeroTotals();
  readonly now: () => number;
  readonly stacks: StackTaker | undefined;
  readonly emit: ((record: TraceRecord) => void) | undefined;
  readonly #fallbacks = new Map<string, FallbackSum>();
  readonly #brokenSites = new Set<string>();

  constructor(
    now: () => number,
    emit: ((record: TraceRecord) => void) | undefined,
    stacks: StackTaker | undefined,
  ) {
    this.now = now;
    this.emit = emit;
    this.stacks = stacks;
  }

  graph(id: string, family: string, graph: Graph, stack: number | undefined): void {
    this.totals.graphs++;
    if (this.emit === undefined) return;
    const nodes = nodesByName(graph);
    const calls = callNodes(graph);
    const opCounts: Record<string, number> = {};
    for (const call of calls) opCounts[call.kernel] = (opCounts[call.kernel] ?? 0) + 1;
    const inputs = graph.nodes.flatMap((node): NamedType[] => {
      if (node.kind === 'call') return [];
      return [{ name: node.name, type: node.type, role: node.kind === 'constant' ? 'constant' : node.role }];
    });
    const origins = calls.flatMap((call) =>
      call.stack === undefined && call.scope === undefined
        ? []
        : [{ node: call.name, ...optional('stack', call.stack), ...optional('scope', call.scope) }],
    );
    const innermost = calls.findLast((call) => call.scope !== undefined)?.scope?.at(-1);
    this.emit({
      kind: 'graph',
      id,
      name: innermost ?? id,
      timeMs: this.now(),
      ...optional('stack', stack),
      family,
      nodeCount: calls.length,
      opCounts,
      inputs,
      outputs: graph.outputs.map((ref) => ({ name: refKey(ref), type: typeOf(nodes, ref)! })),
      text: printGraph(graph),
      language: 'fullgraph',
      ...(origins.length === 0 ? {} : { origins }),
    });
  }

  guardFailure(failure: Omit<GuardFailureRecord, 'kind' | 'timeMs'>): void {
    this.emit?.({ kind: 'guard-failure', timeMs: this.now(), ...failure });
  }

  compile(
    graphId: string,
    compiled: CompiledGraph,
    trigger: 'first' | 'recompile' | 'freeze' | 'optimize' | 'limit',
    backend: { readonly name: string; readonly device: string },
    guardCount: number,
  ): void {
    const { report, durationMs } = compiled;
    this.totals.compileMs += durationMs;
    if (report.outcome === 'session' && trigger !== 'limit') {
      this.totals.compiles++;
      if (trigger === 'recompile') this.totals.recompiles++;
    }
    if (report.cache === 'disk') this.totals.diskCacheHits++;
    this.emit?.({
      kind: 'compile',
      id: compiled.id,
      graph: graphId,
      timeMs: this.now() - durationMs,
      durationMs,
      trigger,
      backend: backend.name,
      device: backend.device,
      cache: report.cache,
      phases: report.phases,
      fallbacks: report.fallbacks,
      ...optional('lowered', report.lowered),
      guardCount,
    });
  }

  run(graph: string, compiled: CompiledGraph, durationMs: number, traceMs: number, nodes: number): void {
    const eager = compiled.report.fallbacks.length;
    this.totals.eagerNodes += eager;
    this.totals.runs++;
    this.totals.runMs += durationMs;
    this.emit?.({
      kind: 'run',
      graph,
      compile: compiled.id,
      timeMs: this.now() - durationMs,
      durationMs,
      traceMs,
      captured: nodes - eager,
      folded: 0,
      eager,
    });
  }

  /** What ran was no graph; there is no record for it. */
  firstRun(durationMs: number, nodes: number): void {
    this.totals.runs++;
    this.totals.firstRunNodes += nodes;
    this.totals.runMs += durationMs;
  }

  graphBreak(cause: BreakCause, waitMs: number, graph: string | undefined): void {
    this.totals.breaks++;
    this.totals.waitMs += waitMs;
    if (this.emit === undefined) return;
    const { stack } = cause;
    const isInLoop = stack !== undefined && (this.#isRepeated(cause.reason, stack.site) || stack.isInLoop);
    this.emit({
      kind: 'break',
      reason: readReasons.has(cause.reason) && isInLoop ? 'FG1004' : cause.reason,
      timeMs: this.now() - waitMs,
      ...optional('stack', stack?.id),
      ...optional('graph', graph),
      ...optional('tensor', tensorReadBy(stack)),
      ...optional('type', cause.type),
      ...optional('api', cause.api ?? stack?.api),
      ...optional('kernel', cause.kernel),
      ...optional('sizeBytes', cause.sizeBytes),
      waitMs,
      isInLoop,
      ...optional('branch', stack?.facts.branch?.text),
      ...optional('detail', cause.detail),
    });
  }

  /** Whether this line broke the graph before: without the program's text, the sign of a loop. */
  #isRepeated(reason: string, site: number): boolean {
    const key = `${reason} ${site}`;
    if (this.#brokenSites.has(key)) return true;
    this.#brokenSites.add(key);
    return false;
  }

  /** A kernel ran outside graphs. Summed per kernel, reason and stack. */
  fallback(kernel: string, reason: string, durationMs: number, stack: number | undefined): void {
    this.totals.eager++;
    this.totals.eagerMs += durationMs;
    const key = `${kernel} ${reason} ${stack ?? ''}`;
    let sum = this.#fallbacks.get(key);
    if (sum === undefined)
      this.#fallbacks.set(key, (sum = { kernel, reason, stack, count: 0, durationMs: 0 }));
    sum.count++;
    sum.durationMs += durationMs;
  }

  nodeTimes(graph: string, times: Omit<NodeTimesRecord, 'kind' | 'graph'> | undefined): void {
    if (times !== undefined) this.emit?.({ kind: 'node-times', graph, ...times });
  }

  note(severity: 'info' | 'warning' | 'error', code: string, text: string, stack?: number): void {
    this.emit?.({ kind: 'note', severity, code, text, ...optional('stack', stack) });
  }

  /** Calls of each kernel that ran outside graphs. */
  fallbackCounts(): Readonly<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const sum of this.#fallbacks.values()) counts[sum.kernel] = (counts[sum.kernel] ?? 0) + sum.count;
    return counts;
  }

  /** Emits what was only summed up so far. */
  finish(): void {
    for (const { kernel, reason, stack, count, durationMs } of this.#fallbacks.values()) {
      this.emit?.({ kind: 'fallback', kernel, reason, ...optional('stack', stack), count, durationMs });
    }
    this.#fallbacks.clear();
  }
}
