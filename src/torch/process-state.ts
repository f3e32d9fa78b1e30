/**
 * The joined-up state of one process while its records arrive in order: string table, compilations by id and
 * occurrence, time line, texts. Handlers (`record-handlers.ts`) write into it; `finishProcess` closes it.
 */
import type { StackFrame } from '../ir/span.ts';
import { SlicePairer } from './chromium.ts';
import { formatCompileId, isCompileId, type CompileId, type Envelope } from './compile-id.ts';
import type { Interner } from './guard-tree.ts';
import type {
  Attachment,
  BreakEvent,
  Compilation,
  ExportIssue,
  InputFact,
  TorchProcess,
  UnknownKind,
} from './model.ts';
import { framesOfRecord } from './python-stack.ts';
import type { Payload } from './record-scanner.ts';
import type { TraceFile } from './trace-files.ts';

/** Bytes of texts that are kept in memory from streams that cannot be read a second time. */
const textBudgetBytes = 64 * 1024 * 1024;
const maxSampleLength = 400;

/** An input described so far only by its numbers. */
export type PartialInput = Omit<InputFact, 'source'>;

/** Shared by all processes of one trace. */
export interface TraceContext {
  readonly interner: Interner;
  keptTextBytes: number;
}

function increment<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

export class ProcessState {
  readonly file: TraceFile;
  readonly interner: Interner;
  readonly compilations: Compilation[] = [];
  /** Breaks whose record names no compilation. */
  readonly orphanBreaks: BreakEvent[] = [];
  readonly pairer: SlicePairer = new SlicePairer();
  readonly exportIssues: ExportIssue[] = [];
  readonly attachments: Attachment[] = [];
  readonly links: { name: string; url: string; owner: string }[] = [];
  readonly pendingInputs: Map<string, PartialInput> = new Map();
  /** Runs by compile id, in torch's text form. */
  readonly executions: Map<string, number> = new Map();
  torchVersion: string | undefined;
  zoneMs: number | undefined;
  badPayloads = 0;
  unjoinedInputs = 0;

  readonly #context: TraceContext;
  readonly #strings: Map<string, string>;
  readonly #current = new Map<string, Compilation>();
  readonly #unknownKinds = new Map<string, UnknownKind>();
  readonly #kinds = new Map<string, number>();
  readonly #artifacts = new Map<string, number>();
  readonly #compileIds = new Map<string, number>();
  readonly #extraKeys = new Map<string, number>();
  readonly #ranks = new Set<number>();
  #strCount = 0;
  #withoutKind = 0;
  #droppedTexts = 0;
  #firstMs: number | undefined;
  #lastMs = 0;

  /** `strings` is the file's string table: ranks that share a file share it. */
  constructor(file: TraceFile, strings: Map<string, string>, context: TraceContext) {
    this.file = file;
    this.interner = context.interner;
    this.#strings = strings;
    this.#context = context;
  }

  countRecord({ kind, id, rank, extra }: Envelope, attempt: unknown): void {
    if (rank !== undefined) this.#ranks.add(rank);
    if (kind === undefined) this.#withoutKind++;
    else increment(this.#kinds, kind);
    for (const key of extra) increment(this.#extraKeys, key);
    if (kind === 'str') this.#strCount++;
    else {
      const parts = [id.compiledAutograd, id.frame, id.frameCompile, attempt];
      increment(
        this.#compileIds,
        parts.map((part) => (typeof part === 'number' ? String(part) : '-')).join('/'),
      );
    }
  }

  countArtifact(name: string): void {
    increment(this.#artifacts, name);
  }

  countUnknown(kind: string, body: unknown): void {
    const known = this.#unknownKinds.get(kind);
    if (known !== undefined) known.count++;
    else {
      const sample = (JSON.stringify(body) ?? '').slice(0, maxSampleLength);
      this.#unknownKinds.set(kind, { kind, count: 1, sample });
    }
  }

  see(timeMs: number): void {
    this.#firstMs ??= timeMs;
    this.#lastMs = timeMs;
  }

  intern(id: string, text: string): void {
    this.#strings.set(id, text);
  }

  frames(stack: unknown): StackFrame[] {
    return framesOfRecord(stack, (id) => this.#strings.get(id));
  }

  /**
   * The compilation that a record belongs to, made when it is the first to tell of it. A record that `opens` one
   * starts the next occurrence of the id when the present one has begun already.
   */
  compilation(id: CompileId, opens: boolean, timeMs: number): Compilation | undefined {
    if (!isCompileId(id)) return undefined;
    const name = formatCompileId(id);
    const current = this.#current.get(name);
    if (current !== undefined && !(opens && current.state !== 'announced')) return current;
    const occurrence = current === undefined ? 0 : current.occurrence + 1;
    const made: Compilation = {
      id,
      occurrence,
      order: this.compilations.length,
      key: occurrence === 0 ? name : `${name}#${occurrence + 1}`,
      state: 'announced',
      timeMs,
      attempts: 0,
      frames: [],
      inputs: new Map(),
      symbols: new Map(),
      graph: undefined,
      guards: undefined,
      metrics: undefined,
      backwardMs: 0,
      runtime: undefined,
      breaks: [],
      restarts: [],
      recompileReasons: [],
      dynamicChanges: [],
      specializations: [],
      error: undefined,
      caches: new Map(),
      cacheBypassReasons: [],
      attachments: [],
      kinds: new Set(),
      collectives: undefined,
      estimatedRunMs: undefined,
      runs: undefined,
    };
    this.#current.set(name, made);
    this.compilations.push(made);
    return made;
  }

  /** Notes a text for later reading: by its place in the file, or as it is when the file cannot be read twice. */
  attach(owner: Compilation | undefined, name: string, language: string, payload: Payload): void {
    const { region, sizeBytes } = payload;
    const attachment = { name, language, sizeBytes, region };
    const list = owner?.attachments ?? this.attachments;
    if (this.file.path !== '-' && !this.file.isCompressed) {
      list.push(attachment);
      return;
    }
    if (this.#context.keptTextBytes + sizeBytes > textBudgetBytes) {
      this.#droppedTexts++;
      list.push(attachment);
      return;
    }
    this.#context.keptTextBytes += sizeBytes;
    list.push({ ...attachment, text: payload.text() });
  }

  finish(otherRank: number, rank: number | undefined): TorchProcess {
    return {
      file: this.file,
      rank,
      compilations: this.compilations,
      orphanBreaks: this.orphanBreaks,
      slices: this.pairer.slices,
      exportIssues: this.exportIssues,
      unknownKinds: [...this.#unknownKinds.values()],
      attachments: this.attachments,
      links: this.links,
      torchVersion:
        this.torchVersion ?? this.compilations.map((compile) => compile.metrics?.torch).find(Boolean),
      firstMs: this.#firstMs ?? 0,
      lastMs: this.#lastMs,
      clockOffsetMs: this.zoneMs,
      counts: {
        kinds: this.#kinds,
        artifacts: this.#artifacts,
        strings: this.#strCount,
        ranks: this.#ranks,
        compileIds: this.#compileIds,
        otherRank,
        withoutKind: this.#withoutKind,
        extraKeys: this.#extraKeys,
        badPayloads: this.badPayloads,
        unpairedEvents: this.pairer.unmatched + this.pairer.unfinished,
        unjoinedInputs: this.unjoinedInputs,
        droppedTexts: this.#droppedTexts,
      },
    };
  }
}
