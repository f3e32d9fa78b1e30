/**
 * `fullgraph minify model.onnx`: from a model that fails to a folder with the smallest model that still fails the same way.
 * Find the failure and the optimizer pass to blame, reduce, write, verify. Everything that happens comes out as records.
 */
import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';
import type { MinifyRecord } from '../../ir/record.ts';
import { readModelFile, type OnnxModel, type OnnxTensor } from '../../onnx/index.ts';
import type { Budget } from '../budget.ts';
import { createEventQueue } from '../event-queue.ts';
import { nullJournal, openJournal, type Journal } from '../journal.ts';
import type { Oracle } from '../oracle.ts';
import { probeFailure, runsForRate, type ProbedKind } from '../probe-failure.ts';
import { Problem, type Slip } from '../problem.ts';
import { reduce, type ReductionEnd } from '../reduce.ts';
import { formatSignature, signatureSlug, type FailureKind, type Signature } from '../verdict.ts';
import type { CapturedSource } from './captured-graph.ts';
import { captureValues } from './capture-values.ts';
import { chooseOracle, hastyOracle } from './choose-oracle.ts';
import { expectedOutputs } from './expected-outputs.ts';
import { findExperiment, hangLimitMs, type FoundFailure } from './find-failure.ts';
import { graphDomain, type GraphCase } from './graph-case.ts';
import { createGraphContext } from './graph-context.ts';
import { makeInputs, readInputs, type Sizes } from './make-inputs.ts';
import { graphPasses } from './passes/index.ts';
import type { Tolerance } from './trial-messages.ts';
import { TrialPool } from './trial-pool.ts';
import { refuseForeignFolder } from '../repro/repro-folder.ts';
import { writeOnnxRepro } from './write-onnx-repro.ts';
import { writeTfjsRepro } from './write-tfjs-repro.ts';

export interface MinifyOnnxOptions {
  /** Path of an .onnx file; or a model, with a name for messages. */
  readonly input: string;
  readonly model?: OnnxModel;
  /** Values of inputs: a path to .npz, .npy or .json, or tensors. Those left out are drawn from the seed. */
  readonly inputs?: string | ReadonlyMap<string, OnnxTensor>;
  /** Sizes of open dims of inputs that are drawn, by name, and whole shapes by the names of inputs. */
  readonly sizes?: Sizes;
  readonly cwd: string;
  readonly fail?: FailureKind | 'auto';
  /** For `custom`: exits with 0 while `model.onnx` and `inputs.npz` in its working folder fail. */
  readonly command?: string;
  readonly relativeTolerance?: number;
  readonly absoluteTolerance?: number;
  readonly jobs?: number;
  readonly budget?: Budget;
  readonly seed?: number;
  readonly timeLimitMs?: number;
  readonly memoryLimitMb?: number;
  /** Folder of another onnxruntime-node that is right. */
  readonly against?: string;
  /** Device that is suspected, such as `webgpu`: it is compared with the CPU. */
  readonly device?: string;
  /** `evaluator`: compare with our own evaluator in double precision, which finds kernels that are wrong at every level. */
  readonly reference?: 'evaluator';
  /** File or folder from which onnxruntime-node is looked up; default ours. */
  readonly resolveFrom?: string;
  /** The captured graph that the model was made of: the repro then has a second form, of tfjs kernels. */
  readonly captured?: CapturedSource;
  /** Where journal and best-so-far are kept; `false` for nowhere. */
  readonly stateDirectory?: string | false;
  readonly resume?: boolean;
  /** Folder that receives the repro; `false` for none. */
  readonly outputDirectory?: string | false;
}

export interface MinifyOnnxResult {
  readonly directory: string | undefined;
  /** The repro failed as expected from its folder, in a fresh process. */
  readonly isVerified: boolean;
  readonly signature: Signature;
  readonly message: string;
  readonly rate: number;
  /** `onnxruntime PadFusion (level basic)` */
  readonly introducedBy: string;
  /** Optimizer passes to disable, as onnxruntime spells them. */
  readonly optimizers: readonly string[];
  readonly sizeBefore: number;
  readonly sizeAfter: number;
  readonly best: GraphCase;
  /** Different candidates, and trials of any kind: probing, bisection and recording included. */
  readonly candidates: number;
  readonly trials: number;
  readonly durationMs: number;
  readonly end: ReductionEnd;
  readonly slips: readonly Slip<GraphCase>[];
}

/** A minification under way: its records as they come, and its result. */
export interface MinifyOnnxRun extends AsyncIterable<MinifyRecord> {
  readonly result: Promise<MinifyOnnxResult>;
}

export interface MinifyOnnxControl {
  /** Aborted: ends soon, with the best so far written and verified. */
  readonly signal?: AbortSignal;
  /** Each trial waits for it: how a search is paused. */
  readonly gate?: () => Promise<void>;
  readonly now?: () => number;
}

