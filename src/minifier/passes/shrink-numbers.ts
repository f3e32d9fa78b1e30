/**
 * Number literals made simpler: equal numbers together first, because the 7 that stands in four places is usually one size,
 * then one by one. Each goes to the smallest value that still fails, found by trying 0, 1, 2, 3 and then bisecting.
 */
import type * as acorn from 'acorn';
import { definePass } from '../define-pass.ts';
import type { Problem } from '../problem.ts';
import { findAll, literal } from '../source/ast.ts';
import { applyEdits, edit } from '../source/edit.ts';
import type { SourcePass } from '../source/source-context.ts';
import type { SourceTree } from '../source/source-tree.ts';

type NumberLiteral = acorn.Literal & { readonly value: number };

function numbersIn(tree: SourceTree): NumberLiteral[] {
  return tree.files.flatMap((file) =>
    findAll(file.program, 'Literal').filter((node): node is NumberLiteral => typeof node.value === 'number'),
  );
}

function withNumbers(
  tree: SourceTree,
  nodes: readonly NumberLiteral[],
  value: number,
): SourceTree | undefined {
  return applyEdits(
    tree,
    nodes.map((node) => edit(node, literal(value), 1)),
  );
}

/** Simpler values than this one, simplest first. */
function simplerValues(value: number): number[] {
  const integer = Math.trunc(value);
  const values = Number.isInteger(value)
    ? [0, 1, 2, 3].filter((each) => each < value)
    : [0, 1, 2, integer, integer + 1, Number(value.toPrecision(1)), Number(value.toPrecision(2))];
  return [...new Set(values)].filter((each) => each !== value);
}

async function shrink(problem: Problem<SourceTree>, select: () => readonly NumberLiteral[]): Promise<void> {
  const nodes = select();
  const value = nodes[0]?.value;
  if (value === undefined || value === 0) return;
  const base = problem.best;
  const hit = await problem.firstFailing(
    'shrink-numbers',
    simplerValues(value).map((simpler) => {
      const testCase = withNumbers(base, nodes, simpler);
      return testCase && { testCase };
    }),
  );
  if (hit || !Number.isInteger(value)) return;
  let low = 3;
  for (let high = value; high - low > 1;) {
    const middle = Math.floor((low + high) / 2);
    const isAccepted = await problem.accepts('shrink-numbers', withNumbers(base, nodes, middle));
    if (isAccepted) high = middle;
    else low = middle;
  }
}

export const shrinkNumbers: SourcePass = definePass({
  name: 'shrink-numbers',
  title: 'shrink numbers',
  tier: 4,
  run: async (problem) => {
    for (const simple of [0, 1]) {
      const testCase = withNumbers(problem.best, numbersIn(problem.best), simple);
      if (await problem.accepts('shrink-numbers', testCase)) break;
    }
    const values = [...new Set(numbersIn(problem.best).map((node) => node.value))];
    for (const value of values.sort((left, right) => right - left)) {
      await shrink(problem, () => numbersIn(problem.best).filter((node) => node.value === value));
    }
    for (let index = 0; index < numbersIn(problem.best).length; index++) {
      await shrink(problem, () => numbersIn(problem.best).slice(index, index + 1));
    }
  },
});
