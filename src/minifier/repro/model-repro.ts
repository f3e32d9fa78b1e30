/**
 * The second form of a repro whose program is compiled: the model that onnxruntime gets for it, with the values that it ran on.
 * The program runs once more and leaves its models behind; the first that fails in the same way on its own is the one.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { decodeNpz, readModelFile, type OnnxTensor } from '../../onnx/index.ts';
import { expectedOutputs } from '../graph/expected-outputs.ts';
import { createGraphOracle, type Experiment } from '../graph/graph-oracle.ts';
import { graphDomain, type GraphCase } from '../graph/graph-case.ts';
import { makeInputs } from '../graph/make-inputs.ts';
import { reproScript } from '../graph/repro-script.ts';
import type { Setup, Tolerance } from '../graph/trial-messages.ts';
import { TrialPool } from '../graph/trial-pool.ts';
import { scratchFolder } from '../process/worker-process.ts';
import { modelFiles, type CaptureSettings, type ModelSetup } from '../program/messages.ts';
import type { ProgramOracle } from '../program/program-oracle.ts';
import type { SourceTree } from '../source/source-tree.ts';
import type { Signature } from '../verdict.ts';

/** Name of the script that runs the model. */
export const modelScript = 'repro-onnx.mjs';

export interface ModelReproRequest {
  readonly oracle: ProgramOracle;
  /** The reduced program. */
  readonly tree: SourceTree;
  readonly signature: Signature;
  readonly capture: CaptureSettings;
  readonly tolerance: Tolerance;
  readonly seed: number;
  readonly cwd: string;
}

/** Files to write beside the program's repro: `model.onnx`, `inputs.npz` and {@link modelScript}. */
export type ModelReproFiles = Readonly<Record<string, string | Uint8Array>>;

/** Time for one run of a model. */
const limitMs = 20_000;
const memoryLimitMb = 4_096;

interface WrittenModel {
  readonly testCase: GraphCase;
  readonly setup: ModelSetup;
}

/** The models in the folder, the last one first: after a crash, it is what onnxruntime was at. */
function readModels(folder: string, seed: number): WrittenModel[] {
  const models: WrittenModel[] = [];
  for (let number = 0; existsSync(modelFiles(folder, number).setup); number++) {
    const files = modelFiles(folder, number);
    const model = readModelFile(files.model);
    const arrays = existsSync(files.inputs) ? decodeNpz(readFileSync(files.inputs)) : new Map();
    const given = new Map(
      [...arrays].map(([name, array]): [string, OnnxTensor] => [name, { name, ...array }]),
    );
    const setup = JSON.parse(readFileSync(files.setup, 'utf8')) as ModelSetup;
    models.unshift({ testCase: { model, inputs: makeInputs(model, { seed, given }) }, setup });
  }
  return models;
}

/** What the model is compared with: onnxruntime without its optimizer, then our evaluator. Nothing, when it crashes. */
function experimentsFor(kind: Signature['kind'], subject: Setup): Experiment[] {
  if (kind !== 'diverge' && kind !== 'nan') return [{ subject }];
  const plain: Setup = { level: 'disabled', resolveFrom: subject.resolveFrom };
  const evaluator: Setup = { ...plain, engine: 'evaluator' };
  return [plain, evaluator].map((reference) => ({ subject, reference }));
}

function isSameKind(seen: Signature, expected: Signature): boolean {
  const isSignal = expected.kind === 'crash' && expected.name.startsWith('SIG');
  return seen.kind === expected.kind && (!isSignal || seen.name === expected.name);
}

/** The files; `undefined` when no model fails by itself as the program does. */
export async function findModelRepro(request: ModelReproRequest): Promise<ModelReproFiles | undefined> {
  const { oracle, tree, signature: expected, capture, tolerance, seed, cwd } = request;
  const modelFolder = mkdtempSync(join(scratchFolder(), 'models-'));
  const resolveFrom = import.meta.url;
  const pool = new TrialPool({ jobs: 1, cwd, memoryLimitMb, warmUp: { level: 'all', resolveFrom } });
  try {
    await oracle.examine(tree, { capture: { ...capture, modelFolder } });
    const { device } = capture;
    for (const { testCase, setup } of readModels(modelFolder, seed)) {
      const subject: Setup = { ...setup, resolveFrom, ...(device === undefined ? {} : { device }) };
      for (const experiment of experimentsFor(expected.kind, subject)) {
        const judge = createGraphOracle({ pool, experiment, tolerance, timeLimitMs: limitMs });
        const { signature, message } = await judge.judge(testCase);
        if (signature === undefined || !isSameKind(signature, expected)) continue;
        const values = await expectedOutputs(testCase, experiment, pool, limitMs);
        const facts = { best: testCase, experiment, signature, message, tolerance, timeLimitMs: limitMs };
        const script = reproScript({ ...facts, ...(values ? { expected: values } : {}) });
        return { ...graphDomain.files(testCase), [modelScript]: script };
      }
    }
    return undefined;
  } finally {
    pool.close();
    rmSync(modelFolder, { recursive: true, force: true });
  }
}
