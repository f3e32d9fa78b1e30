/** What capture needs of compile, as it sees it; `compile/executable.ts` says what it means. */
import type { Graph } from '../ir/graph.ts';
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

export interface GraphCompiler {
  readonly name: string;
  readonly device: string;
  compile(
    graph: Graph,
    leaves: readonly HostArray[],
    isHot?: boolean,
  ): { readonly executable: GraphExecutable; readonly report: GraphCompileReport };
}
