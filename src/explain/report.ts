/**
 * The report: everything that the text, JSON and Markdown reporters and the terminal UI show about one trace, whether
 * fullgraph or PyTorch wrote it. Plain frozen-by-convention data, made by `./report-builder.ts`; big things stay cheap:
 * graphs carry their text (parse it when shown), the timeline is columns of numbers, stacks are shared.
 *
 * Paths in a report are display paths: relative to `program.cwd` with forward slashes when inside it, else absolute;
 * {@link ./paths.ts} turns one back into a path to open. Times are milliseconds; `timeMs` counts from the trace's start.
 */
import type { GuardDifference } from '../ir/guard.ts';
import type { ArtifactRecord, GraphRecord, NamedType, RunTotals } from '../ir/record.ts';
import type { Span, StackFrame } from '../ir/span.ts';

export interface Report {
  readonly source: 'fullgraph' | 'torch';
  readonly program: ProgramReport;
  readonly environment: Readonly<Record<string, string | number>>;
  readonly verdict: Verdict;
  readonly totals: ReportTotals;
  /** Where the wall time went; the shares add up to 1 when the wall time is known. Empty when nothing is known. */
  readonly time: readonly TimeShare[];
  /** What to fix first: at most a few, dearest first. */
  readonly advice: readonly Advice[];
  /** Distinct breaks, dearest first: (call of the user, reason) each. */
  readonly breaks: readonly BreakReport[];
  /** Same shape, for ends of graphs that are meant to be there (the end of a training step). Never counted as breaks. */
  readonly boundaries: readonly BreakReport[];
  /** In order of capture. */
  readonly graphs: readonly GraphReport[];
  /** Sites where more than one graph was captured, or a limit was hit: most recompiles first. */
  readonly families: readonly FamilyReport[];
  /** Kernels that ran outside compiled graphs, dearest first. */
  readonly fallbacks: readonly FallbackReport[];
  /** Files of the program that the trace points into, in order of path. */
  readonly files: readonly FileReport[];
  readonly timeline: Timeline;
  readonly memory: readonly MemoryPoint[];
  /** Torch only: every compile attempt, in order of the trace. */
  readonly frames: readonly FrameReport[];
  /** Torch only: one per rank, in order; empty for a single process without rank. */
  readonly ranks: readonly RankReport[];
  readonly artifacts: readonly ArtifactReport[];
  readonly caches: readonly CacheReport[];
  /** Compile time by phase, longest first. */
  readonly phases: readonly PhaseReport[];
  /** Merged by code, text and place; errors first. */
  readonly notes: readonly NoteReport[];
  readonly damage: Damage;
}

export interface ProgramReport {
  /** As the user typed it. */
  readonly path: string;
  readonly arguments: readonly string[];
  readonly cwd: string;
  /** ISO time; empty when the trace has no header. */
  readonly startedAt: string;
  /** Absent while the program runs, and when it died without a word. */
  readonly exitCode?: number;
}

/** The first thing to read. */
export interface Verdict {
  /** `3 breaks at 2 lines cost 41 % of the run.` */
  readonly sentence: string;
  /** `good`: nothing to do; `fair`: something can be gained; `bad`: a large part of the time is lost, or it failed. */
  readonly level: 'good' | 'fair' | 'bad';
}

/** Sums over the trace. */
export interface ReportTotals extends RunTotals {
  readonly graphs: number;
  readonly compiles: number;
  readonly recompiles: number;
  /** Occurrences. */
  readonly breaks: number;
  readonly distinctBreaks: number;
  readonly runs: number;
  /** Of a job with several processes: of the one that compiled longest. They compile side by side. */
  readonly compileMs: number;
  /** Sum of the measured savings; null when none could be measured. */
  readonly savingMs: number | null;
  /** Torch only: how often tracing of a function began again. */
  readonly restarts: number;
  /** Compile time that restarts threw away. Processes compile side by side: of the one that lost most. */
  readonly restartMs: number;
}

export type TimeKind = 'user' | 'trace' | 'compile' | 'run' | 'sync' | 'eager';

export interface TimeShare {
  readonly kind: TimeKind;
  /** `your JavaScript`, `running graphs`... */
  readonly title: string;
  readonly durationMs: number;
  /** 0 to 1 of the wall time. */
  readonly share: number;
}

/** One thing to do. */
export interface Advice {
  /** Imperative, one line. */
  readonly title: string;
  readonly detail: string;
  readonly savingMs: number | null;
  readonly site?: Site;
  /** What it is about: key into {@link Report.breaks}, {@link Report.families} or {@link Report.fallbacks}. */
  readonly subject: { readonly kind: 'break' | 'family' | 'fallback'; readonly key: string };
}

/** A place in the program. */
export interface Site extends Span {
  /** Function around it; empty at module level. */
  readonly function: string;
  /** The source line, trimmed, where known. */
  readonly code?: string;
}

