/**
 * List reduction over edits: which of these edits can be made, together, without losing the failure? Chunks of
 * neighbouring edits are tried by falling weight: first everything at once, then parts of half the weight, down to single
 * edits, so that a heavy edit is tried alone early and light ones travel in groups (delta debugging with a schedule that
 * is fixed beforehand, as in CDD, weighted by tokens as in Perses).
 */
import type { Problem } from '../problem.ts';
import { applyEdits, type Edit } from './edit.ts';
import type { SourceTree } from './source-tree.ts';

export interface ReduceEditsOptions {
  /** Largest first chunk as a share of all weight: 1 tries everything at once. */
  readonly firstShare?: number;
  /** Takes edits back from a chunk that could not stand, given those already made; no oracle call is spent on them. */
  readonly repair?: (made: readonly Edit[], chunk: readonly Edit[]) => readonly Edit[];
}

interface Chunk {
  readonly edits: readonly Edit[];
  readonly position: number;
  readonly testCase: SourceTree;
}

/** Neighbouring edits grouped to at most `limit` weight each; a heavier edit is a group of its own. */
function partition(edits: readonly Edit[], limit: number): Edit[][] {
  const groups: Edit[][] = [];
  let current: Edit[] = [];
  let weight = 0;
  for (const edit of edits) {
    if (current.length > 0 && weight + edit.weight > limit) {
      groups.push(current);
      current = [];
      weight = 0;
    }
    current.push(edit);
    weight += edit.weight;
  }
  if (current.length > 0) groups.push(current);
  return groups;
}

/** Makes as many of the edits, all relative to the problem's present best, as the failure survives. */
export async function reduceEdits(
  problem: Problem<SourceTree>,
  pass: string,
  edits: readonly Edit[],
  options: ReduceEditsOptions = {},
): Promise<boolean> {
  const { firstShare = 1, repair } = options;
  const base = problem.best;
  const made: Edit[] = [];
  let open = [...edits];

  function* candidates(groups: readonly (readonly Edit[])[], from: number): Generator<Chunk | undefined> {
    for (let position = from; position < groups.length; position++) {
      const chunk = repair ? repair(made, groups[position]!) : groups[position]!;
      const testCase = chunk.length === 0 ? undefined : applyEdits(base, [...made, ...chunk]);
      yield testCase && { edits: chunk, position, testCase };
    }
  }

  const total = edits.reduce((sum, each) => sum + each.weight, 0);
  for (let limit = Math.max(1, total * firstShare); open.length > 0; limit /= 2) {
    const groups = partition(open, limit);
    let position = 0;
    for (;;) {
      const hit = await problem.firstFailing(pass, candidates(groups, position));
      if (hit === undefined) break;
      made.push(...hit.edits);
      const done = new Set(hit.edits);
      open = open.filter((edit) => !done.has(edit));
      position = hit.position + 1;
    }
    if (groups.every((group) => group.length === 1) || limit < 1) break;
  }
  return made.length > 0;
}
