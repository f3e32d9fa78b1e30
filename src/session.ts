/**
 * One session per tfjs engine: joins capture, the op table and a backend, and keeps the books. The only file that knows
 * both capture and compile.
 */
import { availableParallelism } from 'node:os';
import { monotonicMs } from './clock.ts';
import { startCapture, type Capture } from './capture/capture.ts';
import type { FrameResolver } from './capture/stacks.ts';
import type { TfModule } from './capture/tf-module.ts';
import { eagerBackendName } from './capture/install-backend.ts';
import { createAutotuneBackend } from './compile/backends/autotune.ts';
import { createEagerBackend, createRunKernel, type KernelHost } from './compile/backends/eager.ts';
import { createFaultBackend, type Fault } from './compile/backends/fault-injection.ts';
import { liveOrtSessions, type OrtDevice } from './compile/backends/onnxruntime.ts';
import type { Backend, RunKernel } from './ir/executable.ts';
import { createOnnxBackend, type OnnxTuning } from './compile/onnx-backend.ts';
import { opTable } from './compile/ops/index.ts';
import { createTieredBackend } from './compile/tiers.ts';
import type { FinishedRun } from './capture/recorder.ts';
import { tensorReadBy, type BreakCause } from './capture/reporter.ts';
import { findBreakReason } from './ir/breaks/index.ts';
import { GraphBreakError, UserError } from './ir/errors.ts';
import { createSavingsMeter } from './savings.ts';
import type { RunTotals, TraceRecord } from './ir/record.ts';
import { formatSpan, userFrame } from './ir/span.ts';
import { formatType } from './ir/tensor-type.ts';
import { codeFolder } from './own-files.ts';

/** Exports of the program's tfjs: `@tensorflow/tfjs`, `@tensorflow/tfjs-core`, or a bundle of them. */
export type TfjsCore = TfModule & KernelHost;

export interface SessionOptions {
  /** `onnxruntime` (default), `eager`, or a name given to {@link registerBackend}. */
  readonly backend?: string;
  readonly device?: string;
  /** Threads of the native runtime; default: one per core. */
  readonly threads?: number;
  readonly onRecord?: (record: TraceRecord) => void;
  /** Take stacks, so that records point into the program. Needs `frames`. */
  readonly explain?: boolean;
  readonly frames?: FrameResolver;
  /** Milliseconds since the trace began; default: since the session began. */
  readonly now?: () => number;
  /** Every break that a program can avoid is an error. */
  readonly strict?: boolean;
  /** Pending ops at which a recording is cut. */
  readonly maxNodes?: number;
  /** Bytes of disposed tensors that pending ops may keep alive before they are run. */
  readonly maxPendingBytes?: number;
  /** Recompiles per site before graphs run on eager kernels. */
  readonly recompileLimit?: number;
  /** Turn unchanging weights into constants. Default true. */
  readonly freeze?: boolean;
  /**
   * Run small graphs as JavaScript until they have run for long enough to be compiled. Default true, without `onRecord`:
   * what a report says of guards and recompiles must not depend on how small the data is today.
   */
  readonly tiers?: boolean;
  /** Record repeated calls of models without running their code. Default true. */
  readonly replay?: boolean;
  /** Leave `tf.setBackend('wasm')` and its like to the real backends. */
  readonly respectBackend?: boolean;
  /** Measure at the end what breaks cost: takes up to a few seconds. */
  readonly measureSavings?: boolean;
  /** Folder that keeps optimized models between processes; absent or false: none. */
  readonly cacheDirectory?: string | false;
  /** Called after each run of a graph. */
  readonly onRun?: (run: FinishedRun) => void;
  /** Sizes: all open from the first compile (`true`), each its own session (`false`); default: open once they vary. */
  readonly dynamic?: boolean;
  /** Compile each graph with several settings of the backend and keep the fastest. */
  readonly autotune?: boolean;
  /** Measure the time of each node in the first runs of each graph. */
  readonly profile?: boolean;
  /** Whether idle threads of the native runtime spin: faster on a quiet machine, slower on a busy one. */
  readonly spinning?: boolean;
  /** Parts of compilation to leave out, to find the one that introduces a failure. */
  readonly tuning?: OnnxTuning;
}

