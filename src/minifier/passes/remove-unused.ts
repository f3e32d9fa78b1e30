/**
 * Declarations that nobody uses, transitively and in one cut: functions, classes, imports, variables. No run is
 * needed to find them, only one to confirm.
 */
import { definePass } from '../define-pass.ts';
import { parentsOf, type Node } from '../source/ast.ts';
import { edit, type Edit } from '../source/edit.ts';
import { weightOf } from '../source/lists.ts';
import { reduceEdits } from '../source/reduce-edits.ts';
import { scopesOf, type Binding } from '../source/scope.ts';
import type { SourcePass } from '../source/source-context.ts';
import type { SourceFile } from '../source/source-tree.ts';

/** The part of the program that goes with a declaration; none where other bindings or a value depend on it. */
function declarationOf(identifier: Node, parents: ReadonlyMap<Node, Node>): Node | undefined {
  const parent = parents.get(identifier);
  if (parent === undefined) return undefined;
  switch (parent.type) {
    case 'FunctionDeclaration':
    case 'ClassDeclaration':
      return parents.get(parent)?.type === 'ExportDefaultDeclaration' ? undefined : parent;
    case 'ImportSpecifier':
    case 'ImportDefaultSpecifier':
    case 'ImportNamespaceSpecifier':
      return parent;
    case 'VariableDeclarator': {
      const owner = parents.get(parents.get(parent)!)?.type;
      return owner === 'ForInStatement' || owner === 'ForOfStatement' ? undefined : parent;
    }
    case 'Property':
      return parents.get(parent)?.type === 'ObjectPattern' ? parent : undefined;
    default:
      return undefined;
  }
}

function isWithin(node: Node, outer: Node): boolean {
  return node.start >= outer.start && node.end <= outer.end;
}

function unusedEdits(file: SourceFile): Edit[] {
  const parents = parentsOf(file.program);
  const candidates = scopesOf(file.program).bindings.flatMap((binding: Binding) => {
    const nodes = binding.declarations.map((each) => declarationOf(each, parents));
    return nodes.every((node) => node !== undefined) ? [{ binding, nodes }] : [];
  });
  const unused = new Set<(typeof candidates)[number]>();
  for (let before = -1; before !== unused.size;) {
    before = unused.size;
    const gone = [...unused].flatMap((each) => each.nodes);
    for (const candidate of candidates) {
      if (unused.has(candidate)) continue;
      const outside = [...gone, ...candidate.nodes];
      const isUsed = candidate.binding.references.some(
        ({ identifier }) => !outside.some((node) => isWithin(identifier, node)),
      );
      if (!isUsed) unused.add(candidate);
    }
  }
  return [...unused].flatMap(({ nodes }) => nodes.map((node) => edit(node, undefined, weightOf(file, node))));
}

export const removeUnused: SourcePass = definePass({
  name: 'remove-unused',
  title: 'remove unused declarations',
  tier: 0,
  run: async (problem, context) => {
    await reduceEdits(problem, context, 'remove-unused', problem.best.files.flatMap(unusedEdits));
  },
});
