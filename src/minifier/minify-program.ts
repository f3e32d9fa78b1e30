/**
 * `fullgraph minify <program>`: from a program that fails to a folder with the smallest program that still fails the same
 * way. Probe, rebuild from the trace, reduce the source, write, verify. Everything that happens comes out as records.
 */
import { createHash } from 'node:crypto';
import { basename, join, relative, resolve } from 'node:path';
import { createTwoFilesPatch } from 'diff';
import type { MinifyRecord } from '../ir/record.ts';
import type { Budget } from './budget.ts';
import { createEventQueue } from './event-queue.ts';
import { openJournal, type Journal } from './journal.ts';
import type { MinifyOptions } from './options.ts';
import { sourcePasses } from './passes/index.ts';
import { runsForRate, type ProbedFailure } from './probe-failure.ts';
import { compareSortKeys, Problem, Stopped, type Slip } from './problem.ts';
import { blameCompiled } from './program/blame-compiled.ts';
import type { CommandOracle } from './program/command-oracle.ts';
import { eagerReference, findSubject, firstTimeLimitMs, type Subject } from './program/find-subject.ts';
import { ProgramOracle } from './program/program-oracle.ts';
import { reduce, type ReductionEnd } from './reduce.ts';
import { formatTree } from './repro/format.ts';
import { bugReport, nearestPassing, type Neighbour } from './repro/readme.ts';
import { reproVariants, type ReproSubject } from './repro/templates.ts';
import { refuseForeignFolder, writeFolder } from './repro/repro-folder.ts';
import { findModelRepro } from './repro/model-repro.ts';
import {
  addVerifiedModel,
  installedVersions,
  writeVerifiedRepro,
  type ReproFolder,
  type VerifiedModel,
} from './repro/write-repro.ts';
import { createSourceContext } from './source/create-context.ts';
import { loadProgram, type LoadedProgram } from './source/load-program.ts';
import { forget } from './source/source-context.ts';
import { sourceDomain, type SourceTree } from './source/source-tree.ts';
import { traceProgram } from './trace/trace-program.ts';
import { formatSignature, signatureSlug, type Signature } from './verdict.ts';

export interface MinifyResult {
  readonly directory: string;
  /** The repro failed as expected from its folder, in a fresh process. */
  readonly isVerified: boolean;
  readonly signature: Signature;
  readonly message: string;
  readonly rate: number;
  readonly culprit: string | undefined;
  /** Beside a compiled program lies the model that fails by itself, verified as the program was. */
  readonly hasModel: boolean;
  readonly sizeBefore: number;
  readonly sizeAfter: number;
  readonly trials: number;
  readonly oracleCalls: number;
  readonly durationMs: number;
  readonly end: ReductionEnd;
  /** The reduced program, by path. */
  readonly files: Readonly<Record<string, string>>;
  readonly nearestPassing: Neighbour | undefined;
  readonly slips: readonly Slip<SourceTree>[];
}

/** A minification under way: its records as they come, and its result. */
export interface MinifyRun extends AsyncIterable<MinifyRecord> {
  readonly result: Promise<MinifyResult>;
}

const minTimeLimitMs = 2_000;
/** How much longer than the original a candidate may run. */
const timeFactor = 5;

interface Session {
  readonly options: MinifyOptions;
  readonly program: LoadedProgram;
  readonly subject: Subject;
  readonly oracle: ProgramOracle | CommandOracle;
  readonly journal: Journal;
  readonly signal: AbortSignal | undefined;
  readonly gate: (() => Promise<void>) | undefined;
  readonly now: () => number;
  readonly startedMs: number;
  onStage(name: string, verdict: string): void;
  emit(record: MinifyRecord): void;
}

/**
 * Starts a minification. Aborting the signal ends it soon, with the best so far written and verified.
 * @throws (from `result` and the iteration) UserError FG4001, FG4004, FG4005, FG4003, FG4006.
 */
