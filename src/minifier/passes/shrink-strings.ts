/** String literals made shorter: equal ones together; empty, one letter, half. Module names stay. */
import type * as acorn from 'acorn';
import { definePass } from '../define-pass.ts';
import { findAll, literal, parentsOf } from '../source/ast.ts';
import { applyEdits, edit } from '../source/edit.ts';
import type { SourcePass } from '../source/source-context.ts';
import type { SourceTree } from '../source/source-tree.ts';

type StringLiteral = acorn.Literal & { readonly value: string };

function stringsIn(tree: SourceTree): StringLiteral[] {
  return tree.files.flatMap((file) => {
    const parents = parentsOf(file.program);
    return findAll(file.program, 'Literal').filter((node): node is StringLiteral => {
      const parent = parents.get(node);
      const isModule = parent !== undefined && 'source' in parent && parent.source === node;
      return typeof node.value === 'string' && !isModule && parent?.type !== 'ImportAttribute';
    });
  });
}

function shorterTexts(text: string): string[] {
  const half = text.length >> 1;
  const texts = ['', text.slice(0, 1), text.slice(0, half), text.slice(half)];
  return [...new Set(texts)].filter((each) => each.length < text.length);
}

export const shrinkStrings: SourcePass = definePass({
  name: 'shrink-strings',
  title: 'shrink strings',
  tier: 4,
  run: async (problem) => {
    const todo = [...new Set(stringsIn(problem.best).map((node) => node.value))];
    for (let text = todo.pop(); text !== undefined; text = todo.pop()) {
      const base = problem.best;
      const nodes = stringsIn(base).filter((node) => node.value === text);
      if (nodes.length === 0) continue;
      const hit = await problem.firstFailing(
        'shrink-strings',
        shorterTexts(text).map((shorter) => {
          const testCase = applyEdits(
            base,
            nodes.map((node) => edit(node, literal(shorter), 1)),
          );
          return testCase && { testCase, shorter };
        }),
      );
      if (hit && hit.shorter.length > 1) todo.push(hit.shorter);
    }
  },
});
