/** What changed between two reports, as text. */
import type { Comparison } from '../../explain/compare.ts';
import type { JsonBreak } from '../../explain/json-report.ts';
import { formatCount, formatDuration, formatPlural } from '../../explain/units.ts';
import { table, wrap, type Page } from './page.ts';

function breakRow(page: Page, mark: string, item: JsonBreak, times: string): string[] {
  const place = item.site === null ? '' : page.ink.place(`${item.site.file}:${item.site.line}`);
  return [mark, item.id, item.title, place, times];
}

function totalText(name: string, value: number | null): string {
  if (value === null) return 'unknown';
  return name.endsWith('Ms') ? formatDuration(value) : formatCount(value);
}

/** `wallMs` → `wall`, `distinctBreaks` → `distinct breaks`. */
function totalTitle(name: string): string {
  return name
    .replace(/Ms$/, ' time')
    .replace(/([A-Z])/g, (letter) => ` ${letter.toLowerCase()}`)
    .replace(/\s+/g, ' ')
    .trim();
}

/** @param title such as `Compared with baseline.json`. */
export function renderComparison(page: Page, title: string, comparison: Comparison): string {
  const { ink } = page;
  const { fresh, fixed, changed, unchanged, totals } = comparison;
  const summary = [
    formatPlural(fresh.length, 'new break'),
    `${formatCount(fixed.length)} fixed`,
    `${formatCount(changed.length)} changed`,
    `${formatCount(unchanged)} as before`,
  ].join(', ');
  const rows = [
    ...fresh.map((item) => breakRow(page, ink.bad('new'), item, `${formatCount(item.occurrences)}×`)),
    ...changed.map(({ before, after }) =>
      breakRow(
        page,
        ink.fair('changed'),
        after,
        `${formatCount(before.occurrences)}× → ${formatCount(after.occurrences)}×`,
      ),
    ),
    ...fixed.map((item) => breakRow(page, ink.good('fixed'), item, `${formatCount(item.occurrences)}×`)),
  ];
  const totalRows = totals.map(({ name, before, after }) => [
    totalTitle(name),
    totalText(name, before),
    totalText(name, after),
  ]);
  const lines = [
    ink.heading(title),
    '',
    ...wrap(page, summary, '  '),
    ...(rows.length === 0 ? [] : ['']),
    ...table(
      page,
      [{ title: '' }, { title: '' }, { title: '', cut: 'end' }, { title: '' }, { title: '', align: 'right' }],
      rows,
    ),
    ...(totalRows.length === 0 ? [] : ['']),
    ...table(
      page,
      [{ title: 'total' }, { title: 'before', align: 'right' }, { title: 'after', align: 'right' }],
      totalRows,
    ),
  ];
  return `${lines.join('\n')}\n`;
}
