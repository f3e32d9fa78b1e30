/** Walking ESTree nodes without knowing their types. */
import type { Node } from 'acorn';

/** An ESTree node, loosely. */
export interface Tree extends Node {
  readonly [key: string]: unknown;
}

export function isTree(value: unknown): value is Tree {
  return value !== null && typeof value === 'object' && 'type' in value && typeof value.type === 'string';
}

export function childrenOf(node: Tree): Tree[] {
  return Object.values(node).flatMap((value) =>
    Array.isArray(value) ? value.filter(isTree) : isTree(value) ? [value] : [],
  );
}

export const functionTypes: ReadonlySet<string> = new Set([
  'FunctionDeclaration',
  'FunctionExpression',
  'ArrowFunctionExpression',
]);
