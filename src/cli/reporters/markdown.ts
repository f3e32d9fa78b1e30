/** The report as Markdown: for pull requests, issues and job summaries. */
import type { BreakReport, FamilyReport, Report } from '../../explain/report.ts';
import { formatSite } from '../../explain/stacks.ts';
import { formatCount, formatDuration, formatPlural, formatShare } from '../../explain/units.ts';

/** Text inside a table cell. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|').replace(/\s*\n\s*/g, ' ');
}

/** Inline code, whatever backticks it holds. */
function code(text: string): string {
  const run = Math.max(0, ...(text.match(/`+/g) ?? []).map((ticks) => ticks.length));
  const fence = '`'.repeat(run + 1);
  const space = text.startsWith('`') || text.endsWith('`') ? ' ' : '';
  return `${fence}${space}${text}${space}${fence}`;
}

function row(cells: readonly string[]): string {
  return `| ${cells.map(cell).join(' | ')} |`;
}

function table(titles: readonly string[], rows: readonly (readonly string[])[]): string[] {
  return rows.length === 0 ? [] : [row(titles), row(titles.map(() => '---')), ...rows.map(row), ''];
}

function costOf(item: BreakReport): string {
  if (item.savingMs !== null) return formatDuration(Math.max(0, item.savingMs));
  return item.waitMs > 0 ? `waited ${formatDuration(item.waitMs)}` : '';
}

function placeOf(site: BreakReport['site']): string {
  return site === undefined ? '' : code(formatSite(site));
}

function breakLines(report: Report, limit: number): string[] {
  if (report.breaks.length === 0) return [];
  const shown = report.breaks.slice(0, limit);
  const details = shown.flatMap((item) => [
    `<details><summary><b>${item.id}</b> ${item.title.replaceAll('<', '&lt;')}${item.site === undefined ? '' : ` at ${formatSite(item.site)}`}</summary>`,
    '',
    ...(item.site?.code === undefined ? [] : ['```js', item.site.code, '```', '']),
    item.explanation,
    '',
    ...item.hints.map((hint) => `- ${hint}`),
    '',
    '</details>',
    '',
  ]);
  const rest = report.breaks.length - shown.length;
  return [
    `## Graph breaks: ${formatCount(report.totals.breaks)} at ${formatPlural(report.breaks.length, 'place')}`,
    '',
    ...table(
      ['', 'what', 'where', 'times', 'cost'],
      shown.map((item) => [
        item.id,
        item.title,
        placeOf(item.site),
        formatCount(item.occurrences),
        costOf(item),
      ]),
    ),
    ...(rest > 0 ? [`and ${formatCount(rest)} more`, ''] : []),
    ...details,
  ];
}

function familyLines(family: FamilyReport): string[] {
  const columns = family.columns.slice(0, 8);
  return [
    `### ${family.name}${family.site === undefined ? '' : ` at ${code(formatSite(family.site))}`}: ${formatPlural(family.recompiles, 'recompile')}`,
    '',
    ...table(
      ['', ...columns.map((column) => column.graph)],
      family.rows.map((fact) => [
        code(fact.what),
        ...columns.map((_column, index) => {
          const value = fact.cells[index];
          return value?.text === undefined ? '' : value.isChanged ? `**${value.text}**` : value.text;
        }),
      ]),
    ),
    ...family.advice.map((line) => `- ${line}`),
    '',
  ];
}

/** @param limit entries per section. */
export function renderMarkdown(report: Report, limit: number): string {
  const families = report.families.filter((family) => family.recompiles > 0 || family.limitHits > 0);
  const lines = [
    `# ${report.verdict.sentence}`,
    '',
    `${code([report.program.path, ...report.program.arguments].join(' '))}: ${formatPlural(report.totals.graphs, 'graph')}, ${formatPlural(report.totals.compiles, 'compile')}, ${formatPlural(report.totals.recompiles, 'recompile')}, ${formatPlural(report.totals.runs, 'run')}`,
    '',
    ...breakLines(report, limit),
    ...(families.length === 0 ? [] : ['## Recompiles', '']),
    ...families.slice(0, limit).flatMap(familyLines),
    ...(report.fallbacks.length === 0 ? [] : ['## Ran outside compiled graphs', '']),
    ...table(
      ['kernel', 'where', 'calls', 'time', 'reason'],
      report.fallbacks
        .slice(0, limit)
        .map((item) => [
          code(item.kernel),
          placeOf(item.sites[0]?.site),
          formatCount(item.count),
          formatDuration(item.durationMs),
          item.reason,
        ]),
    ),
    ...(report.time.length === 0 ? [] : [`## Where ${formatDuration(report.totals.wallMs)} went`, '']),
    ...table(
      ['', 'time', 'share'],
      report.time.map((part) => [part.title, formatDuration(part.durationMs), formatShare(part.share)]),
    ),
    ...(report.notes.length === 0 ? [] : ['## Notes', '']),
    ...report.notes
      .slice(0, limit)
      .map((note) => `- ${note.severity} ${note.code}: ${note.text.replaceAll('\n', ' ')}`),
  ];
  return `${lines.join('\n').trimEnd()}\n`;
}
