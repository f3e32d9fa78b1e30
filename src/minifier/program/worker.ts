/**
 * The child process that runs candidates, one at a time, and stays warm between them: packages are loaded once. A
 * program is over when Node would end (nothing left in the event loop), when it throws, or when it exits. What it
 * left behind is undone where that is possible; where not, the report asks for a new process.
 */
import { openBlackBox } from './black-box.ts';
import { startCoverage, type CoverageSession } from './coverage.ts';
import { loadExactKernels } from './exact-kernels.ts';
import type { KernelRunner } from './kernel-runner.ts';
import { openProgram, type Program } from './link.ts';
import { publicOps } from './public-ops.ts';
import type { CapturedProgram, CaptureModule, ReportedError, RunReport, RunRequest } from './messages.ts';
import { collectObservations } from './observe.ts';
import { patchOpWrapper } from './op-arguments.ts';
import { createOpLog } from './op-log.ts';
import { currentEngine, registryOf, type Engine } from './tf-engine.ts';
import { createProbe } from './tf-probe.ts';

const blackBox = openBlackBox(process.argv[2]!);
const realExit = process.exit.bind(process);
const realRandom = Math.random;
const maxOutput = 4_000;
const restLimitMs = 40;

type Ending = Pick<RunReport, 'ending' | 'error' | 'exitCode'>;

patchOpWrapper();

/** Mulberry32: the same random numbers for every run of a program. */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Where our own code is that programs run on, as stacks show it; frames in there are a library's. */
let compilerFolder: string | undefined;

function describeError(error: unknown): ReportedError {
  if (error instanceof Error || (error !== null && typeof error === 'object' && 'message' in error)) {
    const { name, message, stack = '', code } = error as Error & { readonly code?: unknown };
    const frames =
      compilerFolder === undefined
        ? stack
        : stack.replaceAll(compilerFolder, 'file:///node_modules/fullgraph/');
    const isOurs = typeof code === 'string' && /^FG\d{4}$/.test(code);
    return { name, message, stack: frames, ...(isOurs ? { code } : {}) };
  }
  return { name: 'Thrown', message: String(error), stack: '' };
}

/** Puts tfjs back to where a fresh process has it, without losing initialised backends. */
function rememberTfjs(): () => void {
  const kernels = new Map(registryOf('kernelRegistry'));
  const gradients = new Map(registryOf('gradRegistry'));
  const flags = { ...currentEngine()?.ENV.flags };
  return () => {
    const engine = currentEngine();
    if (engine === undefined) return;
    engine.state = new engine.state.constructor();
    engine.backendName = undefined;
    engine.backendInstance = undefined;
    if (kernels.size === 0) return;
    engine.ENV.flags = flags;
    for (const [name, known] of [
      ['kernelRegistry', kernels],
      ['gradRegistry', gradients],
    ] as const) {
      const registry = registryOf(name);
      registry?.clear();
      for (const [key, value] of known) registry?.set(key, value);
    }
  };
}

/** Makes the backend tfjs's own from now on. @throws when it is not registered, or does not start. */
async function startBackend(backend: string, { root, entry }: RunRequest): Promise<void> {
  const parent = new URL(`file://${root}/${entry}`).href;
  const resolve = import.meta.resolve;
  for (const name of [`@tensorflow/tfjs-backend-${backend}`, '@tensorflow/tfjs']) {
    try {
      await import(resolve(name, parent));
    } catch {
      // Not installed: another package, or a set-up module, may register the backend.
    }
  }
  const engine = currentEngine();
  if (engine?.registryFactory[backend] === undefined) {
    throw new Error(`no backend named ${backend} is registered by tfjs or by a set-up module`);
  }
  const isReady = await engine.setBackend(backend);
  if (!isReady) throw new Error(`backend ${backend} did not start`);
}

async function forceBackend(request: RunRequest): Promise<void> {
  const { backend, checks } = request;
  for (const url of request.setup) await import(url);
  if (backend === undefined) return;
  // Its kernels are called, but the program must not run on it.
  if (checks?.reference !== undefined) await startBackend(checks.reference, request);
  await startBackend(backend, request);
}

