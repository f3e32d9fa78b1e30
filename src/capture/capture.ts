/**
 * Capture for one tfjs engine: lazy backend installed, optimizers wrapped, recorder and graph cache joined. Gets the op
 * table and something that compiles graphs; gives records and sums.
 */
import type { CallNode } from '../ir/graph.ts';
import type { OpTable } from '../ir/op-signature.ts';
import type { TraceRecord } from '../ir/record.ts';
import { currentEntry, wrapModels } from './async-entries.ts';
import type { GraphNaming } from './build-graph.ts';
import { FirstRuns } from './first-runs.ts';
import { GraphCache } from './graph-cache.ts';
import type { Backend } from '../ir/executable.ts';
import { eagerBackendName, installBackend, type InstalledBackend } from './install-backend.ts';
import { LazyBackend } from './lazy-backend.ts';
import { createLayerScopes } from './layer-scopes.ts';
import { createLazyKernel } from './lazy-kernels.ts';
import type { LazyValue, PendingNode } from './pending.ts';
import { operandName } from './operand-name.ts';
import { Recorder, type FinishedRun } from './recorder.ts';
import { Replay } from './replay.ts';
import { Reporter, type BreakCause, type CaptureTotals } from './reporter.ts';
import { SignatureTable } from './signature.ts';
import { StackTaker, type FrameResolver } from './stacks.ts';
import type { Engine, TfModule } from './tf-module.ts';
import { wrapTraining } from './training-steps.ts';
import { TypeTable } from './type-table.ts';
import { createMethodWraps } from './wrap-methods.ts';

export interface CaptureOptions {
  readonly table: OpTable;
  readonly compiler: Backend;
  /** Runs what the compiler may not compile again: families at the recompile limit. */
  readonly interpreter: Backend;
  /** Milliseconds since the trace began. */
  readonly now: () => number;
  readonly onRecord?: ((record: TraceRecord) => void) | undefined;
  /** Takes stacks through it, so that records point into the program. */
  readonly frames?: FrameResolver | undefined;
  /** Called before recording stops; may throw to forbid it. */
  readonly onBreak?: ((cause: BreakCause) => void) | undefined;
  /** Called after each run of a graph. */
  readonly onRun?: ((run: FinishedRun) => void) | undefined;
  readonly maxNodes: number;
  /** Bytes of disposed tensors that pending nodes may keep alive. */
  readonly maxPendingBytes: number;
  readonly recompileLimit: number;
  readonly freeze: boolean;
  /** Record calls of models that are known to repeat themselves without running the model's code. */
  readonly replay: boolean;
  readonly respectBackend: boolean;
}

/** None where somebody is told of every graph. */
function createFirstRuns({ compiler, onRecord, onRun }: CaptureOptions): FirstRuns | undefined {
  const isWatched = onRecord !== undefined || onRun !== undefined;
  return compiler.calls === undefined || isWatched ? undefined : new FirstRuns(compiler.calls);
}

export interface Capture {
  readonly totals: Readonly<CaptureTotals>;
  /** Calls of each kernel that ran outside graphs. */
  fallbackCounts(): Readonly<Record<string, number>>;
  /** Takes over what tfjs packages registered since, and what `exports` of one of them offers to be wrapped. */
  refresh(exports: object): void;
  /** Calls that repeat themselves; absent when they are all to be traced. */
  readonly replay: Replay | undefined;
  note(severity: 'info' | 'warning', code: string, text: string): void;
  /** Runs everything that is pending. */
  flush(): void;
  /** Emits what is left to say; recorded ops that nobody read are dropped. */
  finish(): void;
  uninstall(): void;
}

