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
      // Parameters stand below the function, too.
      return parent.id !== identifier || parents.get(parent)?.type === 'ExportDefaultDeclaration'
        ? undefined
        : parent;
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

function unusedEdits(file: SourceFile): Edit[] {
  const parents = parentsOf(file.program);
  const nodesOf = new Map<Binding, readonly Node[]>();
  const bindingAt = new Map<Node, Binding>();
  for (const binding of scopesOf(file.program).bindings) {
    const nodes = binding.declarations.map((each) => declarationOf(each, parents));
    if (!nodes.every((node) => node !== undefined)) continue;
    nodesOf.set(binding, nodes);
    for (const node of nodes) bindingAt.set(node, binding);
  }
  /** Per binding, for each use, the bindings whose declarations hold it. */
  const users = new Map(
    [...nodesOf.keys()].map((binding) => [
      binding,
      binding.references.map(({ identifier }) => holders(identifier, parents, bindingAt)),
    ]),
  );
  const unused = new Set<Binding>();
  for (let before = -1; before !== unused.size;) {
    before = unused.size;
    for (const [binding, uses] of users) {
      const isUnused = uses.every((held) => held.some((each) => each === binding || unused.has(each)));
      if (isUnused) unused.add(binding);
    }
  }
  return [...unused].flatMap((binding) =>
    nodesOf.get(binding)!.map((node) => edit(node, undefined, weightOf(file, node))),
  );
}

function holders(
  node: Node,
  parents: ReadonlyMap<Node, Node>,
  bindingAt: ReadonlyMap<Node, Binding>,
): Binding[] {
  const held: Binding[] = [];
  for (let outer: Node | undefined = node; outer; outer = parents.get(outer)) {
    const binding = bindingAt.get(outer);
    if (binding) held.push(binding);
  }
  return held;
}

export const removeUnused: SourcePass = definePass({
  name: 'remove-unused',
  title: 'remove unused declarations',
  tier: 0,
  run: async (problem, context) => {
    const edits = problem.best.files.flatMap(unusedEdits);
    await reduceEdits(problem, context, 'remove-unused', edits, { expect: 'all' });
  },
});
