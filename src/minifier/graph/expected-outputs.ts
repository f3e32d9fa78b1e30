/** What a repro compares with when it cannot compute that itself. */
import type { OnnxTensor } from '../../onnx/index.ts';
import type { GraphCase } from './graph-case.ts';
import { fromTrial, trialRequest, type Experiment } from './graph-oracle.ts';
import type { TrialPool } from './trial-pool.ts';

/** Outputs that the repro must know because its reference cannot be run there. */
export async function expectedOutputs(
  testCase: GraphCase,
  { reference, subject }: Experiment,
  pool: TrialPool,
  limitMs: number,
): Promise<OnnxTensor[] | undefined> {
  const isThere = reference?.engine === undefined && reference?.resolveFrom === subject.resolveFrom;
  if (reference === undefined || isThere) return undefined;
  const request = trialRequest(testCase, { reference }, { relative: 0, absolute: 0 });
  const outcome = await pool.run({ ...request, wantsValues: true }, limitMs);
  return outcome.kind === 'report' ? outcome.report.values?.map(fromTrial) : undefined;
}
