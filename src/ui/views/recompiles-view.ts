/**
 * Guards and recompiles: sites that were compiled more than once. Beside each its matrix, compiles by guarded facts, the
 * changed cells lit, and advice; enter opens the arrivals one by one, each with what it changed and the call that came.
 */
import type { FamilyColumn, FamilyReport, GuardFailureReport, Report } from '../../explain/report.ts';
import { formatDuration, formatPlural } from '../../explain/units.ts';
import { defineView, listOf, matches, type ListModel, type View, type ViewSettings } from '../define-view.ts';
import { listWidthIn } from '../layout.ts';
import { line, span, tableHead, tableRow, wrap, type Column, type Line, type Role } from '../lines.ts';
import { codeLines } from '../parts/code-lines.ts';
import { compareSites, fact, formatMs, formatSite, placeOf } from '../parts/format.ts';
import { matrixLines } from '../parts/matrix-lines.ts';
import { stackLines } from '../parts/stack-lines.ts';

const familyColumns: readonly Column[] = [
  { title: 'again', width: 5, align: 'right' },
  { title: 'reused', width: 6, align: 'right' },
  { title: 'compile', width: 8, align: 'right' },
  { title: 'name', width: 'flex' },
  { title: 'what changed', width: 'flex' },
];

const arrivalColumns: readonly Column[] = [
  { title: 'graph', width: 8 },
  { title: 'at', width: 8, align: 'right' },
  { title: 'led to', width: 10 },
  { title: 'compile', width: 8, align: 'right' },
  { title: 'runs', width: 6, align: 'right' },
  { title: 'what changed', width: 'flex' },
];

const outcomeRoles: Readonly<Record<FamilyColumn['outcome'], Role>> = {
  first: 'muted',
  recompile: 'warning',
  reused: 'good',
  limit: 'bad',
};
const outcomeWords: Readonly<Record<FamilyColumn['outcome'], string>> = {
  first: 'first',
  recompile: 'recompile',
  reused: 'reuse',
  limit: 'limit hit',
};

function familyOf(report: Report, settings: ViewSettings): FamilyReport | undefined {
  const [key] = settings.path;
  return key === undefined ? undefined : report.families.find((each) => each.key === key);
}

/** Facts that changed on their own, not in the wake of a shape. */
function causes(family: FamilyReport): string {
  return family.rows
    .filter((row) => row.isDerived === undefined)
    .map((row) => row.what)
    .join(', ');
}

function drawFamily(family: FamilyReport, width: number): Line {
  const role: Role = family.limitHits > 0 ? 'bad' : family.recompiles > 0 ? 'warning' : 'muted';
  return tableRow(
    familyColumns,
    [
      span(String(family.recompiles), role),
      span(family.reuses === 0 ? '' : String(family.reuses), 'good'),
      span(formatMs(family.compileMs)),
      span(family.name),
      span(causes(family), 'muted'),
    ],
    width,
  );
}

function failureOf(family: FamilyReport, graph: string): GuardFailureReport | undefined {
  return family.failures.find((failure) => failure.graph === graph);
}

function changeText(failure: GuardFailureReport | undefined): string {
  if (failure === undefined) return '';
  return failure.differences.map((each) => `${each.what} ${each.expected} → ${each.actual}`).join(', ');
}

function drawArrival(family: FamilyReport, column: FamilyColumn, width: number): Line {
  return tableRow(
    arrivalColumns,
    [
      span(column.graph, 'accent'),
      span(formatDuration(column.timeMs), 'muted'),
      span(outcomeWords[column.outcome], outcomeRoles[column.outcome]),
      span(column.compileMs > 0 ? formatMs(column.compileMs) : '–'),
      span(column.runs > 0 ? String(column.runs) : '–'),
      span(changeText(failureOf(family, column.graph))),
    ],
    width,
  );
}

const orders: readonly {
  readonly title: string;
  readonly compare?: (left: FamilyReport, right: FamilyReport) => number;
}[] = [
  { title: 'recompiles' },
  { title: 'compile time', compare: (left, right) => right.compileMs - left.compileMs },
  {
    title: 'place',
    compare: (left, right) => compareSites(left.site, right.site),
  },
];

function list(report: Report, settings: ViewSettings): ListModel {
  const open = familyOf(report, settings);
  if (open !== undefined) {
    const arrivals = open.columns.filter((column) =>
      matches(settings, `${column.graph} ${column.outcome} ${changeText(failureOf(open, column.graph))}`),
    );
    return listOf(
      arrivals,
      (column) => ({ key: column.graph }),
      (column, width) => drawArrival(open, column, width),
    );
  }
  const { compare } = orders[settings.sort]!;
  const found = report.families.filter((family) =>
    matches(settings, `${family.name} ${formatSite(family.site)} ${causes(family)}`),
  );
  return listOf(
    compare === undefined ? found : found.toSorted(compare),
    (family) => ({ key: family.key }),
    drawFamily,
  );
}