/** Counters since installation. */
export interface SessionStats {
  readonly totals: RunTotals;
  /** Kernel calls that ran in executables, and outside of them. */
  readonly kernelCalls: { readonly compiled: number; readonly fallback: number };
  /** Calls of each kernel that ran outside graphs. */
  readonly fallbackKernels: Readonly<Record<string, number>>;
  /** Kernels with a lowering. */
  readonly loweredKernels: readonly string[];
  readonly graphs: number;
  readonly compiles: number;
  readonly recompiles: number;
  readonly diskCacheHits: number;
  readonly runs: number;
  /** Of the compiled calls, those of runs that were no graph's yet: each call was compiled to JavaScript by itself. */
  readonly firstRunCalls: number;
  readonly breaks: number;
  readonly tracedCalls: number;
  /** Of these, calls that were recorded without running the model's code. */
  readonly replayedCalls: number;
  readonly traceMs: number;
  readonly compileMs: number;
  readonly runMs: number;
  /** Time that installing took, of which most is loading onnxruntime unless graphs start as JavaScript. */
  readonly installMs: number;
  /** Native sessions that are alive in this process. */
  readonly liveSessions: number;
}

export interface Session {
  /** Wraps what another tfjs package exports (models of tfjs-layers, tfjs-converter), so that their calls are known. */
  adopt(exports: object): void;
  /** tfjs's name of the backend that captures: `cpu`, as programs know it. */
  readonly backendName: string;
  stats(): SessionStats;
  /**
   * Calls a function that depends on its arguments and `captures` alone; when it was seen to repeat itself, its kernel calls
   * are recorded without running it.
   * @param owner stands for the function.
   */
  callRepeatable(
    owner: object,
    parameters: unknown[],
    call: () => unknown,
    captures: Readonly<Record<string, unknown>>,
  ): unknown;
  /** Why a model or function goes on being traced; `undefined` while its calls may be replayed. */
  tracedBecause(owner: object): string | undefined;
  /** What is called now may do something else the next time. */
  forbidReplay(reason: string): void;
  /** Leaves a note in the trace. */
  note(code: string, text: string): void;
  /** Runs everything that is pending. */
  flush(): void;
  /** Runs `body` with breaks as errors. */
  strictly<T>(body: () => T): T;
  /** Ends the trace: what was recorded and never read is dropped, totals are emitted. */
  finish(exitCode: number): void;
  /** Gives the program its own backend back. Tensors stay readable. */
  uninstall(): void;
  /** Releases native sessions. */
  dispose(): void;
}

/** What a backend is made with. */
export interface BackendContext {
  readonly runKernel: RunKernel;
  readonly device: string | undefined;
  readonly threads: number | undefined;
  readonly spinning: boolean | undefined;
  /** All sizes open from the first compile, or none ever; absent: as they are met. */
  readonly dynamic: boolean | undefined;
  readonly cacheDirectory: string | undefined;
  /** Measure the time of each node. */
  readonly profile: boolean | undefined;
  readonly tuning: OnnxTuning | undefined;
  /** Native code may never be needed: load it when a graph is compiled. */
  readonly isLazy: boolean;
  readonly now: () => number;
}

export type BackendFactory = (context: BackendContext) => Backend;

/** What is known of a backend: an entry of {@link listBackends}. */
export interface BackendInfo {
  /** What {@link SessionOptions.backend} and `--backend` take. */
  readonly name: string;
  /** One line for people. */
  readonly summary: string;
  readonly isDefault: boolean;
  /** Fails or computes wrong numbers on purpose. */
  readonly isForTests: boolean;
}

interface BackendEntry {
  readonly factory: BackendFactory;
  readonly summary: string;
  readonly isForTests?: true;
}

const defaultBackend = 'onnxruntime';

const onnxFactory: BackendFactory = ({
  device,
  threads,
  spinning,
  dynamic,
  cacheDirectory,
  profile,
  tuning,
  ...context
}) =>
  createOnnxBackend({
    table: opTable,
    ...context,
    ...tuning,
    ...(device === undefined ? {} : { device: device as OrtDevice }),
    ...(threads === undefined ? {} : { threads }),
    ...(spinning === undefined ? {} : { spinning }),
    ...(dynamic === undefined ? {} : { dynamic }),
    ...(cacheDirectory === undefined ? {} : { cacheDirectory }),
    ...(profile === undefined ? {} : { profile }),
  });

function faultEntry(fault: Fault, summary: string): readonly [string, BackendEntry] {
  const factory: BackendFactory = (context) => createFaultBackend(onnxFactory(context), fault);
  return [`fault-${fault}`, { factory, summary, isForTests: true }];
}

const backends = new Map<string, BackendEntry>([
  [
    'eager',
    {
      factory: ({ runKernel }) => createEagerBackend(runKernel, opTable),
      summary: "tfjs's own cpu kernels, node by node: the reference",
    },
  ],
  [defaultBackend, { factory: onnxFactory, summary: 'native kernels of onnxruntime-node' }],
  faultEntry('compile', 'onnxruntime, but a graph with Relu does not compile'),
  faultEntry('run', 'onnxruntime, but a graph with Relu fails when it runs'),
  faultEntry('wrong', 'onnxruntime, but relu(x) is relu(x) + 1'),
  [
    'fault-fusion',
    {
      factory: ({ tuning, ...context }) =>
        onnxFactory({ ...context, tuning: { ...tuning, usesBrokenOptimizers: true } }),
      summary: 'onnxruntime with its passes that break models: a Pad of zeros before a max pool is lost',
      isForTests: true,
    },
  ],
]);

