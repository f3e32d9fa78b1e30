/**
 * Statements replaced by what they hold: `if` by a branch, loops by one round of their body, `try` by its block, blocks by
 * their statements, functions called on the spot by their body, declarations by their value, exports by what they export,
 * anything by the body of a function in it.
 */
import type * as acorn from 'acorn';
import { definePass } from '../define-pass.ts';
import {
  declare,
  descendants,
  expressionStatement,
  forEachChild,
  isFunction,
  make,
  variant,
  type Node,
} from '../source/ast.ts';
import { unexported, type Edit } from '../source/edit.ts';
import { weightOf } from '../source/lists.ts';
import { reduceEdits } from '../source/reduce-edits.ts';
import type { SourcePass } from '../source/source-context.ts';

type Replacement = readonly Node[];

function statementsOf(node: acorn.Statement): Replacement {
  return node.type === 'BlockStatement' ? node.body : [node];
}

/** `const [x] = xs` for `for (const x of xs)`. */
function firstRound(loop: acorn.ForOfStatement | acorn.ForInStatement): Replacement {
  const { left, right, body } = loop;
  const source =
    loop.type === 'ForOfStatement'
      ? right
      : make('CallExpression', {
          callee: make('MemberExpression', {
            object: make('Identifier', { name: 'Object' }),
            property: make('Identifier', { name: 'keys' }),
            computed: false,
            optional: false,
          }),
          arguments: [right],
          optional: false,
        });
  if (left.type !== 'VariableDeclaration') return [expressionStatement(right), ...statementsOf(body)];
  const pattern = make('ArrayPattern', { elements: [left.declarations[0]!.id] });
  const kind = left.kind === 'var' || left.kind === 'let' ? left.kind : 'const';
  return [declare(kind, pattern, source), ...statementsOf(body)];
}

function calledOnTheSpot(expression: acorn.Expression): Replacement | undefined {
  const call = expression.type === 'AwaitExpression' ? expression.argument : expression;
  if (call.type !== 'CallExpression' || !isFunction(call.callee)) return undefined;
  const { body } = call.callee;
  return body.type === 'BlockStatement' ? body.body : [expressionStatement(body)];
}

function isEmpty(body: acorn.Statement): boolean {
  return body.type === 'EmptyStatement' || (body.type === 'BlockStatement' && body.body.length === 0);
}

/** Statements of the outermost functions inside: what a tool says about a function, it often says without the function. */
function bodiesIn(node: Node): Replacement[] {
  const bodies: Replacement[] = [];
  const visit = (each: Node): void => {
    if (each.type === 'BlockStatement') {
      if (each.body.length > 0) bodies.push(each.body);
    } else forEachChild(each, visit);
  };
  forEachChild(node, visit);
  return bodies;
}

/** What could stand in for a statement, best first. */
function replacements(node: Node): Replacement[] {
  switch (node.type) {
    case 'BlockStatement':
      return [node.body];
    case 'IfStatement':
      if (node.alternate == null && isEmpty(node.consequent)) return [[expressionStatement(node.test)]];
      return node.alternate == null
        ? [statementsOf(node.consequent)]
        : [statementsOf(node.consequent), statementsOf(node.alternate), [variant(node, { alternate: null })]];
    case 'ForStatement': {
      const init =
        node.init == null
          ? []
          : [node.init.type === 'VariableDeclaration' ? node.init : expressionStatement(node.init)];
      return [[...init, ...statementsOf(node.body)]];
    }
    case 'ForInStatement':
    case 'ForOfStatement':
      return [firstRound(node), statementsOf(node.body)];
    case 'WhileStatement':
    case 'DoWhileStatement':
      return [isEmpty(node.body) ? [expressionStatement(node.test)] : statementsOf(node.body)];
    case 'LabeledStatement':
    case 'WithStatement':
      return [statementsOf(node.body)];
    case 'SwitchStatement':
      if (node.cases.length === 0) return [[expressionStatement(node.discriminant)]];
      return [node.cases.flatMap((each) => each.consequent), ...node.cases.map((each) => each.consequent)];
    case 'TryStatement':
      return [
        node.block.body,
        [...node.block.body, ...(node.finalizer?.body ?? [])],
        ...(node.handler == null ? [] : [node.handler.body.body]),
      ];
    case 'ExportNamedDeclaration':
    case 'ExportDefaultDeclaration': {
      const inner = unexported(node);
      return [...(inner === undefined ? [] : [[inner]]), ...bodiesIn(node)];
    }
    case 'FunctionDeclaration':
    case 'ClassDeclaration':
      return bodiesIn(node);
    case 'ThrowStatement':
      return [[expressionStatement(node.argument)]];
    case 'VariableDeclaration': {
      const values = node.declarations.flatMap(({ init }) =>
        init == null ? [] : [expressionStatement(init)],
      );
      return [...(values.length === 0 ? [] : [values]), ...bodiesIn(node)];
    }
    case 'ReturnStatement':
      return node.argument == null ? [] : [[expressionStatement(node.argument)], ...bodiesIn(node)];
    case 'ExpressionStatement': {
      const body = calledOnTheSpot(node.expression);
      return body === undefined ? bodiesIn(node) : [body];
    }
    default:
      return [];
  }
}

const listOwners: ReadonlySet<string> = new Set(['Program', 'BlockStatement', 'StaticBlock', 'SwitchCase']);

function keptWeight(edit: Replacement): number {
  return edit.filter((node) => node.start >= 0).length;
}

export const unwrapStatements: SourcePass = definePass({
  name: 'unwrap-statements',
  title: 'replace statements by what they hold',
  tier: 1,
  run: async (problem, context) => {
    const edits: Edit[] = [];
    for (const file of problem.best.files) {
      for (const owner of descendants(file.program)) {
        const isList = listOwners.has(owner.type);
        for (const node of isList ? statementChildren(owner) : singleStatements(owner)) {
          for (const to of replacements(node)) {
            const weight = Math.max(1, Math.min(8, weightOf(file, node) - keptWeight(to)));
            edits.push({ changes: [{ target: node, to }], weight });
          }
        }
      }
    }
    await reduceEdits(problem, context, 'unwrap-statements', edits, { repairs: true });
  },
});

function statementChildren(owner: Node): readonly Node[] {
  if (owner.type === 'SwitchCase') return owner.consequent;
  return owner.type === 'Program' || owner.type === 'BlockStatement' || owner.type === 'StaticBlock'
    ? owner.body
    : [];
}

/** Statements that stand alone under `if`, loops and labels. A lone block is unwrapped too when it holds one statement. */
function singleStatements(owner: Node): readonly Node[] {
  switch (owner.type) {
    case 'IfStatement':
      return owner.alternate == null ? [owner.consequent] : [owner.consequent, owner.alternate];
    case 'ForStatement':
    case 'ForInStatement':
    case 'ForOfStatement':
    case 'WhileStatement':
    case 'DoWhileStatement':
    case 'LabeledStatement':
    case 'WithStatement':
      return [owner.body];
    default:
      return [];
  }
}
