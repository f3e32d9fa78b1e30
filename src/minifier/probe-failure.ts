/**
 * The first question: does the original fail, how, and how often? Runs it a few times before anything is reduced; when the
 * answers differ, more often, so that the failure rate is known.
 */
import { UserError } from '../ir/errors.ts';
import type { Oracle } from './oracle.ts';
import { readByProgram, showsFailure, type FailureKind, type Signature, type Verdict } from './verdict.ts';

export interface ProbedFailure {
  readonly signature: Signature;
  /** The failure as one line, numbers and names unmasked. */
  readonly message: string;
  /** Of wrong numbers: by what they are known to be more than rounding. */
  readonly judgedBy?: string;
  /** Share of the runs that failed this way. */
  readonly rate: number;
  readonly runs: number;
}

/** Code of the error for a program that passes. */
export const doesNotFailCode = 'FG4004';

const firstRuns = 3;
const flakyRuns = 10;
/** Quick programs are run ten times in any case: three runs miss a failure of 60 % every fifth time. */
const quickRunsMs = 600;
/** Chance of taking a failing candidate for a passing one. */
const missChance = 0.02;
const maxRunsPerCandidate = 20;

/** What is asked about, and how a search of its kind is told more. */
export interface ProbedKind {
  readonly noun: 'program' | 'model';
  readonly hint: string;
  /** Whether it is looked into without having been named. */
  counts(signature: Signature): boolean;
}

/** NaN that a program makes and nobody reads may be meant. */
const program: ProbedKind = {
  noun: 'program',
  hint: 'Name the failing set-up with --backend and --reference, or the failure with --fail.',
  counts: ({ kind, where }) => kind !== 'nan' || where === readByProgram,
};

function chosen(verdict: Verdict, kind: FailureKind | 'auto', probed: ProbedKind): Verdict | undefined {
  return [verdict, ...(verdict.also ?? [])].find(
    ({ signature }) =>
      signature !== undefined && (kind === 'auto' ? probed.counts(signature) : signature.kind === kind),
  );
}

/** Runs a candidate needs before it is taken to pass, for a failure of this rate. */
export function runsForRate(rate: number): number {
  if (rate >= 1) return 1;
  return Math.min(maxRunsPerCandidate, Math.ceil(Math.log(missChance) / Math.log(1 - rate)));
}

/**
 * The failure of the original. With `auto`, the first that a run shows.
 * @throws UserError FG4004 when no run fails, or none in the wanted way.
 */
export async function probeFailure<T>(
  oracle: Oracle<T>,
  original: T,
  kind: FailureKind | 'auto',
  now: () => number,
  probed: ProbedKind = program,
): Promise<ProbedFailure> {
  const begunMs = now();
  const verdicts: Verdict[] = [];
  let failure: Verdict | undefined;
  for (let wanted = firstRuns; verdicts.length < wanted;) {
    const verdict = await oracle.judge(original, { cold: verdicts.length === 0 });
    verdicts.push(verdict);
    failure ??= chosen(verdict, kind, probed);
    const failed = failure === undefined ? 0 : countShowing(verdicts, failure.signature!);
    const isQuick = verdicts.length === firstRuns && now() - begunMs < quickRunsMs;
    if (isQuick || (failed < verdicts.length && failed > 0)) wanted = flakyRuns;
  }
  if (failure?.signature === undefined) throw doesNotFail(verdicts, kind, probed);
  const rate = countShowing(verdicts, failure.signature) / verdicts.length;
  const { signature, message, judgedBy } = failure;
  return { signature, message, rate, runs: verdicts.length, ...(judgedBy === undefined ? {} : { judgedBy }) };
}

function countShowing(verdicts: readonly Verdict[], signature: Signature): number {
  return verdicts.filter((verdict) => showsFailure(verdict, signature)).length;
}

function doesNotFail(
  verdicts: readonly Verdict[],
  kind: FailureKind | 'auto',
  { noun, hint }: ProbedKind,
): UserError {
  const [first] = verdicts;
  if (first?.kind === 'harness') {
    return new UserError(`minify: the ${noun} could not be run: ${first.message}`, {
      code: 'FG4005',
      hint: 'Check that its packages and backends are installed.',
    });
  }
  const found = first === undefined || first.kind === 'pass' ? 'it passes' : `it shows ${first.message}`;
  return new UserError(
    `minify: the ${noun} does not fail${kind === 'auto' ? '' : ` with ${kind}`}, ${found}`,
    {
      code: doesNotFailCode,
      hint,
    },
  );
}
