/** One measuring process: one model, all contenders side by side in interleaved rounds, or the first calls of one. */
import { writeFileSync } from 'node:fs';
import { benchModels } from './models/index.ts';
import {
  canContend,
  makeContender,
  plainName,
  prepareEnvironment,
  type Contender,
  type ContenderName,
} from './support/contenders.ts';
import type { FullgraphStats } from './support/fullgraph.ts';
import {
  slowCallMs,
  type FirstCallJob,
  type FirstCallResult,
  type Measured,
  type SpeedJob,
  type SteadyJob,
  type SteadyResult,
  type Tracing,
  type TracingJob,
} from './support/speed-job.ts';

const job = JSON.parse(process.argv[2] ?? '') as SpeedJob;
const model = benchModels.find((candidate) => candidate.name === job.model);
if (model === undefined) throw new Error(`There is no benchmark program ${job.model}.`);
const benchModel = model;

/** A round lasts about this long per contender. */
const roundMs = 40;
/** Warming up: compiled graphs settle in the first few calls, the JavaScript around them in a second or two. */
const warmupCalls = 12;
const warmupMs = 2000;
/** Rounds that are not counted: code that one contender had to itself so far meets the others' objects. */
const warmupRounds = 3;

async function timed(contender: Contender, seed: number): Promise<{ ms: number; values: ArrayLike<number> }> {
  const start = performance.now();
  const values = await contender.call(seed);
  return { ms: performance.now() - start, values };
}

interface Entry {
  readonly contender: Contender;
  readonly firstCallMs: number;
  /** Outputs of the first input, or the losses of the first steps. */
  readonly outputs: readonly number[];
  readonly callsPerRound: number;
  readonly isSlow: boolean;
  readonly rounds: (number | null)[];
  seed: number;
}

async function warmUp(contender: Contender): Promise<Entry> {
  const first = await timed(contender, 0);
  const outputs = Array.from(first.values);
  let last = first;
  let calls = 1;
  const isSlow = first.ms > slowCallMs && contender.name !== 'fullgraph';
  const end = performance.now() + warmupMs;
  const isWarm = (): boolean => (isSlow ? calls >= 2 : calls >= warmupCalls && performance.now() >= end);
  for (; !isWarm(); calls++) {
    last = await timed(contender, calls);
    // Of a training, the losses of the first steps; of an inference, one output is enough.
    if (benchModel.kind === 'training' && calls < 2) outputs.push(...Array.from(last.values));
  }
  return {
    contender,
    firstCallMs: first.ms,
    outputs,
    callsPerRound: Math.min(50, Math.max(1, Math.round(roundMs / last.ms))),
    isSlow: last.ms > slowCallMs,
    rounds: [],
    seed: calls,
  };
}

async function runRound(entry: Entry): Promise<number> {
  // A full collection would throw away what V8 learnt about the code: no program pays that at each call.
  globalThis.gc?.({ type: 'minor', execution: 'sync' });
  const start = performance.now();
  for (let call = 0; call < entry.callsPerRound; call++) await entry.contender.call(entry.seed++);
  return (performance.now() - start) / entry.callsPerRound;
}

function relativeError(actual: readonly number[], expected: readonly number[]): number {
  const scale = Math.max(...expected.map(Math.abs));
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  return (
    actual.reduce((worst, value, index) => {
      const error = Math.abs(value - (expected[index] ?? 0));
      return Number.isNaN(error) ? Number.POSITIVE_INFINITY : Math.max(worst, error);
    }, 0) / scale
  );
}

function tracingOf(before: FullgraphStats, after: FullgraphStats, calls: number, totalMs: number): Tracing {
  const tracedCalls = after.tracedCalls - before.tracedCalls;
  const traceMs = after.traceMs - before.traceMs;
  const compiled = after.kernelCalls.compiled - before.kernelCalls.compiled;
  const fallback = after.kernelCalls.fallback - before.kernelCalls.fallback;
  return {
    microsecondsPerCall: (1000 * traceMs) / Math.max(1, tracedCalls),
    share: traceMs / totalMs,
    callsPerRun: tracedCalls / calls,
    compiledShare: compiled / Math.max(1, compiled + fallback),
    compiles: after.compiles,
    recompiles: after.recompiles,
  };
}

