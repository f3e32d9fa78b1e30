/** The default backend: graphs lowered to ONNX, run by onnxruntime on a device. */
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { onnxVersions, type OnnxModel } from '../onnx/index.ts';
import {
  createOrtSession,
  onnxruntimeVersion,
  prepareOnnxruntime,
  type OrtDevice,
  type OrtOptimizationLevel,
  type OrtSession,
} from './backends/onnxruntime.ts';
import { BackendError } from '../ir/errors.ts';
import { buildModel } from './build-model.ts';
import type { Backend, RunKernel } from '../ir/executable.ts';
import type { OpDefinitions } from './lower.ts';
import { codeVersion } from './code-version.ts';
import { decodePlan, encodePlan } from './execution-plan.ts';
import { hashGraph } from './hash-graph.ts';
import { compileGraph, type ExecutableContext, type PlanCache } from './onnx-executable.ts';
import { createProfiler, type Profiler } from './profile-nodes.ts';
import { optimizeSegment } from './passes/index.ts';
import type { ElementArray, Segment } from './segment.ts';
import { openDiskCache, type DiskCache } from './disk-cache.ts';
import { inOldestOpset, oldestOpset } from './oldest-opset.ts';
import { hashSegment } from './hash-segment.ts';
import { isLight } from './segment-work.ts';
import type { Generality } from './skeleton.ts';
import { createSessionStore, type MadeSession, type MakeSession } from './session-store.ts';

/** Parts of the way from a graph to a session that can be left out, to find the one that introduces a failure. */
export interface OnnxTuning {
  /** Passes of ours, by name. */
  readonly disabledPasses?: readonly string[];
  /** The only level that is tried; default: the best at which onnxruntime accepts the model. */
  readonly optimizationLevel?: OrtOptimizationLevel;
  /** Passes of onnxruntime, beside those that are never used. */
  readonly disabledOptimizers?: readonly string[];
  /** Uses passes of onnxruntime that are known to break models: a true fault, for tests. */
  readonly usesBrokenOptimizers?: boolean;
  readonly watch?: ModelWatch;
}

/** Told what onnxruntime gets, right before it does: what it is may end the process. */
export interface ModelWatch {
  creating(
    model: OnnxModel,
    setup: {
      readonly optimizationLevel: OrtOptimizationLevel;
      readonly disabledOptimizers: readonly string[];
    },
  ): void;
  /** Values of the model's inputs, and their sizes, in order. */
  running(model: OnnxModel, data: readonly ElementArray[], dims: readonly (readonly number[])[]): void;
}

export interface OnnxBackendOptions extends OnnxTuning {
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
  /** Load onnxruntime when a graph is compiled. Default: now, and let it set itself up. */
  readonly isLazy?: boolean;
  /** Measure the time of each node in the first runs. */
  readonly profile?: boolean;
  /** Milliseconds; only differences count. */
  readonly now?: () => number;
}

/** Fusions into operators that are slower than what they replace: BERT ran 1.15 to 1.3 times longer with them. */
const slowFusions: readonly string[] = ['SkipLayerNormFusion'];

/**
 * Optimizers of onnxruntime 1.30 that break legal models: DivMulFusion loses a node (the session is refused), Pad_Fusion
 * (this is its name) moves zero padding into a MaxPool (wrong numbers).
 */
const brokenOptimizers: readonly string[] = ['DivMulFusion', 'Pad_Fusion'];

/** Tried in order: a model that an optimizer of onnxruntime cannot digest must run all the same. */
const optimizationLevels: readonly OrtOptimizationLevel[] = ['all', 'basic', 'disabled'];

/** Sessions of light segments have no threads of their own, and files whose names say so. */
const lightSettings = { threads: 1 } as const;
const lightMark = '.light';

interface Created {
  readonly native: OrtSession;
  /** What it was made from, where somebody watches. */
  readonly model?: OnnxModel;
  readonly level: OrtOptimizationLevel | 'disk';
  readonly file?: string;
  readonly profiler?: Profiler | undefined;
}

function toMade(
  { native, level, file, profiler, model }: Created,
  durationMs: number,
  watch?: ModelWatch,
): MadeSession {
  const endProfile = (): void => native.endProfiling();
  const name =
    level === 'all'
      ? 'session'
      : level === 'disk'
        ? 'session from disk'
        : `session (optimizations: ${level})`;
  return {
    session: {
      run(feeds, dims) {
        if (model !== undefined) watch?.running(model, feeds, dims);
        const results = native.runArrays(feeds, dims) as ElementArray[];
        profiler?.ran(endProfile);
        return results;
      },
      nodeTimes: () => profiler?.times(endProfile),
      dispose() {
        profiler?.times(endProfile);
        native.dispose();
      },
    },
    cache: level === 'disk' ? 'disk' : 'none',
    ...(file === undefined ? {} : { file }),
    phases: [{ name, durationMs }],
  };
}

/** Another process may remove a file of the cache at any time. */
function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

