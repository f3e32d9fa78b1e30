/**
 * Expressions that had the same primitive value whenever they were evaluated become that value, the largest
 * first: whole computations, and everything that only served them, fold into literals.
 */
import { definePass } from '../define-pass.ts';
import type { ObservedValue } from '../program/messages.ts';
import { literal, type Node } from '../source/ast.ts';
import { edit, type Edit } from '../source/edit.ts';
import { weightOf } from '../source/lists.ts';
import { reduceEdits } from '../source/reduce-edits.ts';
import type { SourcePass } from '../source/source-context.ts';

const specials: Readonly<Record<string, number | undefined>> = {
  NaN: Number.NaN,
  Infinity: Infinity,
  '-Infinity': -Infinity,
  '-0': -0,
};

/** The observed value as an expression. */
export function observedLiteral(value: ObservedValue): Node {
  return literal(value !== null && typeof value === 'object' ? specials[value.special] : value);
}

export const useObservedValues: SourcePass = definePass({
  name: 'use-observed-values',
  title: 'replace expressions by the values they had',
  tier: 1,
  run: async (problem, context) => {
    const edits: Edit[] = [];
    for (const { file, node, value } of await context.observations(problem.best)) {
      const weight = weightOf(file, node);
      if (value !== undefined && weight > 1) edits.push(edit(node, observedLiteral(value), weight));
    }
    await reduceEdits(problem, context, 'use-observed-values', edits);
  },
});
