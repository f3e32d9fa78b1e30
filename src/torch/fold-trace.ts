/**
 * Trace files in, the joined-up {@link TorchTrace} out: scans each file's records in order and folds them into
 * processes, then joins what needs the whole log. One pass; memory holds facts and graphs, not the log.
 */
import { formatCompileId, parseEnvelope } from './compile-id.ts';
import { Interner } from './guard-tree.ts';
import { breaksFromRestarts, joinRestarts } from './join-restarts.ts';
import type { TorchProcess, TorchTrace } from './model.ts';
import { ProcessState, type TraceContext } from './process-state.ts';
import { handleRecord, isKnownKind, opensCompilation } from './record-handlers.ts';
import { RecordScanner, type RawRecord, type ScanCounts } from './record-scanner.ts';
import { stampMs } from './stamp.ts';
import { findTraceFiles, readTraceFile, type TraceFile } from './trace-files.ts';

/** How far reading has come. */
export interface ReadProgress {
  readonly file: string;
  readonly bytes: number;
  /** Size of all files on disk; 0 when it cannot be known. */
  readonly totalBytes: number;
  readonly records: number;
}

export interface ReadOptions {
  /** What the path `-` reads. */
  readonly stdin?: AsyncIterable<Uint8Array>;
  readonly onProgress?: (progress: ReadProgress) => void;
}

/** Folds the records of one file; ranks that share it become processes of their own. */
class FileFold {
  readonly #file: TraceFile;
  readonly #context: TraceContext;
  readonly #strings = new Map<string, string>();
  readonly #byRank = new Map<number | undefined, ProcessState>();
  #first: ProcessState | undefined;
  #firstRank: number | undefined;
  #otherRank = 0;

  constructor(file: TraceFile, context: TraceContext) {
    this.#file = file;
    this.#context = context;
  }

  add(record: RawRecord): void {
    const envelope = parseEnvelope(record.json, isKnownKind);
    const { id, attempt, kind, body } = envelope;
    const process = this.#processOf(envelope.rank);
    const timeMs = stampMs(record.stamp);
    process.see(timeMs);
    process.countRecord(envelope, record.json['attempt']);
    if (kind === undefined) return;
    const compile = process.compilation(id, opensCompilation(kind, body, record.payload), timeMs);
    handleRecord({ process, compile, kind, body, payload: record.payload, attempt, timeMs });
  }

  finish(): TorchProcess[] {
    return [...new Set([this.#first, ...this.#byRank.values()])].flatMap((state, index) => {
      if (state === undefined) return [];
      applyExecutions(state);
      return state.finish(index === 0 ? this.#otherRank : 0, this.#rankOf(state));
    });
  }

  /** Records before the first that names a rank belong to that rank; so does everything that names none. */
  #processOf(rank: number | undefined): ProcessState {
    this.#first ??= new ProcessState(this.#file, this.#strings, this.#context);
    if (rank === undefined) return this.#first;
    this.#firstRank ??= rank;
    if (rank === this.#firstRank) return this.#first;
    this.#otherRank++;
    let state = this.#byRank.get(rank);
    if (state === undefined) {
      state = new ProcessState(this.#file, this.#strings, this.#context);
      this.#byRank.set(rank, state);
    }
    return state;
  }

  #rankOf(state: ProcessState): number | undefined {
    if (state === this.#first) return this.#firstRank ?? this.#file.rank;
    return [...this.#byRank].find(([, candidate]) => candidate === state)?.[0];
  }
}

/** Gives each compilation its runs: of an id that came more than once, the last one is meant. */
function applyExecutions(state: ProcessState): void {
  if (state.executions.size === 0) return;
  const latest = new Map(state.compilations.map((compile) => [formatCompileId(compile.id), compile]));
  for (const [id, compile] of latest) compile.runs = state.executions.get(id) ?? 0;
}

async function scanFile(
  file: TraceFile,
  fold: FileFold,
  options: ReadOptions,
  report: (scanner: RecordScanner) => void,
): Promise<{ readonly counts: ScanCounts; readonly damage?: string }> {
  const scanner = new RecordScanner((record) => fold.add(record));
  let damage: string | undefined;
  try {
    for await (const chunk of readTraceFile(file, options.stdin)) {
      scanner.push(chunk);
      report(scanner);
    }
  } catch (error) {
    damage = error instanceof Error ? error.message : String(error);
  }
  scanner.end();
  return damage === undefined ? { counts: scanner.counts } : { counts: scanner.counts, damage };
}

/**
 * Reads the traces at these paths: logs, archives, directories, `-` for standard input.
 * @throws FG5101, FG5102 when there is nothing to read. Damage inside a log never throws; it is counted.
 */
export async function foldTrace(paths: readonly string[], options: ReadOptions = {}): Promise<TorchTrace> {
  const files = await findTraceFiles(paths);
  const totalBytes = files.some((file) => file.sizeBytes === 0 || file.isCompressed)
    ? 0
    : files.reduce((sum, file) => sum + file.sizeBytes, 0);
  const context: TraceContext = { interner: new Interner(), keptTextBytes: 0 };
  const processes: TorchProcess[] = [];
  const read: TorchTrace['files'][number][] = [];
  let doneBytes = 0;
  let doneRecords = 0;
  for (const file of files) {
    const fold = new FileFold(file, context);
    const { counts, damage } = await scanFile(file, fold, options, (scanner) =>
      options.onProgress?.({
        file: file.path,
        bytes: doneBytes + scanner.counts.bytes,
        totalBytes,
        records: doneRecords + scanner.counts.records,
      }),
    );
    doneBytes += counts.bytes;
    doneRecords += counts.records;
    processes.push(...fold.finish());
    read.push(damage === undefined ? { file, counts } : { file, counts, damage });
  }
  const isOldLog = joinBreaks(processes);
  return { processes, files: read, interner: context.interner, breaksFromRestarts: isOldLog };
}

/** Joins restarts and breaks everywhere. @returns whether breaks had to be made of restarts. */
function joinBreaks(processes: readonly TorchProcess[]): boolean {
  let hasBreaks = false;
  for (const { compilations, orphanBreaks } of processes) {
    hasBreaks ||= orphanBreaks.length > 0 || compilations.some((compile) => compile.breaks.length > 0);
    for (const compile of compilations) compile.restarts = joinRestarts(compile);
  }
  if (hasBreaks) return false;
  for (const { compilations } of processes) breaksFromRestarts(compilations);
  return processes.some(({ compilations }) => compilations.some((compile) => compile.breaks.length > 0));
}
