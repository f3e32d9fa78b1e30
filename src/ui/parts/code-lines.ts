/** Source around a place, the line lit and the word underlined, as compilers show it. */
import { codeFrame, type CodeFrameLine } from '../../explain/code-frame.ts';
import type { Report, Site } from '../../explain/report.ts';
import { columnsOf, dropColumns, line, printable, span, truncate, type Line } from '../lines.ts';

interface Mark {
  /** In columns of the screen, where the marker counts letters. */
  readonly start: number;
  readonly columns: number;
}

function markOf({ text, marker }: CodeFrameLine): Mark | undefined {
  if (marker === undefined) return undefined;
  const { start, length } = marker;
  return {
    start: columnsOf(text.slice(0, start)),
    columns: Math.max(1, columnsOf(text.slice(start, start + length))),
  };
}

/** A mark needs no more of the screen than this to be seen. */
const enoughOfMark = 12;

/** Columns that are left out at the left, so that the marked word of a long line is on the screen. */
function hiddenColumns(mark: Mark | undefined, room: number): number {
  if (mark === undefined || mark.start + Math.min(mark.columns, enoughOfMark) <= room) return 0;
  return Math.max(0, mark.start - Math.floor(room / 2));
}

/**
 * @param note behind the underline, where there is room: what stands there.
 * @returns the place alone where the trace has no source.
 */
export function codeLines(
  report: Report,
  site: Site | undefined,
  width: number,
  context = 2,
  note = '',
): Line[] {
  if (site === undefined) return [line('no line of the program is on its stack', 'muted')];
  const text = report.files.find((file) => file.file === site.file)?.text;
  const framed = text === undefined ? [] : codeFrame(text, site, context);
  const frame =
    framed.length > 0 || site.code === undefined
      ? framed
      : codeFrame(site.code, { line: 1, column: 0 }, 0).map((each) => ({ ...each, line: site.line }));
  const place = `${site.file}:${site.line}${site.column > 1 ? `:${site.column}` : ''}`;
  const inside = site.function === '' ? '' : ` in ${site.function}`;
  const gutter = String(frame.at(-1)?.line ?? site.line).length + 2;
  const lines: Line[] = [[span(place, 'accent'), span(inside, 'muted')]];
  if (frame.length === 0) lines.push(line('the trace does not carry the source of this file', 'muted'));
  const room = Math.max(1, width - gutter - 3);
  const marked = frame.find(({ marker }) => marker !== undefined);
  const hidden = hiddenColumns(marked === undefined ? undefined : markOf(marked), room);
  const shown = (text: string): string =>
    hidden === 0 ? text : `…${dropColumns(printable(text), hidden + 1)}`;
  for (const each of frame) {
    const number = String(each.line).padStart(gutter - 1);
    const mark = markOf(each);
    if (mark === undefined) {
      lines.push([span(` ${number} │ `, 'muted'), span(shown(each.text), 'code')]);
      continue;
    }
    lines.push([span(`▸${number} │ `, 'warning'), span(shown(each.text), 'strong')]);
    const start = mark.start - hidden;
    const under = '^'.repeat(Math.max(0, Math.min(mark.columns, room - start)));
    if (under === '') continue;
    const rest = room - start - under.length - 1;
    lines.push([
      span(`${' '.repeat(gutter)} │ `, 'muted'),
      span(' '.repeat(start) + under, 'warning'),
      span(rest > 8 && note !== '' ? ` ${truncate(note, rest)}` : '', 'warning'),
    ]);
  }
  return lines;
}
