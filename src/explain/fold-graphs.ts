/**
 * Graph, compile, run and node-time records → graphs with what they cost. Runs are the bulk of a trace: each is added to
 * its graph's sums and forgotten.
 */
import type { ArtifactRecord, CompileRecord, GraphRecord, NodeTimesRecord, RunRecord } from '../ir/record.ts';
import { pushTo } from './counter.ts';
import type { ArtifactReport, BreakReport, CompileReport, GraphReport, NodeOrigin } from './report.ts';
import type { StackTable } from './stacks.ts';

interface RunSums {
  runs: number;
  runMs: number;
  traceMs: number;
}

/** What the ops of all runs were, and the time of all runs. */
export interface RunTotals extends RunSums {
  captured: number;
  folded: number;
  eager: number;
}

export interface GraphFold {
  addGraph(record: GraphRecord): void;
  addCompile(record: CompileRecord): void;
  addRun(record: RunRecord): void;
  addNodeTimes(record: NodeTimesRecord): void;
  addArtifact(record: ArtifactRecord): void;
  readonly runTotals: Readonly<RunTotals>;
  readonly compiles: readonly CompileRecord[];
  readonly graphs: ReadonlyMap<string, GraphRecord>;
  readonly artifacts: readonly ArtifactReport[];
  /** References to graphs that the trace lacks. */
  dangling(): number;
  report(stacks: StackTable, endings: readonly BreakReport[]): GraphReport[];
}

function compileReport(record: CompileRecord): CompileReport {
  const { id, timeMs, durationMs, trigger, backend, device, cache, phases, guardCount } = record;
  return {
    id,
    timeMs,
    durationMs,
    trigger,
    backend,
    device,
    cache,
    phases,
    ...(guardCount === undefined ? {} : { guardCount }),
  };
}

function originsOf(record: GraphRecord, stacks: StackTable): Map<string, NodeOrigin> {
  const origins = new Map<string, NodeOrigin>();
  for (const { node, stack, scope } of record.origins ?? []) {
    const site = stacks.site(stack);
    const frames = stacks.frames(stack);
    origins.set(node, {
      ...(site === undefined ? {} : { site }),
      ...(frames === undefined ? {} : { stack: frames }),
      scope: scope ?? [],
    });
  }
  return origins;
}

/** Milliseconds per run of each node, over all profiles of the graph. */
function nodeTimesOf(records: readonly NodeTimesRecord[]): Map<string, number> {
  const runs = records.reduce((total, record) => total + record.runs, 0);
  const times = new Map<string, number>();
  for (const record of records) {
    for (const [node, durationMs] of Object.entries(record.nodes)) {
      times.set(node, (times.get(node) ?? 0) + durationMs * (runs === 0 ? 0 : record.runs / runs));
    }
  }
  return times;
}

export function createGraphFold(): GraphFold {
  const graphs = new Map<string, GraphRecord>();
  const compilesByGraph = new Map<string, CompileRecord[]>();
  const compiles: CompileRecord[] = [];
  const runsByGraph = new Map<string, RunSums>();
  const nodeTimes = new Map<string, NodeTimesRecord[]>();
  const artifacts: ArtifactReport[] = [];
  const runTotals: RunTotals = { runs: 0, runMs: 0, traceMs: 0, captured: 0, folded: 0, eager: 0 };

  function reportOne(
    record: GraphRecord,
    stacks: StackTable,
    endedBy: ReadonlyMap<string, string[]>,
  ): GraphReport {
    const site = stacks.site(record.stack);
    const frames = stacks.frames(record.stack);
    const own = compilesByGraph.get(record.id) ?? [];
    const sums = runsByGraph.get(record.id) ?? { runs: 0, runMs: 0, traceMs: 0 };
    const lowered = own.findLast((compile) => compile.lowered !== undefined)?.lowered ?? {};
    return {
      id: record.id,
      name: record.name,
      family: record.family,
      timeMs: record.timeMs,
      ...(site === undefined ? {} : { site }),
      ...(frames === undefined ? {} : { stack: frames }),
      nodeCount: record.nodeCount,
      opCounts: record.opCounts,
      inputs: record.inputs,
      outputs: record.outputs,
      language: record.language,
      text: record.text,
      origins: originsOf(record, stacks),
      nodeTimes: nodeTimesOf(nodeTimes.get(record.id) ?? []),
      lowered: new Map(Object.entries(lowered)),
      ...sums,
      compileMs: own.reduce((total, compile) => total + compile.durationMs, 0),
      compiles: own.map(compileReport),
      fallbacks: own.at(-1)?.fallbacks ?? [],
      endedBy: endedBy.get(record.id) ?? [],
    };
  }

  return {
    addGraph: (record) => void graphs.set(record.id, record),
    addCompile(record) {
      compiles.push(record);
      pushTo(compilesByGraph, record.graph, record);
    },
    addRun(record) {
      let sums = runsByGraph.get(record.graph);
      if (sums === undefined) runsByGraph.set(record.graph, (sums = { runs: 0, runMs: 0, traceMs: 0 }));
      for (const target of [sums, runTotals]) {
        target.runs += 1;
        target.runMs += record.durationMs;
        target.traceMs += record.traceMs;
      }
      runTotals.captured += record.captured;
      runTotals.folded += record.folded;
      runTotals.eager += record.eager;
    },
    addNodeTimes: (record) => pushTo(nodeTimes, record.graph, record),
    addArtifact({ kind: _kind, ...artifact }) {
      artifacts.push(artifact);
    },
    runTotals,
    compiles,
    graphs,
    artifacts,
    dangling() {
      const named = new Set([...compilesByGraph.keys(), ...runsByGraph.keys(), ...nodeTimes.keys()]);
      return [...named].filter((id) => !graphs.has(id)).length;
    },
    report(stacks, endings) {
      const endedBy = new Map<string, string[]>();
      for (const ending of endings) for (const graph of ending.graphs) pushTo(endedBy, graph, ending.key);
      return [...graphs.values()].map((record) => reportOne(record, stacks, endedBy));
    },
  };
}
