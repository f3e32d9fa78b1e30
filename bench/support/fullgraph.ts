/**
 * The one place where scripts and benchmarks touch fullgraph itself: installs the capturing backend into the tfjs module
 * it is given and reads its counters. Everything else here runs on any tfjs backend.
 */
import type * as tfjs from '@tensorflow/tfjs-core';
import { existsSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** The part of tfjs that a backend needs; both `@tensorflow/tfjs` and `@tensorflow/tfjs-core` have it. */
export type Tf = typeof tfjs;

export interface InstallOptions {
  /** Threads of the native runtime. */
  readonly threads: number;
  /** Whether idle threads of the native runtime spin. Spinning threads starve the other processes of a busy machine. */
  readonly spinning: boolean;
  /** Clock in milliseconds: some programs replace `performance.now`. */
  readonly now: () => number;
  /** Folder of compiled artifacts that survive the process; `false`: no disk cache. */
  readonly cacheDirectory: string | false;
  readonly onRecord?: () => void;
  readonly explain?: boolean;
  readonly tiers?: boolean;
}

/** Counters since installation. They survive `engine().reset()`, which makes a new backend instance. */
export interface FullgraphStats {
  /** Kernel calls that ran inside compiled graphs, or on eager kernels between them. */
  readonly kernelCalls: { readonly compiled: number; readonly fallback: number };
  /** Calls of each kernel that ran eagerly. */
  readonly fallbackKernels: Readonly<Record<string, number>>;
  /** Kernels with a lowering. */
  readonly loweredKernels: readonly string[];
  readonly compiles: number;
  readonly recompiles: number;
  /** Compiled graphs found on disk. */
  readonly diskCacheHits: number;
  /** Calls of compiled graphs. */
  readonly runs: number;
  /** Of the compiled kernel calls, those of runs that were no graph's yet. */
  readonly firstRunCalls: number;
  /** Kernel calls recorded, and the time that recording took. */
  readonly tracedCalls: number;
  readonly traceMs: number;
  readonly compileMs: number;
  readonly runMs: number;
  /** Loading the native runtime and all else that comes before the program's first call. */
  readonly installMs: number;
  /** Native sessions that are alive now. */
  readonly liveSessions: number;
}

export interface Fullgraph {
  readonly backendName: string;
  readonly stats: () => FullgraphStats;
  /** Releases all native sessions. */
  readonly dispose: () => void;
}

/** `FULLGRAPH_SESSION` names a built session for processes that run without a TypeScript loader. */
function sessionFile(): string {
  return process.env['FULLGRAPH_SESSION'] ?? fileURLToPath(new URL('../../src/session.ts', import.meta.url));
}

/** Whether this checkout has the backend. */
export function hasFullgraph(): boolean {
  return existsSync(sessionFile());
}

/** More session options, as JSON: `FULLGRAPH_OPTIONS='{"backend":"eager","freeze":false}'` finds the stage to blame. */
const extraOptions = (): object => JSON.parse(process.env['FULLGRAPH_OPTIONS'] ?? '{}') as object;

/** Registers fullgraph's backend with `tf` without making it the active one. */
export async function installFullgraph(
  tf: Tf,
  options: {
    readonly threads: number;
    readonly spinning?: boolean;
    readonly cacheDir?: string | undefined;
    /** Whether graphs may run as closures first. */
    readonly tiers?: boolean | undefined;
    /** Measure the time that recording takes, which itself takes time. */
    readonly isTimed?: boolean | undefined;
  },
): Promise<Fullgraph> {
  const session = (await import(pathToFileURL(sessionFile()).href)) as {
    install: (tf: Tf, options: InstallOptions) => Promise<Fullgraph> | Fullgraph;
  };
  const { threads, spinning = false, cacheDir = false, isTimed = false, tiers } = options;
  return session.install(tf, {
    threads,
    spinning,
    cacheDirectory: cacheDir,
    now: isTimed ? () => performance.now() : () => Number(process.hrtime.bigint()) / 1e6,
    ...(tiers === undefined ? {} : { tiers }),
    ...(isTimed && { onRecord: () => {}, explain: false }),
    ...extraOptions(),
  });
}
