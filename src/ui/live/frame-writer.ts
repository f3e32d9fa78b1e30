/**
 * Whole frames in, the least that changes the screen out: only lines that differ from what is there, each at its place,
 * in one write, inside a synchronized update (mode 2026; terminals without it ignore it). Nothing is ever cleared first,
 * so nothing can flicker; ink's own incremental mode moves relative to the cursor and left stale lines behind.
 */
import stringWidth from 'string-width';

export interface FrameWriter {
  /** Shows a frame: lines apart by newlines, at most as many as the screen has. */
  write(frame: string): void;
  /** What is on the screen is not known any more: the next frame is written as a whole. */
  invalidate(): void;
}

const beginUpdate = '\u001b[?2026h';
const endUpdate = '\u001b[?2026l';
const resetStyle = '\u001b[0m';

/** @param columns width of the screen now. */
export function createFrameWriter(output: (text: string) => void, columns: () => number): FrameWriter {
  let shown: readonly string[] | undefined;

  /** A line that fills its row must not be followed by an erase: the cursor still stands on its last cell. */
  function place(row: number, text: string): string {
    const erase = stringWidth(text) < columns() ? '\u001b[K' : '';
    return `\u001b[${row + 1};1H${text}${resetStyle}${erase}`;
  }

  return {
    write(frame) {
      const lines = frame.split('\n');
      const changes: string[] = shown === undefined ? [`${resetStyle}\u001b[2J`] : [];
      const rows = Math.max(lines.length, shown?.length ?? 0);
      for (let row = 0; row < rows; row++) {
        const text = lines[row] ?? '';
        if (text !== (shown?.[row] ?? '')) changes.push(place(row, text));
      }
      shown = lines;
      if (changes.length > 0) output(`${beginUpdate}${changes.join('')}${endUpdate}`);
    },
    invalidate() {
      shown = undefined;
    },
  };
}
