/** Breaks as text, after rustc's diagnostics: what, where, the code, why, what to do. */
import { codeFrame } from '../../explain/code-frame.ts';
import type { BreakReport, CallPath, Report } from '../../explain/report.ts';
import { formatSite } from '../../explain/stacks.ts';
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatPlural,
  formatRanges,
  formatShare,
} from '../../explain/units.ts';
import { fit, pad, spread, table, wrap, type Page } from './page.ts';

/** Call paths shown per break; the UI and JSON have all. */
const maxCallPaths = 2;
/** Frames shown per call path. */
const maxCallers = 4;

function costOf(item: BreakReport, wallMs: number): string {
  const parts = [`${formatCount(item.occurrences)}×`];
  if (item.weight !== item.occurrences) parts.push(`ran ${formatPlural(item.weight, 'time')}`);
  if (item.savingMs !== null) {
    const share = wallMs > 0 ? ` (${formatShare(Math.min(1, item.savingMs / wallMs))})` : '';
    parts.push(
      item.savingMs > 0 ? `costs ${formatDuration(item.savingMs)}${share}` : 'costs nothing measurable',
    );
  } else if (item.waitMs > 0) {
    parts.push(`waited ${formatDuration(item.waitMs)}`);
  }
  return parts.join(' · ');
}

function caption(item: BreakReport): string {
  const tensor = item.tensors[0];
  const facts = [
    tensor === undefined
      ? undefined
      : [tensor.name, tensor.type].filter((text) => text !== undefined).join(' '),
    item.isInLoop ? 'in a loop' : undefined,
    item.sizeBytes > 0 ? formatBytes(item.sizeBytes) : undefined,
  ];
  return facts.filter((fact) => fact !== undefined && fact !== '').join(', ');
}

function callersOf(path: CallPath): string {
  // What is outside of the program's outermost frame only loaded it.
  const inside = path.frames.slice(0, path.frames.findLastIndex((frame) => frame.origin === 'user') + 1);
  const users = inside.filter((frame) => frame.origin === 'user' || frame.origin === 'library');
  const callers = users.slice(1, 1 + maxCallers).map((frame, index) => {
    // Only the outermost frame can be the module itself.
    const nameless = index + 2 === users.length ? 'top level' : 'a callback';
    const name = frame.function === '' ? nameless : frame.function;
    return `${name} (${frame.file}:${frame.line})`;
  });
  const rest = users.length - 1 - callers.length;
  return callers.join(' ← ') + (rest > 0 ? ` ← ${formatCount(rest)} more` : '');
}

function isBeginning(callers: string, whole: string): boolean {
  return callers === '' || whole.startsWith(`${callers} ←`);
}

/** Paths that differ only in framework frames are one to the reader. Nothing where all come from nowhere else. */
function distinctPaths(paths: readonly CallPath[]): (readonly [string, number])[] {
  const counts = new Map<string, number>();
  for (const path of paths) {
    const callers = callersOf(path);
    counts.set(callers, (counts.get(callers) ?? 0) + path.count);
  }
  // Behind an `await` the callers are gone from the stack: such a path is the beginning of a whole one.
  for (const [callers, count] of counts) {
    const whole = [...counts.keys()].find((other) => other !== callers && isBeginning(callers, other));
    if (whole === undefined) continue;
    counts.set(whole, counts.get(whole)! + count);
    counts.delete(callers);
  }
  return counts.size === 1 && counts.has('') ? [] : [...counts].sort((left, right) => right[1] - left[1]);
}

/** `-->` line, code with the word underlined, all behind a gutter as wide as the largest line number. */
function codeLines(page: Page, item: BreakReport, sources: ReadonlyMap<string, string>): string[] {
  const { ink } = page;
  const { site } = item;
  if (site === undefined) return [];
  const text = sources.get(site.file);
  const frame =
    text === undefined
      ? site.code === undefined
        ? []
        : codeFrame(site.code, { line: 1, column: 0 }, 0).map((line) => ({ ...line, line: site.line }))
      : codeFrame(text, site, 1);
  const gutter = String(frame.at(-1)?.line ?? site.line).length + 1;
  const name = site.function === '' ? '' : ` in ${site.function}`;
  const blank = ' '.repeat(gutter);
  const arrow = `${blank}${ink.dim('-->')} `;
  const head = wrap(page, `${ink.place(formatSite(site, true))}${name}`, arrow, `${blank}    `);
  const lines = frame.flatMap((line) => {
    const number = pad(String(line.line), gutter, 'right');
    const room = page.columns - gutter - 3;
    const isMarked = line.marker !== undefined;
    // Of a long line, such as a bundle's, the part around the call.
    const end = line.marker === undefined ? 0 : line.marker.start + line.marker.length;
    const hidden = end < room ? 0 : Math.max(0, end - Math.floor(room / 2));
    const shown = fit(hidden === 0 ? line.text : `…${line.text.slice(hidden + 1)}`, room);
    const code = `${isMarked ? ink.strong(number) : ink.dim(number)} ${ink.dim('│')} ${isMarked ? shown : ink.dim(shown)}`;
    if (line.marker === undefined) return [code.trimEnd()];
    const start = Math.max(0, line.marker.start - hidden);
    const underline = '^'.repeat(Math.min(line.marker.length, room - start));
    const note = caption(item);
    const under = `${' '.repeat(start)}${underline}`;
    const noted = note !== '' && under.length + 1 + note.length <= room ? `${under} ${note}` : under;
    return [code, `${blank} ${ink.dim('│')} ${ink.bad(noted)}`.trimEnd()];
  });
  return [...head, ...lines];
}

