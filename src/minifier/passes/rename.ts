/** Short names for what the program declares: `a`, `b`, `c`... Names of properties, imports and exports stay. */
import type * as acorn from 'acorn';
import { definePass } from '../define-pass.ts';
import { identifier, parentsOf, variant, type Node } from '../source/ast.ts';
import type { Change, Edit } from '../source/edit.ts';
import { reduceEdits } from '../source/reduce-edits.ts';
import { scopesOf, type Binding } from '../source/scope.ts';
import type { SourcePass } from '../source/source-context.ts';
import type { SourceFile } from '../source/source-tree.ts';

function* shortNames(): Generator<string> {
  const letters = 'abcdefghijklmnopqrstuvwxyz';
  yield* letters;
  for (const first of letters) for (const second of letters) yield first + second;
}

function renameChange(
  node: acorn.Identifier,
  name: string,
  parents: ReadonlyMap<Node, Node>,
): Change | undefined {
  const parent = parents.get(node);
  const to = identifier(name);
  switch (parent?.type) {
    case 'Property':
      return parent.shorthand && parent.value === node
        ? { target: parent, to: variant(parent, { shorthand: false, value: to }) }
        : { target: node, to };
    case 'ImportSpecifier':
      return parent.imported.type === 'Identifier' && parent.imported.name === node.name
        ? undefined
        : { target: node, to };
    case 'ExportSpecifier':
      return { target: node, to };
    case 'AssignmentPattern': {
      const property = parents.get(parent);
      return property?.type === 'Property' && property.shorthand
        ? {
            target: property,
            to: variant(property, { shorthand: false, value: variant(parent, { left: to }) as never }),
          }
        : { target: node, to };
    }
    default:
      return { target: node, to };
  }
}

/** Whether a declaration or reference is part of what the file exports. */
function isExported(node: Node, parents: ReadonlyMap<Node, Node>): boolean {
  const declaration = parents.get(parents.get(node)!);
  return (
    parents.get(declaration ?? node)?.type === 'ExportNamedDeclaration' ||
    declaration?.type.startsWith('Export') === true
  );
}

/** A new name for everything that has this one; `undefined` when something of it cannot be renamed. */
function renameAll(
  bindings: readonly Binding[],
  name: string,
  parents: ReadonlyMap<Node, Node>,
): Change[] | undefined {
  const nodes = new Set(
    bindings.flatMap(({ declarations, references }) => [
      ...declarations,
      ...references.map(({ identifier: node }) => node),
    ]),
  );
  const changes: Change[] = [];
  for (const node of nodes) {
    const change = isExported(node, parents) ? undefined : renameChange(node, name, parents);
    if (change === undefined) return undefined;
    changes.push(change);
  }
  return changes;
}

/**
 * Renamings that cannot capture each other: names are unique in the file. What has one name gets one name: were clashes to
 * go away, other passes, which have ended, could go on.
 */
function renameEdits(file: SourceFile): Edit[] {
  const { bindings, free } = scopesOf(file.program);
  const parents = parentsOf(file.program);
  const byName = new Map<string, Binding[]>();
  for (const binding of bindings) {
    const group = byName.get(binding.name);
    if (group === undefined) byName.set(binding.name, [binding]);
    else group.push(binding);
  }
  const taken = new Set([...free.keys(), ...byName.keys(), 'do', 'if', 'in', 'of', 'as', 'is']);
  const names = shortNames();
  const edits: Edit[] = [];
  for (const [old, group] of byName) {
    // Everybody knows what `tf` is.
    if (old.length <= 1 || group.some(({ kind }) => kind === 'import')) continue;
    let name = names.next().value as string | undefined;
    while (name !== undefined && taken.has(name)) name = names.next().value as string | undefined;
    if (name === undefined || name.length >= old.length) continue;
    const changes = renameAll(group, name, parents);
    if (changes !== undefined) edits.push({ changes, weight: 1 });
  }
  return edits;
}

export const rename: SourcePass = definePass({
  name: 'rename',
  title: 'shorten names',
  tier: 5,
  isCosmetic: true,
  run: async (problem, context) => {
    await reduceEdits(problem, context, 'rename', problem.best.files.flatMap(renameEdits));
  },
});