function familyDetail(report: Report, family: FamilyReport, width: number): Line[] {
  const counts = [
    formatPlural(family.columns.length, 'graph'),
    formatPlural(family.recompiles, 'recompile'),
    family.reuses > 0 ? formatPlural(family.reuses, 'reuse') : undefined,
    family.limitHits > 0 ? `limit hit ${formatPlural(family.limitHits, 'time')}` : undefined,
    family.compileMs > 0 ? `${formatDuration(family.compileMs)} compiling` : undefined,
    family.copies === undefined ? undefined : `the same ${family.copies}×`,
  ].filter((part) => part !== undefined);
  return [
    [span(family.name, 'strong'), span(`  ${counts.join(' · ')}`, 'muted')],
    [],
    ...matrixLines(family, width),
    [],
    ...family.advice.flatMap((text, index) => fact(index === 0 ? 'advice' : 'or', text, width, 'good')),
    [],
    ...codeLines(report, family.site, width),
  ];
}

function arrivalDetail(report: Report, family: FamilyReport, graph: string, width: number): Line[] {
  const column = family.columns.find((each) => each.graph === graph);
  if (column === undefined) return [];
  const failure = failureOf(family, graph);
  const head: Line = [
    span(graph, 'accent'),
    span(`  ${outcomeWords[column.outcome]}`, outcomeRoles[column.outcome]),
    span(failure === undefined ? '' : `  compared with ${failure.closest || 'nothing'}`, 'muted'),
  ];
  if (failure === undefined) {
    return [head, [], ...wrap('The first graph of this site: nothing to compare with.', width, 'muted')];
  }
  return [
    head,
    [],
    ...failure.differences.flatMap((each): Line[] => [
      [span(each.what, 'strong'), span(`  ${each.kind}`, 'muted')],
      ...wrap(`- ${each.expected}`, width, 'removed'),
      ...wrap(`+ ${each.actual}`, width, 'added'),
    ]),
    [],
    line('The call that came', 'muted'),
    ...codeLines(report, failure.site, width, 1),
    ...(failure.stack === undefined ? [] : stackLines(failure.stack)),
  ];
}

export const recompilesView: View = defineView({
  id: 'recompiles',
  title: 'Guards',
  key: '4',
  empty: 'no site was compiled twice',
  sorts: orders.map((order) => order.title),
  commands: (report, settings) =>
    familyOf(report, settings) === undefined
      ? { enter: 'arrivals', texts: 'texts' }
      : { enter: 'graph', back: 'back', sort: '', texts: 'texts' },
  head: (report, settings, width) => {
    const open = familyOf(report, settings);
    const listWidth = listWidthIn(width, 'auto');
    if (open === undefined) return [tableHead(familyColumns, listWidth)];
    const where = open.site === undefined ? '' : `  ${formatSite(open.site)}`;
    return [[span(` ${open.name}`, 'strong'), span(where, 'muted')], tableHead(arrivalColumns, listWidth)];
  },
  list,
  detail: (report, settings, key, width) => {
    const open = familyOf(report, settings);
    if (open !== undefined) return arrivalDetail(report, open, key, width);
    const family = report.families.find((each) => each.key === key);
    return family === undefined ? [] : familyDetail(report, family, width);
  },
  target: (report, settings, key) => {
    const open = familyOf(report, settings);
    const family = open ?? report.families.find((each) => each.key === key);
    if (family === undefined) return {};
    const failure = open === undefined ? undefined : failureOf(open, key);
    return {
      ...placeOf(failure?.site ?? family.site),
      text: failure === undefined ? `${family.name} ${causes(family)}` : changeText(failure),
    };
  },
  follow: (report, settings, key, command) => {
    const open = familyOf(report, settings);
    if (command === 'texts') {
      const graph =
        open === undefined ? report.families.find((each) => each.key === key)?.columns[0]?.graph : key;
      return graph === undefined ? undefined : { kind: 'view', view: 'texts', settings: { path: [graph] } };
    }
    if (command !== 'enter') return undefined;
    if (open === undefined) {
      return { kind: 'settings', settings: { ...settings, filter: '', path: [key] } };
    }
    return report.graphs.some((graph) => graph.id === key)
      ? { kind: 'view', view: 'graphs', settings: { path: [] }, cursor: key }
      : undefined;
  },
  terms: {
    guard: 'A fact that a compiled graph relies on: a shape, a dtype, an attribute, a weight.',
    recompile: 'A call arrived with other facts, and no compiled graph was valid for them.',
    reuse: 'A graph that had been generalised was valid for other facts too: nothing was compiled.',
  },
});