async function measureSteady(steady: SteadyJob): Promise<SteadyResult> {
  const hasFullgraph = steady.contenders.includes('fullgraph');
  const environment = await prepareEnvironment({ threads: steady.threads, hasFullgraph });
  const entries: Entry[] = [];
  for (const name of steady.contenders) {
    if (!canContend(name, benchModel)) continue;
    entries.push(await warmUp(await makeContender(environment, name, benchModel, steady.threads)));
  }
  for (let round = -warmupRounds; round < steady.rounds; round++) {
    // Whoever comes first meets the coldest caches: take turns.
    for (let turn = 0; turn < entries.length; turn++) {
      const entry = entries[(round + warmupRounds + turn) % entries.length]!;
      const isLeftOut = entry.isSlow && (round < 0 || round >= steady.slowRounds);
      const ms = isLeftOut ? null : await runRound(entry);
      if (round >= 0) entry.rounds.push(ms);
    }
  }
  const reference = (['wasm', 'cpu'] as const)
    .map((name) => entries.find((entry) => entry.contender.name === name))
    .find((entry) => entry !== undefined);
  const contenders: Partial<Record<ContenderName, Measured>> = {};
  for (const { contender, rounds, firstCallMs, outputs } of entries)
    contenders[contender.name] = {
      rounds,
      firstCallMs,
      relativeError: relativeError(outputs, reference?.outputs ?? outputs),
    };
  return {
    model: steady.model,
    threads: steady.threads,
    contenders,
  };
}

async function measureTracing({ threads, durationMs }: TracingJob): Promise<Tracing> {
  const environment = await prepareEnvironment({ threads, hasFullgraph: true, isTimed: true });
  const contender = await makeContender(environment, 'fullgraph', benchModel, threads);
  let seed = 0;
  while (seed < warmupCalls) await contender.call(seed++);
  const before = environment.fullgraph!.stats();
  const start = performance.now();
  let calls = 0;
  let totalMs = 0;
  for (; totalMs < durationMs; totalMs = performance.now() - start) {
    await contender.call(seed++);
    calls++;
  }
  return tracingOf(before, environment.fullgraph!.stats(), calls, totalMs);
}

async function measureFirstCall({ threads, cacheDir }: FirstCallJob): Promise<FirstCallResult> {
  const environment = await prepareEnvironment({ threads, cacheDir, hasFullgraph: true, isTimed: true });
  const contender = await makeContender(environment, 'fullgraph', benchModel, threads);
  const before = environment.fullgraph?.stats();
  const { ms } = await timed(contender, 0);
  const first = environment.fullgraph?.stats();
  const preparing = (stats: FullgraphStats | undefined): number =>
    (stats?.traceMs ?? 0) + (stats?.compileMs ?? 0);
  for (let seed = 1; seed < 10; seed++) await contender.call(seed);
  const stats = environment.fullgraph?.stats();
  const wasmStart = performance.now();
  await environment.tf.setBackend(plainName.wasm);
  return {
    initializingMs: stats?.installMs ?? 0,
    wasmInitializingMs: performance.now() - wasmStart,
    firstCallMs: ms,
    preparingMs: preparing(first) - preparing(before),
    compileMs: (stats?.compileMs ?? 0) - (before?.compileMs ?? 0),
    diskCacheHits: stats?.diskCacheHits ?? 0,
  };
}

async function measure(): Promise<SteadyResult | FirstCallResult | Tracing> {
  switch (job.mode) {
    case 'steady':
      return measureSteady(job);
    case 'first-call':
      return measureFirstCall(job);
    case 'tracing':
      return measureTracing(job);
    default:
      return job satisfies never;
  }
}

const result = await measure();
writeFileSync(job.resultFile, JSON.stringify(result));
// The wasm backend keeps the process alive.
process.exit(0);
