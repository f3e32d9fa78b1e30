/**
 * Calls replaced by the body of the function: as an expression where the body is one, as statements where the call is
 * a statement, an initialiser or a returned value. Arguments that are names or literals are put in for the parameters, others
 * become variables.
 */
import type * as acorn from 'acorn';
import { definePass } from '../define-pass.ts';
import {
  contains,
  declare,
  expressionStatement,
  findAll,
  isFunction,
  literal,
  parentsOf,
  variant,
  type FunctionNode,
  type Node,
} from '../source/ast.ts';
import type { Change, Edit } from '../source/edit.ts';
import { weightOf } from '../source/lists.ts';
import { reduceEdits } from '../source/reduce-edits.ts';
import { scopesOf, type Binding } from '../source/scope.ts';
import type { SourcePass } from '../source/source-context.ts';
import type { SourceFile } from '../source/source-tree.ts';
import { useEverywhere } from './inline-variables.ts';

/** A body of more tokens is inlined only when there is one call. */
const maxRepeatedTokens = 12;

interface Callable {
  readonly node: FunctionNode;
  /** What to remove when no call is left. */
  readonly declaration: Node;
}

/** The function that a binding always means. */
export function functionOf(binding: Binding, parents: ReadonlyMap<Node, Node>): Callable | undefined {
  const [id] = binding.declarations;
  if (id === undefined || binding.declarations.length > 1) return undefined;
  if (binding.references.some((reference) => reference.isWrite)) return undefined;
  const owner = parents.get(id);
  if (owner?.type === 'FunctionDeclaration') return { node: owner as FunctionNode, declaration: owner };
  if (
    owner?.type !== 'VariableDeclarator' ||
    owner.id !== id ||
    owner.init == null ||
    !isFunction(owner.init)
  ) {
    return undefined;
  }
  return { node: owner.init, declaration: owner };
}

/** The calls that are all uses of a binding, or none when it is used otherwise. */
export function callsOf(
  binding: Binding,
  parents: ReadonlyMap<Node, Node>,
): acorn.CallExpression[] | undefined {
  const calls = binding.references.map(({ identifier }) => {
    const parent = parents.get(identifier);
    return parent?.type === 'CallExpression' && parent.callee === identifier ? parent : undefined;
  });
  return calls.length > 0 && calls.every((call) => call !== undefined) ? calls : undefined;
}

interface Body {
  /** Statements without the last `return`. */
  readonly statements: readonly acorn.Statement[];
  readonly value: acorn.Expression | undefined;
}

function bodyOf(node: FunctionNode): Body | undefined {
  if (node.body.type !== 'BlockStatement') return { statements: [], value: node.body };
  const { body } = node.body;
  const last = body.at(-1);
  const isReturn = last?.type === 'ReturnStatement';
  const statements = isReturn ? body.slice(0, -1) : body;
  if (statements.some((each) => contains(each, (inner) => inner.type === 'ReturnStatement', true)))
    return undefined;
  return { statements, value: isReturn ? (last.argument ?? undefined) : undefined };
}

function isSimple(node: Node): boolean {
  return node.type === 'Identifier' || node.type === 'Literal' || node.type === 'ThisExpression';
}

/** Declarations for parameters and changes inside the body that bind arguments; none when the forms do not fit. */
function bindArguments(
  file: SourceFile,
  node: FunctionNode,
  call: acorn.CallExpression,
): { declarations: acorn.Statement[]; changes: Change[] } | undefined {
  const parents = parentsOf(file.program);
  const { bindingOf } = scopesOf(file.program);
  const declarations: acorn.Statement[] = [];
  const changes: Change[] = [];
  for (const [index, param] of node.params.entries()) {
    const argument = call.arguments[index];
    if (argument?.type === 'SpreadElement' || param.type === 'RestElement') return undefined;
    const target = param.type === 'AssignmentPattern' ? param.left : param;
    const value = argument ?? (param.type === 'AssignmentPattern' ? param.right : literal(undefined));
    const binding = target.type === 'Identifier' ? bindingOf.get(target) : undefined;
    const uses = binding?.references ?? [];
    const canReplace = binding !== undefined && uses.every((use) => !use.isWrite);
    if (canReplace && (uses.length <= 1 || isSimple(value))) {
      const replaced = useEverywhere(binding, value, parents);
      if (replaced === undefined) return undefined;
      changes.push(...replaced);
    } else declarations.push(declare(canReplace ? 'const' : 'let', target, value));
  }
  return { declarations, changes };
}

