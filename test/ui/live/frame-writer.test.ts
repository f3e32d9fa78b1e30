import xterm from '@xterm/headless';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import stringWidth from 'string-width';
import { createFrameWriter } from '../../../src/ui/live/frame-writer.ts';
import type { PaintedRow } from '../../../src/ui/live/paint.ts';

const columns = 12;
const rows = 5;

function frameOf(text: string): PaintedRow[] {
  return text.split('\n').map((row) => ({ text: row, columns: stringWidth(row) }));
}

function rowsOf(terminal: xterm.Terminal): string[] {
  return Array.from({ length: rows }, (_, row) =>
    terminal.buffer.active.getLine(row)!.translateToString(true).trimEnd(),
  );
}

test('a frame that did not change is not written', () => {
  const written: string[] = [];
  const writer = createFrameWriter(
    (text) => written.push(text),
    () => columns,
  );
  writer.write(frameOf('one\ntwo'));
  writer.write(frameOf('one\ntwo'));
  expect(written).toHaveLength(1);
});

test('only the lines that changed are written, and nothing is cleared', () => {
  const written: string[] = [];
  const writer = createFrameWriter(
    (text) => written.push(text),
    () => columns,
  );
  writer.write(frameOf('one\ntwo\nthree'));
  writer.write(frameOf('one\n2\nthree'));
  expect(written[1]).toContain('\u001b[2;1H2');
  for (const absent of ['one', 'three', '\u001b[2J']) expect(written[1]).not.toContain(absent);
});

test('the screen always shows the last frame, whatever was there', async () => {
  const cell = fc.constantFrom('a', 'bb', '名', '🙂', ' ', '');
  const text = fc.array(cell, { maxLength: 6 }).map((cells) => cells.join('').slice(0, columns));
  const frames = fc.array(fc.array(text, { minLength: 1, maxLength: rows }), { minLength: 1, maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(frames, fc.nat(6), async (all, lost) => {
      const terminal = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true });
      const pieces: string[] = ['\u001b[?7l'];
      const writer = createFrameWriter(
        (piece) => pieces.push(piece),
        () => columns,
      );
      for (const [index, frame] of all.entries()) {
        if (index === lost) {
          pieces.push('\u001b[1;1Hgarbage\u001b[3;2Hmore');
          writer.invalidate();
        }
        writer.write(frameOf(frame.join('\n')));
      }
      await new Promise<void>((done) => {
        terminal.write(pieces.join(''), done);
      });
      const last = all.at(-1)!;
      const wanted = Array.from({ length: rows }, (_, row) => (last[row] ?? '').trimEnd());
      expect(rowsOf(terminal)).toEqual(wanted);
      terminal.dispose();
    }),
    { numRuns: 60 },
  );
});
