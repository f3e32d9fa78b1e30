import { expect, it } from 'vitest';
import { parseBudget } from '../../src/minifier/budget.ts';

it.each([
  ['60s', { maxDurationMs: 60_000 }],
  ['1.5m', { maxDurationMs: 90_000 }],
  ['500 trials', { maxTrials: 500 }],
  ['1 trial', { maxTrials: 1 }],
  ['60s|500 trials', { maxDurationMs: 60_000, maxTrials: 500 }],
  ['60s,10s', { maxDurationMs: 10_000 }],
])('reads %s', (text, budget) => {
  expect(parseBudget(text)).toEqual(budget);
});

it.each(['', 'soon', '10', '5 apples', '10s|'])('refuses %j with a hint', (text) => {
  expect(() => parseBudget(text)).toThrow(
    expect.objectContaining({ code: 'FG4002', hint: expect.any(String) }),
  );
});