export function minifyProgram(
  options: MinifyOptions,
  {
    signal,
    gate,
    now = () => performance.now(),
  }: {
    readonly signal?: AbortSignal;
    /** Each trial waits for it: how a search is paused. */
    readonly gate?: () => Promise<void>;
    readonly now?: () => number;
  } = {},
): MinifyRun {
  const queue = createEventQueue<MinifyRecord>();
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

async function run(
  options: MinifyOptions,
  control: Pick<Session, 'signal' | 'gate' | 'now' | 'emit'>,
): Promise<MinifyResult> {
  const { now, emit } = control;
  const startedMs = now();
  const program = loadProgram(resolve(options.cwd, options.input));
  const journal = openJournal(stateFolder(options), identityOf(options, program), options.resume);
  journal.saveBest(sourceDomain.files(program.tree));
  if (options.outputDirectory !== undefined)
    refuseForeignFolder(resolve(options.cwd, options.outputDirectory));
  const onStage = (name: string, verdict: string): void => {
    emit({ kind: 'minify-stage', timeMs: now() - startedMs, name, verdict });
  };
  const subject = await findSubject(options, program, now, onStage);
  const { oracle, failure, originalMs } = subject;
  try {
    refuseForeignFolder(reproFolder(options, failure.signature));
    const session: Session = { options, program, subject, oracle, journal, startedMs, onStage, ...control };
    const size = sourceDomain.size(program.tree);
    emit({
      kind: 'minify-start',
      timeMs: now() - startedMs,
      input: nameOf(options),
      signature: formatSignature(failure.signature),
      size,
      unit: 'tokens',
    });
    // Who watches sees from the start what is being shrunk.
    emit({
      kind: 'minify-best',
      timeMs: now() - startedMs,
      size,
      text: sourceDomain.text(program.tree),
    });
    if (failure.rate < 1) onStage('the original', `fails in ${rateText(failure)}`);
    if (failure.judgedBy !== undefined) onStage('judged by', failure.judgedBy);
    if (oracle instanceof ProgramOracle) oracle.expect(failure.signature);
    oracle.timeLimitMs = timeLimit(options, failure, originalMs);
    return await reduceProgram(session, failure);
  } finally {
    await oracle.close();
  }
}

/** The time that was spent on finding and rebuilding the failure counts as well. */
function leftOf({ maxDurationMs, ...budget }: Budget, spentMs: number): Budget {
  return maxDurationMs === undefined ? budget : { ...budget, maxDurationMs: maxDurationMs - spentMs };
}

/** `40 % of 10 runs` */
function rateText({ rate, runs }: Pick<ProbedFailure, 'rate' | 'runs'>): string {
  return `${Math.round(100 * rate)} % of ${runs} runs`;
}

function timeLimit(options: MinifyOptions, failure: ProbedFailure, originalMs: number): number {
  if (options.timeLimitMs !== undefined) return options.timeLimitMs;
  if (failure.signature.kind === 'hang') return firstTimeLimitMs / 6;
  // What takes much longer than slow does not end at all.
  if (failure.signature.kind === 'slow') return Math.max(2 * (options.slowMs ?? 0), 2 * originalMs);
  return Math.min(firstTimeLimitMs, Math.max(minTimeLimitMs, timeFactor * originalMs));
}

function stateFolder(options: MinifyOptions): string {
  const name = createHash('sha256').update(resolve(options.cwd, options.input)).digest('hex').slice(0, 12);
  return resolve(options.cwd, options.stateDirectory ?? join('.fullgraph', 'minify', name));
}

function reproFolder(options: MinifyOptions, signature: Signature): string {
  return resolve(options.cwd, options.outputDirectory ?? `fullgraph-repro-${signatureSlug(signature)}`);
}

/** The program's path as a report may show it. */
function nameOf({ cwd, input }: MinifyOptions): string {
  const path = relative(cwd, resolve(cwd, input));
  return path.startsWith('..') ? basename(input) : path;
}

/** What a journal is valid for: everything that verdicts depend on. */
function identityOf(options: MinifyOptions, program: LoadedProgram): string {
  const { arguments: parameters, capture, backend, reference, setup, fail, command, seed } = options;
  const { relativeTolerance, absoluteTolerance, isToleranceOnly, slowMs, timeLimitMs } = options;
  return JSON.stringify([
    sourceDomain.hash(program.tree),
    { parameters, capture, backend, reference, setup, fail, command, seed },
    { relativeTolerance, absoluteTolerance, isToleranceOnly, slowMs, timeLimitMs },
    process.version,
  ]);
}

async function reduceProgram(session: Session, failure: ProbedFailure): Promise<MinifyResult> {
  const { options, program, subject, oracle, journal, signal, gate, now, startedMs, onStage, emit } = session;
  const expected = failure.signature;
  const createProblem = (initial: SourceTree): Problem<SourceTree> =>
    new Problem({
      initial,
      expected,
      domain: sourceDomain,
      oracle,
      journal,
      jobs: options.jobs,
      budget: leftOf(options.budget, now() - startedMs),
      thoroughRuns: runsForRate(failure.rate),
      isWarm: oracle instanceof ProgramOracle,
      ...(signal ? { signal } : {}),
      ...(gate ? { gate } : {}),
      now,
      onRecord: (record) => {
        emit({ ...record, timeMs: now() - startedMs });
      },
    });
  const problem = createProblem(program.tree);
  let traced: Awaited<ReturnType<typeof traceProgram>>;
  try {
    if (oracle instanceof ProgramOracle) {
      const isCompiled = subject.capture !== undefined;
      traced = await traceProgram(oracle, program.tree, expected, createProblem, isCompiled);
    }
    if (traced !== undefined) {
      const isSmaller =
        compareSortKeys(sourceDomain.sortKey(traced.best), sourceDomain.sortKey(problem.best)) < 0;
      const outcome = isSmaller && (await problem.accepts('trace', traced.best)) ? 'rebuilt' : 'larger';
      onStage('trace', outcome);
    }
  } catch (error) {
    // Interrupted, or out of budget: the program as it is will be the best so far.
    if (!(error instanceof Stopped)) throw error;
  }
  const context = createSourceContext(oracle, expected);
  const end = await reduce(problem, sourcePasses, context, () => forget(context));
  const trials = problem.trials + (traced?.trials ?? 0);
  const oracleCalls = problem.oracleCalls + (traced?.oracleCalls ?? 0) + failure.runs;
  const { capture } = subject;
  const culprit =
    capture === undefined || !(oracle instanceof ProgramOracle)
      ? culpritOf(options, expected)
      : await blameCompiled(oracle, problem.best, expected, capture, { cwd: options.cwd, onStage });
  return writeResult(session, failure, problem, { culprit, end, trials, oracleCalls });
}

function culpritOf(options: MinifyOptions, signature: Signature): string | undefined {
  const backend = options.backend === undefined ? '' : `${options.backend} `;
  if (signature.kind === 'diverge' && signature.name !== 'read') return `${backend}kernel ${signature.name}`;
  if (signature.kind === 'nan') return `kernel ${signature.name}`;
  if (signature.where === '' || signature.where === 'user') return undefined;
  return signature.where.includes(':') ? signature.where : `${backend}kernel ${signature.where}`;
}

/** What `type` in package.json must say for files whose name leaves the format open. */
function packageType(tree: SourceTree): 'module' | 'commonjs' {
  const isOpen = /\.[jt]sx?$/;
  return tree.files.some(({ path, format }) => format === 'commonjs' && isOpen.test(path))
    ? 'commonjs'
    : 'module';
}

/** The longest part of a masked message that a repro must print. */
function tellingPart(signature: Signature): string {
  if (signature.kind !== 'crash') return '';
  const parts = signature.message.split(/#|<path>|\[|\]|\(|\)/).map((part) => part.trim());
  return parts.reduce((longest, part) => (part.length > longest.length ? part : longest), '');
}

async function writeResult(
  session: Session,
  failure: ProbedFailure,
  problem: Problem<SourceTree>,
  counts: Pick<MinifyResult, 'culprit' | 'end' | 'trials' | 'oracleCalls'>,
): Promise<MinifyResult> {
  const { options, program, oracle, now, startedMs, emit } = session;
  const { signature, message, rate } = failure;
  const tree = formatTree(problem.best);
  const { slowMs, command } = options;
  const { capture } = session.subject;
  const backend = capture?.backend ?? options.backend;
  const reference = options.reference ?? (capture === undefined ? undefined : eagerReference);
  const subject: ReproSubject = {
    tree,
    signature,
    message,
    ...(capture === undefined ? {} : { capture }),
    ...(backend === undefined ? {} : { backend }),
    ...(reference === undefined ? {} : { reference }),
    relativeTolerance: options.relativeTolerance,
    absoluteTolerance: options.absoluteTolerance,
    // A trial's time counts from when packages are loaded, the repro's from when Node starts.
    timeLimitMs: Math.ceil(
      Math.max(options.timeLimitMs === undefined ? 10_000 : 2_000, 2 * oracle.timeLimitMs),
    ),
    memoryLimitMb: options.memoryLimitMb,
    ...(slowMs === undefined ? {} : { slowMs }),
    ...(command === undefined ? {} : { command }),
  };
  const directory = reproFolder(options, signature);
  const folder = await writeVerifiedRepro(directory, program.root, reproVariants(subject, options.seed), {
    expected: tellingPart(signature),
    type: packageType(tree),
    ...(backend !== undefined && reference !== undefined ? { reference } : {}),
  });
  const model = await findModel(session, folder, tree, signature);
  const found = model === 'none' ? undefined : model;
  const neighbour = nearestPassing(tree, problem.passingNeighbours);
  const result: MinifyResult = {
    directory,
    isVerified: folder.isVerified,
    signature,
    message,
    rate,
    sizeBefore: sourceDomain.size(program.tree),
    sizeAfter: sourceDomain.size(tree),
    ...counts,
    hasModel: found !== undefined,
    durationMs: now() - startedMs,
    files: Object.fromEntries(tree.files.map(({ path, text }) => [path, text])),
    nearestPassing: neighbour,
    slips: problem.slips,
  };
  const report = bugReport({
    ...result,
    input: nameOf(options),
    reproText: folder.files['repro.mjs'] ?? sourceDomain.text(tree),
    output: folder.output,
    versions: {
      node: process.version.slice(1),
      ...installedVersions(folder.files, program.root),
      ...found?.versions,
    },
    unit: sourceDomain.unit,
    nearestPassing: neighbour,
    ...(failure.judgedBy === undefined ? {} : { judgedBy: failure.judgedBy }),
    ...(model === undefined ? {} : { model }),
    ...(backend === undefined ? {} : { backend }),
    ...(reference === undefined ? {} : { reference }),
  });
  writeFolder(directory, {
    ...folder.files,
    ...found?.files,
    'README.md': report,
    'diff.patch': patchOf(program, tree),
  });
  emit({
    kind: 'minify-end',
    timeMs: now() - startedMs,
    size: result.sizeAfter,
    trials: result.trials,
    directory,
    verified: folder.isVerified,
    ...(counts.culprit === undefined ? {} : { culprit: counts.culprit }),
  });
  return result;
}

/** The model that fails as the compiled program does; nothing for programs that are not compiled. */
async function findModel(
  { options, oracle, subject }: Session,
  folder: ReproFolder,
  tree: SourceTree,
  signature: Signature,
): Promise<VerifiedModel | 'none' | undefined> {
  const { capture } = subject;
  if (capture === undefined || !(oracle instanceof ProgramOracle)) return undefined;
  const { relativeTolerance: relative, absoluteTolerance: absolute, seed, cwd } = options;
  const tolerance = { relative, absolute };
  const model = await findModelRepro({ oracle, tree, signature, capture, tolerance, seed, cwd });
  return (model && (await addVerifiedModel(folder, model))) ?? 'none';
}

/** From the original files to the reduced ones. */
function patchOf(program: LoadedProgram, reduced: SourceTree): string {
  const [only] = reduced.files;
  // What was rebuilt from a trace stands in for the file that is run.
  const { entry } = program.tree;
  const tree =
    only !== undefined && reduced.files.length === 1 ? { entry, files: [{ ...only, path: entry }] } : reduced;
  const paths = new Set([...Object.keys(program.original), ...tree.files.map((file) => file.path)]);
  return [...paths]
    .map((path) => {
      const before = program.original[path];
      const after = tree.files.find((file) => file.path === path)?.text;
      return createTwoFilesPatch(
        before === undefined ? '/dev/null' : `a/${path}`,
        after === undefined ? '/dev/null' : `b/${path}`,
        before ?? '',
        after ?? '',
      );
    })
    .join('');
}
