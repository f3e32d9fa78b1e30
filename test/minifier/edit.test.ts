import { describe, expect, it } from 'vitest';
import { findAll, literal, type Node } from '../../src/minifier/source/ast.ts';
import { applyEdits, edit } from '../../src/minifier/source/edit.ts';
import { sourceDomain } from '../../src/minifier/source/source-tree.ts';
import { tree } from './support.ts';

const textAfter = (text: string, make: (program: Node) => ReturnType<typeof edit>[]): string | undefined => {
  const base = tree(text);
  const result = applyEdits(base, make(base.files[0]!.program));
  return result && sourceDomain.text(result);
};

const statements = (program: Node): Node[] => (program.type === 'Program' ? program.body : []);

describe('applyEdits', () => {
  it('removes any subset of a list', () => {
    const text = 'f(1, 2, 3);';
    for (const gone of [[0], [2], [0, 1], [1, 2], [0, 1, 2]]) {
      const left = [1, 2, 3].filter((_, index) => !gone.includes(index)).join(', ');
      const found = textAfter(text, (program) =>
        gone.map((index) => edit(findAll(program, 'CallExpression')[0]!.arguments[index]!, undefined, 1)),
      );
      expect(found).toBe(`f(${left});\n`);
    }
  });

  it('applies edits inside what another edit keeps', () => {
    const found = textAfter('if (a) { b(1); c(2); }', (program) => {
      const branch = findAll(program, 'IfStatement')[0]!;
      const block = findAll(branch, 'BlockStatement')[0]!;
      return [edit(branch, block.body, 1), edit(findAll(program, 'Literal')[1]!, literal(0), 1)];
    });
    expect(found).toBe('b(1);\nc(0);\n');
  });

  it('ignores edits inside what another edit drops', () => {
    const found = textAfter('a(1); b;', (program) => [
      edit(statements(program)[0]!, undefined, 1),
      edit(findAll(program, 'Literal')[0]!, literal(9), 1),
    ]);
    expect(found).toBe('b;\n');
  });

  it('lets the first of two edits of one node win', () => {
    const found = textAfter('x = 1;', (program) => {
      const [one] = findAll(program, 'Literal');
      return [edit(one!, literal(2), 1), edit(one!, literal(3), 1)];
    });
    expect(found).toBe('x = 2;\n');
  });

  it('puts parentheses where a part needs them in its new place', () => {
    const found = textAfter('x = f(a + b) * 2;', (program) => {
      const call = findAll(program, 'CallExpression')[0]!;
      return [edit(call, call.arguments[0], 1)];
    });
    expect(found).toBe('x = (a + b) * 2;\n');
  });

  it('removes husks: declarations of nothing, try without handlers', () => {
    const found = textAfter('const a = 1; try { b(); } catch {}', (program) => [
      edit(findAll(program, 'VariableDeclarator')[0]!, undefined, 1),
      edit(findAll(program, 'CatchClause')[0]!, undefined, 1),
    ]);
    expect(found).toBe('{\n  b();\n}\n');
  });

  it('makes no candidate of what has no syntax', () => {
    const withoutTest = textAfter('if (a) b;', (program) => [
      edit(findAll(program, 'IfStatement')[0]!.test, undefined, 1),
    ]);
    expect(withoutTest).toBeUndefined();
    const strayReturn = textAfter('function f() { return 1; }', (program) => [
      edit(findAll(program, 'FunctionDeclaration')[0]!, findAll(program, 'ReturnStatement')[0], 1),
    ]);
    expect(strayReturn).toBeUndefined();
  });
});
