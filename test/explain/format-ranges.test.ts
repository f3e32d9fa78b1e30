import { expect, test } from 'vitest';
import { formatRanges } from '../../src/explain/units.ts';

test.each([
  [[], ''],
  [[3], '3'],
  [[0, 1], '0, 1'],
  [[0, 1, 2], '0-2'],
  [[0, 1, 2, 3, 5, 7, 8, 9, 12, 13], '0-3, 5, 7-9, 12, 13'],
])('%j is %s', (numbers, text) => {
  expect(formatRanges(numbers)).toBe(text);
});
