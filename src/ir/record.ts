/**
 * Records: the events of a trace, one JSON line each. The only thing between running and looking. A trace is
 * append-only, readable after a crash, and complete: everything that explain and the UI show is computed from it.
 * Times are milliseconds since the header. See docs/records.md.
 */
import type { GuardDifference } from './guard.ts';
import type { StackFrame } from './span.ts';
import type { TensorType } from './tensor-type.ts';

export const recordSchemaVersion = 1;

/** First line of each trace. */
export interface HeaderRecord {
  readonly kind: 'header';
  readonly schemaVersion: number;
  readonly source: 'fullgraph' | 'torch';
  /** Script path as the user typed it, or the trace directory. */
  readonly program: string;
  readonly arguments: readonly string[];
  readonly cwd: string;
  /** ISO time. */
  readonly startedAt: string;
  /** Versions and machine: node, tfjs, onnxruntime, fullgraph, platform, cpu, threads, backend, device, torch... */
  readonly environment: Readonly<Record<string, string | number>>;
}

/** Text of a file that later records point into, so that reports can be made on another machine. */
export interface SourceRecord {
  readonly kind: 'source';
  readonly file: string;
  readonly text: string;
}

/** Lines of a file that instrumentation saw, for the Source view. Lists of line numbers from 1. */
export interface CoverageRecord {
  readonly kind: 'coverage';
  readonly file: string;
  readonly instrumented: readonly number[];
  readonly executed: readonly number[];
}

/** An interned stack; other records name it by id. Innermost frame first. */
export interface StackRecord {
  readonly kind: 'stack';
  readonly id: number;
  readonly frames: readonly StackFrame[];
}

/** A graph was captured for the first time. */
export interface GraphRecord {
  readonly kind: 'graph';
  /** `g1`, `g2`, ... in order of capture; torch: `0/0`, `0/1`... made unique. */
  readonly id: string;
  /** Short human name: function or layer, else the id. */
  readonly name: string;
  readonly timeMs: number;
  /** Where its recording ended (the break) or the frame begins. */
  readonly stack?: number;
  /** Graphs captured at the same site share a family; a recompile is a second graph in a family. */
  readonly family: string;
  readonly nodeCount: number;
  readonly opCounts: Readonly<Record<string, number>>;
  readonly inputs: readonly NamedType[];
  readonly outputs: readonly NamedType[];
  /** Text of the graph: fullgraph's own form, or FX code. */
  readonly text: string;
  readonly language: 'fullgraph' | 'fx';
  /** Per call node: stack id and scope, for the UI. Only nodes that know either. */
  readonly origins?: readonly {
    readonly node: string;
    readonly stack?: number;
    readonly scope?: readonly string[];
  }[];
}

export interface NamedType {
  readonly name: string;
  readonly type: TensorType;
  readonly role?: 'input' | 'state' | 'constant';
}

/** A graph was compiled. A recompile has `trigger: 'recompile'` and names its guard failure. */
export interface CompileRecord {
  readonly kind: 'compile';
  readonly id: string;
  readonly graph: string;
  readonly timeMs: number;
  readonly durationMs: number;
  /**
   * `freeze`: same graph again with its unchanging weights as constants; `optimize`: to native code, after it
   * ran as closures (tiers); `limit`: at the recompile limit, for eager kernels.
   */
  readonly trigger: 'first' | 'recompile' | 'freeze' | 'optimize' | 'limit';
  readonly backend: string;
  readonly device: string;
  /** Where the artifact came from. `shared`: another graph's session was generalised enough. */
  readonly cache: 'none' | 'disk' | 'shared';
  readonly phases: readonly { readonly name: string; readonly durationMs: number }[];
  /** Nodes that run on eager kernels inside the executable. */
  readonly fallbacks: readonly { readonly node: string; readonly kernel: string; readonly reason: string }[];
  /** ONNX nodes made of each graph node, where the backend tells. */
  readonly lowered?: Readonly<Record<string, readonly string[]>>;
  readonly guardCount?: number;
}

