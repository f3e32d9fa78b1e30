/**
 * The oracle for programs: runs the candidate in a warm child process under the suspect configuration (a backend, or
 * modules that set something up), and under the reference configuration where that is needed to tell a bug of the suspect
 * from a program that is wrong by itself.
 */
import { pathToFileURL } from 'node:url';
import { ownModule } from '../../own-files.ts';
import type { JudgeOptions, Oracle } from '../oracle.ts';
import { Pool } from '../process/pool.ts';
import { runnableInPlace, WorkerProcess, type WorkerOutcome } from '../process/worker-process.ts';
import { foreignSpecifiers } from '../source/specifiers.ts';
import type { SourceTree } from '../source/source-tree.ts';
import { passed, showsFailure, signatureKey, type Signature, type Verdict } from '../verdict.ts';
import { classify, compareReads, type ClassifyPolicy } from './classify.ts';
import type { CaptureSettings, OpRecording, ProgramChecks, RunReport, RunRequest } from './messages.ts';

/** How tfjs is set up for a run. */
export interface Configuration {
  /** Backend that the program gets, whatever it asks for. */
  readonly backend?: string;
  /** URLs of modules loaded before the program. */
  readonly setup?: readonly string[];
  /** Captured and compiled. */
  readonly capture?: CaptureSettings;
}

export interface ProgramOracleOptions {
  readonly root: string;
  /** Working directory of the program. */
  readonly cwd: string;
  readonly arguments: readonly string[];
  readonly suspect: Configuration;
  readonly reference?: Configuration;
  /** `kernels`: compare each kernel call with the reference backend's kernel. `reads`: compare what two runs read. */
  readonly comparison: 'kernels' | 'reads';
  readonly relativeTolerance: number;
  readonly absoluteTolerance: number;
  /** Nothing but the tolerances judges differences; default: what is within them, and double precision. */
  readonly isToleranceOnly?: boolean;
  readonly seed: number;
  readonly jobs: number;
  readonly timeLimitMs: number;
  /** Longest time after a trial that did not end. */
  readonly retryLimitMs?: number;
  readonly memoryLimitMb: number;
  readonly slowMs?: number;
}

/** Extra answers that one run can give beside the verdict. */
export interface RunWants {
  readonly coverage?: boolean;
  readonly observations?: boolean;
  readonly ops?: OpRecording;
  /** Captured in another way than the suspect. */
  readonly capture?: CaptureSettings;
  /** What is read is kept in double precision as well. */
  readonly exact?: boolean;
}

interface Slot {
  readonly suspect: WorkerProcess<RunRequest, RunReport>;
  readonly reference: WorkerProcess<RunRequest, RunReport>;
  /** Packages that the slot's processes have loaded by now. */
  readonly loaded: Set<string>;
  trials: number;
  kill(): void;
}

/** URL of the module that captures programs. */
function captureModule(): string {
  return pathToFileURL(runnableInPlace(ownModule('capture-candidate'))).href;
}

/** A warm trial gets this many times as long as the longest run that ended by itself. */
const patience = 20;
/** Less would take a pause of the machine for a program that does not end. */
const leastPatienceMs = 500;

/** Trials after which a process is replaced, because each leaves a little memory behind. */
const trialsPerProcess = 400;

export class ProgramOracle implements Oracle<SourceTree> {
  readonly #options: ProgramOracleOptions;
  readonly #pool: Pool<Slot>;
  #expected: Signature | undefined;
  #longestMs: number | undefined;
  /** Longest time that a trial may take. One in a warm process gets less, by what others took; a fresh one confirms it. */
  timeLimitMs: number;

  constructor(options: ProgramOracleOptions) {
    this.#options = options;
    this.timeLimitMs = options.timeLimitMs;
    this.#pool = new Pool(options.jobs, () => this.#createSlot());
  }

  /** Narrows the checks to what tells this failure, which makes trials cheaper. */
  expect(signature: Signature): void {
    this.#expected = signature;
  }

  async judge(tree: SourceTree, options: JudgeOptions = {}): Promise<Verdict> {
    const { verdict } = await this.examine(tree, {}, options);
    return verdict;
  }

