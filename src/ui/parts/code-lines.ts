/** Source around a place, the line lit and the word underlined, as compilers show it. */
import { codeFrame } from '../../explain/code-frame.ts';
import type { Report, Site } from '../../explain/report.ts';
import { line, span, truncate, type Line } from '../lines.ts';

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
  for (const each of frame) {
    const number = String(each.line).padStart(gutter - 1);
    if (each.marker === undefined) {
      lines.push([span(` ${number} │ `, 'muted'), span(each.text, 'code')]);
      continue;
    }
    lines.push([span(`▸${number} │ `, 'warning'), span(each.text, 'strong')]);
    const room = width - gutter - 3;
    const under = '^'.repeat(Math.max(0, Math.min(each.marker.length, room - each.marker.start)));
    if (under === '') continue;
    const rest = room - each.marker.start - under.length - 1;
    lines.push([
      span(`${' '.repeat(gutter)} │ `, 'muted'),
      span(' '.repeat(each.marker.start) + under, 'warning'),
      span(rest > 8 && note !== '' ? ` ${truncate(note, rest)}` : '', 'warning'),
    ]);
  }
  return lines;
}
