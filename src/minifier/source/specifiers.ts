/** What a program imports from outside itself. */
import { isBuiltin } from 'node:module';
import { findAll } from './ast.ts';
import type { SourceTree } from './source-tree.ts';

/** Whether the specifier names a file, not a package. */
export function isLocal(specifier: string): boolean {
  return /^(?:\.{0,2}\/|file:)/.test(specifier);
}

const perTree = new WeakMap<SourceTree, ReadonlySet<string>>();

/** Packages that the program's files name in imports and requires; Node's own modules left out. */
export function foreignSpecifiers(tree: SourceTree): ReadonlySet<string> {
  const known = perTree.get(tree);
  if (known) return known;
  const names = new Set<string>();
  const add = (value: unknown): void => {
    if (typeof value === 'string' && !isLocal(value) && !isBuiltin(value)) names.add(value);
  };
  for (const { program } of tree.files) {
    for (const statement of program.body) {
      if ('source' in statement && statement.source != null) add(statement.source.value);
    }
    for (const { source } of findAll(program, 'ImportExpression')) {
      if (source.type === 'Literal') add(source.value);
    }
    for (const { callee, arguments: parameters } of findAll(program, 'CallExpression')) {
      const [first] = parameters;
      if (callee.type === 'Identifier' && callee.name === 'require' && first?.type === 'Literal')
        add(first.value);
    }
  }
  perTree.set(tree, names);
  return names;
}
