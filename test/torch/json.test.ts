import { expect, test } from 'vitest';
import { parsePythonJson } from '../../src/torch/json.ts';

test.each([
  ['plain values', '{"a": [1, "x", null, true]}', { a: [1, 'x', null, true] }],
  [
    'NaN and infinities as words',
    '{"a": NaN, "b": [Infinity, -Infinity]}',
    { a: 'NaN', b: ['Infinity', '-Infinity'] },
  ],
  [
    'integers beyond 2^53, exact',
    '{"id": 94196473547776123456, "small": -3}',
    { id: '94196473547776123456', small: -3 },
  ],
  ['sixteen safe digits as a number', '{"id": 1795209406720532}', { id: 1795209406720532 }],
  [
    'long fractions as numbers',
    '{"t": 0.10172462463378906, "u": 1.0e-7}',
    { t: 0.10172462463378906, u: 1e-7 },
  ],
  [
    'words and digits inside strings',
    '{"s": "NaN \\"Infinity\\" 12345678901234567890"}',
    { s: 'NaN "Infinity" 12345678901234567890' },
  ],
])('keeps %s', (_, text, expected) => {
  expect(parsePythonJson(text)).toEqual(expected);
});

test.each(['', '{', '{"a": NaN', '[1,]', 'NaNNaN', '12345678901234567890 x'])(
  'gives nothing for %j',
  (text) => {
    expect(parsePythonJson(text)).toBeUndefined();
  },
);