/** One way the program came to a place. */
export interface CallPath {
  /** Innermost first, framework frames included: fold them with {@link ./stacks.ts}. */
  readonly frames: readonly StackFrame[];
  readonly count: number;
}

export interface BreakReport {
  /** Unique in the report and equal in the next run of the same program: `FG1001@train.ts:12`. */
  readonly key: string;
  /** Reason: `FG1001`, or PyTorch's `GB0170`. */
  readonly id: string;
  readonly title: string;
  /** What happened, in words for this very break. */
  readonly explanation: string;
  readonly hints: readonly string[];
  readonly url?: string;
  /** Bad and good form from the registry: a diff of the two shows the fix. */
  readonly example?: { readonly bad: string; readonly good?: string };
  /** Absent when the trace has no user frame for it. */
  readonly site?: Site;
  readonly occurrences: number;
  /** How often it happened or mattered by the trace's own weights; equals `occurrences` when it gives none. */
  readonly weight: number;
  readonly isInLoop: boolean;
  /** Sum over all occurrences. */
  readonly waitMs: number;
  readonly longestWaitMs: number;
  /** Measured, over all occurrences; null when it was not, and `savingSkipped` says why. */
  readonly savingMs: number | null;
  readonly savingSkipped?: string;
  /** What was forced, most frequent first. */
  readonly tensors: readonly ForcedTensor[];
  readonly sizeBytes: number;
  readonly apis: readonly string[];
  readonly kernels: readonly string[];
  /** Conditions that consumed the value. */
  readonly branches: readonly string[];
  readonly details: readonly string[];
  /** Ids of graphs that it ended. */
  readonly graphs: readonly string[];
  /** Most frequent first. */
  readonly callPaths: readonly CallPath[];
  readonly firstTimeMs: number;
  readonly lastTimeMs: number;
  readonly ranks: readonly number[];
  readonly frames: readonly string[];
}

export interface ForcedTensor {
  readonly name?: string;
  /** `float32[32,10]`. */
  readonly type?: string;
  readonly count: number;
}

export interface GraphReport {
  readonly id: string;
  readonly name: string;
  readonly family: string;
  readonly timeMs: number;
  readonly site?: Site;
  readonly stack?: readonly StackFrame[];
  readonly nodeCount: number;
  readonly opCounts: Readonly<Record<string, number>>;
  readonly inputs: readonly NamedType[];
  readonly outputs: readonly NamedType[];
  readonly language: GraphRecord['language'];
  /** Parse it with `ir/parse.ts` when it is shown (`language: 'fullgraph'`), or show it as it is (`fx`). */
  readonly text: string;
  readonly origins: ReadonlyMap<string, NodeOrigin>;
  /** Milliseconds per run and node, when profiled. */
  readonly nodeTimes: ReadonlyMap<string, number>;
  /** Backend ops that each node became, from the last compile that says so. */
  readonly lowered: ReadonlyMap<string, readonly string[]>;
  readonly runs: number;
  readonly runMs: number;
  readonly traceMs: number;
  readonly compileMs: number;
  readonly compiles: readonly CompileReport[];
  /** Nodes that run on eager kernels, from the last compile. */
  readonly fallbacks: readonly NodeFallback[];
  /** Keys of the breaks (or boundaries) that ended it. */
  readonly endedBy: readonly string[];
}

export interface NodeOrigin {
  readonly site?: Site;
  readonly stack?: readonly StackFrame[];
  /** Functions and layers around the node, outermost first. */
  readonly scope: readonly string[];
}

export interface NodeFallback {
  readonly node: string;
  readonly kernel: string;
  readonly reason: string;
}

export interface CompileReport {
  readonly id: string;
  readonly timeMs: number;
  readonly durationMs: number;
  readonly trigger: 'first' | 'recompile' | 'freeze' | 'optimize' | 'limit';
  readonly backend: string;
  readonly device: string;
  readonly cache: 'none' | 'disk' | 'shared';
  readonly phases: readonly { readonly name: string; readonly durationMs: number }[];
  readonly guardCount?: number;
}

/** One site and the graphs that were captured there: a matrix of compiles (columns) and guarded facts (rows). */
export interface FamilyReport {
  readonly key: string;
  readonly name: string;
  readonly site?: Site;
  /** How many families had this very history (ranks of a job, repeats after a reset); counts are sums over them. */
  readonly copies?: number;
  readonly recompiles: number;
  /** Arrivals that a generalised session served without a compile. */
  readonly reuses: number;
  readonly limitHits: number;
  readonly compileMs: number;
  /** In order of arrival. */
  readonly columns: readonly FamilyColumn[];
  /** Causes first, then what follows from them; each in order of first difference. */
  readonly rows: readonly FamilyRow[];
  readonly failures: readonly GuardFailureReport[];
  readonly advice: readonly string[];
}

