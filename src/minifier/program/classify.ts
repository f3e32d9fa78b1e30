/** Turns what a child process reported, or its death, into a verdict. Pure. */
import type { WorkerOutcome } from '../process/worker-process.ts';
import {
  callbackContext,
  exitCodeName,
  failureOrigin,
  maskMessage,
  memoryLimitName,
  passed,
  readByProgram,
  type FailureKind,
  type Signature,
  type Verdict,
} from '../verdict.ts';
import { findDifference, type Tolerance } from './compare.ts';
import { judge, type Judgement } from './judge.ts';
import type { Read, RunReport } from './messages.ts';

export interface ClassifyPolicy {
  /** Tell exceptions in callbacks of different libraries apart. */
  readonly keepsCallbacks: boolean;
  /** Duration from which a run counts as slow. */
  readonly slowMs?: number;
}

function failure(
  kind: FailureKind,
  parts: { readonly name: string } & Partial<Pick<Signature, 'message' | 'where' | 'context'>>,
  message: string,
  numbers?: Verdict['numbers'],
): Verdict {
  const { name, message: masked = '', where = '', context } = parts;
  return {
    kind,
    signature: { kind, name, message: masked, where, ...(context ? { context } : {}) },
    message,
    ...(numbers ? { numbers } : {}),
  };
}

/** What the run showed: the first failure, and the others under `also`. */
export function classify(outcome: WorkerOutcome<RunReport>, policy: ClassifyPolicy): Verdict {
  if (outcome.kind === 'died') return classifyDeath(outcome);
  const { report } = outcome;
  if (report.ending === 'harness')
    return { kind: 'harness', message: report.error?.message ?? 'set-up failed' };
  const failures = [
    ...classifyEnding(report, policy),
    ...classifyDivergences(report),
    ...classifyNans(report),
    ...(policy.slowMs !== undefined && report.durationMs >= policy.slowMs
      ? [failure('slow', { name: 'slow' }, `took ${Math.round(report.durationMs)} ms`)]
      : []),
  ];
  const [first, ...also] = failures;
  if (first === undefined) return passed;
  return also.length === 0 ? first : { ...first, also };
}