function factLines(page: Page, item: BreakReport, gutter: string): string[] {
  const { ink } = page;
  const facts: (readonly [string, string])[] = [];
  if (item.explanation !== '') facts.push(['why', item.explanation]);
  if (item.site === undefined) facts.push(['where', 'no line of the program is on its stack']);
  const paths = distinctPaths(item.callPaths);
  for (const [callers, count] of paths.slice(0, maxCallPaths)) {
    const times = paths.length > 1 ? `${formatCount(count)}× ` : '';
    facts.push(['from', `${times}${callers === '' ? 'top level' : callers}`]);
  }
  if (paths.length > maxCallPaths) {
    facts.push(['from', formatPlural(paths.length - maxCallPaths, 'more call path')]);
  }
  if (item.branches[0] !== undefined) facts.push(['used', `the value decides \`${item.branches[0]}\``]);
  if (item.ranks.length > 0) facts.push(['ranks', formatRanges(item.ranks)]);
  if (item.savingSkipped !== undefined && item.savingMs === null) {
    facts.push(['cost', `not measured: ${item.savingSkipped}`]);
  }
  item.hints.slice(0, 2).forEach((hint, index) => facts.push([index === 0 ? 'fix' : 'or', hint]));
  if (item.url !== undefined) facts.push(['see', item.url]);
  return facts.flatMap(([label, text]) => {
    const name = pad(label, 5, 'right');
    const inked = label === 'fix' || label === 'or' ? ink.good(name) : ink.dim(name);
    return wrap(page, text, `${gutter}${inked} `, `${gutter}${' '.repeat(6)}`);
  });
}

function breakBlock(
  page: Page,
  item: BreakReport,
  sources: ReadonlyMap<string, string>,
  wallMs: number,
): string[] {
  const { ink } = page;
  const isDear = item.savingMs !== null && item.savingMs > 0;
  const title = `${isDear ? ink.bad.bold(item.id) : ink.fair.bold(item.id)} ${ink.strong(item.title)}`;
  return [
    ...spread(page, title, ink.strong(costOf(item, wallMs))),
    ...codeLines(page, item, sources),
    ...factLines(page, item, '  '),
  ];
}

/** @param limit breaks in full; as many again are one line each, the rest is counted. */
export function breakSection(page: Page, report: Report, limit: number): string[] {
  const { breaks } = report;
  const { wallMs } = report.totals;
  if (breaks.length === 0) return [];
  const sources = new Map(
    report.files.flatMap(({ file, text }) => (text === undefined ? [] : [[file, text]])),
  );
  const heading = `Graph breaks: ${formatCount(report.totals.breaks)} at ${formatPlural(breaks.length, 'place')}`;
  const full = breaks.slice(0, limit).flatMap((item) => ['', ...breakBlock(page, item, sources, wallMs)]);
  const brief = breaks.slice(limit, limit * 3);
  const rest = breaks.length - limit - brief.length;
  return [
    page.ink.heading(heading),
    ...full,
    ...(brief.length === 0 ? [] : ['']),
    ...table(
      page,
      [{ title: '' }, { title: '', cut: 'end' }, { title: '', cut: 'start' }, { title: '', align: 'right' }],
      brief.map((item) => [
        page.ink.fair(item.id),
        item.title,
        item.site === undefined ? '' : page.ink.place(formatSite(item.site)),
        costOf(item, wallMs),
      ]),
    ),
    ...(rest > 0 ? ['', `  and ${formatCount(rest)} more: --limit shows them, --json has all`] : []),
    '',
  ];
}
