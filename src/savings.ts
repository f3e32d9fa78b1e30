/**
 * Measures what a break costs, in this run and on this machine: the graphs on both sides of it are run as they were, and
 * stitched into one, on the values they had. The difference, with the time that the program spent around one run (finding
 * the graph, handing values over) and times the occurrences, is the saving that explain reports. The runs are done at the
 * end of the program, within a time budget, the most frequent breaks first.
 */
import type { Backend } from './ir/executable.ts';
import type { Graph } from './ir/graph.ts';
import type { BreakRecord, SavingRecord, TraceRecord } from './ir/record.ts';
import { stitchGraphs } from './ir/stitch.ts';
import type { HostArray } from './ir/tensor-type.ts';

/** A graph that ran, as capture saw it. */
export interface ObservedRun {
  readonly graph: Graph;
  readonly leaves: readonly { readonly id: number; readonly host: HostArray | undefined }[];
  readonly outputs: readonly { readonly id: number; readonly host: HostArray | undefined }[];
}

interface Sample {
  readonly reason: string;
  readonly stack: number;
  readonly before: ObservedRun;
  readonly after: ObservedRun;
  readonly beforeLeaves: readonly HostArray[];
  readonly afterLeaves: readonly HostArray[];
  occurrences: number;
}

export interface SavingsMeter {
  observe(run: ObservedRun): void;
  /** Learns from breaks, each of which ended the graph that was observed last, and from times of runs. */
  observeRecord(record: TraceRecord): void;
  /** Measures what was sampled. */
  measure(emit: (record: SavingRecord) => void): void;
}

const sampleLimit = 32;
/** Leaves of all samples together: they are kept alive until the end. */
const retainedLimitBytes = 512 * 1024 ** 2;
const budgetMs = 3000;
const roundsAtLeast = 5;
const roundsAtMost = 50;
const roundsMs = 150;
/** Compiling larger graphs than this would take longer than it is worth. */
const nodeLimit = 2000;
/** Breaks without a sample of which the reason is kept. */
const unmeasuredLimit = 1000;
/** Times around runs that are kept per graph: the last ones, as code gets faster with time. */
const timesAtMost = 64;
/** Occurrences before the sample is taken: the first run of a program is not like the others. */
const settledAfter = 3;

function hosts(run: ObservedRun['leaves']): HostArray[] | undefined {
  const arrays = run.map((value) => value.host);
  return arrays.every((array) => array !== undefined) ? arrays : undefined;
}

