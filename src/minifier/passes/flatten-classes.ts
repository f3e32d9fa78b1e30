/**
 * Classes made into functions: methods that do not use `this` move out, a class with nothing but a constructor becomes that
 * function.
 */
import type * as acorn from 'acorn';
import { definePass } from '../define-pass.ts';
import { contains, findAll, identifier, make, type Node } from '../source/ast.ts';
import type { Edit } from '../source/edit.ts';
import { reduceEdits } from '../source/reduce-edits.ts';
import type { SourcePass } from '../source/source-context.ts';
import type { SourceFile } from '../source/source-tree.ts';

function asFunction(name: string, method: acorn.FunctionExpression): Node {
  const { params, body, generator, async } = method;
  return make('FunctionDeclaration', {
    id: identifier(name),
    params,
    body,
    generator,
    async,
    expression: false,
  });
}

function moveOut(
  file: SourceFile,
  owner: acorn.ClassDeclaration,
  method: acorn.MethodDefinition,
): Edit | undefined {
  if (method.kind !== 'method' || method.computed || method.key.type !== 'Identifier') return undefined;
  const { name } = method.key;
  const usesThis = contains(method.value, (node) => node.type === 'ThisExpression' || node.type === 'Super');
  if (usesThis) return undefined;
  const members = findAll(file.program, 'MemberExpression').filter(
    (node) => !node.computed && node.property.type === 'Identifier' && node.property.name === name,
  );
  const moved = asFunction(name, method.value);
  const rest = owner.body.body.filter((each) => each !== method);
  const body = make('ClassBody', { body: rest });
  const shortened: Node = make('ClassDeclaration', {
    id: owner.id,
    superClass: owner.superClass ?? null,
    body,
  });
  return {
    changes: [
      { target: owner, to: [moved, shortened] },
      ...members.map((target) => ({ target, to: identifier(name) })),
    ],
    weight: 2,
  };
}

function flattenEdits(file: SourceFile): Edit[] {
  return findAll(file.program, 'ClassDeclaration').flatMap((node) => {
    const owner = node as acorn.ClassDeclaration;
    const methods = owner.body.body.filter((each) => each.type === 'MethodDefinition');
    const edits = methods.flatMap((method) => moveOut(file, owner, method) ?? []);
    const [only] = methods;
    if (owner.body.body.length === 1 && only?.kind === 'constructor') {
      edits.push({ changes: [{ target: owner, to: asFunction(owner.id.name, only.value) }], weight: 3 });
    }
    return edits;
  });
}

export const flattenClasses: SourcePass = definePass({
  name: 'flatten-classes',
  title: 'turn classes into functions',
  tier: 1,
  run: async (problem, context) => {
    // One at a time: each move changes the class that the next would start from.
    for (let before: unknown; before !== problem.best;) {
      before = problem.best;
      for (const file of problem.best.files) {
        for (const each of flattenEdits(file)) {
          if (await reduceEdits(problem, context, 'flatten-classes', [each])) break;
        }
        if (before !== problem.best) break;
      }
    }
  },
});
