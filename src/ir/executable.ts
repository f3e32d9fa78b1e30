/**
 * What capture asks of compile: an executable for a graph. A leaf is a placeholder or constant node of the graph; run
 * gets the host arrays of all leaves in graph order, so that a constant that was promoted to an input needs no new
 * interface.
 */
import type { Attributes, Graph } from './graph.ts';
import type { ConcreteType } from './op-signature.ts';
import type { HostArray } from './tensor-type.ts';

export interface Executable {
  /**
   * Runs synchronously.
   * @param leaves host arrays of the graph's placeholders and constants, in graph order.
   * @returns host arrays of the graph's outputs, freshly allocated, owned by the caller.
   * @throws BackendError
   */
  run(leaves: readonly HostArray[]): HostArray[];
  /**
   * Per leaf: whether its values may differ from run to run. True for placeholders and promoted constants. Changes when
   * {@link tierUp} compiled something.
   */
  readonly freeLeaves: readonly boolean[];
  /** Constants are as good as inputs to it, now: capture need not freeze weights. */
  readonly ignoresConstants?: boolean;
  /**
   * Compiles to native code what ran in a cheaper form for long enough to be worth it. Asked before each run.
   * @param leaves of that run
   * @returns what was compiled; undefined when there was nothing to do.
   */
  tierUp?(leaves: readonly HostArray[]): CompileReport | undefined;
  /** Milliseconds per run of each node, when the backend was asked to profile; ends profiling. */
  nodeTimes?(): { readonly runs: number; readonly nodes: Readonly<Record<string, number>> } | undefined;
  /** Releases native memory that no other executable shares. */
  dispose(): void;
}

export interface FallbackNode {
  readonly node: string;
  readonly kernel: string;
  readonly reason: string;
}

/** How an executable came about: the material of a compile record. */
export interface CompileReport {
  /** `session`: something was compiled. `shared`: what an earlier graph was compiled to was general enough. */
  readonly outcome: 'session' | 'shared';
  readonly cache: 'none' | 'disk' | 'shared';
  readonly phases: readonly { readonly name: string; readonly durationMs: number }[];
  readonly fallbacks: readonly FallbackNode[];
  /** ONNX nodes made of each graph node. */
  readonly lowered?: Readonly<Record<string, readonly string[]>>;
}

export interface Compiled {
  readonly executable: Executable;
  readonly report: CompileReport;
}

/** A kernel call without its values. */
export interface CallForm {
  readonly kernel: string;
  readonly attributes: Attributes;
  readonly inputs: readonly (ConcreteType | undefined)[];
  readonly outputs: readonly ConcreteType[];
}

/** A kernel call by itself. */
export interface CompiledCall {
  /** What a run takes, estimated. */
  readonly costMs: number;
  /** @param arrays of the inputs, then of the results, which it writes: these may be longer than they need be. */
  run(arrays: readonly (HostArray | undefined)[]): void;
}

export interface CallCompiler {
  /** @returns `undefined` for a call that only graphs can hold. */
  compile(form: CallForm): CompiledCall | undefined;
  /** What compiling a graph of so many calls takes, in milliseconds, estimated. */
  graphCostMs(calls: number): number;
}

/**
 * Makes executables. Registered by name; the session picks one.
 * @param leaves example values, in graph order: the very arrays of the first run.
 */
export interface Backend {
  readonly name: string;
  readonly device: string;
  /** @param isHot the graph is known to run often. */
  compile(graph: Graph, leaves: readonly HostArray[], isHot?: boolean): Compiled;
  /** What calls are run with before they are worth a graph; a backend without it compiles everything. */
  readonly calls?: CallCompiler;
  /** Releases all sessions. */
  dispose(): void;
}

/** Runs one call on tfjs's own kernel: the reference, and the fallback for what has no lowering. */
export type RunKernel = (
  kernel: string,
  inputs: readonly (
    { readonly data: HostArray; readonly dtype: string; readonly shape: readonly number[] } | undefined
  )[],
  inputNames: readonly string[] | 'variadic',
  attributes: Readonly<Record<string, unknown>>,
) => { readonly data: HostArray; readonly dtype: string; readonly shape: readonly number[] }[];
