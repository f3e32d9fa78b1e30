/**
 * Statements, switch cases and class members, level by level from the outside in, so that large parts go before
 * anything inside them is looked at (hierarchical delta debugging). Later ones first, because uses follow declarations.
 */
import { definePass } from '../define-pass.ts';
import { forEachChild, type Node } from '../source/ast.ts';
import type { Edit } from '../source/edit.ts';
import { listOf, removal, statementLists } from '../source/lists.ts';
import { reduceEdits } from '../source/reduce-edits.ts';
import type { SourcePass } from '../source/source-context.ts';
import type { SourceTree } from '../source/source-tree.ts';

/** Removals of all list elements that lie within `level` other list elements; `hasDeeper`: there are lists below. */
function removalsAtLevel(tree: SourceTree, level: number): { edits: Edit[]; hasDeeper: boolean } {
  const edits: Edit[] = [];
  let hasDeeper = false;
  for (const file of tree.files) {
    const visit = (node: Node, depth: number): void => {
      const elements = new Set(listOf(node, statementLists));
      forEachChild(node, (child) => {
        if (!elements.has(child)) visit(child, depth);
        else if (depth === level) edits.push(removal(file, child));
        else visit(child, depth + 1);
        if (elements.has(child) && depth === level && holdsList(child)) hasDeeper = true;
      });
    };
    visit(file.program, 0);
  }
  return { edits: edits.reverse(), hasDeeper };
}

function holdsList(node: Node): boolean {
  if (listOf(node, statementLists).length > 0) return true;
  let isFound = false;
  forEachChild(node, (child) => {
    isFound ||= holdsList(child);
  });
  return isFound;
}

export const deleteStatements: SourcePass = definePass({
  name: 'delete-statements',
  title: 'delete statements',
  tier: 0,
  run: async (problem, context) => {
    for (let level = 0; ; level++) {
      const { edits } = removalsAtLevel(problem.best, level);
      if (edits.length === 0) return;
      await reduceEdits(problem, context, 'delete-statements', edits, {
        repairs: true,
        stage: `delete-statements ${level}`,
      });
      if (!removalsAtLevel(problem.best, level).hasDeeper) return;
    }
  },
});
