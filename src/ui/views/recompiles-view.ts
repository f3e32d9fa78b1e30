/** Recompiles: sites that were compiled more than once, and a matrix of what changed from compile to compile. */
import type { FamilyReport } from '../../explain/report.ts';
import { defineView, listOf, type View } from '../define-view.ts';
import { fit, line, span, tableHead, tableRow, wrap, type Column, type Line } from '../lines.ts';
import { formatMs, formatSite } from '../parts/format.ts';

const columns: readonly Column[] = [
  { title: 'recompiles', width: 10, align: 'right' },
  { title: 'reused', width: 6, align: 'right' },
  { title: 'compile', width: 9, align: 'right' },
  { title: 'name', width: 'flex' },
  { title: 'place', width: 'flex' },
];

function draw(family: FamilyReport, width: number): Line {
  return tableRow(
    columns,
    [
      span(String(family.recompiles), family.recompiles > 1 ? 'bad' : 'warning'),
      span(String(family.reuses)),
      span(formatMs(family.compileMs)),
      span(family.name),
      span(formatSite(family.site)),
    ],
    width,
  );
}

const factWidth = 28;
const cellWidth = 14;

function matrix(family: FamilyReport): Line[] {
  return [
    [
      span(' '.repeat(factWidth)),
      ...family.columns.map((column) => span(fit(column.graph, cellWidth, 'right'), 'accent')),
    ],
    ...family.rows.map((row): Line => [
      span(fit(row.what, factWidth)),
      ...row.cells.map((cell) =>
        span(fit(cell.text ?? '·', cellWidth, 'right'), cell.isChanged ? 'warning' : 'muted'),
      ),
    ]),
  ];
}

export const recompilesView: View = defineView({
  id: 'recompiles',
  title: 'Recompiles',
  key: '4',
  head: (_report, _settings, width) => [tableHead(columns, width)],
  list: (report, settings) => {
    const wanted = settings.filter.toLowerCase();
    const families = report.families.filter((family) =>
      `${family.name} ${formatSite(family.site)}`.toLowerCase().includes(wanted),
    );
    return listOf(families, (family) => ({ key: family.key }), draw);
  },
  detail: (report, _settings, key, width) => {
    const family = report.families.find((each) => each.key === key);
    if (family === undefined) return [];
    const advice = family.advice.flatMap((text) => wrap(`→ ${text}`, width));
    return [line(family.name, 'strong'), ...matrix(family), [], ...advice];
  },
  target: (report, _settings, key) => {
    const site = report.families.find((each) => each.key === key)?.site;
    return site === undefined ? {} : { file: site.file, line: site.line };
  },
});
