/**
 * How a model fails, found without being told: optimised against unoptimised, then in every set-up, then against another
 * onnxruntime. The answer is the experiment that every candidate goes through, with the optimizer pass to blame in it.
 */
import { dirname } from 'node:path';
import { UserError } from '../../ir/errors.ts';
import type { FailureKind } from '../verdict.ts';
import { findCulprit, trivialCase, type Blame } from './culprit.ts';
import { encodedModel, type GraphCase } from './graph-case.ts';
import { failureOf, trialRequest, type Experiment } from './graph-oracle.ts';
import { readableMessage } from './ort-messages.ts';
import type { Setup, Tolerance } from './trial-messages.ts';
import type { TrialOutcome, TrialPool } from './trial-pool.ts';

export interface FindFailureOptions {
  readonly pool: TrialPool;
  readonly tolerance: Tolerance;
  readonly limitMs: number;
  readonly now: () => number;
  /** From where onnxruntime-node is looked up. */
  readonly resolveFrom: string;
  /** Another onnxruntime-node that is right. */
  readonly against?: string;
  /** Device that is suspected; it is compared with the CPU. */
  readonly device?: string;
  /** Compare with our own evaluator, which finds kernels that are wrong at every level. */
  readonly usesEvaluator?: boolean;
  readonly kind: FailureKind | 'auto';
  /** Names of inputs whose values were drawn. */
  readonly drawn?: readonly string[];
  onStage(name: string, verdict: string): void;
}

export interface FoundFailure {
  readonly experiment: Experiment;
  readonly blame: Blame | undefined;
  /** A set-up in which the model runs, to record its values with. */
  readonly recording: Setup;
  /** `onnxruntime PadFusion (level basic)` */
  readonly introducedBy: string;
  /** Longest time for a run from here on: shorter than at first when the failure is to give no answer. */
  readonly limitMs: number;
}

/** A hang that was seen once for as long as anybody wants to wait shows in this time as well. */
export const hangLimitMs = 2_000;
/** How many times as long as without the failure. */
const hangFactor = 10;
/** Models up to this size are loaded in a fraction of that. */
const smallBytes = 2 ** 20;

function referenceFails(outcome: TrialOutcome): boolean {
  if (outcome.kind === 'died') return outcome.role === 'reference';
  return outcome.report.reference?.kind === 'error';
}

function subjectFails(outcome: TrialOutcome): boolean {
  if (outcome.kind === 'died') return outcome.role === 'subject';
  return outcome.report.subject !== undefined && failureOf(outcome.report.subject) !== undefined;
}

function assertLoads(outcome: TrialOutcome, folder?: string): void {
  const reference = outcome.kind === 'report' ? outcome.report.reference : undefined;
  if (reference?.kind !== 'error' || reference.phase !== 'load') return;
  const [reason] = reference.message.split('\n', 1);
  const where = folder === undefined ? '' : ` from ${folder}`;
  throw new UserError(`minify: onnxruntime-node cannot be loaded${where}: ${reason}`, {
    code: 'FG4005',
    hint: `Run \`npm install onnxruntime-node\`${folder === undefined ? '' : ' in that folder'}.`,
  });
}

const unregistered = /([\w.-]+:\w+)\S* is not a registered function\/op/;

/**
 * Refusals that say nothing about onnxruntime: operators that only a library has, values that we made up.
 * @throws UserError FG4005, FG4004
 */
function assertPlausible(outcome: TrialOutcome, drawn: readonly string[]): void {
  const reference = outcome.kind === 'report' ? outcome.report.reference : undefined;
  if (reference?.kind !== 'error') return;
  const operator = unregistered.exec(reference.message)?.[1];
  if (operator !== undefined) {
    throw new UserError(`minify: onnxruntime does not have the operator ${operator}`, {
      code: 'FG4005',
      hint: 'Cut the model before it, or say with --fail crash that this is the failure.',
    });
  }
  if (reference.phase !== 'run' || drawn.length === 0) return;
  throw new UserError(
    `minify: on values drawn for ${drawn.join(', ')} the model does not run: ${readableMessage(reference.message)}`,
    {
      code: 'FG4004',
      hint: 'Give values with --inputs, or sizes with --sizes batch=1; or say with --fail crash that this is the failure.',
    },
  );
}

function assertDevice(device: string, outcome: TrialOutcome): void {
  const subject = outcome.kind === 'report' ? outcome.report.subject : undefined;
  if (subject?.kind === 'ok') return;
  const reason =
    outcome.kind === 'died' ? outcome.status : subject?.kind === 'error' ? subject.message : 'no answer';
  throw new UserError(`minify: onnxruntime cannot use the device ${device}: ${reason}`, {
    code: 'FG4005',
    hint: 'Leave --device out, or install what the device needs: see `fullgraph doctor`.',
  });
}

function assertEvaluates(outcome: TrialOutcome): void {
  const reference = outcome.kind === 'report' ? outcome.report.reference : undefined;
  if (reference?.kind !== 'error') return;
  throw new UserError(`minify: the reference evaluator cannot take ${reference.message}`, {
    code: 'FG4005',
    hint: 'Leave --reference evaluator out.',
  });
}

/** Nothing is looked for when a command decides: values are recorded with the plainest set-up. */
export async function findExperiment(
  testCase: GraphCase,
  { command, ...options }: FindFailureOptions & { readonly command: string | undefined },
): Promise<FoundFailure> {
  if (command === undefined) return findFailure(testCase, options);
  const subject: Setup = { level: 'disabled', resolveFrom: options.resolveFrom };
  const introducedBy = 'what the command runs';
  const { limitMs } = options;
  return { experiment: { subject }, blame: undefined, recording: subject, introducedBy, limitMs };
}