/** A call arrived at a known site with facts that no compiled graph there was valid for. */
export interface GuardFailureRecord {
  readonly kind: 'guard-failure';
  readonly timeMs: number;
  readonly family: string;
  /** The new graph and the closest cached one. */
  readonly graph: string;
  readonly closest: string;
  readonly stack?: number;
  readonly differences: readonly GuardDifference[];
  /** `reused`: a generalised session was valid, nothing was compiled. `limit`: the recompile limit was hit. */
  readonly outcome: 'recompile' | 'reused' | 'limit';
  /** What will happen next and remedies, best first, where the writer knows better than general advice. */
  readonly hints?: readonly string[];
}

/** Recording had to stop. One record per occurrence. */
export interface BreakRecord {
  readonly kind: 'break';
  /** `FG1001`, or PyTorch's `GB0170`. */
  readonly reason: string;
  readonly timeMs: number;
  readonly stack?: number;
  /** The graph that the break ended, when one ran. */
  readonly graph?: string;
  /** Variable name and type of the tensor that was forced. */
  readonly tensor?: string;
  readonly type?: TensorType;
  readonly api?: string;
  readonly kernel?: string;
  readonly sizeBytes?: number;
  /** How long the program waited for the value. */
  readonly waitMs: number;
  readonly isInLoop: boolean;
  /** Source of the condition that consumed the value, where known. */
  readonly branch?: string;
  readonly detail?: string;
  /** Only where the reason is not in our registry (torch): its words. */
  readonly title?: string;
  readonly explanation?: string;
  readonly hints?: readonly string[];
  readonly url?: string;
  /** Times it happened when a foreign trace gives only a count or a weight. */
  readonly weight?: number;
  readonly rank?: number;
  readonly frame?: string;
}

/** One run of a compiled graph. */
export interface RunRecord {
  readonly kind: 'run';
  readonly graph: string;
  readonly compile: string;
  readonly timeMs: number;
  readonly durationMs: number;
  /** Time spent recording the ops of this run. */
  readonly traceMs: number;
  /** Ops of this run by where they ran: in compiled graphs, folded on the host, on eager kernels. */
  readonly captured: number;
  readonly folded: number;
  readonly eager: number;
}

/** A kernel ran eagerly outside any graph, or inside one as a fallback. Aggregated per kernel, reason and stack. */
export interface FallbackRecord {
  readonly kind: 'fallback';
  readonly kernel: string;
  readonly reason: string;
  readonly stack?: number;
  readonly graph?: string;
  readonly count: number;
  readonly durationMs: number;
}

/** Measured: what one step would save if the graphs on both sides of a break were one. */
export interface SavingRecord {
  readonly kind: 'saving';
  readonly reason: string;
  /** Stack of the break. */
  readonly stack: number;
  readonly before: string;
  readonly after: string;
  readonly brokenMs: number;
  readonly stitchedMs: number;
  /** What the program spends around one run, which one graph less saves, too. */
  readonly aroundMs?: number;
  /** Occurrences that the saving was multiplied by to give the total. */
  readonly occurrences: number;
  /** Why there is no number, when there is none. */
  readonly skipped?: string;
}

/** Time of one node, when the backend was asked to profile. */
export interface NodeTimesRecord {
  readonly kind: 'node-times';
  readonly graph: string;
  readonly runs: number;
  readonly nodes: Readonly<Record<string, number>>;
}

export interface MemoryRecord {
  readonly kind: 'memory';
  readonly timeMs: number;
  readonly tensors: number;
  readonly tensorBytes: number;
  readonly rssBytes: number;
}

/** Something that must not be silent: damaged input, a limit, a setting that had no effect, a value guessed. */
export interface NoteRecord {
  readonly kind: 'note';
  readonly severity: 'info' | 'warning' | 'error';
  /** `FG5###`-like code or a short slug. */
  readonly code: string;
  readonly text: string;
  readonly count?: number;
  readonly stack?: number;
}

/** A frame of a torch trace: one compile attempt of one code object. */
export interface FrameRecord {
  readonly kind: 'frame';
  /** Compile id as torch shows it, made unique: `[0/1_2]`. */
  readonly id: string;
  readonly function: string;
  readonly stack?: number;
  readonly status: 'ok' | 'break' | 'empty' | 'error' | 'skipped' | 'missing';
  readonly rank?: number;
  readonly graph?: string;
  /** Why it ended eager. */
  readonly reason?: string;
  readonly durationMs?: number;
  readonly restarts?: number;
  readonly restartMs?: number;
  readonly runs?: number;
  /** Anything else worth showing, by name. */
  readonly details: Readonly<Record<string, string | number | boolean>>;
}

