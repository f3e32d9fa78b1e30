/**
 * Edits: replacements of nodes by other nodes, which may contain nodes of the original. Edits compose: those inside a
 * part that another edit keeps still apply, those inside a part it drops have no effect. So a pass computes its
 * edits once and the search is free to combine any subset of them.
 */
import { generate } from 'astring';
import type * as acorn from 'acorn';
import {
  block,
  forEachChild,
  isNode,
  isStatement,
  isSynthetic,
  make,
  parentsOf,
  variant,
  type Node,
} from './ast.ts';
import { parseFile, type SourceFile, type SourceTree } from './source-tree.ts';

export interface Change {
  readonly target: Node;
  /** Nothing, one node, or several where a list or a statement can hold them. Must not contain `target` itself. */
  readonly to: Node | readonly Node[] | undefined;
}

export interface Edit {
  readonly changes: readonly Change[];
  /** Tokens it takes away, about; larger ones are tried alone earlier. */
  readonly weight: number;
}

export function edit(target: Node, to: Change['to'], weight: number): Edit {
  return { changes: [{ target, to }], weight };
}

/** The edit cannot be carried out here: a required part would be missing. */
class Impossible extends Error {}

const optionalSlots: ReadonlySet<string> = new Set([
  'IfStatement.alternate',
  'ReturnStatement.argument',
  'YieldExpression.argument',
  'VariableDeclarator.init',
  'ForStatement.init',
  'ForStatement.test',
  'ForStatement.update',
  'CatchClause.param',
  'TryStatement.handler',
  'TryStatement.finalizer',
  'ClassDeclaration.superClass',
  'ClassExpression.superClass',
  'PropertyDefinition.value',
  'FunctionExpression.id',
  'ClassExpression.id',
  'BreakStatement.label',
  'ContinueStatement.label',
]);

const statementSlots: ReadonlySet<string> = new Set([
  'IfStatement.consequent',
  'IfStatement.alternate',
  'ForStatement.body',
  'ForInStatement.body',
  'ForOfStatement.body',
  'WhileStatement.body',
  'DoWhileStatement.body',
  'LabeledStatement.body',
  'WithStatement.body',
]);

/** Carries out the edits; where two replace the same node, the first wins. `undefined`: no valid program results. */
export function applyEdits(tree: SourceTree, edits: readonly Edit[]): SourceTree | undefined {
  const replacements = new Map<Node, Change['to']>();
  const touched = new Set<Node>();
  for (const { changes } of edits) {
    if (changes.some((change) => replacements.has(change.target))) continue;
    for (const { target, to } of changes) replacements.set(target, to);
  }
  const files: SourceFile[] = [];
  for (const file of tree.files) {
    const parents = parentsOf(file.program);
    for (const target of replacements.keys()) {
      let node: Node | undefined = parents.has(target) ? target : undefined;
      for (; node && !touched.has(node); node = parents.get(node)) touched.add(node);
    }
    const changed = touched.has(file.program) ? reprint(file, replacements, touched) : file;
    if (changed === undefined) return undefined;
    if (changed.tokens > 0 || file.path === tree.entry) files.push(changed);
  }
  return { ...tree, files };
}

function reprint(
  file: SourceFile,
  replacements: ReadonlyMap<Node, Change['to']>,
  touched: ReadonlySet<Node>,
): SourceFile | undefined {
  try {
    const program = rebuild(file.program, replacements, touched) as acorn.Program;
    const text = printProgram(program);
    return text === file.text ? file : parseFile(file.path, text, file.format);
  } catch (error) {
    // The printer trips over nodes that no syntax exists for: not a valid candidate either.
    if (error instanceof Impossible || error instanceof TypeError) return undefined;
    throw error;
  }
}

function rebuild(
  node: Node,
  replacements: ReadonlyMap<Node, Change['to']>,
  touched: ReadonlySet<Node>,
): Node {
  if (!touched.has(node) && !isSynthetic(node)) return node;
  const resolve = (child: Node): readonly Node[] => {
    if (!replacements.has(child)) return tidy(rebuild(child, replacements, touched));
    const to = replacements.get(child);
    const nodes = to === undefined ? [] : isNode(to) ? [to] : to;
    return nodes.flatMap(resolve);
  };
  const copy: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(node) as [string, unknown][]) {
    if (Array.isArray(value)) {
      copy[key] = value.flatMap((element: unknown): readonly unknown[] =>
        isNode(element) ? resolve(element) : [element],
      );
    } else copy[key] = isNode(value) ? fill(`${node.type}.${key}`, resolve(value)) : value;
  }
  return copy as unknown as Node;
}

/** What stands in a slot for a single node. */
function fill(slot: string, nodes: readonly Node[]): Node | null {
  if (nodes.length === 1 && (!statementSlots.has(slot) || isPlainStatement(nodes[0]!))) return nodes[0]!;
  if (nodes.length === 0 && optionalSlots.has(slot)) return null;
  if (statementSlots.has(slot)) return block(nodes as acorn.Statement[]);
  throw new Impossible();
}

function isPlainStatement(node: Node): boolean {
  const isLexical = node.type === 'VariableDeclaration' && node.kind !== 'var';
  return !isLexical && node.type !== 'ClassDeclaration' && node.type !== 'FunctionDeclaration';
}

/** A rebuilt node without husks: declarations of nothing, `try` without handlers, sequences of one. */
function tidy(node: Node): readonly Node[] {
  switch (node.type) {
    case 'VariableDeclaration':
      return node.declarations.length === 0 ? [] : [node];
    case 'ExportNamedDeclaration':
      return node.declaration == null && node.specifiers.length === 0 && node.source == null ? [] : [node];
    case 'TryStatement':
      return node.handler == null && node.finalizer == null ? [node.block] : [node];
    case 'SequenceExpression':
      return node.expressions.length === 1 ? node.expressions : [node];
    default:
      return [node];
  }
}

const printed = new WeakMap<Node, string>();

/** Canonical text of a program. Statements that were parsed are printed once. */
export function printProgram(program: acorn.Program): string {
  return program.body.map((statement) => printNode(statement)).join('');
}

/** Canonical text of a node; statements end in a newline. */
export function printNode(node: Node): string {
  const known = printed.get(node);
  if (known !== undefined) return known;
  const text = generate(node);
  const line = isStatement(node) ? `${text}\n` : text;
  printed.set(node, line);
  return line;
}

/** The tree with each file printed canonically, so that sizes and hashes compare from the start. */
export function canonicalTree(tree: SourceTree): SourceTree {
  const files = tree.files.map(
    (file) => parseFile(file.path, printProgram(file.program), file.format) ?? file,
  );
  return { ...tree, files };
}

/** `export`s and labels around a declaration, removed. */
export function unexported(node: Node): Node | undefined {
  if (node.type === 'ExportNamedDeclaration') return node.declaration ?? undefined;
  if (node.type !== 'ExportDefaultDeclaration') return undefined;
  const { declaration } = node;
  if (declaration.type === 'FunctionDeclaration' || declaration.type === 'ClassDeclaration') {
    return declaration.id == null ? undefined : variant(declaration as Node, {});
  }
  return make('ExpressionStatement', { expression: declaration });
}

/** Children of a node, in source order. */
export function childrenOf(node: Node): Node[] {
  const children: Node[] = [];
  forEachChild(node, (child) => children.push(child));
  return children;
}
