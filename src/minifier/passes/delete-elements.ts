/** Elements of lists inside expressions and declarations: properties, array elements, arguments, parameters, specifiers. */
import { definePass } from '../define-pass.ts';
import { descendants } from '../source/ast.ts';
import type { Edit } from '../source/edit.ts';
import { elementLists, listOf, removal } from '../source/lists.ts';
import { reduceEdits } from '../source/reduce-edits.ts';
import type { SourcePass } from '../source/source-context.ts';

export const deleteElements: SourcePass = definePass({
  name: 'delete-elements',
  title: 'delete arguments, properties and elements',
  tier: 1,
  run: async (problem, context) => {
    const edits: Edit[] = [];
    for (const file of problem.best.files) {
      for (const node of descendants(file.program)) {
        const elements = listOf(node, elementLists);
        // A lone declarator is its statement, which other passes delete.
        if (node.type === 'VariableDeclaration' && elements.length === 1) continue;
        for (const element of elements) edits.push(removal(file, element));
      }
    }
    await reduceEdits(problem, context, 'delete-elements', edits.reverse(), { repairs: true });
  },
});
