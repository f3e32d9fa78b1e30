/**
 * What never ran goes first, in one cut: statements, branches, cases and bodies of functions with an execution count of
 * zero in V8's block coverage of the failing run. Declarations stay as empty shells, because the running code may mention
 * them; later passes take those.
 */
import { definePass } from '../define-pass.ts';
import {
  block,
  forEachChild,
  isFunction,
  isStatement,
  literal,
  parentsOf,
  variant,
  type Node,
} from '../source/ast.ts';
import { edit, type Edit } from '../source/edit.ts';
import { weightOf } from '../source/lists.ts';
import { reduceEdits } from '../source/reduce-edits.ts';
import type { ExecutionCounts, SourcePass } from '../source/source-context.ts';
import { tokenCount, type SourceFile, type SourceTree } from '../source/source-tree.ts';

/** Below this many tokens, trying beats measuring. */
const minTokens = 60;

function shell(file: SourceFile, node: Node, ran: (node: Node) => boolean): Edit | undefined {
  const weight = weightOf(file, node);
  if (isFunction(node)) {
    if (ran(node.body)) return undefined;
    if (node.body.type !== 'BlockStatement') return edit(node.body, literal(0), weight);
    return node.body.body.length === 0 ? undefined : edit(node.body, block([]), weight);
  }
  switch (node.type) {
    case 'ConditionalExpression':
      if (!ran(node.consequent)) return edit(node, node.alternate, weight);
      return ran(node.alternate) ? undefined : edit(node, node.consequent, weight);
    case 'LogicalExpression':
      return ran(node.right) ? undefined : edit(node, node.left, weight);
    case 'SwitchCase':
      return node.consequent.some(ran) || node.consequent.length === 0
        ? undefined
        : edit(node, undefined, weight);
    case 'CatchClause':
      return ran(node.body) || node.body.body.length === 0
        ? undefined
        : edit(node, variant(node, { body: block([]) }), weight);
    default:
      return undefined;
  }
}

function uncoveredEdits(tree: SourceTree, counts: ExecutionCounts): Edit[] {
  const edits: Edit[] = [];
  for (const file of tree.files) {
    if (counts.countAt(file, 0) === undefined) continue;
    const parents = parentsOf(file.program);
    const ran = (node: Node): boolean => (counts.countAt(file, node.start) ?? 1) > 0;
    const isDeletable = (node: Node): boolean =>
      isStatement(node) &&
      node.type !== 'FunctionDeclaration' &&
      node.type !== 'ImportDeclaration' &&
      !node.type.startsWith('Export') &&
      // A body that must stay is emptied through its owner.
      !(
        node.type === 'BlockStatement' &&
        (isFunction(parents.get(node)!) || parents.get(node)!.type.startsWith('Try'))
      );
    const visit = (node: Node): void => {
      const found =
        isDeletable(node) && !ran(node)
          ? edit(node, undefined, weightOf(file, node))
          : shell(file, node, ran);
      if (found) edits.push(found);
      if (found === undefined || found.changes[0]!.to !== undefined) forEachChild(node, visit);
    };
    visit(file.program);
  }
  return edits;
}

export const pruneUncovered: SourcePass = definePass({
  name: 'prune-uncovered',
  title: 'delete what never ran',
  tier: 0,
  run: async (problem, context) => {
    if (tokenCount(problem.best) < minTokens) return;
    const counts = await context.coverage(problem.best);
    if (counts === undefined) return;
    await reduceEdits(problem, context, 'prune-uncovered', uncoveredEdits(problem.best, counts));
  },
});
