/** Sums over a trace, and where its wall time went. */
import type { CompileRecord, RunTotals as EndTotals } from '../ir/record.ts';
import { isRecompile } from './fold-families.ts';
import type { RunTotals } from './fold-graphs.ts';
import type {
  BreakReport,
  FallbackReport,
  FrameReport,
  GraphReport,
  ReportTotals,
  TimeKind,
  TimeShare,
} from './report.ts';

/** At the recompile limit, nothing is compiled any more. */
function isCompile({ cache, trigger }: CompileRecord): boolean {
  return cache !== 'shared' && trigger !== 'limit';
}

/** Frames carry their process in front of their id: `r1:[0/0]`. Processes work side by side, so times are those of the longest. */
function longestProcess(frames: readonly FrameReport[], read: (frame: FrameReport) => number): number {
  const sums = new Map<string, number>();
  for (const frame of frames) {
    const process = frame.id.slice(0, Math.max(0, frame.id.indexOf('[')));
    sums.set(process, (sums.get(process) ?? 0) + read(frame));
  }
  return [...sums.values()].reduce((left, right) => Math.max(left, right), 0);
}

/** @param lastTimeMs stands in for the wall time when the trace has no end. */
export function sumTotals(parts: {
  readonly end: EndTotals | undefined;
  readonly runs: Readonly<RunTotals>;
  readonly graphs: readonly GraphReport[];
  readonly compiles: readonly CompileRecord[];
  readonly breaks: readonly BreakReport[];
  readonly fallbacks: readonly FallbackReport[];
  readonly frames: readonly FrameReport[];
  readonly lastTimeMs: number;
}): ReportTotals {
  const { end, runs, compiles, breaks, fallbacks, frames } = parts;
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  const savings = breaks.flatMap((item) => item.savingMs ?? []);
  const eagerOutside = sum(fallbacks.filter((item) => item.graphs.length === 0).map((item) => item.count));
  const compileMs =
    end?.compileMs ??
    (frames.length > 0
      ? longestProcess(frames, (frame) => frame.durationMs)
      : sum(compiles.map((compile) => compile.durationMs)));
  return {
    graphs: parts.graphs.length,
    compiles: compiles.filter(isCompile).length,
    recompiles: compiles.filter(isRecompile).length,
    breaks: sum(breaks.map((item) => item.occurrences)),
    distinctBreaks: breaks.length,
    runs: runs.runs,
    opsTotal: end?.opsTotal ?? runs.captured + runs.folded + runs.eager + eagerOutside,
    opsCaptured: end?.opsCaptured ?? runs.captured,
    opsFolded: end?.opsFolded ?? runs.folded,
    opsEager: end?.opsEager ?? runs.eager + eagerOutside,
    wallMs: end?.wallMs ?? Math.max(parts.lastTimeMs, compileMs),
    traceMs: end?.traceMs ?? runs.traceMs,
    compileMs,
    runMs: end?.runMs ?? runs.runMs,
    syncMs: end?.syncMs ?? 0,
    eagerMs: end?.eagerMs ?? sum(fallbacks.map((item) => item.durationMs)),
    emptyReads: end?.emptyReads ?? 0,
    savingMs: savings.length === 0 ? null : sum(savings.map((saving) => Math.max(0, saving))),
    restarts: sum(frames.map((frame) => frame.restarts)),
    restartMs: longestProcess(frames, (frame) => frame.restartMs),
  };
}

const titles: Readonly<Record<TimeKind, string>> = {
  user: 'your JavaScript',
  trace: 'recording ops',
  compile: 'compiling',
  run: 'running graphs',
  sync: 'waiting for reads',
  eager: 'eager kernels',
};

/** A torch trace times compiling only: the rest is everything that the job did besides. */
const torchTitles: Readonly<Partial<Record<TimeKind, string>>> = {
  user: 'running and all else',
  compile: titles.compile,
};

/** Shares of the wall time, in order of the pipeline; empty when the wall time is unknown. */
export function shareTime(totals: ReportTotals, source: 'fullgraph' | 'torch'): TimeShare[] {
  const shown = source === 'torch' ? torchTitles : titles;
  if (totals.wallMs <= 0) return [];
  const known = {
    trace: totals.traceMs,
    compile: totals.compileMs,
    run: totals.runMs,
    sync: totals.syncMs,
    eager: totals.eagerMs,
  };
  const busy = Object.values(known).reduce((total, value) => total + value, 0);
  // Timers overlap a little: the parts never claim more than there was.
  const whole = Math.max(totals.wallMs, busy);
  const parts: Readonly<Record<TimeKind, number>> = { user: whole - busy, ...known };
  return (Object.keys(shown) as TimeKind[]).map((kind) => ({
    kind,
    title: shown[kind] ?? kind,
    durationMs: parts[kind],
    share: parts[kind] / whole,
  }));
}