async function loadCapture({ capture }: RunRequest): Promise<CaptureModule | undefined> {
  if (capture === undefined) return undefined;
  compilerFolder = new URL('.', capture.module).href;
  return (await import(capture.module)) as CaptureModule;
}

function captureOutput(): { text(): string; restore(): void } {
  let text = '';
  const original = { out: process.stdout.write, err: process.stderr.write };
  const collect = (isKept: boolean) =>
    ((chunk: unknown, encoding?: unknown, callback?: unknown) => {
      if (isKept) text = (text + String(chunk)).slice(-maxOutput);
      const done = typeof encoding === 'function' ? encoding : callback;
      if (typeof done === 'function') process.nextTick(done);
      return true;
    }) as typeof process.stdout.write;
  process.stdout.write = collect(false);
  process.stderr.write = collect(true);
  return {
    text: () => text,
    restore: () => {
      process.stdout.write = original.out;
      process.stderr.write = original.err;
    },
  };
}

/** Double precision is loaded when it is needed first; `reason` says why there is none. */
let exact: { readonly kernels?: KernelRunner; readonly reason?: string } | undefined;

function exactKernels({ root, entry }: RunRequest): KernelRunner | undefined {
  try {
    exact ??= { kernels: loadExactKernels(`${root}/${entry}`) };
  } catch (error) {
    exact = { reason: describeError(error).message.split('\n', 1)[0]! };
  }
  return exact.kernels;
}

const watchedEvents = ['exit', 'beforeExit', 'uncaughtException', 'unhandledRejection', 'warning'] as const;

/** Waits until the program is over. The channel to the parent must not keep the event loop alive meanwhile. */
function untilOver(program: Program): Promise<Ending> {
  return new Promise((resolve) => {
    let isSettled = false;
    const before = new Map(watchedEvents.map((event) => [event, process.listeners(event as 'exit')]));
    const finish = (ending: Ending): void => {
      process.channel?.ref();
      process.exit = realExit;
      for (const [event, listeners] of before) {
        process.removeAllListeners(event);
        for (const listener of listeners) process.on(event as 'exit', listener);
      }
      resolve(ending);
    };
    process.on('uncaughtException', (error) => {
      finish({ ending: 'threw', error: describeError(error) });
    });
    process.on('beforeExit', () => {
      finish(isSettled ? { ending: 'done' } : { ending: 'unsettled' });
    });
    process.exit = (code?: number) => {
      finish({ ending: 'exited', exitCode: Number(code ?? process.exitCode ?? 0) });
      // The caller relies on not coming back.
      throw new ProcessExited();
    };
    process.channel?.unref();
    program.evaluate().then(
      () => {
        isSettled = true;
      },
      (error: unknown) => {
        finish({ ending: 'threw', error: describeError(error) });
      },
    );
  });
}