export interface FamilyColumn {
  readonly graph: string;
  readonly timeMs: number;
  /** What this arrival led to. */
  readonly outcome: 'first' | 'recompile' | 'reused' | 'limit';
  readonly compileMs: number;
  readonly runs: number;
}

export interface FamilyRow {
  readonly kind: GuardDifference['kind'];
  readonly what: string;
  /** One per column; `text` is undefined where the trace does not say. */
  readonly cells: readonly { readonly text?: string; readonly isChanged: boolean }[];
  /** Distinct values seen, in order. */
  readonly values: readonly string[];
  readonly trend: 'grows' | 'shrinks' | 'alternates' | 'varies' | 'once';
  /** It changed only because a shape in another row did. */
  readonly isDerived?: true;
}

export interface GuardFailureReport {
  readonly timeMs: number;
  readonly graph: string;
  readonly closest: string;
  readonly outcome: 'recompile' | 'reused' | 'limit';
  readonly site?: Site;
  readonly stack?: readonly StackFrame[];
  readonly differences: readonly GuardDifference[];
}

export interface FallbackReport {
  readonly key: string;
  readonly kernel: string;
  readonly reason: string;
  readonly count: number;
  readonly durationMs: number;
  /** Places that called it, most frequent first. */
  readonly sites: readonly { readonly site: Site; readonly count: number }[];
  readonly graphs: readonly string[];
}

export interface FileReport {
  /** Display path. */
  readonly file: string;
  /** Absent when the trace does not carry the source. */
  readonly text?: string;
  /** Only lines with something to say, by line. */
  readonly lines: readonly LineReport[];
  /** Keys of the breaks in this file, by line. */
  readonly breaks: readonly string[];
}

/** `captured`: ops recorded; `break`: a graph ended; `eager`: ran on eager kernels; `ran`: no ops; `never`: not executed. */
export type LineState = 'captured' | 'break' | 'eager' | 'ran' | 'never';

export interface LineReport {
  readonly line: number;
  readonly state: LineState;
  /** Waiting, node and fallback time attributed to the line; 0 when unknown. */
  readonly durationMs: number;
  /** Graph nodes recorded from it. */
  readonly nodes: number;
  readonly breaks: readonly string[];
}

/** Lanes of spans. Columns of numbers, so that a million spans stay small; each lane is in order of start. */
export interface Timeline {
  readonly startMs: number;
  readonly endMs: number;
  readonly lanes: readonly TimelineLane[];
  /** Interned names. */
  readonly names: readonly string[];
}

export interface TimelineLane {
  readonly title: string;
  readonly length: number;
  readonly startMs: Float64Array;
  readonly durationMs: Float64Array;
  /** Index into {@link Timeline.names}. */
  readonly name: Int32Array;
}

export interface MemoryPoint {
  readonly timeMs: number;
  readonly tensors: number;
  readonly tensorBytes: number;
  readonly rssBytes: number;
}

export type FrameStatus = 'ok' | 'break' | 'empty' | 'error' | 'skipped' | 'missing';

export interface FrameReport {
  readonly id: string;
  readonly function: string;
  readonly status: FrameStatus;
  readonly site?: Site;
  readonly stack?: readonly StackFrame[];
  readonly rank?: number;
  readonly graph?: string;
  /** Why it ended eager. */
  readonly reason?: string;
  readonly durationMs: number;
  readonly restarts: number;
  readonly restartMs: number;
  readonly runs?: number;
  readonly details: Readonly<Record<string, string | number | boolean>>;
}

export interface RankReport {
  readonly rank: number;
  readonly frames: number;
  readonly breaks: number;
  readonly recompiles: number;
  readonly compileMs: number;
  /** Functions that other ranks compiled and this one did not, and the other way round. */
  readonly missing: readonly string[];
  readonly extra: readonly string[];
}

export interface ArtifactReport {
  readonly name: string;
  /** Graph or frame id. */
  readonly owner: string;
  readonly language: string;
  readonly text?: string;
  /** Where the text lies when it is not in memory. */
  readonly location?: NonNullable<ArtifactRecord['location']>;
}

export interface CacheReport {
  readonly name: string;
  readonly hits: number;
  readonly misses: number;
  readonly bypasses: number;
}

export interface PhaseReport {
  readonly name: string;
  readonly count: number;
  readonly durationMs: number;
}

export interface NoteReport {
  readonly severity: 'info' | 'warning' | 'error';
  readonly code: string;
  readonly text: string;
  readonly count: number;
  readonly site?: Site;
}

/** What was lost on the way. */
export interface Damage {
  /** Lines that are no records. */
  readonly lines: number;
  /** Records that point to graphs, stacks or compiles that the trace lacks. */
  readonly dangling: number;
  /** Well-formed records of kinds that this version does not know, by kind. */
  readonly unknownKinds: Readonly<Record<string, number>>;
  /** There is no header: the start is missing. */
  readonly isHeadless: boolean;
  /** There is no end record: the program died, or is still running. */
  readonly isTruncated: boolean;
}
