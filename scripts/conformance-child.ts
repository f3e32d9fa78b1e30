/**
 * One process of the conformance run: loads the bundled specs on one backend, runs those that its job names in the
 * order of the files, and appends one JSON line per event to a file. Lines are written synchronously, so after a native
 * crash the parent knows which spec was running.
 */
import { installFullgraph, type Tf } from '../bench/support/fullgraph.ts';
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { compileFunction } from 'node:vm';
import type { ConformanceJob, SpecEvent } from './conformance-events.ts';

interface SpecBundle {
  readonly tf: Tf & { wasm?: unknown };
  readonly setTestEnvs: (
    environments: readonly { name: string; backendName: string; isDataSync: boolean }[],
  ) => void;
  readonly loadCpu: () => void;
  readonly loadWasm: () => { setWasmPaths: (folder: string) => void };
  readonly loadSpecs: () => void;
}

interface JasmineSpec {
  readonly id: string;
  readonly fullName: string;
  readonly status: string;
  readonly failedExpectations: readonly { readonly message: string; readonly stack?: string }[];
}

interface JasmineEnv {
  configure(options: {
    random: boolean;
    specFilter: (spec: { id: string; getFullName(): string }) => boolean;
  }): void;
  clearReporters(): void;
  addReporter(reporter: {
    specStarted(spec: JasmineSpec): void;
    specDone(spec: JasmineSpec): void;
    suiteDone(suite: JasmineSpec): void;
    jasmineDone(result: { failedExpectations: readonly { message: string }[] }): void;
  }): void;
  execute(): Promise<unknown> | undefined;
}

interface Jasmine {
  readonly env: JasmineEnv;
  readonly jasmine: { DEFAULT_TIMEOUT_INTERVAL: number };
}

const job = JSON.parse(process.argv[2] ?? '') as ConformanceJob;
const output = openSync(job.eventFile, 'a');
const emit = (event: SpecEvent): void => void writeSync(output, `${JSON.stringify(event)}\n`);

/** Same specs, same numbers: several specs draw unseeded random values. */
function seedMathRandom(): void {
  let state = 42;
  Math.random = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** Runs the bundle as Node would, minus the loader hooks that would parse its ten megabytes again. */
function loadBundle(file: string): SpecBundle {
  const module = { exports: {} };
  const load = compileFunction(
    readFileSync(file, 'utf8'),
    ['require', 'module', 'exports', '__filename', '__dirname'],
    {
      filename: file,
    },
  ) as (...wrapper: unknown[]) => void;
  load(createRequire(file), module, module.exports, file, path.dirname(file));
  return module.exports as SpecBundle;
}

function isSelected(index: number, name: string): boolean {
  if (index < job.firstSpec || index % job.shards !== job.shard) return false;
  return job.grep === undefined || new RegExp(job.grep, 'i').test(name);
}

seedMathRandom();
const JasmineRunner = createRequire(import.meta.url)('jasmine') as new () => Jasmine;
const { env, jasmine } = new JasmineRunner();
jasmine.DEFAULT_TIMEOUT_INTERVAL = 60_000;

const bundle = loadBundle(job.bundle);
bundle.loadCpu();
const cpuKernels = bundle.tf.getKernelsForBackend('cpu').map((kernel) => kernel.kernelName);
if (job.backend === 'wasm') bundle.loadWasm().setWasmPaths(job.wasmFolder);
const fullgraph =
  job.backend === 'fullgraph'
    ? await installFullgraph(bundle.tf, {
        threads: Math.min(2, availableParallelism()),
        tiers: job.tiers,
      })
    : undefined;
const backendName = fullgraph?.backendName ?? job.backend;
await bundle.tf.setBackend(backendName);
// The name is the same for each backend, so that spec names are too.
bundle.setTestEnvs([{ name: 'node', backendName, isDataSync: true }]);
bundle.loadSpecs();

const indexOf = new Map<string, number>();
env.configure({
  random: false,
  specFilter: (spec) => {
    const index = indexOf.get(spec.id) ?? indexOf.size;
    indexOf.set(spec.id, index);
    return isSelected(index, spec.getFullName());
  },
});
env.clearReporters();
env.addReporter({
  specStarted: (spec) => {
    const index = indexOf.get(spec.id) ?? -1;
    if (isSelected(index, spec.fullName)) emit({ kind: 'start', index, name: spec.fullName });
  },
  specDone: (spec) => {
    if (spec.status === 'excluded') return;
    emit({
      kind: 'spec',
      index: indexOf.get(spec.id) ?? -1,
      name: spec.fullName,
      status: spec.status === 'passed' ? 'passed' : spec.status === 'pending' ? 'pending' : 'failed',
      messages: spec.failedExpectations.map((failure) => failure.message.slice(0, 400)),
    });
  },
  suiteDone: (suite) => {
    for (const failure of suite.failedExpectations)
      emit({ kind: 'suite-failure', name: suite.fullName, message: failure.message.slice(0, 400) });
  },
  jasmineDone: (result) => {
    for (const failure of result.failedExpectations)
      emit({ kind: 'suite-failure', name: '(all specs)', message: failure.message.slice(0, 400) });
  },
});
await env.execute();
const stats = fullgraph?.stats();
emit({
  kind: 'end',
  specs: indexOf.size,
  cpuKernels,
  ...(stats && {
    stats: {
      compiled: stats.kernelCalls.compiled,
      fallback: stats.kernelCalls.fallback,
      fallbackKernels: stats.fallbackKernels,
      loweredKernels: stats.loweredKernels,
      compiles: stats.compiles,
    },
  }),
});
closeSync(output);
fullgraph?.dispose();
// Specs leave workers and timers behind.
process.exit(0);