/** A text that belongs to a graph or frame: guards tree, generated code, a runnable repro. Shown by the UI as is. */
export interface ArtifactRecord {
  readonly kind: 'artifact';
  readonly name: string;
  readonly owner: string;
  readonly language: string;
  /** The text, or where in which file it lies when it is large. */
  readonly text?: string;
  readonly location?: {
    readonly file: string;
    readonly offset: number;
    readonly lengthBytes: number;
    /** Bytes in front of each line that are not text: a torch log puts its payloads behind one TAB. */
    readonly indentBytes?: number;
  };
}

/** One span of a timeline lane that no other record carries (torch's chromium events, garbage collection...). */
export interface SliceRecord {
  readonly kind: 'slice';
  readonly lane: string;
  readonly name: string;
  readonly timeMs: number;
  readonly durationMs: number;
  readonly owner?: string;
}

/** Last line of a trace that ended in order. */
export interface EndRecord {
  readonly kind: 'end';
  readonly timeMs: number;
  readonly exitCode: number;
  readonly totals: RunTotals;
}

/** Sums over the run. Milliseconds; `wallMs` is about `traceMs + compileMs + runMs + syncMs + eagerMs + user JS`. */
export interface RunTotals {
  readonly opsTotal: number;
  readonly opsCaptured: number;
  /** Computed at once from small host values while recording. */
  readonly opsFolded: number;
  readonly opsEager: number;
  readonly wallMs: number;
  readonly traceMs: number;
  readonly compileMs: number;
  readonly runMs: number;
  readonly syncMs: number;
  readonly eagerMs: number;
  /** Reads that found their value computed already, at no cost. */
  readonly emptyReads: number;
}

/** Of a run in which nothing was done. */
export const noTotals: RunTotals = {
  opsTotal: 0,
  opsCaptured: 0,
  opsFolded: 0,
  opsEager: 0,
  wallMs: 0,
  traceMs: 0,
  compileMs: 0,
  runMs: 0,
  syncMs: 0,
  eagerMs: 0,
  emptyReads: 0,
};

/** Progress of the minifier. */
export type MinifyRecord =
  | {
      readonly kind: 'minify-start';
      readonly timeMs: number;
      readonly input: string;
      readonly signature: string;
      readonly size: number;
      readonly unit: 'tokens' | 'nodes';
      readonly stage?: string;
    }
  | {
      readonly kind: 'minify-stage';
      readonly timeMs: number;
      readonly name: string;
      readonly verdict: string;
    }
  | {
      readonly kind: 'minify-trial';
      readonly timeMs: number;
      readonly pass: string;
      readonly size: number;
      readonly outcome: 'accepted' | 'rejected' | 'cached' | 'slipped' | 'invalid';
      readonly durationMs: number;
      readonly worker?: number;
    }
  | { readonly kind: 'minify-best'; readonly timeMs: number; readonly size: number; readonly text: string }
  | {
      readonly kind: 'minify-slip';
      readonly timeMs: number;
      readonly signature: string;
      readonly text: string;
    }
  | {
      readonly kind: 'minify-end';
      readonly timeMs: number;
      readonly size: number;
      readonly trials: number;
      readonly directory?: string;
      readonly verified: boolean;
      readonly culprit?: string;
    };

export type TraceRecord =
  | HeaderRecord
  | SourceRecord
  | CoverageRecord
  | StackRecord
  | GraphRecord
  | CompileRecord
  | GuardFailureRecord
  | BreakRecord
  | RunRecord
  | FallbackRecord
  | SavingRecord
  | NodeTimesRecord
  | MemoryRecord
  | NoteRecord
  | FrameRecord
  | ArtifactRecord
  | SliceRecord
  | EndRecord
  | MinifyRecord;

export type RecordKind = TraceRecord['kind'];

/** One record as one line, ending in a newline. NaN and infinities become null. */
export function encodeRecord(record: TraceRecord): string {
  return `${JSON.stringify(record)}\n`;
}

/** A record from one line; `undefined` for a damaged line. Records of unknown kinds pass, readers ignore them. */
export function decodeRecord(line: string): TraceRecord | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return value !== null && typeof value === 'object' && 'kind' in value && typeof value.kind === 'string'
      ? (value as TraceRecord)
      : undefined;
  } catch {
    return undefined;
  }
}
