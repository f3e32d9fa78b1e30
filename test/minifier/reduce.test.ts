import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareSortKeys } from '../../src/minifier/problem.ts';
import { sourceDomain } from '../../src/minifier/source/source-tree.ts';
import { reduceText, tree } from './support.ts';

const name = fc.constantFrom('a', 'b', 'c', 'd', 'needle', 'thread');
const simple = fc.oneof(
  name,
  fc.integer({ min: 0, max: 99 }).map(String),
  fc.constantFrom("'text'", 'true', 'null', '[]', '{ k: 1 }'),
);
const { expression } = fc.letrec<{ expression: string }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    simple.map((text) => `(${text})`),
    fc.tuple(name, tie('expression'), tie('expression')).map(([f, x, y]) => `${f}(${x}, ${y})`),
    fc
      .tuple(tie('expression'), fc.constantFrom('+', '*', '&&', '===', ','), tie('expression'))
      .map(([x, op, y]) => `(${x} ${op} ${y})`),
    fc
      .tuple(tie('expression'), tie('expression'), tie('expression'))
      .map(([x, y, z]) => `(${x} ? ${y} : ${z})`),
    tie('expression').map((x) => `[${x}, ...[${x}]]`),
    tie('expression').map((x) => `((p, { q } = {}) => ${x})`),
    tie('expression').map((x) => `\`\${${x}} text\``),
  ),
}));
const { statement } = fc.letrec<{ statement: string }>((tie) => {
  const body = fc.array(tie('statement'), { maxLength: 3 }).map((list) => list.join('\n'));
  return {
    statement: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      expression.map((x) => `;(${x});`),
      fc.tuple(name, expression).map(([id, x]) => `{ const ${id}1 = ${x}; ${id}1; }`),
      fc.tuple(expression, body).map(([x, y]) => `if (${x}) { ${y} } else { ${y} }`),
      fc.tuple(expression, body).map(([x, y]) => `for (const i of ${x}) { ${y} }`),
      body.map((y) => `try { ${y} } catch (e) { e; } finally { ${y} }`),
      fc.tuple(name, body).map(([id, y]) => `{ function ${id}2(p = 1) { ${y} return p; } ${id}2(3); }`),
      fc
        .tuple(name, body)
        .map(([id, y]) => `{ class K { constructor(p) { ${y} } static m() {} } new K(${id}); }`),
    ),
  };
});
const program = fc.array(statement, { minLength: 1, maxLength: 4 }).map((list) => list.join('\n'));

const count = (text: string, word: string): number => text.split(new RegExp(`\\b${word}\\b`)).length - 1;
/** Something that survives in many small programs, so that there is a way down. */
const fails = (text: string): boolean =>
  count(text, 'needle') >= 1 && (count(text, 'thread') >= 1 || count(text, 'needle') >= 2);
const failingProgram = program
  .map((text) => `${text}\nneedle(thread);`)
  .filter((text) => fails(sourceDomain.text(tree(text))));

/** Failures that come and go as the program shrinks: a bound or a parity of how often words occur, all of them or any. */
const predicate = fc
  .record({
    isAny: fc.boolean(),
    parts: fc.array(
      fc.record({
        word: fc.constantFrom('needle', 'thread', 'a', 'b', 'if', 'for', 'const'),
        bound: fc.integer({ min: 1, max: 3 }),
        isOdd: fc.boolean(),
      }),
      { minLength: 1, maxLength: 3 },
    ),
  })
  .map(({ isAny, parts }) => (text: string): boolean => {
    const answers = parts.map(({ word, bound, isOdd }) =>
      isOdd ? count(text, word) % 2 === 1 : count(text, word) >= bound,
    );
    return isAny ? answers.some(Boolean) : answers.every(Boolean);
  });
const anyFailure = fc
  .tuple(program, predicate)
  .filter(([text, holds]) => holds(sourceDomain.text(tree(text))));

describe('reduce, on any program', () => {
  it('asks about valid programs only, each of them once, whatever the failure depends on', async () => {
    await fc.assert(
      fc.asyncProperty(anyFailure, async ([text, holds]) => {
        const asked: string[] = [];
        const {
          end,
          problem,
          text: best,
        } = await reduceText(text, (each) => {
          asked.push(each);
          return holds(each);
        });
        expect(end).toBe('fixed-point');
        expect(holds(best)).toBe(true);
        for (const each of asked) expect(() => tree(each)).not.toThrow();
        expect(new Set(asked).size).toBe(asked.length);
        expect(problem.oracleCalls).toBe(asked.length);
        const again = await reduceText(best, holds);
        expect(again.text).toBe(best);
      }),
      { numRuns: 20 },
    );
  });

  it('asks in the last sweep what a fresh run would ask: all loops at once, where one at a time is refused', async () => {
    const holds = (text: string): boolean => count(text, 'for') % 2 === 1 && count(text, 'a') >= 2;
    const klass = (body: string): string =>
      `{ class K { constructor(p) { ${body} } static m() {} } new K(a); }`;
    const branch = klass("for (const i of 'text') { } for (const i of (a('text', 'text') + 0)) { }");
    const program = `${klass('for (const i of d) { }')} if (0) { ${branch} } else { ${branch} }`;
    const first = await reduceText(program, holds);
    const second = await reduceText(first.text, holds);
    expect(second.text).toBe(first.text);
  });

  it('ends at something that still fails, is valid and not larger, and where a second run changes nothing', async () => {
    await fc.assert(
      fc.asyncProperty(failingProgram, async (text) => {
        const before = tree(text);
        const first = await reduceText(text, fails);
        expect(first.end).toBe('fixed-point');
        expect(fails(first.text)).toBe(true);
        expect(tree(first.text).files[0]!.text).toBe(first.text);
        expect(
          compareSortKeys(sourceDomain.sortKey(first.tree), sourceDomain.sortKey(before)),
        ).toBeLessThanOrEqual(0);
        const second = await reduceText(first.text, fails);
        expect(second.text).toBe(first.text);
      }),
      { numRuns: 25 },
    );
  });

  it('gives the same result and the same trials for 1, 2 and 4 jobs, however long answers take', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyFailure,
        fc.infiniteStream(fc.integer({ min: 0, max: 2 })),
        async ([text, holds], delays) => {
          const jitter = (): number => delays.next().value!;
          const runs = [];
          for (const jobs of [1, 2, 4]) runs.push(await reduceText(text, holds, { jobs, jitter }));
          expect(new Set(runs.map((run) => run.text)).size).toBe(1);
          expect(new Set(runs.map((run) => run.problem.trials)).size).toBe(1);
        },
      ),
      { numRuns: 6 },
    );
  });

  it('stays within the budget and keeps the best so far', async () => {
    await fc.assert(
      fc.asyncProperty(failingProgram, fc.integer({ min: 1, max: 12 }), async (text, maxTrials) => {
        const { problem, end, text: best } = await reduceText(text, fails, { budget: { maxTrials } });
        expect(problem.trials).toBeLessThanOrEqual(maxTrials);
        if (end === 'fixed-point') return;
        expect(end).toBe('budget');
        expect(fails(best)).toBe(true);
      }),
      { numRuns: 15 },
    );
  });
});

it('gets to the core of a program', async () => {
  const text = `
    import * as lib from 'lib';
    class Store { constructor(items) { this.items = items; } find(key) { return this.items.get(key); } }
    function main(count) { const store = new Store(new Map()); for (let i = 0; i < count; i++) store.find(i); needle(thread); }
    main(10);`;
  expect((await reduceText(text, fails)).text).toBe('needle(thread);\n');
});
