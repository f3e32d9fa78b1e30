/**
 * Expressions replaced by the simplest value of the type they had: `0`, `''`, `[]`, `{}`. Largest first. What never had a
 * value may become anything, so 0; where no run told types, the likeliest are tried.
 */
import { definePass } from '../define-pass.ts';
import { literal, make, type Node } from '../source/ast.ts';
import { edit, type Edit } from '../source/edit.ts';
import { weightOf } from '../source/lists.ts';
import { reduceEdits } from '../source/reduce-edits.ts';
import { forEachExpression } from '../source/slots.ts';
import type { SourcePass } from '../source/source-context.ts';
import type { SourceFile } from '../source/source-tree.ts';

interface SimpleValue {
  readonly node: Node;
  readonly tokens: number;
}

const zero: SimpleValue = { node: literal(0), tokens: 1 };
const emptyArray: SimpleValue = { node: make('ArrayExpression', { elements: [] }), tokens: 2 };
const emptyObject: SimpleValue = { node: make('ObjectExpression', { properties: [] }), tokens: 2 };

const simpleValues: Readonly<Record<string, readonly SimpleValue[]>> = {
  number: [zero],
  string: [{ node: literal(''), tokens: 1 }],
  boolean: [zero, { node: literal(1), tokens: 1 }],
  undefined: [zero],
  null: [zero],
  array: [emptyArray],
  object: [emptyObject],
  function: [],
};

/** Stand-ins for an expression that had no value in a run, or none that a run could tell. */
function unobserved(node: Node, wasObserved: boolean): readonly SimpleValue[] {
  if (!wasObserved) return [zero, emptyArray, emptyObject];
  if (node.type === 'ArrayExpression') return [zero, emptyArray];
  return node.type === 'ObjectExpression' ? [zero, emptyObject] : [zero];
}

function literalEdits(file: SourceFile, typesOf: ReadonlyMap<Node, readonly string[]>): Edit[] {
  const edits: Edit[] = [];
  forEachExpression(file.program, (node, parent) => {
    // A statement of only a literal does nothing: deleting the statement covers it.
    if (parent.type === 'ExpressionStatement') return;
    const weight = weightOf(file, node);
    const values =
      typesOf.get(node)?.flatMap((type) => simpleValues[type] ?? []) ?? unobserved(node, typesOf.size > 0);
    for (const { node: value, tokens } of new Set(values)) {
      if (tokens < weight) edits.push(edit(node, value, weight - tokens));
    }
  });
  return edits;
}

export const replaceByLiteral: SourcePass = definePass({
  name: 'replace-by-literal',
  title: 'replace expressions by literals',
  tier: 2,
  run: async (problem, context) => {
    const observed = await context.observations(problem.best);
    const typesOf = new Map(observed.map(({ node, types }) => [node, types]));
    const edits = problem.best.files
      .flatMap((file) => literalEdits(file, typesOf))
      .sort((left, right) => right.weight - left.weight);
    await reduceEdits(problem, context, 'replace-by-literal', edits, { expect: 'some', repairs: true });
  },
});