/** Whether what the program left in the event loop ends soon by itself: a failed `fit` leaves a timer of some ms. */
async function comesToRest(resources: number): Promise<boolean> {
  const limitMs = performance.now() + restLimitMs;
  while (process.getActiveResourcesInfo().filter((name) => name !== 'Immediate').length > resources) {
    if (performance.now() > limitMs) return false;
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
  return true;
}

class ProcessExited extends Error {
  override name = 'ProcessExited';
}

async function run(request: RunRequest): Promise<RunReport> {
  let begunMs = performance.now();
  const output = captureOutput();
  const library = request.wantsOps && (await publicOps(request.root, request.entry));
  const log = createOpLog(request.wantsOps, library, blackBox);
  const compiler = await loadCapture(request);
  const checks =
    request.checks?.eachKernel === true && compiler !== undefined
      ? { ...request.checks, reference: compiler.eagerBackend }
      : request.checks;
  const probe = createProbe(checks, {
    forcedBackend: request.backend,
    blackBox,
    log,
    exactKernels: () => exactKernels(request),
  });
  let captured: CapturedProgram | undefined;
  const attach = (): void => {
    captured?.refresh();
    const engine: Engine | undefined = currentEngine();
    if (engine) probe.attach(engine);
  };
  const program = openProgram(request.root, request.entry, request.files, attach);
  let coverage: CoverageSession | undefined;
  let ending: Ending;
  let resetTfjs: () => void = () => {};
  let isClean = true;
  const directory = process.cwd();
  process.argv = [process.argv[0]!, `${request.root}/${request.entry}`, ...request.arguments];
  const observed = request.wantsObservations === true ? collectObservations() : undefined;
  try {
    await forceBackend(request);
    await program.link();
    resetTfjs = rememberTfjs();
    if (request.capture !== undefined) {
      captured = compiler?.captureProgram(`${request.root}/${request.entry}`, request.capture.settings);
    }
    attach();
    Math.random = seededRandom(request.seed);
    if (request.wantsCoverage === true) coverage = startCoverage();
    const resources = process.getActiveResourcesInfo().length;
    const globals = new Set(Object.getOwnPropertyNames(globalThis));
    blackBox.note('');
    process.send!({ kind: 'started' });
    // Packages are loaded: the time is the program's own from here.
    begunMs = performance.now();
    ending = await untilOver(program);
    // After an exit the process may be about to die: the exception that stands for it can end a handler of the program.
    isClean = ending.ending !== 'exited' && ending.ending !== 'unsettled' && (await comesToRest(resources));
    if (ending.ending === 'done' && Number(process.exitCode ?? 0) !== 0) {
      ending = { ending: 'exited', exitCode: Number(process.exitCode) };
    }
    process.exitCode = undefined;
    for (const name of Object.getOwnPropertyNames(globalThis)) {
      if (!globals.has(name) && !name.startsWith('_tf')) Reflect.deleteProperty(globalThis, name);
    }
  } catch (error) {
    // Linking failed: a missing package, a missing export, a syntax error that only V8 sees; or our set-up did.
    const described = describeError(error);
    const isProgram = error instanceof SyntaxError || described.stack.includes('ERR_MODULE_NOT_FOUND');
    ending = { ending: isProgram ? 'threw' : 'harness', error: described };
  }
  const found = coverage?.take(program.pathOf);
  probe.detach();
  captured?.end();
  const { wantsOps } = request;
  const failed = probe.divergences[0]?.op ?? probe.nans[0]?.op ?? log.lastFailed;
  const recording = wantsOps && log.record(failed >= 0 ? failed : log.current());
  resetTfjs();
  Math.random = realRandom;
  if (process.cwd() !== directory) process.chdir(directory);
  output.restore();
  return {
    kind: 'report',
    ...ending,
    output: output.text(),
    lastOp: probe.lastOp,
    durationMs: performance.now() - begunMs,
    needsRestart: !isClean,
    ...(checks?.reference === undefined ? {} : { divergences: probe.divergences }),
    ...(checks?.nan === true ? { nans: probe.nans } : {}),
    ...(checks?.reads === true ? { reads: probe.reads } : {}),
    ...(checks?.exact === undefined
      ? {}
      : { inexact: { kernels: probe.inexact, ...(exact?.reason ? { reason: exact.reason } : {}) } }),
    ...(found ? { coverage: found } : {}),
    ...(recording ? { recording } : {}),
    ...(observed ? { observations: observed() } : {}),
    ...(compiler === undefined ? {} : { passes: compiler.passes }),
  };
}

/** Something of ours failed: no verdict, and no trust in this process. */
function brokenHarness(error: unknown): RunReport {
  return {
    kind: 'report',
    ending: 'harness',
    error: describeError(error),
    output: '',
    lastOp: '',
    durationMs: 0,
    needsRestart: true,
  };
}

// Stray exceptions of a program whose trial is over.
process.on('uncaughtException', () => {});
process.on('message', (request: RunRequest) => {
  void run(request)
    .catch(brokenHarness)
    .then((report) => {
      process.send!(report);
    });
});
process.on('disconnect', () => {
  realExit(0);
});
