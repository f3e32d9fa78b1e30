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

/** Lines `from` to `to`, from 1, as far as there are any. A long file is not taken apart for a few of its lines. */
function linesBetween(source: string, from: number, to: number): string[] {
  const lines: string[] = [];
  let start = 0;
  for (let line = 1; line <= to && start <= source.length; line++) {
    const newline = source.indexOf('\n', start);
    const end = newline < 0 ? source.length : newline;
    if (line >= from) {
      const isWindows = newline > 0 && source[newline - 1] === '\r';
      lines.push(source.slice(start, isWindows ? newline - 1 : end));
    }
    start = end + 1;
  }
  return lines;
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
  if (!Number.isInteger(place.line) || place.line < 1) return [];
  const from = Math.max(1, place.line - context);
  const lines = linesBetween(source, from, place.line + context);
  if (from + lines.length <= place.line) return [];
  const frame: CodeFrameLine[] = [];
  for (const [index, raw] of lines.entries()) {
    const line = from + index;
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