/** All backends by the names that {@link SessionOptions.backend} takes, in order of registration. */
export function listBackends(): readonly BackendInfo[] {
  return [...backends].map(([name, { summary, isForTests }]) => ({
    name,
    summary,
    isDefault: name === defaultBackend,
    isForTests: isForTests === true,
  }));
}

/**
 * Makes a backend available under a name; sessions installed later can use it.
 * @param summary one line for `fullgraph backends`.
 */
export function registerBackend(
  name: string,
  factory: BackendFactory,
  summary = 'registered by a program',
): void {
  backends.set(name, { factory, summary });
}

/** Settings that suit different graphs: many threads for large ones, one for small ones. */
function createTuned(factory: BackendFactory, context: BackendContext): Backend {
  const many = context.threads ?? availableParallelism();
  const choices = [
    { threads: many, spinning: true },
    { threads: many, spinning: false },
    ...(many > 1 ? [{ threads: 1, spinning: false }] : []),
  ];
  const candidates = choices.map(({ threads, spinning }) => ({
    settings: `${threads} thread${threads === 1 ? '' : 's'}${spinning ? ', spinning' : ''}`,
    backend: factory({ ...context, threads, spinning }),
  }));
  return createAutotuneBackend(candidates, context.now);
}

/** Not where settings of the native tier are chosen, compared or measured. */
function hasTiers(name: string, options: SessionOptions): boolean {
  const {
    device = 'cpu',
    autotune,
    profile,
    tuning,
    dynamic,
    onRecord,
    tiers = onRecord === undefined,
  } = options;
  const isPlain = autotune !== true && profile !== true && tuning === undefined && dynamic === undefined;
  return tiers && isPlain && name === defaultBackend && device === 'cpu';
}

interface Installed {
  readonly session: Session;
  readonly capture: Capture;
}

/** On the engine itself: two copies of this package in one process (a global command, a local library) share a session. */
const installedKey = Symbol.for('fullgraph.installed');

function installedOn(engine: object): Installed | undefined {
  return (engine as { readonly [installedKey]?: Installed })[installedKey];
}

/** The session of this engine, if one is installed. */
export function findSession(tf: TfjsCore): Session | undefined {
  return installedOn(tf.engine())?.session;
}

/** Cuts that no program can avoid. */
const unavoidable: ReadonlySet<string> = new Set(['FG1008', 'FG1010', 'FG1011']);

function breakError(cause: BreakCause): GraphBreakError {
  const reason = findBreakReason(cause.reason);
  const place = tensorReadBy(cause.stack);
  const branch = cause.stack?.facts.branch?.text;
  const type = cause.type === undefined ? undefined : formatType(cause.type);
  const context = {
    ...(place === undefined ? {} : { tensor: place }),
    ...(type === undefined ? {} : { type }),
    ...(cause.kernel === undefined ? {} : { kernel: cause.kernel }),
    ...(cause.api === undefined ? {} : { api: cause.api }),
    ...(branch === undefined ? {} : { branch }),
    ...(cause.detail === undefined ? {} : { detail: cause.detail }),
  };
  const explanation = reason?.explain(context);
  const [hint] = reason?.advise?.(context) ?? reason?.hints ?? [];
  const frame = cause.stack && userFrame(cause.stack.frames);
  const where = frame === undefined ? '' : ` at ${formatSpan(frame)}`;
  const error = new GraphBreakError(
    `graph break${where} (${reason?.title ?? cause.reason}): ${explanation ?? ''}`,
    { code: cause.reason, ...(hint === undefined ? {} : { hint }) },
  );
  // The reader looks for a line of the program, not for ours.
  const lines = error.stack?.split('\n').filter((line) => !line.includes(codeFolder));
  if (lines !== undefined) error.stack = lines.join('\n');
  return error;
}

/**
 * Captures what the program does with this tfjs from now on. Calling it again, also with another copy of tfjs-core on
 * the same engine, takes over what was registered since and gives the same session.
 * @throws FG5010 for an unknown backend.
 */