interface Inlined {
  readonly changes: readonly Change[];
}

/** The call replaced by the function's body, or none where the forms do not fit. */
export function inlineCall(
  file: SourceFile,
  node: FunctionNode,
  call: acorn.CallExpression,
): Inlined | undefined {
  const parents = parentsOf(file.program);
  const body = bodyOf(node);
  const bound = bindArguments(file, node, call);
  if (body === undefined || bound === undefined) return undefined;
  const { declarations, changes } = bound;
  const { statements, value = literal(undefined) } = body;
  let outer: Node = call;
  let parent = parents.get(call);
  // `await f()` of an inlined async function needs no await of its own.
  if (parent?.type === 'AwaitExpression' && node.async) {
    outer = parent;
    parent = parents.get(parent);
  }
  const before = [...declarations, ...statements];
  if (before.length === 0) return { changes: [{ target: outer, to: value }, ...changes] };
  if (parent?.type === 'ExpressionStatement') {
    const tail = body.value === undefined ? [] : [expressionStatement(value)];
    return { changes: [{ target: parent, to: [...before, ...tail] }, ...changes] };
  }
  if (parent?.type === 'ReturnStatement') {
    return {
      changes: [{ target: parent, to: [...before, variant(parent, { argument: value })] }, ...changes],
    };
  }
  if (parent?.type === 'VariableDeclarator' && parent.init === outer) {
    const statement = parents.get(parent);
    if (statement?.type !== 'VariableDeclaration' || statement.declarations.length > 1) return undefined;
    const last = variant(statement, { declarations: [variant(parent, { init: value })] });
    return { changes: [{ target: statement, to: [...before, last] }, ...changes] };
  }
  if (parent?.type === 'AssignmentExpression' && parent.right === outer) {
    const statement = parents.get(parent);
    if (statement?.type !== 'ExpressionStatement') return undefined;
    const last = variant(statement, { expression: variant(parent, { right: value }) });
    return { changes: [{ target: statement, to: [...before, last] }, ...changes] };
  }
  return undefined;
}

function inlineEdits(file: SourceFile): Edit[] {
  const parents = parentsOf(file.program);
  return scopesOf(file.program).bindings.flatMap((binding): Edit[] => {
    const callable = functionOf(binding, parents);
    const calls = callsOf(binding, parents);
    if (callable === undefined || calls === undefined) return [];
    const { node, declaration } = callable;
    const isRecursive = findAll(node.body, 'Identifier').some((each) =>
      binding.references.some((reference) => reference.identifier === each),
    );
    if (isRecursive || (calls.length > 1 && weightOf(file, node.body) > maxRepeatedTokens)) return [];
    const inlined = calls.map((call) => inlineCall(file, node, call));
    if (!inlined.every((each) => each !== undefined)) return [];
    // Arguments of several calls cannot be put into the one body that they share.
    if (calls.length > 1 && inlined.some((each) => each.changes.length > 1)) return [];
    return [
      {
        changes: [{ target: declaration, to: undefined }, ...inlined.flatMap((each) => each.changes)],
        weight: 4,
      },
    ];
  });
}

export const inlineFunctions: SourcePass = definePass({
  name: 'inline-functions',
  title: 'inline functions',
  tier: 1,
  run: async (problem, context) => {
    const edits = problem.best.files.flatMap(inlineEdits);
    await reduceEdits(problem, context, 'inline-functions', edits);
  },
});
