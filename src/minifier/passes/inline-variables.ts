/**
 * Variables replaced by their value: at each use when the value is short or used once. A variable that is declared empty and
 * assigned once takes the assignment as its declaration.
 */
import type * as acorn from 'acorn';
import { definePass } from '../define-pass.ts';
import { declare, parentsOf, variant, type Node } from '../source/ast.ts';
import type { Change, Edit } from '../source/edit.ts';
import { weightOf } from '../source/lists.ts';
import { reduceEdits } from '../source/reduce-edits.ts';
import { scopesOf, type Binding } from '../source/scope.ts';
import type { SourcePass } from '../source/source-context.ts';
import type { SourceFile } from '../source/source-tree.ts';

/** Tokens of a value that may be repeated at every use. */
const maxRepeatedTokens = 4;

/** The change that puts `value` where the identifier is used; none where only a name can stand. */
export function useInstead(
  identifier: acorn.Identifier,
  value: Node,
  parents: ReadonlyMap<Node, Node>,
): Change | undefined {
  const parent = parents.get(identifier);
  if (parent === undefined || parent.type === 'ExportSpecifier') return undefined;
  if (parent.type === 'Property' && parent.shorthand) {
    const isPattern = parents.get(parent)?.type === 'ObjectPattern';
    return isPattern
      ? undefined
      : { target: parent, to: variant(parent, { shorthand: false, value: value as acorn.Expression }) };
  }
  return { target: identifier, to: value };
}

/** The changes for all uses of a binding, or none when some use cannot be replaced. */
export function useEverywhere(
  binding: Binding,
  value: Node,
  parents: ReadonlyMap<Node, Node>,
): Change[] | undefined {
  const changes = binding.references.map(({ identifier }) => useInstead(identifier, value, parents));
  return changes.every((change) => change !== undefined) ? changes : undefined;
}

function inlineEdit(file: SourceFile, binding: Binding): Edit | undefined {
  const parents = parentsOf(file.program);
  const [id] = binding.declarations;
  const declarator = id && parents.get(id);
  if (
    binding.declarations.length !== 1 ||
    declarator?.type !== 'VariableDeclarator' ||
    declarator.id !== id
  ) {
    return undefined;
  }
  const writes = binding.references.filter((reference) => reference.isWrite);
  if (declarator.init == null) return mergeAssignment(binding, declarator, writes, parents);
  if (writes.length > 0) return undefined;
  const weight = weightOf(file, declarator.init);
  if (binding.references.length > 1 && weight > maxRepeatedTokens) return undefined;
  const changes = useEverywhere(binding, declarator.init, parents);
  if (changes === undefined) return undefined;
  return { changes: [{ target: declarator, to: undefined }, ...changes], weight: 3 };
}

/** `let x; ...; x = e;` as `let x = e;` in the place of the assignment. */
function mergeAssignment(
  binding: Binding,
  declarator: acorn.VariableDeclarator,
  writes: Binding['references'],
  parents: ReadonlyMap<Node, Node>,
): Edit | undefined {
  const [write] = writes;
  const assignment = write && parents.get(write.identifier);
  const statement = assignment && parents.get(assignment);
  const declaration = parents.get(declarator);
  if (
    assignment?.type !== 'AssignmentExpression' ||
    assignment.operator !== '=' ||
    statement?.type !== 'ExpressionStatement' ||
    declaration?.type !== 'VariableDeclaration' ||
    declaration.kind === 'using' ||
    declaration.kind === 'await using'
  ) {
    return undefined;
  }
  const merged = declare(declaration.kind, binding.declarations[0]!, assignment.right);
  return {
    changes: [
      { target: declarator, to: undefined },
      { target: statement, to: merged },
    ],
    weight: 2,
  };
}

export const inlineVariables: SourcePass = definePass({
  name: 'inline-variables',
  title: 'inline variables',
  tier: 1,
  run: async (problem, context) => {
    const edits = problem.best.files.flatMap((file) =>
      scopesOf(file.program).bindings.flatMap((binding) => inlineEdit(file, binding) ?? []),
    );
    await reduceEdits(problem, context, 'inline-variables', edits);
  },
});
