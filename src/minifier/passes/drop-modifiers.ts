/**
 * Small words and wrappers that often do not matter: `async`/`await` (all at once, too), generators, `static`, default values,
 * `extends`, optional chaining, braces around one statement, `return` around an arrow's only expression, long property forms.
 */
import type * as acorn from 'acorn';
import { definePass } from '../define-pass.ts';
import {
  contains,
  descendants,
  findAll,
  isFunction,
  literal,
  make,
  variant,
  type Node,
} from '../source/ast.ts';
import type { Change, Edit } from '../source/edit.ts';
import { reduceEdits } from '../source/reduce-edits.ts';
import type { SourcePass } from '../source/source-context.ts';

function awaitsIn(body: Node): Change[] {
  return findAll(body, 'AwaitExpression').map((each) => ({ target: each, to: each.argument }));
}

function withoutAsync(node: Node): Change | undefined {
  return isFunction(node) && node.async ? { target: node, to: variant(node, { async: false }) } : undefined;
}

/** Everything asynchronous made synchronous. */
function synchronous(program: Node): Edit | undefined {
  const changes = [...descendants(program)].flatMap((node) => withoutAsync(node) ?? []);
  const awaits = awaitsIn(program);
  const loops = findAll(program, 'ForOfStatement').filter((loop) => loop.await);
  if (changes.length + awaits.length === 0) return undefined;
  return {
    changes: [
      ...changes,
      ...awaits,
      ...loops.map((loop) => ({
        target: loop as Node,
        to: variant(loop as Node, { await: false }),
      })),
    ],
    weight: changes.length + awaits.length,
  };
}

function superCalls(body: Node): Change[] {
  return findAll(body, 'ExpressionStatement')
    .filter(({ expression }) => expression.type === 'CallExpression' && expression.callee.type === 'Super')
    .map((target) => ({ target, to: undefined }));
}

function propertyForms(node: acorn.Property | acorn.AssignmentProperty): Change[] {
  if (node.computed || node.kind !== 'init' || node.method || node.shorthand) return [];
  const { key, value } = node;
  if (key.type === 'Identifier' && value.type === 'Identifier' && key.name === value.name) {
    return [{ target: node, to: variant(node as acorn.Property, { shorthand: true }) }];
  }
  return value.type === 'FunctionExpression' && value.id == null
    ? [{ target: node, to: variant(node as acorn.Property, { method: true }) }]
    : [];
}

/** Alternatives for one node; each is a list of changes made together. */
function simplifications(node: Node): (readonly Change[])[] {
  const to = (replacement: Node, ...more: readonly Change[]): readonly Change[] => [
    { target: node, to: replacement },
    ...more,
  ];
  switch (node.type) {
    case 'FunctionDeclaration':
    case 'FunctionExpression':
    case 'ArrowFunctionExpression': {
      const found: (readonly Change[])[] = [];
      if (node.async) found.push(to(variant(node, { async: false }), ...awaitsIn(node.body)));
      if (node.generator) found.push(to(variant(node, { generator: false })));
      const only =
        node.body.type === 'BlockStatement' && node.body.body.length === 1 ? node.body.body[0] : undefined;
      if (
        node.type === 'ArrowFunctionExpression' &&
        only?.type === 'ReturnStatement' &&
        only.argument != null
      ) {
        found.push(to(variant(node, { body: only.argument, expression: true })));
      }
      if (node.type === 'ArrowFunctionExpression' && only?.type === 'ExpressionStatement') {
        found.push(to(variant(node, { body: only.expression, expression: true })));
      }
      return found;
    }
    case 'AwaitExpression':
      return [to(node.argument)];
    case 'AssignmentPattern':
      return [to(node.left)];
    case 'MethodDefinition':
    case 'PropertyDefinition':
      return node.static ? [to(variant(node, { static: false }))] : [];
    case 'ClassDeclaration':
    case 'ClassExpression':
      return node.superClass == null
        ? []
        : [to(variant(node, { superClass: null }), ...superCalls(node.body))];
    case 'ChainExpression':
      return [
        [
          { target: node, to: node.expression },
          ...[...descendants(node.expression)]
            .filter(
              (each) => (each.type === 'MemberExpression' || each.type === 'CallExpression') && each.optional,
            )
            .map((each) => ({ target: each, to: variant(each, { optional: false }) })),
        ],
      ];
    case 'Property':
      return propertyForms(node).map((change) => [change]);
    case 'TemplateLiteral':
      return node.expressions.length === 0 ? [to(literal(node.quasis[0]?.value.cooked ?? ''))] : [];
    case 'MemberExpression':
      return node.computed &&
        node.property.type === 'Literal' &&
        typeof node.property.value === 'string' &&
        /^[A-Za-z_$][\w$]*$/.test(node.property.value)
        ? [
            to(
              variant(node, { computed: false, property: make('Identifier', { name: node.property.value }) }),
            ),
          ]
        : [];
    case 'IfStatement':
      return lonely(node.consequent).map((only) => to(variant(node, { consequent: only })));
    case 'ForStatement':
    case 'ForInStatement':
    case 'ForOfStatement':
    case 'WhileStatement':
      return lonely(node.body).map((only) =>
        to(variant(node as acorn.WhileStatement, { body: only }) as Node),
      );
    case 'CatchClause':
      return node.param == null ? [] : [to(variant(node, { param: null }))];
    default:
      return [];
  }
}

/** The only statement of a block, where no braces are needed around it. */
function lonely(body: acorn.Statement): acorn.Statement[] {
  if (body.type !== 'BlockStatement' || body.body.length !== 1) return [];
  const only = body.body[0]!;
  const mustBrace =
    only.type.endsWith('Declaration') || contains(only, (node) => node.type === 'IfStatement', true);
  return mustBrace ? [] : [only];
}

export const dropModifiers: SourcePass = definePass({
  name: 'drop-modifiers',
  title: 'drop async, defaults, braces and other small parts',
  tier: 1,
  run: async (problem, context) => {
    for (const file of problem.best.files) {
      const edit = synchronous(file.program);
      if (edit) await reduceEdits(problem, context, 'drop-modifiers', [edit]);
    }
    const edits = problem.best.files.flatMap((file) =>
      [...descendants(file.program)].flatMap((node) =>
        simplifications(node).map((changes): Edit => ({ changes, weight: Math.max(1, changes.length) })),
      ),
    );
    await reduceEdits(problem, context, 'drop-modifiers', edits, { repairs: true });
  },
});
