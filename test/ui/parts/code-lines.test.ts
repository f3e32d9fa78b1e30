import { expect, test } from 'vitest';
import { buildReport } from '../../../src/explain/report-builder.ts';
import type { Report } from '../../../src/explain/report.ts';
import { columnsOf, lineText } from '../../../src/ui/lines.ts';
import { codeLines } from '../../../src/ui/parts/code-lines.ts';

function reportWith(text: string): Report {
  return buildReport([
    {
      kind: 'header',
      schemaVersion: 1,
      source: 'fullgraph',
      program: 'a.js',
      arguments: [],
      cwd: '/app',
      startedAt: '',
      environment: {},
    },
    { kind: 'source', file: '/app/a.js', text },
  ]);
}

/** The line, and what stands above the carets. */
function marked(text: string, word: string, width: number): { row: string; word: string } {
  const column = text.indexOf(word) + 1;
  const rows = codeLines(reportWith(text), { file: 'a.js', line: 1, column, function: 'f' }, width, 0).map(
    lineText,
  );
  const row = rows.find((each) => each.startsWith('▸'))!;
  const carets = rows.at(-1)!;
  const from = columnsOf(carets.slice(0, carets.indexOf('^')));
  const to = columnsOf(carets.trimEnd());
  for (const each of [row, carets]) expect(columnsOf(each)).toBeLessThanOrEqual(width + text.length);
  expect(to).toBeLessThanOrEqual(width);
  let at = 0;
  const above = Array.from(row).filter((letter) => {
    const start = at;
    at += columnsOf(letter);
    return start >= from && start < to;
  });
  return { row, word: above.join('') };
}

test('the caret is under its word, also behind wide characters', () => {
  expect(marked('const 名前 = 損失.dataSync();', 'dataSync', 60).word).toBe('dataSync');
  expect(marked('const a = 損失 + 1;', '損', 60).word).toBe('損');
});

test('a word far to the right of a long line is on the screen', () => {
  const text = `const minified = ${'x + '.repeat(60)}loss.dataSync();`;
  const { row, word } = marked(text, 'dataSync', 60);
  expect(word).toBe('dataSync');
  expect(row).toMatch(/^▸ 1 │ … x \+/);
});

test('a line that is marked as a whole starts at its start', () => {
  const report = reportWith(`const long = ${'x + '.repeat(60)}1;`);
  const rows = codeLines(report, { file: 'a.js', line: 1, column: 0, function: '' }, 60, 0).map(lineText);
  expect(rows.some((row) => row.startsWith('▸ 1 │ const long = x'))).toBe(true);
});
