/** The default backend: graphs lowered to ONNX, run by onnxruntime on a device. */
import { encodeModel } from '../onnx/index.ts';
import {
  createOrtSession,
  type OrtDevice,
  type OrtOptimizationLevel,
  type OrtSession,
} from './backends/onnxruntime.ts';
import { BackendError } from '../ir/errors.ts';
import { buildModel } from './build-model.ts';
import type { Backend, RunKernel } from './executable.ts';
import type { OpDefinitions } from './lower.ts';
import { compileGraph, type ExecutableContext } from './onnx-executable.ts';
import { optimizeSegment } from './passes/index.ts';
import type { ElementArray } from './segment.ts';
import { createSessionStore, type MakeSession } from './session-store.ts';

export interface OnnxBackendOptions {
  readonly table: OpDefinitions;
  readonly runKernel: RunKernel;
  readonly device?: OrtDevice;
  /** Threads of one operator; default: one per core. */
  readonly threads?: number;
  /** Whether idle threads spin between operators. Default true. */
  readonly spinning?: boolean;
  /** Milliseconds; only differences count. */
  readonly now?: () => number;
}

/** Fusions into operators that are slower than what they replace: BERT ran 1.15 to 1.3 times longer with them. */
const slowFusions: readonly string[] = ['SkipLayerNormFusion'];

/**
 * Optimizers of onnxruntime 1.30 that break legal models: DivMulFusion loses a node (the session is refused), PadFusion
 * moves zero padding into a MaxPool (wrong numbers). Both were reduced with our own minifier, see docs/minifier.md.
 */
const brokenOptimizers: readonly string[] = ['DivMulFusion', 'PadFusion'];

/** Tried in order: a model that an optimizer of onnxruntime cannot digest must run all the same. */
const optimizationLevels: readonly OrtOptimizationLevel[] = ['all', 'basic', 'disabled'];

export function createOnnxBackend(options: OnnxBackendOptions): Backend {
  const { device = 'cpu', now = () => performance.now() } = options;

  function createAtBestLevel(bytes: Uint8Array): { native: OrtSession; level: OrtOptimizationLevel } {
    let refusal: unknown;
    for (const level of optimizationLevels) {
      try {
        const native = createOrtSession(bytes, {
          device,
          optimizationLevel: level,
          disabledOptimizers: [...slowFusions, ...brokenOptimizers],
          ...(options.threads === undefined ? {} : { threads: options.threads }),
          ...(options.spinning === undefined ? {} : { spinning: options.spinning }),
        });
        return { native, level };
      } catch (error) {
        if (!(error instanceof BackendError)) throw error;
        refusal ??= error;
      }
    }
    throw refusal;
  }

  const makeSession: MakeSession = (segment, generality) => {
    const started = now();
    const bytes = encodeModel(buildModel(segment, generality));
    const encoded = now();
    const { native, level } = createAtBestLevel(bytes);
    return {
      session: {
        run: (feeds, dims) => native.runArrays(feeds, dims) as ElementArray[],
        dispose: () => native.dispose(),
      },
      cache: 'none',
      phases: [
        { name: 'encode', durationMs: encoded - started },
        {
          name: level === 'all' ? 'session' : `session (optimizations: ${level})`,
          durationMs: now() - encoded,
        },
      ],
    };
  };

  const sessions = createSessionStore(makeSession);
  const context: ExecutableContext = {
    table: options.table,
    sessions,
    runKernel: options.runKernel,
    optimize: optimizeSegment,
    now,
  };
  return {
    name: 'onnxruntime',
    device,
    compile: (graph) => compileGraph(graph, context),
    dispose: () => sessions.dispose(),
  };
}
