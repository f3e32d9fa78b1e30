/**
 * The recent stream of signature ids. Tells after how many nodes an endless recording should be cut so that each cut
 * gives the same graph (a whole number of the loop's iterations), and gives nodes their stack while explaining: the
 * stack is taken when a prefix of the stream is new, as taking it at each call would cost more than recording.
 */
import type { StackTaker } from './stacks.ts';
import { mix } from './type-table.ts';

/** Prefixes with known stacks; beyond, nodes get none. */
const knownPrefixLimit = 200_000;

export class StreamHistory {
  readonly #recent: Int32Array;
  readonly #maxNodes: number;
  #count = 0;
  #prefix = 0;
  readonly #stackByPrefix = new Map<number, number>();

  constructor(maxNodes: number) {
    this.#maxNodes = maxNodes;
    this.#recent = new Int32Array(maxNodes);
  }

  /** Appends a node. @returns the id of the stack of its call, when stacks are taken. */
  add(signatureId: number, stacks: StackTaker | undefined): number | undefined {
    this.#recent[this.#count++ % this.#maxNodes] = signatureId;
    if (stacks === undefined) return undefined;
    this.#prefix = mix(this.#prefix, signatureId);
    let stack = this.#stackByPrefix.get(this.#prefix);
    if (stack === undefined && this.#stackByPrefix.size < knownPrefixLimit) {
      stack = stacks.take().id;
      this.#stackByPrefix.set(this.#prefix, stack);
    }
    return stack;
  }

  /**
   * A new stretch of recording begins.
   * @param stack of what ended the last one: places that begin with the same ops are told apart by what came before.
   */
  restart(stack = -1): void {
    this.#prefix = mix(0, stack + 1);
  }

  /** Nodes until the next cut: the largest multiple of the stream's period up to the limit, or the limit. */
  alignedLimit(): number {
    const period = this.#period();
    return period === undefined ? this.#maxNodes : Math.floor(this.#maxNodes / period) * period;
  }

  /** Smallest distance at which the last third of the stream repeats itself. */
  #period(): number | undefined {
    const size = this.#maxNodes;
    if (this.#count < size) return undefined;
    const window = Math.floor(size / 3);
    const at = (back: number): number => this.#recent[(this.#count - 1 - back) % size]!;
    for (let period = 1; period <= window; period++) {
      let isPeriodic = true;
      for (let back = 0; back < window && isPeriodic; back++) isPeriodic = at(back) === at(back + period);
      if (isPeriodic) return period;
    }
    return undefined;
  }
}
