/**
 * onnxruntime-node's native binding for candidates, loaded inside the child process only: synchronous, and of any
 * installed version, so that versions can be compared. A candidate's session lives for one run.
 */
import { createRequire } from 'node:module';
import { withoutTelemetry } from '../../onnxruntime-telemetry.ts';
import type { Setup, TrialTensor } from './trial-messages.ts';

interface NativeTensor {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: TrialTensor['data'];
  readonly location: 'cpu';
}

interface NativeSession {
  loadModel(buffer: ArrayBufferLike, offset: number, length: number, options: object): void;
  readonly outputMetadata?: readonly { readonly name: string; readonly isTensor?: boolean }[];
  readonly outputNames?: readonly string[];
  run(
    feeds: Readonly<Record<string, NativeTensor>>,
    fetches: Readonly<Record<string, null>>,
    options: object,
  ): Record<string, NativeTensor>;
  dispose(): void;
}

interface BindingModule {
  readonly binding: { readonly InferenceSession: new () => NativeSession };
  readonly initOrt?: () => void;
}

export interface Onnxruntime {
  readonly version: string;
  newSession(): NativeSession;
}

const loaded = new Map<string, Onnxruntime>();

/** The onnxruntime that `from` would get. @throws what loading threw. */
export function loadOnnxruntime(from: string): Onnxruntime {
  const known = loaded.get(from);
  if (known !== undefined) return known;
  const requireFrom = createRequire(from);
  const manifest = requireFrom.resolve('onnxruntime-node/package.json');
  const { version } = requireFrom(manifest) as { version: string };
  const { binding, initOrt } = requireFrom('onnxruntime-node/dist/binding.js') as BindingModule;
  const { env } = createRequire(manifest)('onnxruntime-common') as { env: { logLevel?: string } };
  env.logLevel = 'fatal';
  if (initOrt !== undefined) withoutTelemetry(initOrt);
  const runtime = { version, newSession: () => new binding.InferenceSession() };
  loaded.set(from, runtime);
  return runtime;
}

/** Log severities of onnxruntime: 1 tells what the optimizer did, 4 nothing. */
const verbose = 1;
const silent = 4;

function sessionOptions(setup: Setup, isVerbose: boolean): object {
  const { level, disabledOptimizers = [], device = 'cpu' } = setup;
  return {
    executionProviders: device === 'cpu' ? ['cpu'] : [device, 'cpu'],
    graphOptimizationLevel: level,
    logSeverityLevel: isVerbose ? verbose : silent,
    // One thread: the order of additions is the same in every run.
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    extra: {
      'session.intra_op.allow_spinning': '0',
      ...(disabledOptimizers.length > 0 && {
        'optimization.disable_specified_optimizers': disabledOptimizers.join(';'),
      }),
    },
  };
}

/**
 * Runs a model once.
 * @param onPhase is told before each native call.
 * @returns tensors among the outputs. @throws what onnxruntime throws.
 */
export function runModel(
  model: Uint8Array,
  inputs: readonly TrialTensor[],
  setup: Setup,
  onPhase: (phase: 'create' | 'run') => void,
  isVerbose = false,
): TrialTensor[] {
  const session = loadOnnxruntime(setup.resolveFrom).newSession();
  try {
    onPhase('create');
    session.loadModel(model.buffer, model.byteOffset, model.byteLength, sessionOptions(setup, isVerbose));
    const names =
      session.outputMetadata?.filter(({ isTensor }) => isTensor !== false).map(({ name }) => name) ??
      session.outputNames ??
      [];
    onPhase('run');
    const feeds = inputs.map(({ name, type, dims, data }) => [
      name,
      { type, dims, data, location: 'cpu' as const },
    ]);
    const results = session.run(
      Object.fromEntries(feeds) as Record<string, NativeTensor>,
      Object.fromEntries(names.map((name) => [name, null])),
      {},
    );
    return names.map((name) => {
      const { type, dims, data } = results[name]!;
      return { name, type, dims: [...dims], data };
    });
  } finally {
    try {
      session.dispose();
    } catch {
      // A session that refused its model has nothing to dispose; the refusal is what matters.
    }
  }
}
