/**
 * Parameters together with their arguments at every call: unused ones; others with the argument put in for the parameter,
 * where all calls pass the same.
 */
import type * as acorn from 'acorn';
import { definePass } from '../define-pass.ts';
import { findAll, parentsOf, type FunctionNode } from '../source/ast.ts';
import { printNode, type Change, type Edit } from '../source/edit.ts';
import { reduceEdits } from '../source/reduce-edits.ts';
import { scopesOf } from '../source/scope.ts';
import type { SourcePass } from '../source/source-context.ts';
import type { SourceFile } from '../source/source-tree.ts';
import { callsOf, functionOf } from './inline-functions.ts';
import { useEverywhere } from './inline-variables.ts';

type Call = acorn.CallExpression | acorn.NewExpression;

interface Called {
  readonly node: FunctionNode;
  readonly calls: readonly Call[];
}

/** Functions with all their calls: plain ones, constructors, and methods whose name occurs once. */
function calledFunctions(file: SourceFile): Called[] {
  const parents = parentsOf(file.program);
  const { bindings } = scopesOf(file.program);
  const plain = bindings.flatMap((binding): Called[] => {
    const callable = functionOf(binding, parents);
    const calls = callsOf(binding, parents);
    return callable && calls ? [{ node: callable.node, calls }] : [];
  });
  const constructors = bindings.flatMap((binding): Called[] => {
    const owner = parents.get(binding.declarations[0]!);
    if (owner?.type !== 'ClassDeclaration') return [];
    const method = owner.body.body.find(
      (each) => each.type === 'MethodDefinition' && each.kind === 'constructor',
    );
    const calls = binding.references.map(({ identifier }) => parents.get(identifier));
    const areNew = calls.every((call) => call?.type === 'NewExpression');
    return method?.type === 'MethodDefinition' && areNew ? [{ node: method.value, calls }] : [];
  });
  const methods = findAll(file.program, 'MethodDefinition').filter(
    (each) => each.kind === 'method' && !each.computed,
  );
  const memberCalls = findAll(file.program, 'CallExpression');
  const named = methods.flatMap((method): Called[] => {
    if (method.key.type !== 'Identifier') return [];
    const { name } = method.key;
    if (methods.filter((each) => each.key.type === 'Identifier' && each.key.name === name).length > 1)
      return [];
    const calls = memberCalls.filter(
      ({ callee }) =>
        callee.type === 'MemberExpression' &&
        !callee.computed &&
        callee.property.type === 'Identifier' &&
        callee.property.name === name,
    );
    return calls.length > 0 ? [{ node: method.value, calls }] : [];
  });
  return [...plain, ...constructors, ...named];
}

function parameterEdits(file: SourceFile): Edit[] {
  const parents = parentsOf(file.program);
  const { bindingOf } = scopesOf(file.program);
  return calledFunctions(file).flatMap(({ node, calls }) =>
    node.params.flatMap((param, index): Edit[] => {
      const values = calls.map((call) => call.arguments[index]);
      if (
        calls.some((call) => call.arguments.slice(0, index + 1).some((each) => each.type === 'SpreadElement'))
      )
        return [];
      const removals: Change[] = [param, ...values].flatMap((each) =>
        each === undefined ? [] : [{ target: each, to: undefined }],
      );
      const edits: Edit[] = [{ changes: removals, weight: removals.length }];
      const binding = param.type === 'Identifier' ? bindingOf.get(param) : undefined;
      const [value] = values;
      const isSame = value !== undefined && new Set(values.map((each) => each && printNode(each))).size === 1;
      if (binding && binding.references.length > 0 && isSame) {
        const uses = useEverywhere(binding, value, parents);
        if (uses) edits.push({ changes: [...removals, ...uses], weight: removals.length });
      }
      return edits;
    }),
  );
}

export const dropParameters: SourcePass = definePass({
  name: 'drop-parameters',
  title: 'drop parameters with their arguments',
  tier: 1,
  run: async (problem, context) => {
    const edits = problem.best.files.flatMap(parameterEdits).reverse();
    await reduceEdits(problem, context, 'drop-parameters', edits);
  },
});
