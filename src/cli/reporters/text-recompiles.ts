/** Sites that were compiled more than once, as a matrix: a column per graph, a row per fact that changed. */
import stringWidth from 'string-width';
import type { FamilyReport, FamilyRow, Report } from '../../explain/report.ts';
import { formatSite } from '../../explain/stacks.ts';
import { formatDuration, formatPlural } from '../../explain/units.ts';
import { fit, pad, spread, wrap, type Page } from './page.ts';

const maxRows = 8;
const maxCellColumns = 24;

/** Which columns are shown: all when they fit, else the first and the latest. */
function chooseColumns(widths: readonly number[], room: number): number[] {
  const all = widths.map((_width, index) => index);
  const needs = (indices: readonly number[]): number =>
    indices.reduce((sum, index) => sum + widths[index]! + 2, 0);
  if (needs(all) <= room) return all;
  const chosen = [0];
  for (let index = widths.length - 1; index > 0; index--) {
    // Two dots stand for what is left out; the latest is never.
    const isLatest = index === widths.length - 1;
    if (!isLatest && needs([...chosen, index]) + 2 > room) break;
    chosen.splice(1, 0, index);
  }
  return chosen;
}

function cellText(row: FamilyRow, index: number): string {
  const cell = row.cells[index];
  if (cell?.text === undefined) return '';
  return index > 0 && !cell.isChanged && row.cells[index - 1]?.text !== undefined ? '·' : cell.text;
}

/** Facts that took the same values in all columns are one row: `x.shape[0] and 3 more`. */
function mergeAlike(rows: readonly FamilyRow[]): FamilyRow[] {
  const groups = new Map<string, FamilyRow[]>();
  for (const row of rows) {
    const key = JSON.stringify([row.kind, row.cells.map((cell) => cell.text ?? null)]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [row]);
    else group.push(row);
  }
  return [...groups.values()].flatMap((group) =>
    group.length <= 2 ? group : [{ ...group[0]!, what: `${group[0]!.what} and ${group.length - 1} more` }],
  );
}

function matrix(page: Page, family: FamilyReport): string[] {
  const { ink } = page;
  const causes = mergeAlike(family.rows.filter((row) => row.isDerived === undefined));
  const rows = causes.slice(0, maxRows);
  if (rows.length === 0) return [];
  const widths = family.columns.map((column, index) =>
    Math.min(
      maxCellColumns,
      rows.reduce(
        (width, row) => Math.max(width, stringWidth(cellText(row, index))),
        stringWidth(column.graph),
      ),
    ),
  );
  // The first and the latest graph always have room: without them there is nothing to compare.
  const outerWidth = widths[0]! + (widths.length > 1 ? widths.at(-1)! + 4 : 2) + (widths.length > 2 ? 2 : 0);
  const labelWidth = Math.min(
    Math.floor(page.columns / 2),
    Math.max(12, page.columns - 2 - outerWidth),
    rows.reduce((width, row) => Math.max(width, stringWidth(row.what)), 4),
  );
  const chosen = chooseColumns(widths, page.columns - 2 - labelWidth);
  const hasGap = chosen.length < family.columns.length;
  const join = (cells: readonly string[]): string =>
    cells.map((cell, at) => `${at === 1 && hasGap ? ' …' : ''}  ${cell}`).join('');
  const head = chosen.map((index) =>
    pad(fit(family.columns[index]!.graph, widths[index]!), widths[index]!, 'right'),
  );
  const lines = rows.map((row) => {
    const cells = chosen.map((index) => {
      const text = pad(fit(cellText(row, index), widths[index]!), widths[index]!, 'right');
      return row.cells[index]?.isChanged === true ? ink.changed(text) : text;
    });
    return `  ${pad(fit(row.what, labelWidth, 'middle'), labelWidth)}${join(cells)}`.trimEnd();
  });
  const rest = causes.length - rows.length;
  const derived = family.rows.filter((row) => row.isDerived !== undefined).length;
  return [
    ink.dim(`  ${pad('', labelWidth)}${join(head)}`.trimEnd()),
    ...lines,
    ...(rest > 0 ? [ink.dim(`  and ${formatPlural(rest, 'more fact')}`)] : []),
    ...(derived > 0
      ? [ink.dim(`  ${formatPlural(derived, 'other fact')} follow${derived === 1 ? 's' : ''} from a shape`)]
      : []),
  ];
}

function familyBlock(page: Page, family: FamilyReport): string[] {
  const { ink } = page;
  const place = family.site === undefined ? '' : ` at ${ink.place(formatSite(family.site))}`;
  const counts = [
    formatPlural(family.recompiles, 'recompile'),
    ...(family.reuses > 0 ? [formatPlural(family.reuses, 'reuse')] : []),
    ...(family.limitHits > 0 ? [ink.bad('limit hit')] : []),
    ...(family.compileMs > 0 ? [formatDuration(family.compileMs)] : []),
    ...(family.copies === undefined ? [] : [`the same ${family.copies}×`]),
  ];
  return [
    '',
    ...spread(page, `${ink.strong(family.name)}${place}`, counts.join(' · ')),
    ...matrix(page, family),
    ...family.advice.flatMap((line) => wrap(page, line, `  ${ink.good('→')} `, '    ')),
  ];
}

/** @param limit families in full; the rest is counted. Sites that were only ever served by one general graph are left out. */
export function recompileSection(page: Page, report: Report, limit: number): string[] {
  const families = report.families.filter((family) => family.recompiles > 0 || family.limitHits > 0);
  if (families.length === 0) return [];
  const rest = families.length - limit;
  return [
    page.ink.heading(`Recompiles: ${report.totals.recompiles} at ${formatPlural(families.length, 'site')}`),
    ...families.slice(0, limit).flatMap((family) => familyBlock(page, family)),
    ...(rest > 0 ? ['', `  and ${formatPlural(rest, 'more site')}`] : []),
    '',
  ];
}
