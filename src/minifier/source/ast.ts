/**
 * Walking and building ESTree nodes (acorn's). Nodes are never changed in place: candidates are made by replacing nodes
 * and printing the new tree, so that one parse serves all candidates of a pass.
 */
import type * as acorn from 'acorn';

export type Node = acorn.AnyNode;
export type NodeOf<K extends Node['type']> = Extract<Node, { type: K }>;
export type FunctionNode =
  | acorn.FunctionDeclaration
  | acorn.AnonymousFunctionDeclaration
  | acorn.FunctionExpression
  | acorn.ArrowFunctionExpression;

export function isNode(value: unknown): value is Node {
  return value !== null && typeof value === 'object' && 'type' in value && typeof value.type === 'string';
}

/** Calls `visit` with each child, in source order, and with the property (and position) that holds it. */
export function forEachChild(node: Node, visit: (child: Node, key: string, index?: number) => void): void {
  for (const [key, value] of Object.entries(node) as [string, unknown][]) {
    if (Array.isArray(value)) {
      value.forEach((element: unknown, index) => {
        if (isNode(element)) visit(element, key, index);
      });
    } else if (isNode(value)) visit(value, key);
  }
}

/** The node and everything below it, parents first. */
export function* descendants(node: Node): Generator<Node> {
  yield node;
  const children: Node[] = [];
  forEachChild(node, (child) => children.push(child));
  for (const child of children) yield* descendants(child);
}

/** All nodes of one kind at or below `node`, parents first. */
export function findAll<K extends Node['type']>(node: Node, type: K): NodeOf<K>[] {
  const found: NodeOf<K>[] = [];
  const visit = (each: Node): void => {
    if (each.type === type) found.push(each as NodeOf<K>);
    forEachChild(each, visit);
  };
  visit(node);
  return found;
}

/** Whether a node satisfies `test` at or below `node`, not looking into nested functions when `isShallow`. */
export function contains(node: Node, test: (node: Node) => boolean, isShallow = false): boolean {
  if (test(node)) return true;
  let isFound = false;
  forEachChild(node, (child) => {
    if (!isFound && !(isShallow && isFunction(child))) isFound = contains(child, test, isShallow);
  });
  return isFound;
}

export function isFunction(node: Node): node is FunctionNode {
  return (
    node.type === 'FunctionDeclaration' ||
    node.type === 'FunctionExpression' ||
    node.type === 'ArrowFunctionExpression'
  );
}

export function isStatement(node: Node): node is acorn.Statement | acorn.ModuleDeclaration {
  return (
    (node.type.endsWith('Statement') || node.type.endsWith('Declaration')) &&
    (node as { type: string }).type !== 'AnonymousFunctionDeclaration'
  );
}

const expressionTypes: ReadonlySet<string> = new Set([
  'Identifier',
  'Literal',
  'ThisExpression',
  'TemplateLiteral',
  'ClassExpression',
  'ChainExpression',
]);

/** Whether the node is an expression by its kind; an identifier may still stand where no expression can. */
export function isExpression(node: Node): node is acorn.Expression {
  return (
    expressionTypes.has(node.type) ||
    (node.type.endsWith('Expression') && node.type !== 'ParenthesizedExpression')
  );
}

const parentMaps = new WeakMap<Node, ReadonlyMap<Node, Node>>();

/** Parent of each node below `root`; computed once. */
export function parentsOf(root: Node): ReadonlyMap<Node, Node> {
  const known = parentMaps.get(root);
  if (known) return known;
  const parents = new Map<Node, Node>();
  const visit = (node: Node): void => {
    forEachChild(node, (child) => {
      parents.set(child, node);
      visit(child);
    });
  };
  visit(root);
  parentMaps.set(root, parents);
  return parents;
}

/** A node that no source text stands for. Its children may be nodes of a parsed tree. */
export function make<K extends Node['type']>(
  type: K,
  fields: Omit<NodeOf<K>, 'type' | 'start' | 'end' | 'range' | 'loc'>,
): NodeOf<K> {
  return { type, start: -1, end: -1, ...fields } as unknown as NodeOf<K>;
}

export function isSynthetic(node: Node): boolean {
  return node.start < 0;
}

/** A shallow copy that counts as new, so that it can stand in for the original around the original's children. */
export function variant<N extends Node>(node: N, fields: Partial<N>): N {
  return { ...node, start: -1, end: -1, ...fields };
}

export function identifier(name: string): acorn.Identifier {
  return make('Identifier', { name });
}

/** A literal, `undefined`, or a negative number as an expression. */
export function literal(value: string | number | boolean | null | undefined): acorn.Expression {
  if (value === undefined) return identifier('undefined');
  if (typeof value === 'number' && (value < 0 || Object.is(value, -0))) {
    return make('UnaryExpression', { operator: '-', prefix: true, argument: literal(-value) });
  }
  if (typeof value === 'number' && !Number.isFinite(value)) {
    return identifier(Number.isNaN(value) ? 'NaN' : 'Infinity');
  }
  return make('Literal', { value, raw: JSON.stringify(value) });
}

export function expressionStatement(expression: acorn.Expression): acorn.ExpressionStatement {
  return make('ExpressionStatement', { expression });
}

export function block(body: readonly acorn.Statement[]): acorn.BlockStatement {
  return make('BlockStatement', { body: [...body] });
}

export function declare(
  kind: 'var' | 'let' | 'const',
  id: acorn.Pattern,
  init: acorn.Expression | null,
): acorn.VariableDeclaration {
  return make('VariableDeclaration', { kind, declarations: [make('VariableDeclarator', { id, init })] });
}