export function startCapture(tf: TfModule, options: CaptureOptions): Capture {
  const engine: Engine = tf.engine();
  const { onRecord } = options;
  const layerScopes = createLayerScopes();
  const stacks =
    options.frames === undefined
      ? undefined
      : new StackTaker(options.frames, (record) => onRecord?.(record), currentEntry, layerScopes.path);
  const reporter = new Reporter(options.now, onRecord, stacks);
  const types = new TypeTable();
  const signatures = new SignatureTable(types);
  let backend: LazyBackend | undefined;
  let isMoving = false;

  /** Names of variables by their memory; only looked at when a graph is new. */
  function variableNames(): ReturnType<GraphNaming['leaves']> {
    const names = new Map<LazyValue, string>();
    for (const { name, dataId } of Object.values(engine.registeredVariables)) {
      if (backend?.data.has(dataId) !== true) continue;
      const value = backend.data.get(dataId);
      if (value.isState && !names.has(value)) names.set(value, name);
    }
    return (value) => names.get(value);
  }
  const naming: GraphNaming = {
    leaves: variableNames,
    ...(stacks !== undefined && {
      operand(node: PendingNode, input: number) {
        const facts = stacks.find(node.stack)?.facts;
        return facts && operandName(facts, node.signature.kernel.name, input);
      },
    }),
    call(node) {
      const target = stacks?.find(node.stack)?.facts.target;
      // Of the parts of a pattern, nobody knows which one a call computes.
      return target !== undefined && /^[[{]/.test(target) ? undefined : target;
    },
    scope(node): CallNode['scope'] {
      const scope = stacks?.find(node.stack)?.scope;
      return scope === undefined || scope.length === 0 ? undefined : scope;
    },
  };

  const cache = new GraphCache({
    compiler: options.compiler,
    interpreter: options.interpreter,
    reporter,
    naming,
    freeze: options.freeze,
    recompileLimit: options.recompileLimit,
  });
  const recorder = new Recorder({
    cache,
    firstRuns: createFirstRuns(options),
    reporter,
    maxNodes: options.maxNodes,
    maxRetainedBytes: options.maxPendingBytes,
    onBreak: options.onBreak,
    onRun: options.onRun,
  });

  function createBackend(): LazyBackend {
    backend ??= new LazyBackend({
      tf,
      recorder,
      reporter,
      types,
      isMoving: () => isMoving,
      onDispose(disposed) {
        if (backend !== disposed) return;
        backend = undefined;
        recorder.drop();
      },
    });
    return backend;
  }

  const kernelContext = {
    table: options.table,
    signatures,
    recorder,
    reporter,
    isTimed: onRecord !== undefined,
    original: (name: string) => tf.getKernel(name, eagerBackendName),
  };
  const installed: InstalledBackend = installBackend({
    tf,
    createBackend,
    wrapKernel: (config) => createLazyKernel(config, kernelContext),
    respectBackend: options.respectBackend,
    onMove: (moves) => (isMoving = moves),
  });
  const wraps = createMethodWraps();
  const replay = options.replay ? new Replay({ ...kernelContext, tf, backend: () => backend }) : undefined;
  const wrapAll = (exports: object): void => {
    wrapTraining(exports, wraps, { recorder, reporter, engine, backend: () => backend });
    if (stacks !== undefined) wrapModels(exports, wraps, stacks);
    if (stacks !== undefined) layerScopes.wrap(exports, wraps);
    replay?.wrapModels(exports, wraps);
  };
  wrapAll(tf);

  return {
    totals: reporter.totals,
    fallbackCounts: () => reporter.fallbackCounts(),
    refresh(exports) {
      installed.refresh();
      wrapAll(exports);
    },
    replay,
    note: (severity, code, text) => reporter.note(severity, code, text),
    flush: () => recorder.flushAll(),
    finish() {
      if (recorder.hasLiveNodes) reporter.graphBreak({ reason: 'FG1010' }, 0, undefined);
      recorder.drop();
      cache.finish();
      reporter.finish();
    },
    uninstall() {
      recorder.flushAll();
      wraps.unwrap();
      installed.uninstall();
    },
  };
}
