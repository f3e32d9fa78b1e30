/**
 * Two tiers, as JavaScript engines have: a graph starts as closures, which are made in microseconds per call, and is
 * compiled to native code once it has lost as much by running as closures as compiling takes (ski rental). What runs once
 * never gets there, nor do graphs of tiny tensors: calling into native code takes longer than all of their work. Costs are
 * estimated, not measured, so that a program is compiled alike in each process. See docs/adr/0016-tiers.md.
 */
import { callNodes, type Graph } from '../ir/graph.ts';
import type { OpTable } from '../ir/op-signature.ts';
import { sameContents, type HostArray } from '../ir/tensor-type.ts';
import type { Backend, Compiled, CompileReport, Executable } from '../ir/executable.ts';
import type { NumericArray } from './javascript/closure.ts';
import { compileCall } from './javascript/compile-call.ts';
import { compileClosures, type ClosureProgram } from './javascript/compile-closures.ts';
import {
  estimateCallMs,
  estimateCompileMs,
  estimateCosts,
  measuredCosts,
  type CostModel,
  type GraphCosts,
} from './tier-costs.ts';

/** What graphs of the same kernels, whatever their sizes, have lost by not being native code. */
interface Account {
  lostMs: number;
}

/** Accounts kept; beyond, the oldest are closed: those of its executables go on. */
const accountLimit = 1024;

/** A graph in the first tier, and then in the second. */
class TieredExecutable implements Executable {
  readonly #graph: Graph;
  readonly #native: Backend;
  readonly #costs: GraphCosts;
  /** By a run. */
  readonly #lossMs: number;
  #ownLostMs = 0;
  readonly #account: Account;
  #program: ClosureProgram | undefined;
  #executable: Executable | undefined;
  /** Constants by leaf, while every run had the same values for them. */
  readonly #unchanged = new Map<number, HostArray>();
  readonly #allFree: readonly boolean[];

  constructor(graph: Graph, program: ClosureProgram, native: Backend, costs: GraphCosts, account: Account) {
    this.#graph = graph;
    this.#program = program;
    this.#native = native;
    this.#lossMs = costs.closuresMs - costs.nativeMs;
    this.#costs = costs;
    this.#account = account;
    const leaves = graph.nodes.filter((node) => node.kind !== 'call');
    for (const [index, leaf] of leaves.entries()) {
      if (leaf.kind === 'constant') this.#unchanged.set(index, leaf.data);
    }
    this.#allFree = leaves.map(() => true);
  }

  get freeLeaves(): readonly boolean[] {
    return this.#executable?.freeLeaves ?? this.#allFree;
  }

  get ignoresConstants(): boolean {
    return this.#executable === undefined;
  }

  run(leaves: readonly HostArray[]): HostArray[] {
    if (this.#program === undefined) return this.#executable!.run(leaves);
    this.#observe(leaves);
    if (this.#lossMs > 0) {
      this.#account.lostMs += this.#lossMs;
      this.#ownLostMs += this.#lossMs;
    }
    return this.#program.run(leaves);
  }

  #observe(leaves: readonly HostArray[]): void {
    for (const [leaf, constant] of this.#unchanged) {
      if (!sameContents(constant, leaves[leaf]!)) this.#unchanged.delete(leaf);
    }
  }

  tierUp(leaves: readonly HostArray[]): CompileReport | undefined {
    const { compileMs, recompileMs } = this.#costs;
    // A smaller relative of graphs that lost much may be better off as it is.
    if (this.#program === undefined || this.#lossMs <= 0) return undefined;
    if (this.#ownLostMs < recompileMs || this.#account.lostMs < compileMs) return undefined;
    this.#observe(leaves);
    const { executable, report } = this.#native.compile(this.#generalized(), leaves);
    this.#executable = executable;
    this.#program = undefined;
    return report;
  }

  /** The graph with constants that were seen to change as inputs. */
  #generalized(): Graph {
    const nodes = this.#graph.nodes.map((node, index) => {
      if (node.kind !== 'constant' || this.#unchanged.has(index)) return node;
      return { kind: 'placeholder', name: node.name, type: node.type, role: 'input' } as const;
    });
    return { ...this.#graph, nodes };
  }

  nodeTimes(): ReturnType<NonNullable<Executable['nodeTimes']>> {
    return this.#executable?.nodeTimes?.();
  }

  dispose(): void {
    this.#executable?.dispose();
  }
}

/** Loops are made of text: nothing where the process forbids code from strings. */
function unlessForbidden<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch (error) {
    if (error instanceof EvalError) return undefined;
    throw error;
  }
}

/**
 * @param native compiles graphs that are worth it, or that closures cannot run.
 * @param now milliseconds
 */
export function createTieredBackend(
  native: Backend,
  ops: OpTable,
  now: () => number,
  model: CostModel = measuredCosts,
): Backend {
  const accounts = new Map<string, Account>();

  function open(key: string, account: Account): void {
    if (accounts.size >= accountLimit) {
      const [oldest] = accounts.keys();
      accounts.delete(oldest!);
    }
    accounts.set(key, account);
  }

  function compileTiered(graph: Graph): Compiled | undefined {
    const costs = estimateCosts(graph, ops, model);
    const { closuresMs, nativeMs, compileMs, recompileMs } = costs;
    const key = callNodes(graph)
      .map((call) => call.kernel)
      .join(' ');
    const known = accounts.get(key);
    const isPaid = (known?.lostMs ?? 0) + closuresMs > compileMs;
    if (isPaid && closuresMs > Math.max(nativeMs, recompileMs)) return undefined;
    const started = now();
    const program = unlessForbidden(() => compileClosures(graph, ops));
    if (program === undefined) return undefined;
    const account = known ?? { lostMs: 0 };
    if (known === undefined) open(key, account);
    const report: CompileReport = {
      outcome: known === undefined ? 'session' : 'shared',
      cache: known === undefined ? 'none' : 'shared',
      phases: [{ name: 'closures', durationMs: now() - started }],
      fallbacks: [],
    };
    return { executable: new TieredExecutable(graph, program, native, costs, account), report };
  }

  return {
    ...native,
    calls: {
      compile(form) {
        const closure = unlessForbidden(() => compileCall(form, ops));
        if (closure === undefined) return undefined;
        return { costMs: estimateCallMs(form, model), run: (arrays) => closure(arrays as NumericArray[]) };
      },
      graphCostMs: (calls) => estimateCompileMs(calls, model),
    },
    compile: (graph, leaves, isHot = false) =>
      (isHot ? undefined : compileTiered(graph)) ?? native.compile(graph, leaves),
  };
}
