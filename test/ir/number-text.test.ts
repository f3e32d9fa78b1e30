import fc from 'fast-check';
import { expect, it } from 'vitest';
import { float32Text } from '../../src/ir/number-text.ts';

it.each([
  [Math.fround(0.1), '0.1'],
  [Math.fround(1e-5), '0.00001'],
  [-0, '-0'],
  [NaN, 'NaN'],
  [-Infinity, '-Infinity'],
  [16_777_217, '16777216'],
])('writes float32 %d as %s', (value, text) => {
  expect(float32Text(Math.fround(value))).toBe(text);
});

it('reads back as the same float32', () => {
  fc.assert(
    fc.property(fc.float(), (value) => {
      expect(Math.fround(Number(float32Text(value)))).toBe(value);
    }),
  );
});