const firstTimeLimitMs = 30_000;
const minTimeLimitMs = 2_000;
const hastyLimitMs = 400;
const timeFactor = 10;

/**
 * Starts a minification.
 * @throws (from `result` and the iteration) UserError FG31xx, FG4002, FG4004, FG4005, FG4003, FG4006.
 */
export function minifyOnnx(options: MinifyOnnxOptions, control: MinifyOnnxControl = {}): MinifyOnnxRun {
  const queue = createEventQueue<MinifyRecord>();
  const { signal, gate, now = () => performance.now() } = control;
  const result = run(options, { signal, gate, now, emit: queue.push });
  result.then(
    () => {
      queue.end();
    },
    (error: unknown) => {
      queue.end(error);
    },
  );
  return { result, [Symbol.asyncIterator]: () => queue[Symbol.asyncIterator]() };
}

interface LoadedCase extends GraphCase {
  /** Names of inputs whose values were drawn. */
  readonly drawn: readonly string[];
}

/** The model and its inputs, read or made. */
function loadGraphCase(options: MinifyOnnxOptions): LoadedCase {
  const { input, inputs, cwd, seed = 1, sizes } = options;
  const model = options.model ?? readModelFile(resolve(cwd, input));
  const given = typeof inputs === 'string' ? readInputs(resolve(cwd, inputs), model) : inputs;
  const made = makeInputs(model, { seed, ...(given && { given }), ...(sizes && { sizes }) });
  return { model, inputs: made, drawn: [...made.keys()].filter((name) => given?.has(name) !== true) };
}

interface Session {
  readonly options: MinifyOnnxOptions;
  readonly pool: TrialPool;
  readonly tolerance: Tolerance;
  readonly limitMs: number;
  readonly signal: AbortSignal | undefined;
  readonly gate: (() => Promise<void>) | undefined;
  readonly now: () => number;
  readonly startedMs: number;
  emit(record: MinifyRecord): void;
}

function journalFor(options: MinifyOnnxOptions, testCase: GraphCase): Journal {
  const { stateDirectory, cwd, resume = false, against, fail, reference, device } = options;
  if (stateDirectory === false) return nullJournal;
  const hash = graphDomain.hash(testCase);
  const folder = stateDirectory ?? join('.fullgraph', 'minify', hash.slice(0, 12));
  const { relativeTolerance, absoluteTolerance } = options;
  const identity = [
    hash,
    against,
    reference,
    device,
    fail,
    relativeTolerance,
    absoluteTolerance,
    process.version,
    options.command,
  ];
  const digest = createHash('sha1').update(JSON.stringify(identity)).digest('hex');
  return openJournal(resolve(cwd, folder), digest, resume);
}

async function run(
  options: MinifyOnnxOptions,
  control: Pick<Session, 'signal' | 'gate' | 'now' | 'emit'>,
): Promise<MinifyOnnxResult> {
  const { now, emit } = control;
  const startedMs = now();
  const { outputDirectory } = options;
  if (typeof outputDirectory === 'string') refuseForeignFolder(resolve(options.cwd, outputDirectory));
  const { drawn, ...testCase } = loadGraphCase(options);
  const { resolveFrom = import.meta.url, jobs = 1, memoryLimitMb = 4_096, cwd } = options;
  const pool = new TrialPool({ jobs, cwd, memoryLimitMb, warmUp: { level: 'disabled', resolveFrom } });
  const session: Session = {
    options,
    pool,
    tolerance: { relative: options.relativeTolerance ?? 1e-3, absolute: options.absoluteTolerance ?? 1e-5 },
    limitMs: options.timeLimitMs ?? firstTimeLimitMs,
    startedMs,
    ...control,
  };
  try {
    const journal = journalFor(options, testCase);
    journal.saveBest(graphDomain.files(testCase));
    const found = await findExperiment(testCase, {
      command: options.command,
      ...session,
      resolveFrom,
      kind: options.fail ?? 'auto',
      ...(options.against !== undefined && { against: join(resolve(cwd, options.against), 'package.json') }),
      ...(options.device !== undefined && { device: options.device }),
      usesEvaluator: options.reference === 'evaluator',
      drawn,
      onStage: (name, verdict) => {
        emit({ kind: 'minify-stage', timeMs: now() - startedMs, name, verdict });
      },
    });
    return await reduceCase(session, testCase, found, journal);
  } finally {
    pool.close();
  }
}

/** NaN where the reference has none is a failure. */
const probedModel: ProbedKind = {
  noun: 'model',
  hint: 'Give the inputs that make it fail with --inputs, or leave --fail out.',
  counts: () => true,
};

function reproFolder({ cwd, outputDirectory }: MinifyOnnxOptions, signature: Signature): string {
  return resolve(cwd, outputDirectory || `fullgraph-repro-${signatureSlug(signature)}`);
}