  /** The verdict and the report behind it. */
  async examine(
    tree: SourceTree,
    wants: RunWants,
    { signal, cold }: JudgeOptions = {},
  ): Promise<{ readonly verdict: Verdict; readonly outcome: WorkerOutcome<RunReport> }> {
    return this.#pool.use(signal, async (slot) => {
      this.#prepare(slot, tree, cold === true);
      const { suspect } = this.#options;
      const { capture } = wants;
      const configuration = capture === undefined ? suspect : { ...suspect, capture };
      const outcome = await this.#run(slot.suspect, tree, configuration, wants, cold === true);
      signal?.throwIfAborted();
      const verdict = await this.#crossCheck(slot, tree, outcome);
      signal?.throwIfAborted();
      return { verdict, outcome };
    });
  }

  async close(): Promise<void> {
    this.#pool.close();
  }

  /** With a reference, a bug of the suspect is looked for, whoever calls it; without, the program's own part matters. */
  get #policy(): ClassifyPolicy {
    const { slowMs, reference } = this.#options;
    return { keepsCallbacks: reference === undefined, ...(slowMs === undefined ? {} : { slowMs }) };
  }

  #createSlot(): Slot {
    const { cwd, memoryLimitMb } = this.#options;
    const entry = ownModule('minifier/program/worker');
    const create = (): WorkerProcess<RunRequest, RunReport> =>
      new WorkerProcess({ entry, cwd, memoryLimitMb });
    const slot: Slot = {
      suspect: create(),
      reference: create(),
      loaded: new Set(),
      trials: 0,
      kill: () => {
        slot.suspect.kill();
        slot.reference.kill();
      },
    };
    return slot;
  }

  /** A process that has loaded packages which this candidate does not import could hide that they are needed. */
  #prepare(slot: Slot, tree: SourceTree, isCold: boolean): void {
    const wanted = foreignSpecifiers(tree);
    const isUnfit = [...slot.loaded].some((name) => !wanted.has(name));
    const isWorn = isUnfit || slot.trials >= trialsPerProcess;
    // The reference has nothing to prove: what it would leak makes it fail, and then the candidate is refused.
    if (isWorn) slot.reference.kill();
    if (isWorn || isCold) {
      slot.suspect.kill();
      slot.loaded.clear();
      slot.trials = 0;
    }
    for (const name of wanted) slot.loaded.add(name);
    slot.trials++;
  }

  async #run(
    worker: WorkerProcess<RunRequest, RunReport>,
    tree: SourceTree,
    configuration: Configuration,
    wants: RunWants,
    isCold = false,
  ): Promise<WorkerOutcome<RunReport>> {
    const { root, seed } = this.#options;
    const checks = this.#checks(configuration, wants);
    const { capture } = configuration;
    const request: RunRequest = {
      kind: 'run',
      root,
      entry: tree.entry,
      files: tree.files.map(({ path, format, text }) => ({ path, format, text })),
      arguments: this.#options.arguments,
      setup: configuration.setup ?? [],
      seed,
      ...(capture === undefined ? {} : { capture: { module: captureModule(), settings: capture } }),
      ...(configuration.backend === undefined ? {} : { backend: configuration.backend }),
      ...(checks ? { checks } : {}),
      ...(wants.coverage === true ? { wantsCoverage: true } : {}),
      ...(wants.observations === true ? { wantsObservations: true } : {}),
      ...(wants.ops ? { wantsOps: wants.ops } : {}),
    };
    const isPlain = Object.keys(wants).length === 0;
    // Each kernel runs twice, the second time on longer numbers.
    const longMs = wants.exact === true ? 4 * this.timeLimitMs : this.timeLimitMs;
    const outcome = await worker.run(request, isPlain && !isCold ? this.#shortLimit() : longMs);
    if (outcome.kind === 'report') {
      if (isPlain) this.#longestMs = Math.max(this.#longestMs ?? 0, outcome.report.durationMs);
      if (outcome.report.needsRestart) worker.kill();
    } else if (outcome.cause === 'time') {
      this.timeLimitMs = Math.min(this.timeLimitMs, this.#options.retryLimitMs ?? Infinity);
    }
    return outcome;
  }

  /** What does not end should not cost the longest time in each trial. */
  #shortLimit(): number {
    if (this.#expected === undefined || this.#longestMs === undefined) return this.timeLimitMs;
    return Math.min(this.timeLimitMs, Math.max(leastPatienceMs, patience * this.#longestMs));
  }

  #checks(configuration: Configuration, { ops, exact }: RunWants): ProgramChecks | undefined {
    const { suspect, reference, comparison, relativeTolerance, absoluteTolerance, isToleranceOnly } =
      this.#options;
    const wants = (kind: Signature['kind']): boolean =>
      this.#expected === undefined || this.#expected.kind === kind;
    const isSuspect = configuration === suspect;
    const tolerance = { relativeTolerance, absoluteTolerance };
    const byKernel = isToleranceOnly === true ? {} : ({ exact: 'kernels' } as const);
    // Which call it is shows when each is compiled by itself.
    if (configuration.capture !== undefined && ops !== undefined)
      return { ...tolerance, ...byKernel, nan: false, reads: true, eachKernel: true };
    const comparesKernels = isSuspect && comparison === 'kernels' && wants('diverge');
    const backend = comparesKernels ? reference?.backend : undefined;
    const reads = comparison === 'reads' && reference !== undefined && (wants('diverge') || wants('nan'));
    // Following NaN from kernel to kernel reads all results, so that nothing would be captured.
    const nan = isSuspect && configuration.capture === undefined && wants('nan');
    if (backend === undefined && !reads && !nan) return undefined;
    return {
      ...tolerance,
      nan,
      reads,
      ...(backend === undefined ? {} : { ...byKernel, reference: backend }),
      ...(exact === true ? { exact: 'run' } : {}),
    };
  }

  async #crossCheck(slot: Slot, tree: SourceTree, outcome: WorkerOutcome<RunReport>): Promise<Verdict> {
    const { reference, comparison, relativeTolerance, absoluteTolerance, isToleranceOnly } = this.#options;
    const policy = this.#policy;
    const verdict = classify(outcome, policy);
    if (reference === undefined || verdict.kind === 'harness') return verdict;
    const isRelevant = this.#expected === undefined || showsFailure(verdict, this.#expected);
    if (verdict.kind === 'crash' || verdict.kind === 'hang') {
      return isRelevant ? this.#unlessReferenceFails(slot, tree, verdict, reference) : verdict;
    }
    if (comparison === 'kernels' || verdict.kind !== 'pass' || outcome.kind !== 'report') return verdict;
    const other = await this.#run(slot.reference, tree, reference, {});
    const otherVerdict = classify(other, policy);
    if (otherVerdict.kind === 'harness') return otherVerdict;
    if (otherVerdict.kind !== 'pass' || other.kind !== 'report') return passed;
    const tolerance = { relativeTolerance, absoluteTolerance };
    const actual = outcome.report.reads ?? [];
    const difference = compareReads(actual, other.report, tolerance);
    if (difference.kind === 'pass' || isToleranceOnly === true) return difference;
    // Rounding? The reference once more, with double precision beside it.
    const exact = await this.#run(slot.reference, tree, reference, { exact: true });
    return exact.kind === 'report' ? compareReads(actual, exact.report, tolerance) : difference;
  }

  /** Where the reference does not pass, the failure is not the suspect's alone: it gets a signature of its own. */
  async #unlessReferenceFails(
    slot: Slot,
    tree: SourceTree,
    verdict: Verdict,
    reference: Configuration,
  ): Promise<Verdict> {
    const other = classify(await this.#run(slot.reference, tree, reference, {}), this.#policy);
    const { signature } = verdict;
    if (other.kind === 'harness') return other;
    if (signature === undefined || other.kind === 'pass') return verdict;
    // The place may differ: each backend checks in its own kernel.
    const isSame =
      other.signature !== undefined &&
      signatureKey({ ...signature, where: '' }) === signatureKey({ ...other.signature, where: '' });
    const context = isSame ? 'the reference fails as well' : 'the reference fails otherwise';
    return { ...verdict, signature: { ...signature, context } };
  }
}
