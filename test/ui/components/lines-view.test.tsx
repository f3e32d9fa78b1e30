import chalk from 'chalk';
import { render } from 'ink-testing-library';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LinesView } from '../../../src/ui/components/lines-view.tsx';
import { lineText, type Line } from '../../../src/ui/lines.ts';
import { screenOf } from '../../../src/ui/screen.ts';
import { themeFor, type ColorLevel } from '../../../src/ui/theme.ts';
import { drive, sampleReport } from '../support/ui-driver.ts';

const { level } = chalk;
beforeEach(() => {
  chalk.level = 3;
});
afterEach(() => {
  chalk.level = level;
});

function draw(lines: readonly Line[], width: number, height: number, colors: ColorLevel): string {
  const { lastFrame, unmount } = render(
    <LinesView lines={lines} width={width} height={height} theme={themeFor(colors)} />,
  );
  const frame = lastFrame() ?? '';
  unmount();
  return frame;
}

// eslint-disable-next-line no-control-regex
const colorCode = /\u001b\[(?:\d+;)*(?:3[0-8]|4[0-8]|9[0-7]|10[0-7]|2)(?:;\d+)*m/;
// eslint-disable-next-line no-control-regex
const anyCode = /\u001b\[[\d;]*m/g;

describe('a screen on the terminal', () => {
  const { source, state } = drive(sampleReport(), ['2'], 80, 24);
  const lines = screenOf(source, state);

  test('has the very text of its lines', () => {
    const drawn = draw(lines, 80, 24, 3).replaceAll(anyCode, '').split('\n');
    expect(drawn.map((row) => row.trimEnd())).toEqual(lines.map((line) => lineText(line).trimEnd()));
  });

  test('has no colour under NO_COLOR, and still shows the cursor', () => {
    const drawn = draw(lines, 80, 24, 0);
    expect(drawn).not.toMatch(colorCode);
    expect(drawn).toContain('\u001b[7m');
  });

  test('uses the terminal\u2019s own colours when it has 16, others when it has more', () => {
    expect(draw(lines, 80, 24, 1)).toContain('\u001b[36m');
    expect(draw(lines, 80, 24, 3)).toContain('\u001b[38;2;0;135;175m');
  });
});

test('lines that are missing are blank, what is too wide is cut', () => {
  const drawn = draw([[{ text: 'x'.repeat(50) }], [{ text: '名前', role: 'bad' }]], 10, 3, 0);
  expect(
    drawn
      .replaceAll(anyCode, '')
      .split('\n')
      .map((row) => row.trimEnd()),
  ).toEqual(['xxxxxxxxx…', '名前', '']);
});
