/**
 * The child process that runs ONNX candidates, one at a time, warm between them. It notes each native call in its black box
 * before making it: when onnxruntime takes the process down, the note is all that is left.
 */
import { openBlackBox } from '../program/black-box.ts';
import { outputsDifference, relativeError } from './compare.ts';
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
  request: Pick<TrialRequest, 'model' | 'inputs' | 'isVerbose'>,
): Ran {
  let phase: Phase = 'load';
  try {
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

/** Whether double precision says that the subject is not worse than the reference is. */
function isRounding(
  request: TrialRequest,
  difference: Difference,
  reference: readonly TrialTensor[],
  subject: readonly TrialTensor[],
): boolean {
  if (request.exact === undefined || difference.kind !== 'diverge') return false;
  const exact = attempt('exact', { ...request.reference!, level: 'disabled' }, request.exact);
  const of = (tensors: readonly TrialTensor[]): TrialTensor | undefined =>
    tensors.find(({ name }) => name === difference.output);
  const right = of(reference);
  const wrong = of(subject);
  if (exact.outcome.kind !== 'ok' || right === undefined || wrong === undefined) return false;
  return relativeError(exact.outputs, wrong) <= rounding * relativeError(exact.outputs, right);
}

function compared(request: TrialRequest, role: Role, setup: Setup, reference: Ran | undefined): SetupOutcome {
  const ran = attempt(role, setup, request);
  if (ran.outcome.kind === 'error' || reference === undefined) return ran.outcome;
  const difference = outputsDifference(reference.outputs, ran.outputs, request.tolerance);
  if (difference === undefined || isRounding(request, difference, reference.outputs, ran.outputs))
    return ran.outcome;
  return { kind: 'ok', difference };
}

function answer(request: TrialRequest): TrialReport {
  const setup = request.subject ?? request.reference;
  const version = setup === undefined ? '' : loadOnnxruntime(setup.resolveFrom).version;
  const reference =
    request.reference === undefined ? undefined : attempt('reference', request.reference, request);
  const report: TrialReport = {
    version,
    ...(reference && { reference: reference.outcome }),
    ...(reference && request.wantsValues === true && { values: reference.outputs }),
  };
  if (request.subject === undefined || reference?.outcome.kind === 'error') return report;
  const subject = compared(request, 'subject', request.subject, reference);
  const hasFailed = subject.kind === 'error' || subject.difference !== undefined;
  if (!hasFailed || request.cure === undefined) return { ...report, subject };
  return { ...report, subject, cure: compared(request, 'cure', request.cure, reference) };
}

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
