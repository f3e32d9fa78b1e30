import { describe, expect, it } from 'vitest';
import { sourcePasses } from '../../src/minifier/passes/index.ts';
import { instrument, observationsAt } from '../../src/minifier/source/instrument.ts';
import { executionCounts } from '../../src/minifier/source/execution-counts.ts';
import { blindContext, reduceText } from './support.ts';

/** One pass alone: what it makes of a program, as long as the text keeps what `needs` names. */
const cases: readonly (readonly [pass: string, before: string, needs: readonly string[], after: string])[] = [
  ['delete-statements', 'a(); b(); c();', ['b()'], 'b();\n'],
  [
    'delete-statements',
    'function f() { x(); y(); } f();',
    ['y()', 'f();'],
    'function f() {\n  y();\n}\nf();\n',
  ],
  [
    'delete-statements',
    'class A { m() {} n() { need(); } } new A();',
    ['need()'],
    'class A {\n  n() {\n    need();\n  }\n}\n',
  ],
  ['delete-elements', 'f(a, b, { c, d });', ['b', 'd'], 'f(b, {\n  d\n});\n'],
  [
    'remove-unused',
    'import x from "x"; const a = () => b; const b = 1; need();',
    ['need'],
    'import "x";\nneed();\n',
  ],
  ['unwrap-statements', 'if (a) { need(); } else { b(); }', ['need()'], 'need();\n'],
  ['unwrap-statements', 'for (const x of xs) { need(x); }', ['need(x)'], 'const [x] = xs;\nneed(x);\n'],
  ['unwrap-statements', 'try { need(); } catch (e) { b(); } finally { c(); }', ['need()'], 'need();\n'],
  ['unwrap-statements', '(function () { need(); })();', ['need()'], 'need();\n'],
  ['unwrap-statements', 'if (need()) {} while (want()) {}', ['need()', 'want()'], 'need();\nwant();\n'],
  ['unwrap-statements', 'class A { m() { need(); } } throw B;', ['need()', 'B'], 'need();\nB;\n'],
  ['unwrap-statements', 'each(list, function (x) { if (x) { need(); } });', ['need()'], 'need();\n'],
  ['unwrap-statements', 'export const a = need();', ['need()'], 'need();\n'],
  [
    'unwrap-statements',
    'function f() { return need(); } f();',
    ['need()', 'f();'],
    'function f() {\n  need();\n}\nf();\n',
  ],
  [
    'drop-modifiers',
    'async function f(a = 1) { await need(); }',
    ['need()'],
    'function f(a) {\n  need();\n}\n',
  ],
  [
    'drop-modifiers',
    'class A extends B { constructor() { super(); need(); } }',
    ['need()'],
    'class A {\n  constructor() {\n    need();\n  }\n}\n',
  ],
  ['drop-modifiers', 'const f = () => { return need; };', ['need'], 'const f = () => need;\n'],
  ['drop-modifiers', 'if (a) { need(); }', ['if', 'need()'], 'if (a) need();\n'],
  ['drop-modifiers', 'x = a?.b?.c;', ['.b', '.c'], 'x = a.b.c;\n'],
  ['inline-variables', 'const a = need(); f(a);', ['need()', 'f('], 'f(need());\n'],
  ['inline-variables', 'const a = 1; f({ a });', ['f('], 'f({\n  a: 1\n});\n'],
  ['inline-variables', 'let a; a = need(); f(a);', ['need()', 'f('], 'f(need());\n'],
  ['inline-functions', 'function f(a) { return a + need; } g(f(1));', ['g(', 'need'], 'g(1 + need);\n'],
  [
    'inline-functions',
    'const f = async (a) => { h(a); need(); }; await f(b);',
    ['need()', 'h(b)'],
    'h(b);\nneed();\n',
  ],
  [
    'inline-functions',
    'function f() { h(); return need; } const x = f(); g(x);',
    ['need', 'g(x)'],
    'h();\nconst x = need;\ng(x);\n',
  ],
  [
    'inline-members',
    'class A { run() { this.show(1); } show(a) { need(a); } } new A().run();',
    ['need(1)', 'run()'],
    'class A {\n  run() {\n    need(1);\n  }\n}\nnew A().run();\n',
  ],
  [
    'inline-members',
    'class A { build() { this.w = { a: need(), b: 2 }; } run() { f(this.w.a); } }',
    ['need()', 'f(this'],
    'class A {\n  build() {\n    this.a = need();\n    this.b = 2;\n  }\n  run() {\n    f(this.a);\n  }\n}\n',
  ],
  [
    'drop-parameters',
    'function f(a, b) { need(b); } f(1, 2);',
    ['need(', 'f('],
    'function f() {\n  need();\n}\nf();\n',
  ],
  [
    'drop-parameters',
    'class A { constructor(a) { need(); } } new A(1);',
    ['need()', 'new A'],
    'class A {\n  constructor() {\n    need();\n  }\n}\nnew A();\n',
  ],
  [
    'flatten-classes',
    'class A { m(x) { need(x); } } new A().m(1);',
    ['need(x)', 'm(1)'],
    'function m(x) {\n  need(x);\n}\nclass A {}\nm(1);\n',
  ],
  [
    'flatten-classes',
    'class A { constructor() { need(); } } new A();',
    ['need()', 'new A()'],
    'function A() {\n  need();\n}\nnew A();\n',
  ],
  ['replace-by-child', 'f(g(need), 1 + 2);', ['need'], 'need;\n'],
  ['replace-by-child', 'x = c ? need : b;', ['need'], 'need;\n'],
  ['replace-by-literal', 'f(a + b, need);', ['need', 'f('], 'f(0, need);\n'],
  ['delete-tokens', 'x = typeof need.y;', ['need'], 'need;\n'],
  ['shrink-numbers', 'f(7, 7, [28, 3.25]); need;', ['need'], 'f(0, 0, [0, 0]);\nneed;\n'],
  ['shrink-strings', 'import "m"; f("hello"); need;', ['need'], 'import "m";\nf("");\nneed;\n'],
  [
    'rename',
    'import * as tf from "tf"; const value = 1; f(value, tf);',
    [],
    'import * as tf from "tf";\nconst a = 1;\nf(a, tf);\n',
  ],
];