/**
 * The experiment that shows the failure.
 * @throws UserError FG4004 when there is none, FG4005 when onnxruntime cannot be loaded.
 */
export async function findFailure(testCase: GraphCase, options: FindFailureOptions): Promise<FoundFailure> {
  const {
    pool,
    tolerance,
    limitMs: firstLimitMs,
    resolveFrom,
    against,
    usesEvaluator = false,
    device = 'cpu',
    onStage,
    now,
  } = options;
  const optimized: Setup = { level: 'all', resolveFrom };
  const plain: Setup = { level: 'disabled', resolveFrom };
  let limitMs = firstLimitMs;
  async function run(reference: Setup, subject: Setup): Promise<TrialOutcome> {
    const outcome = await pool.run(trialRequest(testCase, { reference, subject }, tolerance), limitMs);
    if (outcome.kind === 'died' && outcome.cause === 'time')
      limitMs = await limitAfterHang(outcome, reference);
    return outcome;
  }
  /** Every other run of a model that hangs would take all of the time. */
  async function limitAfterHang({ role }: { readonly role: string }, reference: Setup): Promise<number> {
    if (role === 'reference') {
      const isSmall = encodedModel(testCase).byteLength <= smallBytes;
      return isSmall ? Math.min(limitMs, hangLimitMs) : limitMs;
    }
    const begunMs = now();
    await pool.run(trialRequest(testCase, { reference }, tolerance), limitMs);
    return Math.min(limitMs, Math.max(hangLimitMs, hangFactor * (now() - begunMs)));
  }

  if (device !== 'cpu') {
    const subject: Setup = { ...optimized, device };
    assertDevice(device, await pool.run(trialRequest(trivialCase(), { subject }, tolerance), limitMs));
    const outcome = await run(optimized, subject);
    onStage(`onnxruntime on ${device} against the CPU`, subjectFails(outcome) ? 'fails' : 'passes');
    if (subjectFails(outcome)) {
      return {
        experiment: { subject, reference: optimized },
        blame: undefined,
        recording: optimized,
        introducedBy: `onnxruntime on ${device}; on the CPU it does not fail`,
        limitMs,
      };
    }
  }
  /** What the other onnxruntime does, when it is no better. */
  let asOther = '';
  if (against !== undefined) {
    const other: Setup = { level: 'all', resolveFrom: against };
    const outcome = await run(other, optimized);
    assertLoads(outcome, dirname(against));
    const [own, others] = [await versionOf(optimized), await versionOf(other)];
    onStage(`onnxruntime ${others}`, referenceFails(outcome) ? 'fails' : 'runs');
    asOther = `; ${others} fails as well`;
    if (!referenceFails(outcome)) {
      onStage(`onnxruntime ${own} against it`, subjectFails(outcome) ? 'fails' : 'gives the same');
      asOther = `; ${others} gives the same`;
      if (subjectFails(outcome)) {
        asOther = '';
        const found = await blamed(optimized, other);
        const what = found.blame?.name === '' ? '' : ` ${found.blame!.name} (level ${found.blame!.level})`;
        return { ...found, introducedBy: `onnxruntime ${own}${what}; ${others} does not fail` };
      }
    }
  }
  if (usesEvaluator) {
    const evaluator: Setup = { ...plain, engine: 'evaluator' };
    const kernels = await run(evaluator, plain);
    assertEvaluates(kernels);
    onStage(
      'onnxruntime without optimizations against the reference evaluator',
      subjectFails(kernels) ? 'fails' : 'passes',
    );
    if (subjectFails(kernels)) {
      return {
        experiment: { subject: plain, reference: evaluator },
        blame: undefined,
        recording: evaluator,
        introducedBy: "onnxruntime's kernels, at every optimization level",
        limitMs,
      };
    }
    const passes = await run(evaluator, optimized);
    onStage('onnxruntime with all optimizations against it', subjectFails(passes) ? 'fails' : 'passes');
    if (subjectFails(passes)) return blamed(optimized, evaluator);
  }
  const outcome = await run(plain, optimized);
  assertLoads(outcome);
  onStage('onnxruntime without optimizations', referenceFails(outcome) ? 'fails' : 'passes');
  if (referenceFails(outcome)) {
    if (options.kind === 'auto') assertPlausible(outcome, options.drawn ?? []);
    return {
      experiment: { subject: plain },
      blame: undefined,
      recording: plain,
      introducedBy: `onnxruntime, with and without optimizations${asOther}`,
      limitMs,
    };
  }
  onStage('onnxruntime with all optimizations', subjectFails(outcome) ? 'fails' : 'passes');
  if (!subjectFails(outcome)) {
    throw new UserError('minify: the model does not fail: with and without optimizations it gives the same', {
      code: 'FG4004',
      hint: 'Give the inputs that make it fail with --inputs, or an onnxruntime-node that is right with --against.',
    });
  }
  return await blamed(optimized, plain);

  async function versionOf(subject: Setup): Promise<string> {
    const outcome = await pool.run(trialRequest(trivialCase(), { subject }, tolerance), limitMs);
    return outcome.kind === 'report' ? outcome.report.version : '?';
  }

  async function blamed(subject: Setup, reference: Setup): Promise<FoundFailure> {
    const blame = await findCulprit(testCase, { ...options, limitMs, subject, reference });
    const lowest: Setup = { ...subject, level: blame.level };
    const cure: Setup = { ...lowest, disabledOptimizers: blame.optimizers };
    const what = blame.name === '' ? 'optimizations' : blame.name;
    return {
      experiment: {
        subject: lowest,
        reference,
        ...(blame.optimizers.length > 0 && { cure, culprit: blame.name }),
      },
      blame,
      recording: reference,
      introducedBy: `onnxruntime ${what} (level ${blame.level})${asOther}`,
      limitMs,
    };
  }
}
