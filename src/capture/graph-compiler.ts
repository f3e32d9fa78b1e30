/** What capture needs of compile, as it sees it; `compile/executable.ts` says what it means. */
import type { Attributes, Graph } from '../ir/graph.ts';
import type { ConcreteType } from '../ir/op-signature.ts';
import type { HostArray } from '../ir/tensor-type.ts';

export interface GraphExecutable {
  run(leaves: readonly HostArray[]): HostArray[];
  readonly freeLeaves: readonly boolean[];
  /** Constants are as good as inputs to it now, so that freezing weights gains nothing. */
  readonly ignoresConstants?: boolean;
  tierUp?(leaves: readonly HostArray[]): GraphCompileReport | undefined;
  nodeTimes?(): { readonly runs: number; readonly nodes: Readonly<Record<string, number>> } | undefined;
  dispose(): void;
}

export interface GraphCompileReport {
  readonly outcome: 'session' | 'shared';
  readonly cache: 'none' | 'disk' | 'shared';
  readonly phases: readonly { readonly name: string; readonly durationMs: number }[];
  readonly fallbacks: readonly { readonly node: string; readonly kernel: string; readonly reason: string }[];
  readonly lowered?: Readonly<Record<string, readonly string[]>>;
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

export interface GraphCompiler {
  readonly name: string;
  readonly device: string;
  compile(
    graph: Graph,
    leaves: readonly HostArray[],
    isHot?: boolean,
  ): { readonly executable: GraphExecutable; readonly report: GraphCompileReport };
  /** What calls are run with before they are worth a graph. Absent: everything is compiled. */
  readonly calls?: CallCompiler;
}
