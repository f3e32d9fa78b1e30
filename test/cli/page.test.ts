import stringWidth from 'string-width';
import { expect, test } from 'vitest';
import { createPage, spread, table } from '../../src/cli/reporters/page.ts';

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
