/** Expressions replaced by one of their parts: `f(a, b)` by `a`, `x + y` by `x`, `c ? p : q` by `p`. Largest first. */
import { definePass } from '../define-pass.ts';
import { isExpression, isFunction, literal, type Node } from '../source/ast.ts';
import { edit, type Edit } from '../source/edit.ts';
import { weightOf } from '../source/lists.ts';
import { reduceEdits } from '../source/reduce-edits.ts';
import { forEachExpression } from '../source/slots.ts';
import type { SourcePass } from '../source/source-context.ts';
import type { SourceFile } from '../source/source-tree.ts';

/** Parts of an expression that could take its place. */
export function assignableParts(node: Node): Node[] {
  switch (node.type) {
    case 'CallExpression':
    case 'NewExpression': {
      const { callee } = node;
      const parts: Node[] = node.arguments.map((each) =>
        each.type === 'SpreadElement' ? each.argument : each,
      );
      if (callee.type === 'MemberExpression') parts.push(callee.object);
      if (isFunction(callee) && callee.body.type !== 'BlockStatement') parts.push(callee.body);
      return [...parts, callee].filter(isExpression);
    }
    case 'MemberExpression':
      return (node.computed ? [node.object, node.property] : [node.object]).filter(isExpression);
    case 'ConditionalExpression':
      return [node.consequent, node.alternate, node.test];
    case 'BinaryExpression':
    case 'LogicalExpression':
      return [node.left, node.right].filter(isExpression);
    case 'AssignmentExpression':
      return [
        node.right,
        ...(node.left.type === 'Identifier' || node.left.type === 'MemberExpression' ? [node.left] : []),
      ];
    case 'UnaryExpression':
    case 'UpdateExpression':
    case 'AwaitExpression':
      return [node.argument];
    case 'YieldExpression':
      return node.argument == null ? [] : [node.argument];
    case 'ChainExpression':
      return assignableParts(node.expression);
    case 'SequenceExpression':
      return node.expressions;
    case 'ArrayExpression':
      return node.elements.flatMap((each) =>
        each === null ? [] : [each.type === 'SpreadElement' ? each.argument : each],
      );
    case 'ObjectExpression':
      return node.properties.map((each) => (each.type === 'SpreadElement' ? each.argument : each.value));
    case 'TemplateLiteral':
      return [
        ...(node.expressions.length === 0 ? [literal(node.quasis[0]?.value.cooked ?? '')] : []),
        ...node.expressions,
      ];
    case 'TaggedTemplateExpression':
      return [node.quasi, node.tag];
    case 'ArrowFunctionExpression':
      return node.body.type === 'BlockStatement' ? [] : [node.body];
    case 'ClassExpression':
      return node.superClass == null ? [] : [node.superClass];
    default:
      return [];
  }
}

/** Whether a part can have the type that the whole had, as far as a run told. */
function mayFit(whole: Node, part: Node, typesOf: ReadonlyMap<Node, readonly string[]>): boolean {
  const types = typesOf.get(whole);
  const partTypes = typesOf.get(part);
  return types === undefined || partTypes === undefined || partTypes.some((type) => types.includes(type));
}

function partEdits(file: SourceFile, typesOf: ReadonlyMap<Node, readonly string[]>): Edit[] {
  const edits: Edit[] = [];
  forEachExpression(file.program, (node, parent) => {
    const weight = weightOf(file, node);
    for (const part of assignableParts(node)) {
      if (parent.type !== 'ExpressionStatement' && !mayFit(node, part, typesOf)) continue;
      edits.push(edit(node, part, Math.max(1, weight - (part.start < 0 ? 1 : weightOf(file, part)))));
    }
  });
  return edits;
}

export const replaceByChild: SourcePass = definePass({
  name: 'replace-by-child',
  title: 'replace expressions by their parts',
  tier: 2,
  run: async (problem, context) => {
    const observed = await context.observations(problem.best);
    const typesOf = new Map(observed.map(({ node, types }) => [node, types]));
    const edits = problem.best.files
      .flatMap((file) => partEdits(file, typesOf))
      .sort((left, right) => right.weight - left.weight);
    await reduceEdits(problem, context, 'replace-by-child', edits, { expect: 'some', repairs: true });
  },
});
