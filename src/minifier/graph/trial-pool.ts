/**
 * Processes that run trials. Each slot keeps a second process ready: when a candidate takes one down, the next trial does not
 * wait for Node and onnxruntime to load (150 ms) but goes to the spare (6 ms).
 */
import { rmSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ownModule } from '../../own-files.ts';
import { Pool, type Resource } from '../process/pool.ts';
import { scratchFolder, WorkerProcess, type WorkerOutcome } from '../process/worker-process.ts';
import type { JudgeOptions } from '../oracle.ts';
import type { Phase, Setup, TrialReport, TrialRequest } from './trial-messages.ts';

export type TrialOutcome =
  | { readonly kind: 'report'; readonly report: TrialReport }
  | {
      readonly kind: 'died';
      readonly role: 'reference' | 'subject' | 'cure' | 'exact';
      readonly phase: Phase;
      readonly cause: 'signal' | 'exit' | 'time' | 'memory' | 'killed';
      readonly status: string;
    };

export interface TrialPoolOptions {
  readonly jobs: number;
  readonly cwd: string;
  readonly memoryLimitMb: number;
  /** What a new process loads before it is asked anything. */
  readonly warmUp: Setup;
}

type Worker = WorkerProcess<TrialRequest, TrialReport>;

const warmUpLimitMs = 60_000;
const noTolerance = { relative: 0, absolute: 0 };

function parseNote(note: string): Pick<Extract<TrialOutcome, { kind: 'died' }>, 'role' | 'phase'> {
  const match = /^(reference|subject|cure|exact) (create|run)$/.exec(note);
  if (match === null) return { role: 'reference', phase: 'load' };
  return { role: match[1] as 'reference', phase: match[2] as Phase };
}

function toOutcome(outcome: WorkerOutcome<TrialReport>): TrialOutcome {
  if (outcome.kind === 'report') return outcome;
  return { kind: 'died', cause: outcome.cause, status: outcome.status, ...parseNote(outcome.note) };
}

interface Slot {
  readonly worker: Worker;
  /** Settles when the worker may be asked. */
  ready: Promise<unknown>;
}

class SparedWorker implements Resource {
  readonly #warmUp: () => TrialRequest;
  #active: Slot;
  #spare: Slot | undefined;
  readonly #create: () => Worker;
  #isClosed = false;

  constructor(create: () => Worker, warmUp: () => TrialRequest) {
    this.#create = create;
    this.#warmUp = warmUp;
    this.#active = this.#start(create());
  }

  async run(request: TrialRequest, limitMs: number): Promise<TrialOutcome> {
    this.#spare ??= this.#start(this.#create());
    await this.#active.ready;
    const outcome = toOutcome(await this.#active.worker.run(request, limitMs));
    if (outcome.kind === 'died' && !this.#isClosed) {
      const dead = this.#active.worker;
      this.#active = this.#spare;
      this.#spare = this.#start(dead);
    }
    return outcome;
  }

  kill(): void {
    this.#active.worker.kill();
  }

  close(): void {
    this.#isClosed = true;
    this.#active.worker.kill();
    this.#spare?.worker.kill();
  }

  #start(worker: Worker): Slot {
    return { worker, ready: worker.run(this.#warmUp(), warmUpLimitMs).catch(() => {}) };
  }
}

export class TrialPool {
  readonly #options: TrialPoolOptions;
  /** By the place that onnxruntime is looked up from: two versions in one process would share one library. */
  readonly #pools = new Map<string, Pool<SparedWorker>>();
  readonly #workers: SparedWorker[] = [];
  #requests = 0;

  constructor(options: TrialPoolOptions) {
    this.#options = options;
    this.#poolFor(options.warmUp.resolveFrom);
  }

  /** Requests so far. */
  get requests(): number {
    return this.#requests;
  }

  /** Runs a request; with `cold`, in a process of its own. @throws the signal's reason when it was aborted first. */
  async run(request: TrialRequest, limitMs: number, options: JudgeOptions = {}): Promise<TrialOutcome> {
    const { reference, subject } = request;
    const isNative = reference !== undefined && reference.engine === undefined;
    if (isNative && subject !== undefined && reference.resolveFrom !== subject.resolveFrom)
      return this.#runApart(request, limitMs, options);
    this.#requests++;
    if (options.cold !== true) {
      const { resolveFrom } = subject ?? reference ?? this.#options.warmUp;
      return this.#poolFor(resolveFrom).use(options.signal, (worker) => worker.run(request, limitMs));
    }
    const worker = this.#createWorker();
    try {
      return toOutcome(await worker.run(request, limitMs));
    } finally {
      worker.kill();
    }
  }

  /** As `run` in a process of its own, with what onnxruntime printed meanwhile. */
  async runVerbose(
    request: TrialRequest,
    limitMs: number,
  ): Promise<{ readonly outcome: TrialOutcome; readonly log: string }> {
    this.#requests++;
    const logFile = join(scratchFolder(), 'onnxruntime.log');
    writeFileSync(logFile, '');
    const worker = this.#createWorker(logFile);
    try {
      const outcome = toOutcome(await worker.run({ ...request, isVerbose: true }, limitMs));
      return { outcome, log: readFileSync(logFile, 'utf8') };
    } finally {
      worker.kill();
      truncateSync(logFile);
      rmSync(logFile, { force: true });
    }
  }

  close(): void {
    for (const worker of this.#workers) worker.close();
  }

  /** Reference and subject in processes of their own. */
  async #runApart(request: TrialRequest, limitMs: number, options: JudgeOptions): Promise<TrialOutcome> {
    const { reference, subject: _, cure: __, exact: ___, ...alone } = request;
    const first = await this.run({ ...alone, reference: reference!, wantsValues: true }, limitMs, options);
    if (first.kind === 'died' || first.report.reference?.kind !== 'ok') return first;
    const { values = [], reference: outcome } = first.report;
    const { reference: ____, ...others } = request;
    const second = await this.run({ ...others, expected: values }, limitMs, options);
    return second.kind === 'died'
      ? second
      : { kind: 'report', report: { ...second.report, reference: outcome } };
  }

  #poolFor(resolveFrom: string): Pool<SparedWorker> {
    const known = this.#pools.get(resolveFrom);
    if (known !== undefined) return known;
    const warmUp = { ...this.#options.warmUp, resolveFrom };
    const pool = new Pool(this.#options.jobs, () => {
      const worker = new SparedWorker(
        () => this.#createWorker(),
        () => ({ model: new Uint8Array(), inputs: [], subject: warmUp, tolerance: noTolerance }),
      );
      this.#workers.push(worker);
      return worker;
    });
    this.#pools.set(resolveFrom, pool);
    return pool;
  }

  #createWorker(logFile?: string): Worker {
    const { cwd, memoryLimitMb } = this.#options;
    return new WorkerProcess({
      entry: ownModule('minifier/graph/trial-worker'),
      cwd,
      memoryLimitMb,
      serialization: 'advanced',
      ...(logFile === undefined ? {} : { logFile }),
    });
  }
}
