import { describe, expect, test } from 'vitest';
import { manyColors, themeFor } from '../../src/ui/theme.ts';

/** Contrast of two colours after WCAG 2, 1 to 21. */
function contrast(color: string, background: number): number {
  const channels = [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16) / 255);
  const [red = 0, green = 0, blue = 0] = channels.map((value) =>
    value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4,
  );
  const own = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  return (Math.max(own, background) + 0.05) / (Math.min(own, background) + 0.05);
}

const { muted, ...colors } = manyColors;
const all = { ...colors, muted: muted.color! };

describe('the theme', () => {
  test.each(Object.entries(all))('%s is readable on black and on white', (_role, color) => {
    expect(contrast(color, 0)).toBeGreaterThan(4);
    expect(contrast(color, 1)).toBeGreaterThan(4);
  });

  test.each(Object.entries(all))('%s is the same with 256 colours', (_role, color) => {
    const cube = new Set(['00', '5f', '87', 'af', 'd7', 'ff']);
    const parts = [1, 3, 5].map((at) => color.slice(at, at + 2));
    const isGrey = new Set(parts).size === 1 && (Number.parseInt(parts[0]!, 16) - 8) % 10 === 0;
    expect(isGrey || parts.every((part) => cube.has(part))).toBe(true);
  });

  test('has no colour under NO_COLOR', () => {
    for (const level of [false, 0] as const) {
      for (const look of Object.values(themeFor(level))) {
        expect(look.color).toBeUndefined();
        expect(look.dimColor).toBeUndefined();
      }
    }
  });

  test('leaves 16 colours to the terminal', () => {
    for (const look of Object.values(themeFor(1))) expect(look.color ?? 'red').toMatch(/^[a-z]+$/);
  });
});
