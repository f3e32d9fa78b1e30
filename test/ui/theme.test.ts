import { Chalk } from 'chalk';
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

/** What a terminal shows for a colour of its cube or its greys. */
function xtermColor(index: number): string {
  const steps = [0, 95, 135, 175, 215, 255];
  const at = index - 16;
  const grey = 8 + 10 * (index - 232);
  const channels =
    index >= 232
      ? [grey, grey, grey]
      : [Math.floor(at / 36), Math.floor(at / 6) % 6, at % 6].map((step) => steps[step]!);
  return `#${channels.map((value) => value.toString(16).padStart(2, '0')).join('')}`;
}

const { muted, ...colors } = manyColors;
const all = { ...colors, muted: muted.color! };

describe('the theme', () => {
  test.each(Object.entries(all))('%s is readable on black and on white', (_role, color) => {
    expect(contrast(color, 0)).toBeGreaterThan(4);
    expect(contrast(color, 1)).toBeGreaterThan(4);
  });

  test('looks the same with 256 colours as with all', () => {
    const chalk = new Chalk({ level: 2 });
    for (const role of ['accent', 'good', 'warning', 'bad', 'muted'] as const) {
      const [, index] = /38;5;(\d+)m/.exec(chalk.hex(themeFor(2)[role].color!)('x'))!;
      expect(xtermColor(Number(index))).toBe(themeFor(3)[role].color);
    }
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
