/** Short names for what the program declares: `a`, `b`, `c`... Names of properties, imports and exports stay. */
import type * as acorn from 'acorn';
import { definePass } from '../define-pass.ts';
import { identifier, parentsOf, variant, type Node } from '../source/ast.ts';
import type { Change, Edit } from '../source/edit.ts';
import { reduceEdits } from '../source/reduce-edits.ts';
import { scopesOf } from '../source/scope.ts';
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

/** Renamings that cannot capture each other: names are unique in the file. */
function renameEdits(file: SourceFile): Edit[] {
  const { bindings, free } = scopesOf(file.program);
  const parents = parentsOf(file.program);
  const taken = new Set([
    ...free.keys(),
    ...bindings.map((binding) => binding.name),
    'do',
    'if',
    'in',
    'of',
    'as',
    'is',
  ]);
  const names = shortNames();
  const edits: Edit[] = [];
  for (const binding of bindings) {
    // Everybody knows what `tf` is.
    if (binding.name.length <= 1 || binding.kind === 'import') continue;
    let name = names.next().value as string | undefined;
    while (name !== undefined && taken.has(name)) name = names.next().value as string | undefined;
    if (name === undefined || name.length >= binding.name.length) continue;
    const nodes = [...binding.declarations, ...binding.references.map((reference) => reference.identifier)];
    const isExported = nodes.some((node) => {
      const declaration = parents.get(parents.get(node)!);
      return (
        parents.get(declaration ?? node)?.type === 'ExportNamedDeclaration' ||
        declaration?.type.startsWith('Export')
      );
    });
    const changes = [...new Set(nodes)].map((node) => renameChange(node, name, parents));
    if (isExported || !changes.every((change) => change !== undefined)) continue;
    edits.push({ changes, weight: 1 });
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
