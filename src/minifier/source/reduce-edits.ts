/**
 * List reduction over edits: which of these edits can be made, together, without losing the failure? Chunks of
 * neighbouring edits are tried by falling weight: first everything at once, then parts of half the weight, down to single
 * edits, so that a heavy edit is tried alone early and light ones travel in groups (delta debugging with a schedule that
 * is fixed beforehand, as in CDD, weighted by tokens as in Perses).
 *
 * An edit that was refused alone is not tried again, neither in smaller chunks nor, remembered by its text, in later visits,
 * although the rest of the program has changed, until the last sweep: that halves the cost of the way to the fixed point
 * without moving the fixed point.
 */
import type { Problem } from '../problem.ts';
import { isNode } from './ast.ts';
import { applyEdits, printNode, type Edit } from './edit.ts';
import { isWellScoped, scopeRepair } from './scoping.ts';
import type { SourceContext } from './source-context.ts';
import type { SourceTree } from './source-tree.ts';

export interface ReduceEditsOptions {
  /**
   * How much is likely to go. `all`: everything is tried at once first. `most`: the same at the first visit, in parts at later
   * ones. `some`: go down in larger steps.
   */
  readonly expect?: 'all' | 'most' | 'some';
  /** Take edits back from a chunk when they remove declarations that are still used. */
  readonly repairs?: boolean;
  /** Tells visits of one pass apart that look at different parts of the program; else the name of the pass. */
  readonly stage?: string;
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

/** What an edit does, in words that stay the same while the program around it changes. */
function describeEdits(pass: string, edits: readonly Edit[]): Map<Edit, string> {
  const seen = new Map<string, number>();
  const names = new Map<Edit, string>();
  for (const edit of edits) {
    const parts = edit.changes.map(({ target, to }) => {
      const nodes = to === undefined ? [] : isNode(to) ? [to] : to;
      return [target, ...nodes].map((node) => printable(node)).join(' => ');
    });
    const text = `${pass}: ${parts.join(' & ')}`;
    const count = seen.get(text) ?? 0;
    seen.set(text, count + 1);
    names.set(edit, `${text} #${count}`);
  }
  return names;
}

function printable(node: Parameters<typeof printNode>[0]): string {
  try {
    return printNode(node);
  } catch (error) {
    // Parts such as patterns and specifiers have no text of their own for every printer.
    if (error instanceof TypeError) return `${node.type} ${node.start}`;
    throw error;
  }
}

function firstLimit(
  total: number,
  expect: NonNullable<ReduceEditsOptions['expect']>,
  visits: number,
  count: number,
): number {
  if (expect === 'all') return total;
  if (visits > 0 && count <= 40) return 1;
  return visits > 0 ? total / 8 : total;
}

/** Makes as many of the edits, all relative to the problem's present best, as the failure survives. */
export async function reduceEdits(
  problem: Problem<SourceTree>,
  context: SourceContext,
  pass: string,
  edits: readonly Edit[],
  { expect = 'most', repairs = false, stage = pass }: ReduceEditsOptions = {},
): Promise<boolean> {
  const base = problem.best;
  const names = describeEdits(pass, edits);
  const repair = repairs ? scopeRepair(base) : undefined;
  const made: Edit[] = [];
  const askedAlone = new Set<Edit>();
  let open = edits.filter((edit) => !context.refused.has(names.get(edit)!));

  function* candidates(groups: readonly (readonly Edit[])[], from: number): Generator<Chunk | undefined> {
    for (let position = from; position < groups.length; position++) {
      const chunk = repair ? repair(made, groups[position]!) : groups[position]!;
      const testCase = chunk.length === 0 ? undefined : applyEdits(base, [...made, ...chunk]);
      const isFit = testCase !== undefined && isWellScoped(base, testCase);
      if (isFit && chunk.length === 1) askedAlone.add(chunk[0]!);
      yield isFit ? { edits: chunk, position, testCase } : undefined;
    }
  }

  const visits = context.visits.get(stage) ?? 0;
  context.visits.set(stage, visits + 1);
  const total = open.reduce((sum, each) => sum + each.weight, 0);
  const step = expect === 'some' ? 8 : 2;
  for (let limit = firstLimit(total, expect, visits, open.length); open.length > 0; limit /= step) {
    const groups = partition(open, Math.max(1, limit));
    let position = 0;
    for (;;) {
      const hit = await problem.firstFailing(pass, candidates(groups, position));
      if (hit === undefined) break;
      made.push(...hit.edits);
      const done = new Set(hit.edits);
      open = open.filter((edit) => !done.has(edit));
      position = hit.position + 1;
    }
    if (limit <= 1 || groups.every((group) => group.length === 1)) break;
    open = open.filter((edit) => !askedAlone.has(edit));
  }
  for (const edit of askedAlone) if (!made.includes(edit)) context.refused.add(names.get(edit)!);
  return made.length > 0;
}
