/** The default backend: graphs lowered to ONNX, run by onnxruntime on a device. */
import { cpus } from 'node:os';
import { onnxVersions } from '../onnx/index.ts';
import {
  createOrtSession,
  onnxruntimeVersion,
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
import type { ElementArray, Segment } from './segment.ts';
import { openDiskCache } from './disk-cache.ts';
import { hashSegment } from './hash-segment.ts';
import type { Generality } from './skeleton.ts';
import { createSessionStore, type MakeSession, type Tier } from './session-store.ts';

export interface OnnxBackendOptions {
  readonly table: OpDefinitions;
  readonly runKernel: RunKernel;
  readonly device?: OrtDevice;
  /** Threads of one operator; default: one per core. */
  readonly threads?: number;
  /** Whether idle threads spin between operators. Default true. */
  readonly spinning?: boolean;
  /** Whether sessions are made for all sizes at once (`true`) or for one only (`false`). Default: for those that were met. */
  readonly dynamic?: boolean;
  /** Folder for optimized models; absent: nothing is kept on disk. Only models for the cpu are. */
  readonly cacheDirectory?: string;
  /** Milliseconds; only differences count. */
  readonly now?: () => number;
}

/** Fusions into operators that are slower than what they replace: BERT ran 1.15 to 1.3 times longer with them. */
const slowFusions: readonly string[] = ['SkipLayerNormFusion'];

/**
 * Optimizers of onnxruntime 1.30 that break legal models: DivMulFusion loses a node (the session is refused), PadFusion
 * moves zero padding into a MaxPool (wrong numbers).
 */
const brokenOptimizers: readonly string[] = ['DivMulFusion', 'PadFusion'];

/** Tried in order: a model that an optimizer of onnxruntime cannot digest must run all the same. */
const optimizationLevels: Readonly<Record<Tier, readonly OrtOptimizationLevel[]>> = {
  optimized: ['all', 'basic', 'disabled'],
  quick: ['disabled'],
};

interface Created {
  readonly native: OrtSession;
  readonly level: OrtOptimizationLevel | 'disk';
}

export function createOnnxBackend(options: OnnxBackendOptions): Backend {
  const { device = 'cpu', now = () => performance.now() } = options;

  const common = {
    device,
    ...(options.threads === undefined ? {} : { threads: options.threads }),
    ...(options.spinning === undefined ? {} : { spinning: options.spinning }),
  };
  const cache =
    options.cacheDirectory === undefined || device !== 'cpu'
      ? undefined
      : openDiskCache(options.cacheDirectory);
  const disabledOptimizers = [...slowFusions, ...brokenOptimizers];
  /** All that a stored model depends on besides the segment; the processor decides which layouts ORT picks. */
  const settings = JSON.stringify([
    onnxruntimeVersion(),
    onnxVersions,
    disabledOptimizers,
    cpus()[0]?.model,
    common,
  ]);

  function createAtBestLevel(
    segment: Segment,
    generality: Generality,
    tier: Tier,
    optimizedModelPath?: string,
  ): Created {
    const model = buildModel(segment, generality);
    let refusal: unknown;
    for (const optimizationLevel of optimizationLevels[tier]) {
      try {
        const native = createOrtSession(model, {
          ...common,
          optimizationLevel,
          disabledOptimizers,
          ...(optimizedModelPath === undefined ? {} : { optimizedModelPath }),
        });
        return { native, level: optimizationLevel };
      } catch (error) {
        if (!(error instanceof BackendError)) throw error;
        refusal ??= error;
      }
    }
    throw refusal;
  }

  /** From disk, else compiled and stored. A model that does not load is forgotten and compiled again. */
  function createCached(segment: Segment, generality: Generality, tier: Tier): Created {
    if (cache === undefined) return createAtBestLevel(segment, generality, tier);
    const key = hashSegment(segment, generality, settings);
    const stored = cache.find(key);
    if (stored !== undefined) {
      try {
        return { native: createOrtSession(stored, common), level: 'disk' };
      } catch (error) {
        if (!(error instanceof BackendError)) throw error;
        cache.discard(key);
      }
    }
    if (tier === 'quick') return createAtBestLevel(segment, generality, tier);
    let created: Created | undefined;
    cache.store(key, (path) => {
      created = createAtBestLevel(segment, generality, tier, path);
    });
    return created ?? createAtBestLevel(segment, generality, tier);
  }

  const makeSession: MakeSession = (segment, generality, tier) => {
    const started = now();
    const { native, level } = createCached(segment, generality, tier);
    const name =
      level === 'all'
        ? 'session'
        : level === 'disk'
          ? 'session from disk'
          : `session (optimizations: ${level})`;
    return {
      session: {
        run: (feeds, dims) => native.runArrays(feeds, dims) as ElementArray[],
        dispose: () => native.dispose(),
      },
      cache: level === 'disk' ? 'disk' : 'none',
      tier: level === 'disk' ? 'optimized' : tier,
      phases: [{ name, durationMs: now() - started }],
    };
  };

  const sessions = createSessionStore(makeSession, now, options.dynamic);
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
