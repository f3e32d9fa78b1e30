import fc from 'fast-check';
import stringWidth from 'string-width';
import { describe, expect, test } from 'vitest';
import {
  bar,
  cleanLine,
  dropColumns,
  fit,
  lineText,
  lineWidth,
  markMatches,
  padLine,
  tableRow,
  truncate,
  truncateLine,
  truncateStart,
  wrap,
} from '../../src/ui/lines.ts';

const text = fc.string({ unit: 'grapheme', maxLength: 60 });
const width = fc.integer({ min: 1, max: 80 });

describe('texts', () => {
  test('are cut at their width, from either end', () => {
    expect(truncate('graph break', 8)).toBe('graph b…');
    expect(truncateStart('src/models/encoder.ts:12', 14)).toBe('…encoder.ts:12');
    expect(truncate('名前名前', 5)).toBe('名前…');
    expect(truncate('👩‍👩‍👧‍👦 family', 4)).toBe('👩‍👩‍👧‍👦 …');
  });

  test('never exceed their width', () => {
    fc.assert(
      fc.property(text, width, (word, columns) => {
        for (const cut of [truncate(word, columns), truncateStart(word, columns)]) {
          expect(stringWidth(cut)).toBeLessThanOrEqual(columns);
        }
        expect(stringWidth(fit(word, columns))).toBe(columns);
        expect(lineWidth(padLine(cleanLine([{ text: word }, { text: word }]), columns))).toBe(columns);
        expect(lineWidth(truncateLine([{ text: word }, { text: word }], columns))).toBeLessThanOrEqual(
          columns,
        );
      }),
    );
  });

  test('wrap to lines that hold all of their characters', () => {
    fc.assert(
      // A grapheme may be measured as more than two columns: musical symbols are.
      fc.property(text, fc.integer({ min: 8, max: 40 }), (words, columns) => {
        const lines = wrap(words, columns).map(lineText);
        for (const line of lines) expect(stringWidth(line)).toBeLessThanOrEqual(columns);
        const plain = (each: string): string => each.replaceAll(/\s/g, '');
        expect(plain(lines.join(''))).toBe(plain(lineText(cleanLine([{ text: words }]))));
      }),
    );
  });

  test('cannot move the cursor, colour the screen or turn its direction', () => {
    const line = cleanLine([{ text: 'a\u001b[31mb\tc\nd\u202ee\ud800' }]);
    expect(lineText(line)).toBe('a·[31mb  c d·e·');
  });
});

test('a table row is as wide as asked, with wide characters in its cells', () => {
  const columns = [
    { title: 'id', width: 4 },
    { title: 'name', width: 'flex' },
    { title: 'time', width: 6, align: 'right' },
  ] as const;
  const row = tableRow(columns, [{ text: 'g1' }, { text: '名前名前名前名前' }, { text: '1 ms' }], 24);
  expect(lineText(row)).toBe('g1    名前名前…     1 ms');
  expect(lineWidth(row)).toBe(24);
});

test('what is left of a text without its first columns stands where it stood', () => {
  expect(dropColumns('abcdef', 2)).toBe('cdef');
  expect(dropColumns('名前 = x', 2)).toBe('前 = x');
  expect(dropColumns('名前 = x', 1)).toBe(' 前 = x');
  expect(dropColumns('ab', 5)).toBe('');
  fc.assert(
    fc.property(text, fc.nat(12), (word, columns) => {
      const width = stringWidth(word);
      expect(stringWidth(dropColumns(word, columns))).toBe(Math.max(0, width - columns));
    }),
  );
});

test('a bar shows eighths and never more than all', () => {
  expect(bar(0.5, 4)).toBe('██  ');
  expect(bar(1 / 32, 4)).toBe('▏   ');
  expect(bar(7, 4)).toBe('████');
});

test('what a filter found is marked, in any case, and nothing is lost', () => {
  const line = markMatches([{ text: 'Relu and relu_1', role: 'accent' }], 'RELU');
  expect(line).toEqual([
    { text: 'Relu', role: 'match' },
    { text: ' and ', role: 'accent' },
    { text: 'relu', role: 'match' },
    { text: '_1', role: 'accent' },
  ]);
  fc.assert(
    fc.property(text, text, (word, wanted) => {
      expect(lineText(markMatches([{ text: word }], wanted))).toBe(word);
    }),
  );
});
