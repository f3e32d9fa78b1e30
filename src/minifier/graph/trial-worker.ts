/**
 * The child process that runs ONNX candidates, one at a time, warm between them. It notes each native call in its black box
 * before making it: when onnxruntime takes the process down, the note is all that is left.
 */
import { openBlackBox } from '../program/black-box.ts';
// Not the index: this file is bundled alone, without packages.
import { allocateArray, type OnnxDataType } from '../../onnx/data-type.ts';
import { outputsDifference, relativeError } from './compare.ts';
import { evaluateModel } from './evaluator/evaluate.ts';
import { loadOnnxruntime, runModel } from './ort-binding.ts';
import type {
  Difference,
  Phase,
  Setup,
  SetupOutcome,
  TrialReport,
  TrialRequest,
  TrialTensor,
} from './trial-messages.ts';

const blackBox = openBlackBox(process.argv[2]!);

/** How much worse than the reference the subject must be, both against double precision. */
const rounding = 4;

type Role = 'reference' | 'subject' | 'cure' | 'exact';

interface Ran {
  readonly outcome: SetupOutcome;
  readonly outputs: readonly TrialTensor[];
}

function attempt(
  role: Role,
  setup: Setup,
  request: Pick<TrialRequest, 'model' | 'inputs' | 'data' | 'isVerbose'>,
): Ran {
  let phase: Phase = 'load';
  try {
    if (setup.engine === 'evaluator') {
      phase = 'run';
      blackBox.note(`${role} run`);
      return { outcome: { kind: 'ok' }, outputs: evaluated(request).map(asStored) };
    }
    const outputs = runModel(
      request.model,
      request.inputs,
      setup,
      (next) => {
        phase = next;
        blackBox.note(`${role} ${next}`);
      },
      role === 'subject' && request.isVerbose === true,
    );
    return { outcome: { kind: 'ok' }, outputs };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { outcome: { kind: 'error', phase, message }, outputs: [] };
  }
}

/** What our own evaluator gives: doubles under the names of their element types. */
function evaluated({ data: model, inputs }: Pick<TrialRequest, 'data' | 'inputs'>): TrialTensor[] {
  if (model === undefined) throw new Error('a model of this size');
  const tensors = inputs.map(({ type, ...input }) => ({ ...input, dataType: type as OnnxDataType }));
  return evaluateModel(model, tensors).map(({ name, dataType, dims, data }) => ({
    name,
    type: dataType,
    dims,
    data,
  }));
}

/** The tensor in the array that its type is stored in. */
function asStored(tensor: TrialTensor): TrialTensor {
  const data = allocateArray(tensor.type as OnnxDataType, tensor.data.length);
  for (let index = 0; index < data.length; index++) {
    const value = Number(tensor.data[index]);
    data[index] = data instanceof BigInt64Array || data instanceof BigUint64Array ? BigInt(value) : value;
  }
  return { ...tensor, data };
}

/** The outputs in double precision, of onnxruntime or where it has no such kernels, of our evaluator. */
function exactOutputs(request: TrialRequest): readonly TrialTensor[] | undefined {
  if (request.exact !== undefined) {
    const exact = attempt('exact', { ...request.reference!, level: 'disabled' }, request.exact);
    if (exact.outcome.kind === 'ok') return exact.outputs;
  }
  try {
    return evaluated(request);
  } catch {
    // Nobody judges.
    return undefined;
  }
}

/** Whether double precision says that the subject is not worse than the reference is. */
function isRounding(
  request: TrialRequest,
  difference: Difference,
  reference: readonly TrialTensor[],
  subject: readonly TrialTensor[],
): boolean {
  if (difference.kind !== 'diverge' || request.reference?.engine === 'evaluator') return false;
  const of = (tensors: readonly TrialTensor[]): TrialTensor | undefined =>
    tensors.find(({ name }) => name === difference.output);
  const right = of(reference);
  const wrong = of(subject);
  const exact = right && wrong && exactOutputs(request);
  return exact !== undefined && relativeError(exact, wrong!) <= rounding * relativeError(exact, right!);
}

function compared(
  request: TrialRequest,
  role: Role,
  setup: Setup,
  expected: readonly TrialTensor[] | undefined,
): SetupOutcome {
  const ran = attempt(role, setup, request);
  if (ran.outcome.kind === 'error' || expected === undefined) return ran.outcome;
  const difference = outputsDifference(expected, ran.outputs, request.tolerance);
  if (difference === undefined || isRounding(request, difference, expected, ran.outputs)) return ran.outcome;
  return { kind: 'ok', difference };
}

function answer(request: TrialRequest): TrialReport {
  const setup = request.subject ?? request.reference;
  const version =
    setup === undefined || setup.engine !== undefined ? '' : loadOnnxruntime(setup.resolveFrom).version;
  const reference =
    request.reference === undefined ? undefined : attempt('reference', request.reference, request);
  const report: TrialReport = {
    version,
    ...(reference && { reference: reference.outcome }),
    ...(reference && request.wantsValues === true && { values: reference.outputs }),
  };
  if (request.subject === undefined || reference?.outcome.kind === 'error') return report;
  const expected = reference?.outputs ?? request.expected;
  const subject = compared(request, 'subject', request.subject, expected);
  const hasFailed = subject.kind === 'error' || subject.difference !== undefined;
  if (!hasFailed || request.cure === undefined) return { ...report, subject };
  return { ...report, subject, cure: compared(request, 'cure', request.cure, expected) };
}

// The minifier is gone: nobody asks any more.
process.on('disconnect', () => process.exit());

process.on('message', (request: TrialRequest) => {
  blackBox.note('load');
  process.send!({ kind: 'started' });
  let report: TrialReport;
  try {
    report = answer(request);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    report = { version: '', reference: { kind: 'error', phase: 'load', message } };
  }
  process.send!(report);
});
