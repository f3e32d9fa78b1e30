/**
 * Whole frames in, the least that changes the screen out: only rows that differ from what is there, each at its place, in
 * one write, inside a synchronized update (mode 2026; terminals without it ignore it). Nothing is ever cleared first, so
 * nothing can flicker; ink's own incremental mode moves relative to the cursor and left stale lines behind.
 */
import type { PaintedRow } from './paint.ts';

export interface FrameWriter {
  /** Shows a frame: at most as many rows as the screen has. */
  write(rows: readonly PaintedRow[]): void;
  /** What is on the screen is not known any more: the next frame is written as a whole. */
  invalidate(): void;
}

const beginUpdate = '\u001b[?2026h';
const endUpdate = '\u001b[?2026l';
const resetStyle = '\u001b[0m';
const blank: PaintedRow = { text: '', columns: 0 };

/** @param columns width of the screen now. */
export function createFrameWriter(output: (text: string) => void, columns: () => number): FrameWriter {
  let shown: readonly PaintedRow[] | undefined;

  /** A row that fills the screen must not be followed by an erase: the cursor still stands on its last cell. */
  function place(row: number, painted: PaintedRow): string {
    const erase = painted.columns < columns() ? '\u001b[K' : '';
    return `\u001b[${row + 1};1H${painted.text}${resetStyle}${erase}`;
  }

  return {
    write(rows) {
      const changes: string[] = shown === undefined ? [`${resetStyle}\u001b[2J`] : [];
      const count = Math.max(rows.length, shown?.length ?? 0);
      for (let row = 0; row < count; row++) {
        const painted = rows[row] ?? blank;
        if (painted.text !== (shown?.[row] ?? blank).text) changes.push(place(row, painted));
      }
      shown = rows;
      if (changes.length > 0) output(`${beginUpdate}${changes.join('')}${endUpdate}`);
    },
    invalidate() {
      shown = undefined;
    },
  };
}
