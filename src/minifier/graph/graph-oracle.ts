/**
 * The oracle for ONNX models: runs a model in the suspected set-up, against a reference that is believed to be right, and, when
 * it fails, once more without the optimizer pass to blame. A candidate that fails for another reason, or whose reference
 * fails, does not count.
 */
import type { OnnxTensor } from '../../onnx/index.ts';
import type { JudgeOptions, Oracle } from '../oracle.ts';
import { passed, type FailureKind, type Signature, type Verdict } from '../verdict.ts';
import { encodedModel, type GraphCase } from './graph-case.ts';
import { maskedMessage, readableMessage } from './ort-messages.ts';
import type {
  Difference,
  Setup,
  SetupOutcome,
  Tolerance,
  TrialReport,
  TrialRequest,
  TrialTensor,
} from './trial-messages.ts';
import type { TrialOutcome, TrialPool } from './trial-pool.ts';
import { widenCase } from './widen.ts';

/** What is run, and what it is compared with. */
export interface Experiment {
  readonly subject: Setup;
  /** Left out for a model that fails in every set-up. */
  readonly reference?: Setup;
  /** The subject without what is to blame. */
  readonly cure?: Setup;
  /** Name of what is to blame. */
  readonly culprit?: string;
}

export interface GraphOracleOptions {
  readonly pool: TrialPool;
  readonly experiment: Experiment;
  readonly tolerance: Tolerance;
  readonly timeLimitMs: number;
}

/** `where` of a failure that something else than the known culprit causes. */
const elsewhere = 'another cause';

/** Models up to this size are sent with all that judging a difference may need. */
const smallBytes = 2 ** 20;

export function trialInputs({ inputs }: GraphCase): TrialTensor[] {
  return [...inputs].map(([name, { dataType, dims, data }]) => ({ name, type: dataType, dims, data }));
}

/** A tensor that came back from a trial. */
export function fromTrial({ name, type, dims, data }: TrialTensor): OnnxTensor {
  return { name, dataType: type as OnnxTensor['dataType'], dims, data };
}

/** The request for one trial of a test case. */
export function trialRequest(
  testCase: GraphCase,
  setups: Pick<TrialRequest, 'reference' | 'subject' | 'cure'>,
  tolerance: Tolerance,
): TrialRequest {
  const model = encodedModel(testCase);
  const isJudged = setups.subject !== undefined && setups.reference !== undefined;
  const needsData = setups.reference?.engine === 'evaluator' || (isJudged && model.byteLength <= smallBytes);
  return {
    model,
    inputs: trialInputs(testCase),
    ...(needsData && { data: testCase.model }),
    ...setups,
    tolerance,
  };
}

function invalid(message: string): Verdict {
  return { kind: 'pass', message: `not a valid candidate: ${message}` };
}

function trouble(message: string): Verdict {
  return { kind: 'harness', message };
}

function failed(
  kind: FailureKind,
  name: string,
  message: string,
  text: string,
): Verdict & { signature: Signature } {
  return { kind, signature: { kind, name, message, where: '', context: '' }, message: text };
}

function describeDifference({ output, expected, actual, index, differing, elements }: Difference): string {
  return `output ${output}: ${differing} of ${elements} values differ, at ${index} expected ${expected}, got ${actual}`;
}

function differenceVerdict(difference: Difference): Verdict & { signature: Signature } {
  const { excess, maxError } = difference;
  if (difference.kind === 'shape')
    return failed(
      'diverge',
      'wrong shape or type',
      '',
      `output ${difference.output} has another shape or type`,
    );
  const verdict =
    difference.kind === 'nan'
      ? failed('nan', 'NaN', '', describeDifference(difference))
      : failed('diverge', 'wrong numbers', '', describeDifference(difference));
  return { ...verdict, numbers: { maxError, excess } };
}

/** The failure that one set-up showed, without its cause; undefined when it did not fail. */
export function failureOf(outcome: SetupOutcome): (Verdict & { signature: Signature }) | undefined {
  if (outcome.kind === 'error')
    return failed('crash', 'Error', maskedMessage(outcome.message), readableMessage(outcome.message));
  return outcome.difference === undefined ? undefined : differenceVerdict(outcome.difference);
}

