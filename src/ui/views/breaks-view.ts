/** Breaks: what ended graphs, dearest first; each with its place, cause and remedy. */
import type { BreakReport, Report } from '../../explain/report.ts';
import { defineView, type ListModel, type ListRow, type View, type ViewSettings } from '../define-view.ts';
import { formatMs, formatSite } from './format.ts';
import { line, span, tableHead, tableRow, wrap, type Column, type Line } from '../lines.ts';

const columns: readonly Column[] = [
  { title: 'id', width: 7 },
  { title: 'count', width: 6, align: 'right' },
  { title: 'saving', width: 9, align: 'right' },
  { title: 'waited', width: 9, align: 'right' },
  { title: 'place', width: 'flex' },
  { title: 'what', width: 'flex' },
];

function place(item: BreakReport): string {
  return formatSite(item.site);
}

const orders: readonly {
  readonly title: string;
  readonly compare: (left: BreakReport, right: BreakReport) => number;
}[] = [
  {
    title: 'cost',
    compare: (left, right) => (right.savingMs ?? right.waitMs) - (left.savingMs ?? left.waitMs),
  },
  { title: 'count', compare: (left, right) => right.occurrences - left.occurrences },
  {
    title: 'place',
    compare: (left, right) => place(left).localeCompare(place(right), 'en', { numeric: true }),
  },
];

const groupings: readonly { readonly title: string; readonly key: (item: BreakReport) => string }[] = [
  { title: 'none', key: () => '' },
  { title: 'file', key: (item) => item.site?.file ?? '(no user frame)' },
  { title: 'kind', key: (item) => `${item.id} ${item.title}` },
  { title: 'graph', key: (item) => item.graphs[0] ?? '(no graph)' },
];

type Item = { readonly heading: string } | { readonly item: BreakReport };

function items(report: Report, settings: ViewSettings): Item[] {
  const wanted = settings.filter.toLowerCase();
  const matching = report.breaks.filter((item) =>
    `${item.id} ${item.title} ${place(item)} ${item.site?.code ?? ''}`.toLowerCase().includes(wanted),
  );
  const sorted = matching.toSorted(orders[settings.sort]!.compare);
  const grouping = groupings[settings.group]!;
  if (settings.group === 0) return sorted.map((item) => ({ item }));
  const byKey = new Map<string, BreakReport[]>();
  for (const item of sorted) {
    const key = grouping.key(item);
    byKey.set(key, [...(byKey.get(key) ?? []), item]);
  }
  return [...byKey].flatMap(([heading, members]): Item[] => [
    { heading },
    ...members.map((item) => ({ item })),
  ]);
}

function list(report: Report, settings: ViewSettings): ListModel {
  const all = items(report, settings);
  return {
    count: all.length,
    row(index): ListRow {
      const each = all[index]!;
      return 'heading' in each ? { key: each.heading, isHeading: true } : { key: each.item.key };
    },
    line(index, width): Line {
      const each = all[index]!;
      if ('heading' in each) return line(each.heading, 'strong');
      const { item } = each;
      return tableRow(
        columns,
        [
          span(item.id, 'accent'),
          span(String(item.occurrences)),
          span(formatMs(item.savingMs), item.savingMs === null ? 'muted' : 'bad'),
          span(formatMs(item.waitMs)),
          span(place(item), item.site === undefined ? 'muted' : undefined),
          span(item.title + (item.isInLoop ? ' (in a loop)' : '')),
        ],
        width,
      );
    },
  };
}

/** The line with two neighbours on each side; only the line where the trace has no source. */
function codeFrame(text: string | undefined, at: number, code: string | undefined): Line[] {
  if (text === undefined) return code === undefined ? [] : [line(`▸ ${at} │ ${code}`, 'warning')];
  const lines = text.split('\n');
  const from = Math.max(1, at - 2);
  return lines
    .slice(from - 1, at + 2)
    .map((each, index) =>
      line(
        `${from + index === at ? '▸' : ' '} ${String(from + index).padStart(4)} │ ${each}`,
        from + index === at ? 'warning' : 'code',
      ),
    );
}

function detail(report: Report, _settings: ViewSettings, key: string, width: number): Line[] {
  const item = report.breaks.find((each) => each.key === key);
  if (item === undefined) return [];
  const { site } = item;
  const file = report.files.find((each) => each.file === site?.file);
  return [
    line(`${item.id} ${item.title}`, 'strong'),
    line(place(item), 'muted'),
    ...(site === undefined ? [] : codeFrame(file?.text, site.line, site.code)),
    ...wrap(item.explanation, width),
    ...item.branches.map((branch) => line(`the value decides: ${branch}`, 'accent')),
    [],
    ...item.hints.flatMap((hint) => wrap(`→ ${hint}`, width, 'good')),
    [],
    ...item.callPaths.flatMap((path) => [
      line(`${path.count}× from`, 'muted'),
      ...path.frames
        .filter((frame) => frame.origin === 'user')
        .map((frame) => line(`  ${frame.function || 'top level'} ${frame.file}:${frame.line}`)),
    ]),
  ];
}

export const breaksView: View = defineView({
  id: 'breaks',
  title: 'Breaks',
  key: '2',
  sorts: orders.map((order) => order.title),
  groups: groupings.map((grouping) => grouping.title),
  head: (_report, _settings, width) => [tableHead(columns, width)],
  list,
  detail,
  target: (report, _settings, key) => {
    const item = report.breaks.find((each) => each.key === key);
    const site = item?.site;
    return site === undefined
      ? {}
      : { file: site.file, line: site.line, text: `${item!.id} ${site.file}:${site.line}` };
  },
});
