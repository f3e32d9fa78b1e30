import stringWidth from 'string-width';
import { expect, test } from 'vitest';
import { createPage, spread, table } from '../../src/cli/reporters/page.ts';
import { renderText } from '../../src/cli/reporters/text.ts';
import { buildReport } from '../../src/explain/report-builder.ts';
import { noTotals } from '../../src/ir/record.ts';
import { breakRecord, cwd, stack } from '../explain/sample-trace.ts';

const page = createPage({ columns: 60, colorLevel: 0 });

test('a table takes from its widest column that gives way until it fits', () => {
  const lines = table(
    page,
    [
      { title: 'name', cut: 'end' },
      { title: 'ms', align: 'right' },
      { title: 'place', cut: 'start' },
    ],
    [
      [
        'a rather long name of a graph',
        '1.5',
        '/a/very/long/way/down/to/the/file/that/is/meant/program.ts:12',
      ],
    ],
  );
  expect(Math.max(...lines.map((line) => stringWidth(line)))).toBeLessThanOrEqual(60);
  expect(lines[1]).toMatch(/^ {2}a rather long name of .*… {2}1\.5 {2}….*\/program\.ts:12$/);
});

test('columns that do not give way are whole, even if the table is too wide then', () => {
  const word = 'x'.repeat(70);
  expect(table(page, [{ title: '' }, { title: '', cut: 'end' }], [[word, 'something']])).toEqual([
    `  ${word}  somethi…`,
  ]);
});

test('two texts that do not fit on a line stand on two, each wrapped', () => {
  expect(spread(page, `train at ${'y'.repeat(55)}`, 'twice')).toEqual([
    'train at',
    'y'.repeat(55),
    '  twice',
  ]);
});

test('of a long line, such as a bundle has, the part around the call is shown', () => {
  const text = `${'a();'.repeat(100)}loss.dataSync();${'b();'.repeat(100)}`;
  const file = `${cwd}/out.js`;
  const site = { file, line: 1, column: 406, function: '', origin: 'user' } as const;
  const report = buildReport([
    { kind: 'source', file, text },
    stack(1, [site]),
    breakRecord({ reason: 'FG1001', stack: 1 }),
  ]);
  const lines = renderText(page, report, { limit: 1 }).split('\n');
  const at = lines.findIndex((line) => line.startsWith(' 1 │ '));
  expect(lines[at]).toMatch(/^ 1 │ ….*a\(\);loss\.dataSync\(\);b\(\);.*…$/);
  expect(stringWidth(lines[at]!)).toBe(60);
  expect(lines[at + 1]!.indexOf('^^^^^^^^')).toBe(lines[at]!.indexOf('dataSync'));
});

test('shares of nearly all keep to the width, too', () => {
  const report = buildReport([
    stack(1, []),
    breakRecord({ reason: 'FG1001', stack: 1 }),
    {
      kind: 'end',
      timeMs: 0,
      exitCode: 0,
      totals: { ...noTotals, opsTotal: 1, opsCaptured: 1, wallMs: 100_000, compileMs: 99_999 },
    },
  ]);
  const lines = renderText(page, report, { limit: 1 }).split('\n');
  expect(lines.find((line) => line.includes('compiling'))).toMatch(/ >99\.9 %$/);
  expect(Math.max(...lines.map((line) => stringWidth(line)))).toBeLessThanOrEqual(60);
});
