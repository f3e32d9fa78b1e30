/**
 * Wraps expressions so that a run tells their values: `(a + b)` becomes `__fullgraphObserve(17, (a + b))`. Only where the
 * meaning cannot change: not on assignment targets, callees, operands of `typeof` and `delete`, or tagged templates.
 */
import { MagicString } from 'magic-string';
import type { ObservedSite } from '../program/messages.ts';
import { observerName } from '../program/observe.ts';
import { forEachChild, type Node } from './ast.ts';
import { forEachExpression } from './slots.ts';
import type { Observation } from './source-context.ts';
import { parseFile, type SourceFile, type SourceTree } from './source-tree.ts';

export interface Instrumented {
  readonly tree: SourceTree;
  /** The expressions, by the number that they report under. */
  readonly sites: readonly { readonly file: SourceFile; readonly node: Node }[];
}

const observable: ReadonlySet<string> = new Set([
  'CallExpression',
  'NewExpression',
  'MemberExpression',
  'BinaryExpression',
  'LogicalExpression',
  'ConditionalExpression',
  'UnaryExpression',
  'TemplateLiteral',
  'AwaitExpression',
  'ChainExpression',
  'Identifier',
]);

function canWrap(node: Node, parent: Node, key: string): boolean {
  if (!observable.has(node.type)) return false;
  switch (parent.type) {
    case 'ExpressionStatement':
    case 'ExportDefaultDeclaration':
      return false;
    case 'CallExpression':
    case 'NewExpression':
      return key !== 'callee';
    case 'TaggedTemplateExpression':
      return false;
    case 'UnaryExpression':
      return parent.operator !== 'typeof' && parent.operator !== 'delete';
    case 'Property':
      return !parent.shorthand;
    case 'ForInStatement':
    case 'ForOfStatement':
      return key === 'right';
    default:
      return true;
  }
}

/** Member expressions inside an optional chain must stay in it. */
function chainParts(program: Node): ReadonlySet<Node> {
  const parts = new Set<Node>();
  const visit = (node: Node, isInChain: boolean): void => {
    if (isInChain) parts.add(node);
    forEachChild(node, (child, key) => {
      const continues = isInChain && (key === 'object' || key === 'callee');
      visit(child, continues || node.type === 'ChainExpression');
    });
  };
  visit(program, false);
  return parts;
}

/**
 * The program with its expressions wrapped. `sink`, if given, is the source of the observer function, added to each
 * file; otherwise a global of that name is called.
 */
export function instrument(tree: SourceTree, sink?: string): Instrumented | undefined {
  const sites: { file: SourceFile; node: Node }[] = [];
  const files: SourceFile[] = [];
  for (const file of tree.files) {
    const text = new MagicString(file.text);
    const inChain = chainParts(file.program);
    forEachExpression(file.program, (node, parent, key) => {
      if (!canWrap(node, parent, key) || inChain.has(node)) return;
      text.appendLeft(node.start, `${observerName}(${sites.length}, (`);
      text.prependRight(node.end, '))');
      sites.push({ file, node });
    });
    if (sink !== undefined) text.append(`\n${sink}`);
    const parsed = parseFile(file.path, text.toString(), file.format);
    if (parsed === undefined) return undefined;
    files.push(parsed);
  }
  return { tree: { ...tree, files }, sites };
}

/** Joins what was reported with the expressions it was reported for. */
export function observationsAt(
  sites: Instrumented['sites'],
  observed: readonly ObservedSite[],
): Observation[] {
  return observed.flatMap(({ id, types, ...value }) => {
    const site = sites[id];
    return site === undefined ? [] : [{ ...site, types, ...value }];
  });
}