export function createOnnxBackend(options: OnnxBackendOptions): Backend {
  const { device = 'cpu', now = () => performance.now() } = options;
  if (options.isLazy !== true) prepareOnnxruntime();

  const common = {
    device,
    ...(options.threads === undefined ? {} : { threads: options.threads }),
    ...(options.spinning === undefined ? {} : { spinning: options.spinning }),
  };
  // Models on disk have the names of whoever stored them, and a profile speaks of nodes by name.
  const cache =
    options.cacheDirectory === undefined || device !== 'cpu' || options.profile === true
      ? undefined
      : openDiskCache(options.cacheDirectory);
  const disabledOptimizers = [
    ...slowFusions,
    ...(options.usesBrokenOptimizers === true ? [] : brokenOptimizers),
    ...(options.disabledOptimizers ?? []),
  ];
  const levels = options.optimizationLevel === undefined ? optimizationLevels : [options.optimizationLevel];
  /** All that a stored model depends on besides the segment; the processor decides which layouts ORT picks. */
  const settings = JSON.stringify([
    onnxruntimeVersion(),
    onnxVersions,
    oldestOpset,
    disabledOptimizers,
    options.optimizationLevel ?? null,
    options.disabledPasses ?? [],
    cpus()[0]?.model,
    common,
  ]);

  function createAtBestLevel(
    segment: Segment,
    generality: Generality,
    isThreadless: boolean,
    optimizedModelPath?: string,
  ): Created {
    const built = buildModel(segment, generality);
    const older = inOldestOpset(built, (result) => segment.results?.get(result)?.type);
    const attempts = [
      ...(older === built ? [] : [{ model: older, optimizationLevel: levels[0]! }]),
      ...levels.map((optimizationLevel) => ({ model: built, optimizationLevel })),
    ];
    let refusal: unknown;
    for (const { model, optimizationLevel } of attempts) {
      const profiler = options.profile === true ? createProfiler() : undefined;
      options.watch?.creating(model, { optimizationLevel, disabledOptimizers });
      try {
        const native = createOrtSession(model, {
          ...common,
          ...(isThreadless && lightSettings),
          ...(profiler && { profilePrefix: profiler.prefix }),
          optimizationLevel,
          disabledOptimizers,
          ...(optimizedModelPath === undefined ? {} : { optimizedModelPath }),
        });
        return { native, level: optimizationLevel, profiler, ...(options.watch && { model }) };
      } catch (error) {
        profiler?.discard();
        if (!(error instanceof BackendError)) throw error;
        refusal ??= error;
      }
    }
    throw refusal;
  }

  function load(file: string): Created | undefined {
    const path = cache?.find(file);
    if (path === undefined) return undefined;
    try {
      const settings = { ...common, ...(file.includes(lightMark) && lightSettings) };
      return { native: createOrtSession(path, settings), level: 'disk', file };
    } catch (error) {
      if (!(error instanceof BackendError)) throw error;
      cache?.discard(file);
      return undefined;
    }
  }

  /** From disk, else compiled and stored. A model that does not load is forgotten and compiled again. */
  function createCached(segment: Segment, generality: Generality): Created {
    const isThreadless = isLight(segment);
    if (cache === undefined) return createAtBestLevel(segment, generality, isThreadless);
    const file = `${hashSegment(segment, generality, settings)}${isThreadless ? lightMark : ''}.ort`;
    const stored = load(file);
    if (stored !== undefined) return stored;
    let created: Created | undefined;
    const isStored = cache.store(file, (path) => {
      created = createAtBestLevel(segment, generality, isThreadless, path);
    });
    created ??= createAtBestLevel(segment, generality, isThreadless);
    return isStored ? { ...created, file } : created;
  }

  const makeSession: MakeSession = (segment, generality) => {
    const started = now();
    return toMade(createCached(segment, generality), now() - started, options.watch);
  };

  function createPlanCache(folder: DiskCache): PlanCache {
    const all = JSON.stringify([settings, codeVersion(), options.dynamic ?? null, [...options.table.keys()]]);
    return {
      keyOf: (graph) => `${hashGraph(graph, all)}.plan`,
      find(key) {
        const path = folder.find(key);
        const plan = path === undefined ? undefined : decodePlan(readText(path));
        if (path !== undefined && plan === undefined) folder.discard(key);
        return plan;
      },
      store: (key, plan) => {
        folder.store(key, (path) => writeFileSync(path, encodePlan(plan)));
      },
      open(session) {
        const started = now();
        const created = load(session.file);
        return created === undefined ? undefined : toMade(created, now() - started);
      },
    };
  }

  const sessions = createSessionStore(makeSession, options.dynamic);
  const context: ExecutableContext = {
    table: options.table,
    sessions,
    runKernel: options.runKernel,
    optimize: (segment) => optimizeSegment(segment, options.disabledPasses),
    plans: cache === undefined ? undefined : createPlanCache(cache),
    now,
  };
  return {
    name: 'onnxruntime',
    device,
    compile: (graph) => compileGraph(graph, context),
    dispose: () => sessions.dispose(),
  };
}
