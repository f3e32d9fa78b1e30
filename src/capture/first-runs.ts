/**
 * What runs once is not worth a graph. The first run of a structure goes call by call, each a function that all plans
 * share; what comes back becomes a graph, as JavaScript engines interpret functions before they compile them. See
 * docs/adr/0016-tiers.md.
 */
import type { HostArray } from '../ir/tensor-type.ts';
import type { CallCompiler, CompiledCall } from '../ir/executable.ts';
import { emptyHostArray } from './host-array.ts';
import type { CutPlan } from './plan-cut.ts';
import type { Signature } from './signature.ts';
import { dtypeCode, mix, type InternedType } from './type-table.ts';

/** Functions, structures and kinds of plans that are remembered; beyond, all are forgotten. */
const rememberedLimit = 8192;
/** Elements of arrays that are kept from run to run. */
const pooledElements = 2 ** 20;

/** A map or set that starts anew when it is full: what it forgets is made or found again. */
function makeRoom(remembered: Map<unknown, unknown> | Set<unknown>): void {
  if (remembered.size >= rememberedLimit) remembered.clear();
}

/** Arrays for values that nobody reads any more, by dtype and power of two. What they hold is anything. */
class ArrayPool {
  readonly #free = new Map<number, HostArray[]>();
  #elements = 0;

  #arraysFor({ dtype, size }: InternedType): HostArray[] {
    const key = Math.clz32(size - 1) * 8 + dtypeCode(dtype);
    let arrays = this.#free.get(key);
    if (arrays === undefined) this.#free.set(key, (arrays = []));
    return arrays;
  }

  /** An array of at least the type's size. */
  take(type: InternedType): HostArray {
    const found = this.#arraysFor(type).pop();
    if (found === undefined) return emptyHostArray(type.dtype, 2 ** (32 - Math.clz32(type.size - 1)));
    this.#elements -= found.length;
    return found;
  }

  give(type: InternedType, array: HostArray): void {
    this.#elements += array.length;
    this.#arraysFor(type).push(array);
  }

  trim(): void {
    if (this.#elements <= pooledElements) return;
    this.#free.clear();
    this.#elements = 0;
  }
}

export class FirstRuns {
  readonly #compiler: CallCompiler;
  readonly #calls = new Map<Signature, CompiledCall | undefined>();
  /** Hashes of structures that ran. One that is like another's by chance is compiled sooner. */
  readonly #seen = new Set<number>();
  /** Per hash of kernels, whatever their sizes: milliseconds that first runs of them took, estimated. */
  readonly #spent = new Map<number, number>();
  readonly #pool = new ArrayPool();

  constructor(compiler: CallCompiler) {
    this.#compiler = compiler;
  }

  /**
   * Runs a plan whose leaves are in host memory if it is new, and stores what it computes.
   * @returns false when nothing was done: it is known, takes long enough to be compiled, or has a call without a function.
   */
  run(plan: CutPlan): boolean {
    if (this.#seen.has(plan.structureHash)) return false;
    makeRoom(this.#seen);
    this.#seen.add(plan.structureHash);
    const calls = this.#affordable(plan);
    if (calls === undefined) return false;
    const results = this.#evaluate(plan, calls);
    this.#pool.trim();
    if (results === undefined) return false;
    for (const values of [plan.outputs, plan.deferrable]) {
      for (const value of values) value.values = results[value.slot];
    }
    return true;
  }

  /** Functions of the plan's calls; undefined when one has none, or when they take as long as compiling a graph of them. */
  #affordable({ nodes }: CutPlan): readonly CompiledCall[] | undefined {
    const calls: CompiledCall[] = [];
    let kernels = nodes.length;
    let costMs = 0;
    for (const { signature } of nodes) {
      const call = this.#callOf(signature);
      if (call === undefined) return undefined;
      calls.push(call);
      costMs += call.costMs;
      kernels = mix(kernels, signature.kernel.id);
    }
    const spentMs = (this.#spent.get(kernels) ?? 0) + costMs;
    if (spentMs > this.#compiler.graphCostMs(nodes.length)) return undefined;
    makeRoom(this.#spent);
    this.#spent.set(kernels, spentMs);
    return calls;
  }

  #callOf(signature: Signature): CompiledCall | undefined {
    let call = this.#calls.get(signature);
    if (call === undefined && !this.#calls.has(signature)) {
      const { kernel, attributes, inputTypes, outputs } = signature;
      makeRoom(this.#calls);
      call = this.#compiler.compile({
        kernel: kernel.name,
        attributes,
        inputs: inputTypes,
        outputs: outputs!,
      });
      this.#calls.set(signature, call);
    }
    return call;
  }

  /** @returns arrays by slot; undefined when a call refused its arguments: the graph's run will say so in eager's words. */
  #evaluate(plan: CutPlan, calls: readonly CompiledCall[]): readonly HostArray[] | undefined {
    const { nodes } = plan;
    const pool = this.#pool;
    const readers = countReaders(plan);
    const results: HostArray[] = [];
    try {
      for (let index = 0; index < nodes.length; index++) {
        const { inputs, outputs } = nodes[index]!;
        const arrays = inputs.map((value) => value && (value.host ?? results[value.slot]));
        for (const { type } of outputs) {
          const array =
            readers[results.length] === kept ? emptyHostArray(type.dtype, type.size) : pool.take(type);
          results.push(array);
          arrays.push(array);
        }
        calls[index]!.run(arrays);
        for (const value of inputs) {
          if (value !== undefined && value.host === undefined && --readers[value.slot]! === 0) {
            pool.give(value.type, results[value.slot]!);
          }
        }
      }
    } catch {
      return undefined;
    }
    return results;
  }
}

/** Stands for more readers than there are calls. */
const kept = 2 ** 30;

/** Per slot, how many times a call reads it; {@link kept} at least for what outlives the run. */
function countReaders({ nodes, outputs, deferrable }: CutPlan): Int32Array {
  const readers: number[] = [];
  for (const node of nodes) {
    for (const value of node.inputs)
      if (value !== undefined && value.host === undefined) readers[value.slot]!++;
    for (let output = 0; output < node.outputs.length; output++) readers.push(0);
  }
  const counted = new Int32Array(readers);
  for (const { slot } of outputs) counted[slot] = kept;
  for (const { slot } of deferrable) counted[slot] = kept;
  return counted;
}
