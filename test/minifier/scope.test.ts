import { describe, expect, it } from 'vitest';
import { scopesOf, type Binding } from '../../src/minifier/source/scope.ts';
import { tree } from './support.ts';

function analyse(text: string, format: 'module' | 'commonjs' = 'module') {
  const { program } = tree(text, format).files[0]!;
  const scopes = scopesOf(program);
  const named = (name: string): Binding[] => scopes.bindings.filter((binding) => binding.name === name);
  return { ...scopes, named };
}

describe('scopesOf', () => {
  it('tells shadowing variables apart', () => {
    const { named } = analyse('const a = 1; function f(a) { return a; } f(a);');
    expect(named('a').map((binding) => [binding.kind, binding.references.length])).toEqual([
      ['const', 1],
      ['param', 1],
    ]);
  });

  it('hoists var and functions, keeps let in its block', () => {
    const { named, free } = analyse('{ var v; let l; function g() {} } v; l;', 'commonjs');
    expect(named('v')[0]!.references).toHaveLength(1);
    expect(named('l')[0]!.references).toHaveLength(0);
    expect([...free.keys()]).toEqual(['l']);
  });

  it('sees uses before the declaration', () => {
    const { named, free } = analyse('f(); function f() {}');
    expect(named('f')[0]!.references).toHaveLength(1);
    expect(free.size).toBe(0);
  });

  it('does not take property names, labels and keys for uses', () => {
    const { free } = analyse(
      'const o = { key: 1 }; outer: for (;;) { o.member; break outer; } class C { method() {} }',
    );
    expect([...free.keys()]).toEqual([]);
  });

  it('resolves patterns, defaults and shorthand properties', () => {
    const { named, free } = analyse(
      'const d = 1; const { a, b: [c = d], ...rest } = src; const o = { a, c, rest };',
    );
    expect(named('a')[0]!.references).toHaveLength(1);
    expect(named('d')[0]!.references).toHaveLength(1);
    expect(named('rest')[0]!.references).toHaveLength(1);
    expect([...free.keys()]).toEqual(['src']);
  });

  it('marks writes', () => {
    const { named } = analyse('let a = 1; a = 2; a++; [a] = [3]; a;');
    expect(named('a')[0]!.references.map(({ isWrite }) => isWrite)).toEqual([true, true, true, false]);
  });

  it('knows names of function expressions, classes, catch, imports and loops', () => {
    const { free } = analyse(
      "import d, { x as y } from 'm'; const f = function self() { self(); }; class A {} try { d; y; f; } catch (e) { e; } for (const i of []) i; for (let j = 0; j; j++); new A(); class B { static { var s = 1; s; } }",
    );
    expect([...free.keys()]).toEqual([]);
  });

  it('lists undeclared names that are assigned to', () => {
    const { assigned } = analyse('g = 1; h;', 'commonjs');
    expect([...assigned]).toEqual(['g']);
  });
});
