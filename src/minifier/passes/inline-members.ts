/**
 * What classes keep in `this` and use once, put in place: a method that is only called as `this.method(...)` into its caller, and
 * the properties of an object in a field, `this.weights = { query }`, into fields of their own.
 */
import type * as acorn from 'acorn';
import { definePass } from '../define-pass.ts';
import { expressionStatement, findAll, make, parentsOf, variant, type Node } from '../source/ast.ts';
import type { Change, Edit } from '../source/edit.ts';
import { reduceEdits } from '../source/reduce-edits.ts';
import type { SourcePass } from '../source/source-context.ts';
import type { SourceFile } from '../source/source-tree.ts';
import { inlineCall } from './inline-functions.ts';

/** Name of a property that is written as `x.name`. */
function nameOf(node: acorn.MemberExpression): string | undefined {
  return !node.computed && node.property.type === 'Identifier' ? node.property.name : undefined;
}

function membersNamed(file: SourceFile, name: string): acorn.MemberExpression[] {
  return findAll(file.program, 'MemberExpression').filter((node) => nameOf(node) === name);
}

function methodEdit(file: SourceFile, method: acorn.MethodDefinition): Edit | undefined {
  if (method.kind !== 'method' || method.static || method.computed || method.key.type !== 'Identifier')
    return undefined;
  const parents = parentsOf(file.program);
  const [use, ...others] = membersNamed(file, method.key.name);
  const call = use && parents.get(use);
  if (others.length > 0 || use?.object.type !== 'ThisExpression' || call?.type !== 'CallExpression')
    return undefined;
  const isOwnCall = findAll(method.value, 'CallExpression').includes(call);
  if (call.callee !== use || isOwnCall) return undefined;
  const inlined = inlineCall(file, method.value, call);
  return inlined && { changes: [{ target: method, to: undefined }, ...inlined.changes], weight: 4 };
}

/** `this.name = { key: value }` in fields of their own. */
function fieldEdit(file: SourceFile, assignment: acorn.AssignmentExpression): Edit | undefined {
  const { left, right, operator } = assignment;
  const parents = parentsOf(file.program);
  const statement = parents.get(assignment);
  if (operator !== '=' || left.type !== 'MemberExpression' || right.type !== 'ObjectExpression')
    return undefined;
  const name = nameOf(left);
  if (name === undefined || left.object.type !== 'ThisExpression') return undefined;
  if (statement?.type !== 'ExpressionStatement') return undefined;
  const fields: acorn.Statement[] = [];
  for (const property of right.properties) {
    if (property.type !== 'Property' || property.computed || property.key.type !== 'Identifier')
      return undefined;
    const field = variant(left, { property: property.key });
    fields.push(
      expressionStatement(
        make('AssignmentExpression', { operator: '=', left: field, right: property.value }),
      ),
    );
  }
  const changes: Change[] = [{ target: statement, to: fields }];
  for (const use of membersNamed(file, name)) {
    if (use === left) continue;
    const outer: Node | undefined = parents.get(use);
    const isOuter = outer?.type === 'MemberExpression' && outer.object === use;
    if (!isOuter || use.object.type !== 'ThisExpression' || nameOf(outer) === undefined) return undefined;
    changes.push({ target: outer, to: variant(outer, { object: use.object }) });
  }
  return { changes, weight: 3 };
}

function memberEdits(file: SourceFile): Edit[] {
  return [
    ...findAll(file.program, 'MethodDefinition').flatMap((method) => methodEdit(file, method) ?? []),
    ...findAll(file.program, 'AssignmentExpression').flatMap((node) => fieldEdit(file, node) ?? []),
  ];
}

export const inlineMembers: SourcePass = definePass({
  name: 'inline-members',
  title: 'inline methods and objects in fields',
  tier: 1,
  run: async (problem, context) => {
    await reduceEdits(problem, context, 'inline-members', problem.best.files.flatMap(memberEdits));
  },
});