/** Who is to blame, now that all that does not matter is gone: the kernel of the one node that is left. */
function introducedBy(found: FoundFailure, best: GraphCase): string {
  const [node, ...others] = best.model.graph.nodes;
  const isKernel = found.experiment.reference?.engine === 'evaluator' && found.blame === undefined;
  return isKernel && others.length === 0 ? `onnxruntime's kernel of ${node!.opType}` : found.introducedBy;
}

async function reduceCase(
  session: Session,
  initial: GraphCase,
  found: FoundFailure,
  journal: Journal,
): Promise<MinifyOnnxResult> {
  const { options, pool, tolerance, signal, gate, now, startedMs, emit } = session;
  const begunMs = now();
  const { command, jobs = 1 } = options;
  const oracleWithin = (timeLimitMs: number): Oracle<GraphCase> =>
    chooseOracle({ pool, tolerance, experiment: found.experiment, timeLimitMs, command, jobs });
  const first = oracleWithin(found.limitMs);
  const failure = await probeFailure(first, initial, options.fail ?? 'auto', now, probedModel);
  const directory = reproFolder(options, failure.signature);
  if (options.outputDirectory !== false) refuseForeignFolder(directory);
  const originalMs = (now() - begunMs) / failure.runs;
  const isHang = failure.signature.kind === 'hang';
  const timeLimitMs =
    options.timeLimitMs ??
    (isHang ? found.limitMs : Math.min(firstTimeLimitMs, Math.max(minTimeLimitMs, timeFactor * originalMs)));
  // What hangs takes all of its time: it gets less of it, and the best is confirmed with more.
  const isHasty = isHang && options.timeLimitMs === undefined && timeLimitMs <= hangLimitMs;
  const sizeBefore = graphDomain.size(initial);
  emit({
    kind: 'minify-start',
    timeMs: now() - startedMs,
    input: options.input,
    signature: formatSignature(failure.signature),
    size: sizeBefore,
    unit: 'nodes',
    stage: found.introducedBy,
  });
  emit({
    kind: 'minify-best',
    timeMs: now() - startedMs,
    size: sizeBefore,
    text: graphDomain.text(initial),
  });
  const patient = oracleWithin(timeLimitMs);
  const oracle = isHasty ? hastyOracle(oracleWithin(hastyLimitMs), patient) : patient;
  const problem = new Problem<GraphCase>({
    initial,
    expected: failure.signature,
    domain: graphDomain,
    oracle,
    journal,
    jobs,
    budget: options.budget ?? {},
    thoroughRuns: runsForRate(failure.rate),
    // Sessions share nothing: the check of the result in a fresh process is enough, unless time decides.
    isWarm: isHasty,
    ...(signal && { signal }),
    ...(gate && { gate }),
    now,
    onRecord: (record) => {
      emit({ ...record, timeMs: now() - startedMs });
    },
  });
  const context = createGraphContext(
    async (testCase) => {
      const limitMs = isHasty ? hastyLimitMs : timeLimitMs;
      const { values } = await captureValues(testCase, pool, found.recording, limitMs);
      return values;
    },
    {
      message: failure.signature.kind === 'crash' ? failure.message : '',
      keepsNodeNames: options.captured !== undefined,
    },
  );
  const end = await reduce(problem, graphPasses, context).finally(async () => {
    await first.close();
    await oracle.close();
  });
  const { signature, message, rate } = failure;
  const summary = {
    signature,
    message,
    rate,
    introducedBy: introducedBy(found, problem.best),
    optimizers: found.blame?.optimizers ?? [],
    sizeBefore,
    sizeAfter: graphDomain.size(problem.best),
    best: problem.best,
    candidates: problem.trials,
    trials: pool.requests,
    durationMs: now() - startedMs,
    end,
    slips: problem.slips,
  };
  const expected = await expectedOutputs(problem.best, found.experiment, pool, timeLimitMs);
  const reproFacts = {
    ...summary,
    ...(expected && { expected }),
    input: options.input,
    experiment: found.experiment,
    ...(command !== undefined && { command }),
    tolerance,
    directory,
    timeLimitMs: Math.max(10_000, timeLimitMs),
  };
  const { captured, cwd, seed = 1 } = options;
  const writeTfjs =
    captured &&
    (() =>
      writeTfjsRepro({
        ...reproFacts,
        source: captured,
        best: problem.best.model,
        inputs: initial.inputs,
        seed,
        subject: found.experiment.subject,
        cwd,
      }));
  const repro =
    options.outputDirectory === false ? undefined : await writeOnnxRepro({ ...reproFacts, writeTfjs });
  emit({
    kind: 'minify-end',
    timeMs: now() - startedMs,
    size: summary.sizeAfter,
    trials: summary.trials,
    verified: repro?.isVerified ?? false,
    culprit: summary.introducedBy,
    ...(repro && { directory: repro.directory }),
  });
  return {
    ...summary,
    durationMs: now() - startedMs,
    directory: repro?.directory,
    isVerified: repro?.isVerified ?? false,
  };
}