export function install(tf: TfjsCore, options: SessionOptions = {}): Session {
  const engine = tf.engine();
  const known = installedOn(engine);
  if (known !== undefined) {
    known.capture.refresh(tf);
    return known.session;
  }
  const startedAt = monotonicMs();
  const now = options.now ?? (() => monotonicMs() - startedAt);
  const startMs = now();
  const name = options.backend ?? defaultBackend;
  const factory = backends.get(name)?.factory;
  if (factory === undefined) {
    throw new UserError(`backend ${name} is not known, there are ${[...backends.keys()].join(', ')}`, {
      code: 'FG5010',
      hint: 'Use one of them or register yours with registerBackend().',
    });
  }
  const runKernel = createRunKernel(tf, eagerBackendName);
  const isTiered = hasTiers(name, options);
  const context: BackendContext = {
    runKernel,
    device: options.device,
    threads: options.threads,
    spinning: options.spinning,
    dynamic: options.dynamic,
    cacheDirectory: options.cacheDirectory === false ? undefined : options.cacheDirectory,
    profile: options.profile,
    tuning: options.tuning,
    isLazy: isTiered,
    now,
  };
  const native = options.autotune === true ? createTuned(factory, context) : factory(context);
  const backend = isTiered ? createTieredBackend(native, opTable, now) : native;
  const interpreter = createEagerBackend(runKernel, opTable);
  let isStrict = options.strict ?? false;
  const savings = options.measureSavings === true ? createSavingsMeter(native, now) : undefined;

  const capture = startCapture(tf, {
    table: opTable,
    compiler: backend,
    interpreter,
    now,
    onRecord:
      savings === undefined
        ? options.onRecord
        : (record) => {
            savings.observeRecord(record);
            options.onRecord?.(record);
          },
    frames: (options.explain ?? true) ? options.frames : undefined,
    onBreak(cause) {
      if (isStrict && !unavoidable.has(cause.reason)) throw breakError(cause);
    },
    onRun:
      savings === undefined
        ? options.onRun
        : (run) => {
            savings.observe(run);
            options.onRun?.(run);
          },
    maxNodes: options.maxNodes ?? 4096,
    maxPendingBytes: options.maxPendingBytes ?? 512 * 1024 * 1024,
    recompileLimit: options.recompileLimit ?? 16,
    freeze: options.freeze ?? true,
    replay: options.replay ?? true,
    respectBackend: options.respectBackend ?? false,
  });
  const { totals } = capture;

  function runTotals(): RunTotals {
    return {
      opsTotal: totals.kernelCalls,
      opsCaptured: totals.captured + totals.aliased - totals.eagerNodes,
      opsFolded: totals.folded,
      opsEager: totals.eager + totals.eagerNodes,
      wallMs: now() - startMs,
      traceMs: totals.traceMs,
      compileMs: totals.compileMs,
      runMs: totals.runMs,
      syncMs: Math.max(0, totals.waitMs - totals.compileMs - totals.runMs),
      eagerMs: totals.eagerMs,
      emptyReads: totals.emptyReads,
    };
  }

  let isFinished = false;
  const session: Session = {
    backendName: 'cpu',
    stats: () => ({
      totals: runTotals(),
      kernelCalls: {
        compiled: totals.captured + totals.aliased + totals.folded - totals.eagerNodes,
        fallback: totals.eager + totals.eagerNodes,
      },
      fallbackKernels: capture.fallbackCounts(),
      loweredKernels: [...opTable.values()].filter((op) => op.lower !== undefined).map((op) => op.kernel),
      graphs: totals.graphs,
      compiles: totals.compiles,
      recompiles: totals.recompiles,
      diskCacheHits: totals.diskCacheHits,
      runs: totals.runs,
      firstRunCalls: totals.firstRunNodes,
      breaks: totals.breaks,
      tracedCalls: totals.kernelCalls,
      replayedCalls: totals.replayed,
      traceMs: totals.traceMs,
      compileMs: totals.compileMs,
      runMs: totals.runMs,
      installMs,
      liveSessions: liveOrtSessions(),
    }),
    adopt: (exports) => capture.refresh(exports),
    callRepeatable: (owner, parameters, call, captures) =>
      capture.replay === undefined ? call() : capture.replay.callFunction(owner, parameters, call, captures),
    tracedBecause: (owner) =>
      capture.replay === undefined ? 'replay is off' : capture.replay.reasonFor(owner),
    forbidReplay: (reason) => capture.replay?.fail(reason),
    note: (code, text) => capture.note('info', code, text),
    flush: () => capture.flush(),
    strictly(body) {
      const before = isStrict;
      isStrict = true;
      try {
        return body();
      } finally {
        isStrict = before;
      }
    },
    finish(exitCode) {
      if (isFinished) return;
      isFinished = true;
      capture.finish();
      const ended = runTotals();
      if (options.onRecord !== undefined) savings?.measure(options.onRecord);
      options.onRecord?.({ kind: 'end', timeMs: now(), exitCode, totals: ended });
    },
    uninstall() {
      capture.uninstall();
      Reflect.deleteProperty(engine, installedKey);
    },
    dispose() {
      backend.dispose();
    },
  };
  Object.defineProperty(engine, installedKey, { value: { session, capture }, configurable: true });
  const installMs = now() - startMs;
  return session;
}
