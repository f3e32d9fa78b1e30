/**
 * How the program has to be run for its failure to show: as it was asked for; when nothing was asked for and the program passes as
 * it is, captured and compiled, against the same program on tfjs's cpu kernels.
 */
import { FullgraphError } from '../../ir/errors.ts';
import { defaultCompiler, type MinifyOptions } from '../options.ts';
import { doesNotFailCode, probeFailure, type ProbedFailure } from '../probe-failure.ts';
import type { LoadedProgram } from '../source/load-program.ts';
import { CommandOracle } from './command-oracle.ts';
import type { CaptureSettings } from './messages.ts';
import { ProgramOracle } from './program-oracle.ts';

export interface Subject {
  readonly oracle: ProgramOracle | CommandOracle;
  readonly failure: ProbedFailure;
  /** Time of one run of the original. */
  readonly originalMs: number;
  /** How it is captured, when that is what fails. */
  readonly capture: CaptureSettings | undefined;
}

/** Time that a trial may take before the original was measured. */
export const firstTimeLimitMs = 30_000;

/** The same after a run that did not end: what the others say is known by then. */
const retryLimitMs = 10_000;

/** tfjs's backend that captured programs are compared with. */
export const eagerReference = 'cpu';

function createOracle(
  options: MinifyOptions,
  program: LoadedProgram,
  capture: CaptureSettings | undefined,
): ProgramOracle | CommandOracle {
  const timeLimitMs = options.timeLimitMs ?? firstTimeLimitMs;
  const { command, jobs, backend, setup } = options;
  if (command !== undefined) return new CommandOracle({ command, jobs, timeLimitMs });
  const reference = options.reference ?? (capture === undefined ? undefined : eagerReference);
  return new ProgramOracle({
    root: program.root,
    cwd: options.cwd,
    arguments: options.arguments,
    suspect: {
      ...(backend === undefined ? {} : { backend }),
      ...(capture === undefined ? {} : { capture }),
      setup,
    },
    ...(reference === undefined ? {} : { reference: { backend: reference } }),
    comparison: setup.length > 0 || capture !== undefined ? 'reads' : 'kernels',
    relativeTolerance: options.relativeTolerance,
    absoluteTolerance: options.absoluteTolerance,
    isToleranceOnly: options.isToleranceOnly === true,
    seed: options.seed,
    jobs,
    timeLimitMs,
    ...(options.timeLimitMs === undefined ? { retryLimitMs } : {}),
    memoryLimitMb: options.memoryLimitMb,
    ...(options.slowMs === undefined ? {} : { slowMs: options.slowMs }),
  });
}

/** Whether a program that passes as it is may be tried under capture: nobody said what fails. */
function mayCapture({ capture, backend, reference, setup, command }: MinifyOptions): boolean {
  return [capture, backend, reference, command].every((given) => given === undefined) && setup.length === 0;
}

/**
 * The subject of the search; its oracle is open.
 * @throws UserError FG4004 when it does not fail, FG4005 when it cannot be run.
 */
export async function findSubject(
  options: MinifyOptions,
  program: LoadedProgram,
  now: () => number,
  onStage: (name: string, verdict: string) => void,
): Promise<Subject> {
  const attempts = [options.capture, ...(mayCapture(options) ? [{ backend: defaultCompiler }] : [])] as const;
  for (const [index, capture] of attempts.entries()) {
    const oracle = createOracle(options, program, capture);
    try {
      const begunMs = now();
      const failure = await probeFailure(oracle, program.tree, options.fail, now);
      if (index > 0) onStage(`captured and compiled with ${capture!.backend}`, 'fails');
      return { oracle, failure, originalMs: (now() - begunMs) / failure.runs, capture };
    } catch (error) {
      await oracle.close();
      const isPassing = error instanceof FullgraphError && error.code === doesNotFailCode;
      if (!isPassing || index === attempts.length - 1) throw error;
      onStage('as it is', 'passes');
    }
  }
  throw new Error('unreachable: the last attempt returns or throws');
}