function classifyDeath(outcome: Extract<WorkerOutcome<RunReport>, { kind: 'died' }>): Verdict {
  const op = outcome.note.replace(/ #\d+$/, '');
  const during = op === '' ? '' : ` during ${op}`;
  switch (outcome.cause) {
    case 'time':
      return failure('hang', { name: 'time limit', where: op }, `does not end${during}`);
    case 'memory':
      return failure('crash', { name: memoryLimitName, where: op }, `uses too much memory${during}`);
    case 'killed':
      return { kind: 'harness', message: 'the trial was given up' };
    case 'signal':
      return failure('crash', { name: outcome.status, where: op }, `${outcome.status}${during}`);
    case 'exit':
      return failure(
        'crash',
        { name: `${exitCodeName} ${outcome.status}`, where: op },
        `the process ended with code ${outcome.status}${during}`,
      );
    default:
      return outcome.cause satisfies never;
  }
}

function classifyEnding(report: RunReport, policy: ClassifyPolicy): Verdict[] {
  const { ending, error, exitCode, output } = report;
  if (ending === 'threw' && error !== undefined) {
    // Our own errors come out of whichever read needed the value.
    const where = error.code === undefined ? failureOrigin(error.stack) : `fullgraph:${error.code}`;
    const context = policy.keepsCallbacks ? callbackContext(error.stack) : '';
    const parts = { name: error.name, message: maskMessage(error.message), where, context };
    return [failure('crash', parts, `${error.name}: ${error.message.split('\n', 1)[0]}`)];
  }
  if (ending === 'exited' && exitCode !== 0) {
    const line = output.trimEnd().split('\n').at(-1) ?? '';
    return [
      failure(
        'crash',
        { name: `${exitCodeName} ${exitCode}`, message: maskMessage(line) },
        line === '' ? `exits with ${exitCode}` : `exits with ${exitCode}: ${line}`,
      ),
    ];
  }
  if (ending === 'unsettled') {
    return [failure('crash', { name: 'unsettled' }, 'ends while a top-level await is still waiting')];
  }
  return [];
}

function classifyDivergences(report: RunReport): Verdict[] {
  const seen = new Map<string, Verdict>();
  for (const divergence of report.divergences ?? []) {
    const { kernel, what, maxError, actual, expected, hasFiniteInputs, judgement } = divergence;
    const where = hasFiniteInputs ? '' : 'inputs not finite';
    const key = `${kernel} ${what} ${where}`;
    if (seen.has(key)) continue;
    const verdict = failure(
      'diverge',
      { name: kernel, message: what, where },
      `${kernel}: got ${actual}, the reference says ${expected}`,
      { maxError },
    );
    seen.set(key, { ...verdict, judgedBy: judgeText(judgement, report.inexact) });
  }
  return [...seen.values()];
}

function classifyNans(report: RunReport): Verdict[] {
  const seen = new Map<string, Verdict>();
  // NaN that nobody reads is often masked away on purpose: it is told apart from NaN that reached the program.
  for (const { kernel, origin, isRead } of report.nans ?? []) {
    const path = origin === kernel ? kernel : `${origin}, then ${kernel}`;
    const verdict = failure(
      'nan',
      { name: kernel, message: origin, where: isRead ? readByProgram : 'not read' },
      `NaN made by ${path}`,
    );
    if (!seen.has(`${path} ${isRead}`)) seen.set(`${path} ${isRead}`, verdict);
  }
  const isRead = (verdict: Verdict): boolean => verdict.signature?.where === readByProgram;
  const all = [...seen.values()];
  return [...all.filter(isRead), ...all.filter((verdict) => !isRead(verdict))];
}

/** The first read at which two whole runs of the program differ by more than rounding, as a verdict. */
export function compareReads(
  actual: readonly Read[],
  reference: Pick<RunReport, 'reads' | 'inexact'>,
  tolerance: Tolerance,
): Verdict {
  const expected = reference.reads ?? [];
  for (let index = 0; index < Math.max(actual.length, expected.length); index++) {
    const left = actual[index];
    const right = expected[index];
    if (left === undefined || right === undefined) {
      return failure(
        'diverge',
        { name: 'read', message: 'count' },
        `${actual.length} reads, the reference makes ${expected.length}`,
      );
    }
    const difference = findDifference(hostTensor(left), hostTensor(right), tolerance);
    if (difference === undefined) continue;
    const isNumber = difference.what !== 'shape' && difference.what !== 'dtype';
    const judgement = isNumber
      ? judge(numbers(left.values), numbers(right.values), numbers(right.exact))
      : undefined;
    if (judgement?.isRounding === true) continue;
    const isNan = difference.what === 'nan' && difference.actual === 'NaN';
    const verdict = failure(
      isNan ? 'nan' : 'diverge',
      { name: 'read', message: difference.what, ...(isNan ? { where: readByProgram } : {}) },
      `read ${index + 1}: got ${difference.actual}, the reference says ${difference.expected}`,
      { maxError: difference.maxError },
    );
    return { ...verdict, judgedBy: judgeText(judgement, reference.inexact) };
  }
  return passed;
}

/** Who said that it is more than rounding, for people. */
function judgeText(judgement: Judgement | undefined, inexact: RunReport['inexact']): string {
  if (inexact === undefined) return 'the tolerances alone';
  if (judgement === undefined) {
    const { reason } = inexact;
    return `the reference in float32${reason === undefined ? '' : `: no double precision (${reason})`}`;
  }
  const { actualError, expectedError } = judgement;
  const errors = `off by ${shortNumber(actualError)} of the largest value, the reference in float32 by ${shortNumber(expectedError)}`;
  const { kernels } = inexact;
  return `double precision: ${errors}${kernels.length === 0 ? '' : ` (without ${kernels.join(', ')})`}`;
}

function shortNumber(value: number): string {
  return Number.isFinite(value) ? String(Number(value.toPrecision(2))) : String(value);
}

function numbers(values: Read['values']): number[];
function numbers(values: Read['exact']): number[] | undefined;
function numbers(values: Read['exact']): number[] | undefined {
  return values?.map(Number);
}

function hostTensor(read: Read): { shape: readonly number[]; dtype: string; values: number[] } {
  return { ...read, values: numbers(read.values) };
}
