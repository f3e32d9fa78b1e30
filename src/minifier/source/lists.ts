/** The places in a syntax tree that hold lists, and edits that shorten them. */
import { forEachChild, type Node } from './ast.ts';
import { edit, type Edit } from './edit.ts';
import { tokensBetween, type SourceFile } from './source-tree.ts';

/** Lists of statements and of whole class members, by node type. */
export const statementLists: Readonly<Record<string, string>> = {
  Program: 'body',
  BlockStatement: 'body',
  StaticBlock: 'body',
  SwitchStatement: 'cases',
  SwitchCase: 'consequent',
  ClassBody: 'body',
};

/** Lists inside expressions and declarations. */
export const elementLists: Readonly<Record<string, string>> = {
  ObjectExpression: 'properties',
  ObjectPattern: 'properties',
  ArrayExpression: 'elements',
  ArrayPattern: 'elements',
  CallExpression: 'arguments',
  NewExpression: 'arguments',
  SequenceExpression: 'expressions',
  VariableDeclaration: 'declarations',
  ImportDeclaration: 'specifiers',
  ExportNamedDeclaration: 'specifiers',
  FunctionDeclaration: 'params',
  FunctionExpression: 'params',
  ArrowFunctionExpression: 'params',
};

/** The nodes in the list that `node` holds, if it is of a type that holds one. */
export function listOf(node: Node, lists: Readonly<Record<string, string>>): Node[] {
  const key = lists[node.type];
  if (key === undefined) return [];
  const found: Node[] = [];
  forEachChild(node, (child, childKey) => {
    if (childKey === key) found.push(child);
  });
  return found;
}

export function weightOf(file: SourceFile, node: Node): number {
  return Math.max(1, tokensBetween(file, node.start, node.end));
}

/** An edit that takes the node away. */
export function removal(file: SourceFile, node: Node): Edit {
  return edit(node, undefined, weightOf(file, node));
}
