/** Who is asked about candidates: onnxruntime in our own processes, or a shell command; and how long they may take. */
import type { Oracle } from '../oracle.ts';
import { CommandRunner } from '../process/command-runner.ts';
import { graphDomain, type GraphCase } from './graph-case.ts';
import { createGraphOracle, type GraphOracleOptions } from './graph-oracle.ts';

export interface ChooseOracleOptions extends GraphOracleOptions {
  /** Exits with 0 while `model.onnx` and `inputs.npz` in its working folder fail. */
  readonly command: string | undefined;
  readonly jobs: number;
}

/** The oracle for these options. */
export function chooseOracle(options: ChooseOracleOptions): Oracle<GraphCase> {
  const { command, jobs, timeLimitMs } = options;
  if (command === undefined) return createGraphOracle(options);
  const runner = new CommandRunner({ command, jobs, timeLimitMs });
  return {
    judge: (testCase, { signal } = {}) => runner.judge(graphDomain.files(testCase), signal),
    close: async () => {
      runner.close();
    },
  };
}

/** Asks `hasty`, and `patient` where the answer must hold: for a failure that takes as long as it may. */
export function hastyOracle(hasty: Oracle<GraphCase>, patient: Oracle<GraphCase>): Oracle<GraphCase> {
  return {
    judge: (testCase, options) => (options?.cold === true ? patient : hasty).judge(testCase, options),
    close: async () => {
      await Promise.all([hasty.close(), patient.close()]);
    },
  };
}
