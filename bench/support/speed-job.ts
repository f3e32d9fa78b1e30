/** What a measuring process is told and what it answers: JSON both ways. */
import type { ContenderName } from './contenders.ts';

export interface SteadyJob {
  readonly mode: 'steady';
  readonly model: string;
  readonly contenders: readonly ContenderName[];
  readonly threads: number;
  readonly rounds: number;
  /** Rounds of contenders whose single call takes longer than {@link slowCallMs}. */
  readonly slowRounds: number;
  readonly resultFile: string;
}

/** The first calls of a fresh process, with a folder of compiled graphs that may be empty. */
export interface FirstCallJob {
  readonly mode: 'first-call';
  readonly model: string;
  readonly threads: number;
  readonly cacheDir: string;
  readonly resultFile: string;
}

/** What recording costs, in a process of its own because timing each kernel call slows the calls down. */
export interface TracingJob {
  readonly mode: 'tracing';
  readonly model: string;
  readonly threads: number;
  /** How long to measure. */
  readonly durationMs: number;
  readonly resultFile: string;
}

export type SpeedJob = SteadyJob | FirstCallJob | TracingJob;

export const slowCallMs = 400;

export interface Measured {
  /** Milliseconds per call, one value per round; `null` in rounds that were left out. */
  readonly rounds: readonly (number | null)[];
  readonly firstCallMs: number;
  /** Largest difference to the reference's output or losses, relative to the largest value. */
  readonly relativeError: number;
}

export interface Tracing {
  readonly microsecondsPerCall: number;
  /** Of the time of a whole call. */
  readonly share: number;
  readonly callsPerRun: number;
  readonly compiledShare: number;
  readonly compiles: number;
  readonly recompiles: number;
}

export interface SteadyResult {
  readonly model: string;
  readonly threads: number;
  readonly contenders: Partial<Record<ContenderName, Measured>>;
}

export interface FirstCallResult {
  /** Before the first call: making the backend, and what `setBackend('wasm')` takes in the same process. */
  readonly initializingMs: number;
  readonly wasmInitializingMs: number;
  /** The whole call, with what the program, tfjs and the graph's first run take. */
  readonly firstCallMs: number;
  /** Recording and compiling in that call. */
  readonly preparingMs: number;
  /** Time spent compiling in the first ten calls: later calls may compile again with frozen weights. */
  readonly compileMs: number;
  readonly diskCacheHits: number;
}
