/**
 * A few lines of source around a place, as data: reporters and the UI draw it. Tabs are widened so that columns line up;
 * the marker covers the word at the column, as rustc's and TypeScript's do.
 */

export interface CodeFrameLine {
  readonly line: number;
  /** Tabs widened. */
  readonly text: string;
  /** Set on the line itself: what to underline, in columns from 0. */
  readonly marker?: { readonly start: number; readonly length: number };
}

const tab = '  ';

function widen(text: string): string {
  return text.replaceAll('\t', tab).trimEnd();
}

function markerOf(text: string, column: number): NonNullable<CodeFrameLine['marker']> {
  const before = text.slice(0, Math.max(0, column - 1));
  const start = before.replaceAll('\t', tab).length;
  const word = /^(?:[\w$]+|\S)/.exec(text.slice(before.length))?.[0] ?? '';
  return { start, length: Math.max(1, word.length) };
}

/**
 * @param column from 1; 0 or less when it is not known: then the whole line is marked.
 * @param context lines above and below.
 * @returns empty when the file has no such line.
 */
export function codeFrame(
  source: string,
  place: { readonly line: number; readonly column: number },
  context = 2,
): CodeFrameLine[] {
  const lines = source.split(/\r?\n/);
  if (!Number.isInteger(place.line) || place.line < 1 || place.line > lines.length) return [];
  const from = Math.max(1, place.line - context);
  const to = Math.min(lines.length, place.line + context);
  const frame: CodeFrameLine[] = [];
  for (let line = from; line <= to; line++) {
    const raw = lines[line - 1]!;
    const text = widen(raw);
    if (line !== place.line) {
      frame.push({ line, text });
      continue;
    }
    const indent = text.length - text.trimStart().length;
    const marker =
      place.column > 0 && place.column <= raw.length
        ? markerOf(raw, place.column)
        : { start: indent, length: Math.max(1, text.length - indent) };
    frame.push({ line, text, marker });
  }
  return frame;
}
