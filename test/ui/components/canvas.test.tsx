import { render } from 'ink-testing-library';
import { describe, expect, test } from 'vitest';
import { Canvas } from '../../../src/ui/components/canvas.tsx';
import { lineText, type Line } from '../../../src/ui/lines.ts';
import { createPainter, type PaintedRow } from '../../../src/ui/live/paint.ts';
import { screenOf } from '../../../src/ui/screen.ts';
import type { ColorLevel } from '../../../src/ui/theme.ts';
import { drive, sampleReport } from '../support/ui-driver.ts';

function draw(
  lines: readonly Line[],
  width: number,
  height: number,
  colors: ColorLevel,
): readonly PaintedRow[] {
  let frame: readonly PaintedRow[] = [];
  const { unmount } = render(
    <Canvas
      lines={lines}
      width={width}
      height={height}
      paint={createPainter(colors)}
      onFrame={(rows) => {
        frame = rows;
      }}
    />,
  );
  unmount();
  return frame;
}

function textOf(rows: readonly PaintedRow[]): string {
  return rows.map((row) => row.text).join('\n');
}

// eslint-disable-next-line no-control-regex
const colorCode = /\u001b\[(?:\d+;)*(?:3[0-8]|4[0-8]|9[0-7]|10[0-7]|2)(?:;\d+)*m/;
// eslint-disable-next-line no-control-regex
const anyCode = /\u001b\[[\d;]*m/g;

describe('a screen on the terminal', () => {
  const { source, state } = drive(sampleReport(), ['2'], 80, 24);
  const lines = screenOf(source, state);

  test('has the very text of its lines', () => {
    const drawn = textOf(draw(lines, 80, 24, 3))
      .replaceAll(anyCode, '')
      .split('\n');
    expect(drawn.map((row) => row.trimEnd())).toEqual(lines.map((line) => lineText(line).trimEnd()));
  });

  test('knows how many columns each row takes', () => {
    for (const { text, columns } of draw(
      [[{ text: 'plain   ' }], [{ text: '名前 ', role: 'bad' }]],
      20,
      3,
      1,
    )) {
      const shown = text.replaceAll(anyCode, '');
      expect(columns).toBe(shown.includes('名') ? 5 : shown.length);
    }
  });

  test('has no colour under NO_COLOR, and still shows the cursor', () => {
    const drawn = textOf(draw(lines, 80, 24, 0));
    expect(drawn).not.toMatch(colorCode);
    expect(drawn).toContain('\u001b[7m');
  });

  test('uses the terminal\u2019s own colours when it has 16, others when it has more', () => {
    expect(textOf(draw(lines, 80, 24, 1))).toContain('\u001b[36m');
    expect(textOf(draw(lines, 80, 24, 2))).toContain('\u001b[38;5;');
    expect(textOf(draw(lines, 80, 24, 3))).toContain('\u001b[38;2;0;135;175m');
  });
});

test('lines that are missing are blank, what is too wide is cut, what could move the cursor is harmless', () => {
  const lines: Line[] = [
    [{ text: 'x'.repeat(50) }],
    [{ text: '名前', role: 'bad' }],
    [{ text: 'a\u001b[2Jb\nc' }],
  ];
  const drawn = draw(lines, 10, 4, 0).map((row) => row.text.replaceAll(anyCode, ''));
  expect(drawn).toEqual(['xxxxxxxxx…', '名前', 'a·[2Jb c', '']);
});