function sizeBytes(arrays: readonly HostArray[]): number {
  return arrays.reduce((sum, array) => sum + (ArrayBuffer.isView(array) ? array.byteLength : 0), 0);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

function keyOf({ reason, stack }: BreakRecord): string {
  return `${reason} ${stack}`;
}

export function createSavingsMeter(backend: Backend, now: () => number): SavingsMeter {
  const samples = new Map<string, Sample>();
  /** Why there is no sample. */
  const unmeasured = new Map<string, { readonly record: BreakRecord; readonly why: string }>();
  let retainedBytes = 0;
  let last: ObservedRun | undefined;
  let lastBreak: BreakRecord | undefined;
  /** Of the run since the last break; absent when none or several ran, or something was compiled. */
  let runMs: number | undefined;
  let runsSinceBreak = 0;
  const timesAround = new Map<string, number[]>();

  function giveUp(record: BreakRecord, why: string): void {
    const key = keyOf(record);
    if (samples.has(key) || (unmeasured.size >= unmeasuredLimit && !unmeasured.has(key))) return;
    unmeasured.set(key, { record, why });
  }

  /** What the program waited beyond the run itself. */
  function observeBreak(record: BreakRecord): void {
    lastBreak = record;
    giveUp(record, 'nothing was computed behind it');
    if (runMs !== undefined && runsSinceBreak === 1 && record.graph !== undefined) {
      let times = timesAround.get(record.graph);
      if (times === undefined) timesAround.set(record.graph, (times = []));
      times.push(Math.max(0, record.waitMs - runMs));
      if (times.length > timesAtMost) times.shift();
    }
    runMs = undefined;
    runsSinceBreak = 0;
  }

  /** Of the two graphs that a break makes of one, the smaller time around: the other has to be spent in any case. */
  function timeAround({ before, after }: Sample): number {
    const known = [before, after].flatMap(({ graph }) => timesAround.get(graph.name) ?? []);
    if (known.length === 0) return 0;
    const each = [before, after].map(({ graph }) => median(timesAround.get(graph.name) ?? known));
    return Math.min(...each);
  }

  function sample(before: ObservedRun, record: BreakRecord, after: ObservedRun): void {
    const { reason, stack } = record;
    if (stack === undefined) return;
    const key = keyOf(record);
    const known = samples.get(key);
    const occurrences = (known?.occurrences ?? 0) + 1;
    if (known !== undefined && occurrences !== settledAfter) {
      known.occurrences = occurrences;
      return;
    }
    const beforeLeaves = hosts(before.leaves);
    const afterLeaves = hosts(after.leaves);
    if (beforeLeaves === undefined || afterLeaves === undefined)
      return giveUp(record, 'values that it ran on are gone');
    const added = sizeBytes(beforeLeaves) + sizeBytes(afterLeaves);
    if (known === undefined) {
      if (samples.size >= sampleLimit) return giveUp(record, `${sampleLimit} places were measured before it`);
      if (retainedBytes + added > retainedLimitBytes)
        return giveUp(record, 'its values take too much memory');
    }
    unmeasured.delete(key);
    retainedBytes += added;
    samples.set(key, { reason, stack, before, after, beforeLeaves, afterLeaves, occurrences });
  }

  /** Medians of alternating runs, milliseconds. */
  function compare(item: Sample): { brokenMs: number; stitchedMs: number } {
    const { before, after, beforeLeaves, afterLeaves } = item;
    const outputIds = new Map(before.outputs.map((value, index) => [value.id, index]));
    const links = new Map<number, number>();
    for (const [leaf, value] of after.leaves.entries()) {
      const output = outputIds.get(value.id);
      if (output !== undefined) links.set(leaf, output);
    }
    const consumed = new Set(links.values());
    // What the program forced is read all the same, if later; what only the second graph reads need not exist.
    const { graph, leaves } = stitchGraphs(
      before.graph,
      after.graph,
      links,
      (output) => output === 0 || !consumed.has(output),
    );
    const stitchedLeaves = leaves.map(
      ({ graph: which, leaf }) => (which === 'first' ? beforeLeaves : afterLeaves)[leaf]!,
    );
    const made = [
      backend.compile(before.graph, beforeLeaves).executable,
      backend.compile(after.graph, afterLeaves).executable,
      backend.compile(graph, stitchedLeaves).executable,
    ] as const;
    try {
      const [first, second, whole] = made;
      const broken: number[] = [];
      const stitched: number[] = [];
      const started = now();
      while (broken.length < roundsAtLeast || (broken.length < roundsAtMost && now() - started < roundsMs)) {
        const at = now();
        const results = first.run(beforeLeaves);
        second.run(afterLeaves.map((array, leaf) => (links.has(leaf) ? results[links.get(leaf)!]! : array)));
        const between = now();
        whole.run(stitchedLeaves);
        broken.push(between - at);
        stitched.push(now() - between);
      }
      return { brokenMs: median(broken.slice(1)), stitchedMs: median(stitched.slice(1)) };
    } finally {
      for (const executable of made) executable.dispose();
    }
  }

  return {
    observe(run) {
      if (last !== undefined && lastBreak?.graph === last.graph.name) sample(last, lastBreak, run);
      last = run;
      lastBreak = undefined;
    },
    observeRecord(record) {
      if (record.kind === 'break') observeBreak(record);
      else if (record.kind === 'run') {
        runMs = record.durationMs;
        runsSinceBreak++;
      } else if (record.kind === 'compile') runsSinceBreak = Infinity;
    },
    measure(emit) {
      const started = now();
      const ordered = [...samples.values()].toSorted((left, right) => right.occurrences - left.occurrences);
      for (const item of ordered) {
        const { reason, stack, before, after, occurrences } = item;
        const common = {
          kind: 'saving',
          reason,
          stack,
          before: before.graph.name,
          after: after.graph.name,
          occurrences,
        } as const;
        const nodes = before.graph.nodes.length + after.graph.nodes.length;
        const skipped =
          nodes > nodeLimit
            ? `the graphs have ${nodes} nodes together`
            : now() - started > budgetMs
              ? 'the time for measuring was up'
              : undefined;
        if (skipped === undefined) emit({ ...common, ...compare(item), aroundMs: timeAround(item) });
        else emit({ ...common, brokenMs: 0, stitchedMs: 0, skipped });
      }
      samples.clear();
      for (const { record, why: skipped } of unmeasured.values()) {
        const { reason, stack, graph: before = '' } = record;
        if (stack === undefined) continue;
        const times = { brokenMs: 0, stitchedMs: 0, occurrences: 1 };
        emit({ kind: 'saving', reason, stack, before, after: '', ...times, skipped });
      }
      unmeasured.clear();
    },
  };
}
