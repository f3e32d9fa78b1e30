/**
 * Reduction passes. A pass looks at the problem's best test case, proposes smaller ones, and lets the problem decide.
 * Passes of one tier run to a fixed point before the next, more expensive tier starts.
 */
import type { Problem } from './problem.ts';

export interface ReductionPass<T, C = undefined> {
  /** Kebab-case, the name of its file. */
  readonly name: string;
  /** What it does, as a progress line. */
  readonly title: string;
  /** 0 first. */
  readonly tier: number;
  /** Changes no size: runs once, at the end, and gives no other pass anything new to do. */
  readonly isCosmetic?: boolean;
  run(problem: Problem<T>, context: C): Promise<void>;
}

/** The pass, typed. */
export function definePass<T, C>(pass: ReductionPass<T, C>): ReductionPass<T, C> {
  return pass;
}
