/**
 * A break reason: why recording had to stop, in words for the user. After Dynamo's graph break registry, but typed:
 * one file per reason in `breaks/`, listed in `breaks/index.ts`; docs pages and `fullgraph why` are generated from it.
 */

/** What a reason may use to word its explanation. All optional: traces may lack any of it. */
export interface BreakContext {
  /** Variable name of the tensor that was forced. */
  readonly tensor?: string;
  /** `float32[32,10]`. */
  readonly type?: string;
  readonly kernel?: string;
  /** The method or function the program called: `dataSync`. */
  readonly api?: string;
  /** Source of the condition that the number decides. */
  readonly branch?: string;
  /** `for`, `while`, ... when the break sits in a loop. */
  readonly loop?: string;
  readonly detail?: string;
}

export interface BreakReason {
  /** `FG1001`. Never recycled. */
  readonly id: string;
  /** File name of the reason and its fixtures: `sync-read`. */
  readonly slug: string;
  readonly title: string;
  /** Two or three sentences: what happened and why recording cannot go on. */
  readonly explain: (context: BreakContext) => string;
  /** Imperative remedies, best first. */
  readonly hints: readonly string[];
  /** Other remedies where the context calls for them. */
  readonly advise?: (context: BreakContext) => readonly string[] | undefined;
  /** Whether a program can avoid it at all; then `good` exists. */
  readonly isFixable: boolean;
  /** Reason that it is from the second time on that its line is reached: a read becomes a read in a loop. */
  readonly whenRepeated?: string;
  /** A graph is meant to end there (the end of a training step): reported, but never counted as a break. */
  readonly isBoundary?: true;
  /** Body of a program with `tf` in scope that breaks exactly once for this reason. Tests run it. */
  readonly bad: string;
  /** The same computation without this break. Tests run it. */
  readonly good?: string;
}

/** Identity with checking: keeps reason files short and typed. */
export function defineBreak(reason: BreakReason): BreakReason {
  return Object.freeze(reason);
}
