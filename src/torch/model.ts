/**
 * What a PyTorch trace says once it is joined up: processes, their compilations, breaks, restarts and recompiles.
 * Made by `fold-trace.ts`, read by everything that reports. Frames of stacks run innermost first.
 */
import type { StackFrame } from '../ir/span.ts';
import type { Dim } from '../ir/tensor-type.ts';
import type { BreakText } from './break-text.ts';
import type { Slice } from './chromium.ts';
import type { CompileId } from './compile-id.ts';
import type { GuardTable, Interner } from './guard-tree.ts';
import type { Metrics } from './metrics.ts';
import type { RecompileReason } from './recompile-reason.ts';
import type { Region, ScanCounts } from './record-scanner.ts';
import type { TraceFile } from './trace-files.ts';

/** An input of a compiled function, as it was when it was traced. */
export interface InputFact {
  /** `L['x']` */
  readonly source: string;
  readonly dtype: string;
  readonly device: string;
  readonly size: readonly Dim[];
  readonly stride: readonly Dim[];
  readonly requiresGrad: boolean;
  readonly isParameter: boolean;
}

/** A text that stays in the file until somebody wants to read it. */
export interface Attachment {
  readonly name: string;
  readonly language: string;
  readonly sizeBytes: number;
  readonly region: Region;
  /** Only where the file cannot be read a second time. */
  readonly text?: string;
}

/** One place where Dynamo had to stop tracing, once. */
export interface BreakEvent extends BreakText {
  readonly attempt: number;
  readonly timeMs: number;
  /** `restart`: old torch versions log no break of their own, only that tracing started over. */
  readonly evidence: 'artifact' | 'restart';
}

/** Tracing of a function was thrown away and begun again. */
export interface Restart {
  readonly attempt: number;
  readonly reason: string;
  /** The break that made it necessary; absent for Dynamo's own restarts. */
  readonly cause?: BreakEvent;
}

/** A dimension that was meant to stay symbolic and became one number. */
export interface Specialization {
  readonly symbol: string;
  readonly sources: readonly string[];
  readonly value: string;
  readonly reason: string;
  readonly frames: readonly StackFrame[];
}

/** Dynamo noticed that an input changed and made the fact dynamic. */
export interface DynamicChange {
  readonly source: string;
  readonly what: string;
  readonly dimension: string;
  readonly before: string;
  readonly after: string;
}

export interface GraphText {
  readonly text: string;
  readonly sizes: Readonly<Record<string, unknown>>;
  readonly attempt: number;
  readonly timeMs: number;
}

/** One compilation of one code object, with all its attempts. */
export interface Compilation {
  readonly id: CompileId;
  /** How many compilations with this id came before: `torch._dynamo.reset()` starts ids over. */
  readonly occurrence: number;
  /** Position among the process's compilations. */
  readonly order: number;
  /** Unique within the process: `0/1`, `0/1#2`. */
  readonly key: string;
  state: 'announced' | 'started' | 'ended';
  timeMs: number;
  attempts: number;
  /** Stack at the call, innermost first; the first frame is the function's definition. */
  frames: readonly StackFrame[];
  readonly inputs: Map<string, InputFact>;
  readonly symbols: Map<string, string>;
  graph: GraphText | undefined;
  guards: GuardTable | undefined;
  metrics: Metrics | undefined;
  /** Lazily compiled backward passes. */
  backwardMs: number;
  /** Runtime records: cudagraphs and autotuning. */
  runtime: Metrics | undefined;
  readonly breaks: BreakEvent[];
  restarts: Restart[];
  recompileReasons: readonly RecompileReason[];
  readonly dynamicChanges: DynamicChange[];
  readonly specializations: Specialization[];
  /** Message of the exception that ended it. */
  error: string | undefined;
  /** Events per cache: `fx graph miss`. */
  readonly caches: Map<string, number>;
  readonly cacheBypassReasons: string[];
  readonly attachments: Attachment[];
  /** Kinds of records seen: tells the backend. */
  readonly kinds: Set<string>;
  collectives: readonly string[] | undefined;
  /** Inductor's estimate of one run. */
  estimatedRunMs: number | undefined;
  runs: number | undefined;
}

/** Something draft export had to assume. */
export interface ExportIssue {
  readonly title: string;
  readonly detail: string;
  readonly frames: readonly StackFrame[];
}

/** A record kind that this reader does not know. */
export interface UnknownKind {
  readonly kind: string;
  count: number;
  /** First record's fields as JSON, shortened. */
  readonly sample: string;
}

/** One process, or one rank of a log that several ranks share. */
export interface TorchProcess {
  readonly file: TraceFile;
  readonly rank: number | undefined;
  readonly compilations: readonly Compilation[];
  /** Breaks whose record names no compilation. */
  readonly orphanBreaks: readonly BreakEvent[];
  readonly slices: readonly Slice[];
  readonly exportIssues: readonly ExportIssue[];
  readonly unknownKinds: readonly UnknownKind[];
  /** Texts that belong to no compilation. */
  readonly attachments: readonly Attachment[];
  readonly links: readonly { readonly name: string; readonly url: string; readonly owner: string }[];
  readonly torchVersion: string | undefined;
  /** Milliseconds since the start of the year, local time, of its first and last record. */
  readonly firstMs: number;
  readonly lastMs: number;
  /** What to add to a chromium event's microseconds / 1000 to get the clock of `firstMs`. */
  readonly clockOffsetMs: number | undefined;
  readonly counts: FoldCounts;
}

/** What the fold saw, by kind, and what it doubts. */
export interface FoldCounts {
  readonly kinds: ReadonlyMap<string, number>;
  readonly artifacts: ReadonlyMap<string, number>;
  readonly strings: number;
  /** Ranks that records name. */
  readonly ranks: ReadonlySet<number>;
  /** Records per `ca/frame/frameCompile/attempt`, `-` for absent. */
  readonly compileIds: ReadonlyMap<string, number>;
  /** Records whose rank is not the one the log began with. */
  readonly otherRank: number;
  /** Records without any kind. */
  readonly withoutKind: number;
  /** Keys beside the kind that this reader does not know. */
  readonly extraKeys: ReadonlyMap<string, number>;
  /** Payloads that should be JSON and are not. */
  readonly badPayloads: number;
  /** Chromium ends without a beginning, and beginnings without an end. */
  readonly unpairedEvents: number;
  /** Input names whose tensor was never described. */
  readonly unjoinedInputs: number;
  /** Texts that were too large to keep from a stream that cannot be read twice. */
  readonly droppedTexts: number;
}

export interface TorchTrace {
  readonly processes: readonly TorchProcess[];
  readonly files: readonly {
    readonly file: TraceFile;
    readonly counts: ScanCounts;
    readonly damage?: string;
  }[];
  readonly interner: Interner;
  /** The log is from a torch that records restarts but no breaks. */
  readonly breaksFromRestarts: boolean;
}
