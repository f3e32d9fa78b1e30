/** What source passes may ask beside the problem itself. */
import type { ReductionPass } from '../define-pass.ts';
import type { ObservedValue } from '../program/messages.ts';
import type { Node } from './ast.ts';
import type { SourceFile, SourceTree } from './source-tree.ts';

/** How often code ran. */
export interface ExecutionCounts {
  /** Times the code at an offset ran; `undefined` when the file was not measured. */
  countAt(file: SourceFile, offset: number): number | undefined;
}

/** An expression that was evaluated. */
export interface Observation {
  readonly file: SourceFile;
  readonly node: Node;
  /** `typeof`s of its values, with `null` and `array` told apart from `object`. */
  readonly types: readonly string[];
  /** Its value, when it was the same primitive each time. */
  readonly value?: ObservedValue;
}

export interface SourceContext {
  /** One run with coverage; `undefined` when the oracle cannot tell or the run did not fail as expected. */
  coverage(tree: SourceTree): Promise<ExecutionCounts | undefined>;
  /** What expressions evaluated to in one run; empty when the oracle cannot tell or the run did not fail as expected. */
  observations(tree: SourceTree): Promise<readonly Observation[]>;
  /** Leave import declarations as people write them; they are shortened by what they name only. */
  readonly keepsImports: boolean;
  /** Times a pass began since the start or the last `forget`, by name. */
  readonly visits: Map<string, number>;
  /** Edits that were refused alone; not tried again until the last sweep, which starts with `forget`. */
  readonly refused: Set<string>;
}

/** Makes passes start as in a fresh run, so that a second run of the reduction would find nothing new. */
export function forget(context: SourceContext): void {
  context.visits.clear();
  context.refused.clear();
}

export type SourcePass = ReductionPass<SourceTree, SourceContext>;
