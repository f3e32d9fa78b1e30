/** What a conformance child writes and its parent reads: one JSON line per event. */

export type ConformanceBackend = 'cpu' | 'wasm' | 'fullgraph';

/** What one child process has to do. Specs are numbered in the order in which the files define them. */
export interface ConformanceJob {
  readonly backend: ConformanceBackend;
  /** Whether graphs may run as closures, as those of programs do. */
  readonly tiers: boolean;
  readonly bundle: string;
  readonly wasmFolder: string;
  readonly eventFile: string;
  /** Specs with `index % shards === shard` and `index >= firstSpec` are run. */
  readonly shard: number;
  readonly shards: number;
  readonly firstSpec: number;
  /** Case-insensitive regular expression over full spec names. */
  readonly grep?: string;
}

export interface ConformanceStats {
  readonly compiled: number;
  readonly fallback: number;
  readonly fallbackKernels: Readonly<Record<string, number>>;
  readonly loweredKernels: readonly string[];
  readonly compiles: number;
}

export interface SpecResult {
  readonly index: number;
  readonly name: string;
  readonly status: 'passed' | 'failed' | 'pending';
  readonly messages: readonly string[];
}

export type SpecEvent =
  | { readonly kind: 'start'; readonly index: number; readonly name: string }
  | ({ readonly kind: 'spec' } & SpecResult)
  | { readonly kind: 'suite-failure'; readonly name: string; readonly message: string }
  | {
      readonly kind: 'end';
      readonly specs: number;
      readonly cpuKernels: readonly string[];
      readonly stats?: ConformanceStats;
    };