function deathVerdict({
  cause,
  status,
  phase,
}: Extract<TrialOutcome, { kind: 'died' }>): Verdict & { signature: Signature } {
  const doing = phase === 'create' ? 'while the session was created' : 'while it ran';
  switch (cause) {
    case 'time':
      return failed('hang', `no answer ${doing}`, '', `no answer ${doing}`);
    case 'memory':
      return failed('crash', 'memory limit', phase, `memory limit reached ${doing}`);
    case 'exit':
      return failed('crash', `exit code ${status}`, phase, `the process ended with code ${status} ${doing}`);
    default:
      return failed('crash', status, phase, `${status} ${doing}`);
  }
}

function hasDifference({ subject }: TrialReport): boolean {
  return subject?.kind === 'ok' && subject.difference?.kind === 'diverge';
}

function withCause(verdict: Verdict & { signature: Signature }, where: string): Verdict {
  return { ...verdict, signature: { ...verdict.signature, where } };
}

/** An oracle that runs each candidate as the experiment says. */
export function createGraphOracle(options: GraphOracleOptions): Oracle<GraphCase> {
  const { pool, experiment, tolerance, timeLimitMs } = options;
  const { subject, reference, cure, culprit = '' } = experiment;

  async function cured(testCase: GraphCase, judge: JudgeOptions): Promise<boolean> {
    if (cure === undefined) return true;
    const outcome = await pool.run(trialRequest(testCase, { subject: cure }, tolerance), timeLimitMs, judge);
    return outcome.kind === 'report' && outcome.report.subject?.kind === 'ok';
  }

  const setups = { subject, ...(reference && { reference }), ...(cure && { cure }) };

  /** Runs a test case; a difference is judged against double precision, in the same trial while the model is small. */
  async function ask(testCase: GraphCase, judgeOptions: JudgeOptions): Promise<TrialOutcome> {
    const request = trialRequest(testCase, setups, tolerance);
    const run = (asked: TrialRequest): Promise<TrialOutcome> => pool.run(asked, timeLimitMs, judgeOptions);
    const isNative = reference !== undefined && reference.engine === undefined;
    const wide = isNative ? widenCase(testCase) : undefined;
    if (wide === undefined) return run(request);
    const isSmall = encodedModel(testCase).byteLength <= smallBytes;
    const first = isSmall ? undefined : await run(request);
    if (first !== undefined && !(first.kind === 'report' && hasDifference(first.report))) return first;
    const judged = await run({
      ...request,
      exact: { model: encodedModel(wide), inputs: trialInputs(wide) },
    });
    // A judge that dies says nothing.
    return judged.kind === 'died' && judged.role === 'exact' ? (first ?? run(request)) : judged;
  }

  async function judge(testCase: GraphCase, judgeOptions: JudgeOptions = {}): Promise<Verdict> {
    const outcome = await ask(testCase, judgeOptions);
    if (outcome.kind === 'died') {
      if (outcome.cause === 'killed') return trouble('the trial was stopped');
      if (outcome.phase === 'load') return trouble(`onnxruntime could not be loaded (${outcome.status})`);
      if (outcome.role === 'reference') return invalid(`the reference died of ${outcome.status}`);
      const verdict = deathVerdict(outcome);
      if (outcome.role === 'cure') return withCause(verdict, elsewhere);
      return withCause(verdict, (await cured(testCase, judgeOptions)) ? culprit : elsewhere);
    }
    const { report } = outcome;
    if (report.reference?.kind === 'error') {
      const { phase, message } = report.reference;
      return phase === 'load' ? trouble(message) : invalid(readableMessage(message));
    }
    if (report.subject?.kind === 'error' && report.subject.phase === 'load')
      return trouble(report.subject.message);
    const verdict = report.subject && failureOf(report.subject);
    if (verdict === undefined) return passed;
    const isCured = report.cure === undefined || failureOf(report.cure) === undefined;
    return withCause(verdict, isCured ? culprit : elsewhere);
  }

  return { judge, close: () => Promise.resolve() };
}
