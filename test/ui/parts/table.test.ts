import { expect, test } from 'vitest';
import { placeWidthOf, widthOf } from '../../../src/ui/parts/table.ts';

const places = ['src/models/a.ts:7', 'src/models/classifier.ts:120'];

test('places are shown whole where there is room, else with file and line', () => {
  const width = placeWidthOf('place', places, 0.3);
  expect(width(120)).toBe(places[1]!.length);
  expect(width(80)).toBe('…/classifier.ts:120'.length);
  expect(width(40)).toBe(12);
});

test('a column is never narrower than its title', () => {
  expect(placeWidthOf('place', [], 0.3)(80)).toBe('place'.length);
  expect(widthOf('function', ['f'], 0.3)(80)).toBe('function'.length);
});
