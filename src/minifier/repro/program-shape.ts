/** A reduced program taken apart for a repro: imports, statements, and the expression whose value shows the failure. */
import type * as acorn from 'acorn';
import type { Node } from '../source/ast.ts';
import { scopesOf } from '../source/scope.ts';
import type { SourceFile } from '../source/source-tree.ts';

export interface ProgramShape {
  readonly imports: readonly string[];
  /** Specifiers that are imported. */
  readonly specifiers: readonly string[];
  readonly statements: readonly string[];
  /** The last statement's expression without the read around it; the statements before it are `statements.slice(0, -1)`. */
  readonly result: string | undefined;
  /** Local name of the tfjs namespace, when it is imported as one. */
  readonly tf: string | undefined;
  readonly isAsync: boolean;
  /** Names that a wrapper must not use. */
  readonly names: ReadonlySet<string>;
}

const readers: ReadonlySet<string> = new Set([
  'print',
  'dataSync',
  'data',
  'arraySync',
  'array',
  'dispose',
  'toString',
]);

/** `tensor` of `await tensor.data()`, `tensor.print()`, `console.log(tensor.dataSync())`. */
function withoutRead(expression: acorn.Expression): acorn.Expression {
  if (expression.type === 'AwaitExpression') return withoutRead(expression.argument);
  if (expression.type !== 'CallExpression' || expression.callee.type !== 'MemberExpression')
    return expression;
  const { object, property } = expression.callee;
  if (property.type !== 'Identifier' || object.type === 'Super') return expression;
  const [first] = expression.arguments;
  if (object.type === 'Identifier' && object.name === 'console' && first && first.type !== 'SpreadElement') {
    return withoutRead(first);
  }
  return readers.has(property.name) ? withoutRead(object) : expression;
}

function tfNamespace(program: acorn.Program): string | undefined {
  for (const statement of program.body) {
    if (statement.type !== 'ImportDeclaration') continue;
    const isTfjs = /^@tensorflow\/tfjs(?:-core)?$/.test(String(statement.source.value));
    const namespace = statement.specifiers.find((each) => each.type === 'ImportNamespaceSpecifier');
    if (isTfjs && namespace) return namespace.local.name;
  }
  return undefined;
}

function hasTopLevelAwait(node: Node): boolean {
  let isFound = false;
  const visit = (each: unknown): void => {
    if (isFound || each === null || typeof each !== 'object') return;
    if (Array.isArray(each)) {
      each.forEach(visit);
      return;
    }
    const { type } = each as Partial<Node>;
    if (type === 'AwaitExpression') isFound = true;
    if (type !== undefined && /Function/.test(type)) return;
    Object.values(each).forEach(visit);
  };
  visit(node);
  return isFound;
}

/** The parts of an ES module. */
export function shapeOf(file: SourceFile): ProgramShape {
  const { program } = file;
  const textOf = (node: Node): string => file.text.slice(node.start, node.end);
  const isImport = (node: Node): node is acorn.ImportDeclaration => node.type === 'ImportDeclaration';
  const imports = program.body.filter(isImport);
  const statements = program.body.filter((statement) => !isImport(statement));
  const last = statements.at(-1);
  const { bindings, free } = scopesOf(program);
  return {
    imports: imports.map(textOf),
    specifiers: imports.map((statement) => String(statement.source.value)),
    statements: statements.map(textOf),
    result: last?.type === 'ExpressionStatement' ? textOf(withoutRead(last.expression)) : undefined,
    tf: tfNamespace(program),
    isAsync: statements.some(hasTopLevelAwait),
    names: new Set([...bindings.map((binding) => binding.name), ...free.keys()]),
  };
}