describe('passes', () => {
  it.each(cases)('%s: %s', async (name, before, needs, after) => {
    const passes = sourcePasses.filter((pass) => pass.name === name);
    const { text } = await reduceText(before, (each) => needs.every((need) => each.includes(need)), {
      passes,
    });
    expect(text).toBe(after);
  });

  it('names each pass after what it does, once', () => {
    const names = sourcePasses.map((pass) => pass.name);
    expect(new Set(names).size).toBe(names.length);
    expect([...sourcePasses].sort((left, right) => left.tier - right.tier)).toEqual(sourcePasses);
  });
});

it('remove-unused leaves a function alone whose parameter is unused', async () => {
  const passes = sourcePasses.filter((pass) => pass.name === 'remove-unused');
  const { problem } = await reduceText('function f(a) { need(); } f(1);', (each) => each.includes('f(1)'), {
    passes,
  });
  expect(problem.trials).toBe(0);
});

it('remove-unused takes everything that is unused in one trial, at later visits, too', async () => {
  const passes = sourcePasses.filter((pass) => pass.name === 'remove-unused');
  const context = blindContext({ visits: new Map([['remove-unused', 3]]) });
  const { text, problem } = await reduceText(
    'import { x } from "x"; const a = () => b; const b = 1; function c() { return a(); } class D {} need();',
    (each) => each.includes('need()'),
    { passes, context },
  );
  expect(text).toBe('import "x";\nneed();\n');
  expect(problem.trials).toBe(1);
});

it('replace-by-literal tries one value where a run showed that there was none', async () => {
  const context = blindContext({
    observations: async (base) => {
      const { sites } = instrument(base)!;
      const id = sites.findIndex(({ node }) => node.type === 'CallExpression');
      return observationsAt(sites, [{ id, types: ['string'] }]);
    },
  });
  const passes = sourcePasses.filter((pass) => pass.name === 'replace-by-literal');
  const { text, problem } = await reduceText('need(name(), never + ran);', (each) => each.includes('need('), {
    passes,
    context,
  });
  expect(text).toBe("need('', 0);\n".replaceAll("'", '"'));
  expect(problem.trials).toBe(1);
});

it('prune-uncovered empties what never ran in one trial', async () => {
  const before =
    'function used() { if (a) { dead(); } need(); } function unused() { x(); y(); z(); } used(); const f = c ? need : other(1, 2, 3, 4, 5, 6); while (no) { p(); q(); r(); s(); }';
  const context = blindContext({
    coverage: async (base) => {
      const [file] = base.files;
      const text = file!.text;
      const zero = (part: string): { start: number; end: number; count: number } => {
        const start = text.indexOf(part);
        return { start, end: start + part.length, count: 0 };
      };
      const parts = [
        '{\n    dead();\n  }',
        '{\n  x();\n  y();\n  z();\n}',
        'other(1, 2, 3, 4, 5, 6)',
        '{\n  p();\n  q();\n  r();\n  s();\n}',
      ];
      return executionCounts([
        { path: file!.path, ranges: [{ start: 0, end: text.length, count: 1 }, ...parts.map(zero)] },
      ]);
    },
  });
  const passes = sourcePasses.filter((pass) => pass.name === 'prune-uncovered');
  const { text, problem } = await reduceText(before, (each) => each.includes('need()'), { passes, context });
  expect(text).toBe(
    'function used() {\n  if (a) {}\n  need();\n}\nfunction unused() {}\nused();\nconst f = need;\nwhile (no) {}\n',
  );
  expect(problem.trials).toBe(1);
});

it('use-observed-values folds computations into the values they had', async () => {
  const context = blindContext({
    observations: async (base) => {
      const { sites } = instrument(base)!;
      const id = sites.findIndex(({ node }) => node.type === 'CallExpression');
      return observationsAt(sites, [{ id, types: ['number'], value: 12 }]);
    },
  });
  const passes = sourcePasses.filter((pass) => pass.name === 'use-observed-values');
  const { text } = await reduceText('need(compute(a, b + 1));', (each) => each.includes('need('), {
    passes,
    context,
  });
  expect(text).toBe('need(12);\n');
});
