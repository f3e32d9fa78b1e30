/** Breaks: what ended graphs, dearest first; each with its line, its cost, its cause and its remedy. */
import type { BreakReport, Report } from '../../explain/report.ts';
import { formatBytes, formatCount, formatPlural, formatRanges, formatShare } from '../../explain/units.ts';
import {
  defineView,
  matches,
  type ListModel,
  type ListRow,
  type Navigation,
  type View,
  type ViewSettings,
} from '../define-view.ts';
import { listWidthIn } from '../layout.ts';
import { line, span, wrap, type Line } from '../lines.ts';
import { codeLines } from '../parts/code-lines.ts';
import { diffLines } from '../parts/diff-lines.ts';
import { compareSites, fact, formatMs, formatSite, placeOf } from '../parts/format.ts';
import { perReport } from '../parts/per-report.ts';
import { placeWidthOf, tableOf, type Table, type TableColumn } from '../parts/table.ts';
import { stackLines } from '../parts/stack-lines.ts';

function place(item: BreakReport): string {
  return formatSite(item.site);
}

const waitedFrom = 70;

/** Columns that nothing in the report fills are left out; on a narrow screen the time waited goes first. */
const tableFor = perReport((report): Table<BreakReport> => {
  const hasSaving = report.breaks.some((item) => item.savingMs !== null);
  const hasWait = report.breaks.some((item) => item.waitMs > 0);
  const id: TableColumn<BreakReport> = { title: 'id', width: 6, cell: (item) => span(item.id, 'accent') };
  const count: TableColumn<BreakReport> = {
    title: 'count',
    width: 6,
    align: 'right',
    cell: (item) => span(formatCount(item.occurrences)),
  };
  const saving: TableColumn<BreakReport> = {
    title: 'saving',
    width: 8,
    align: 'right',
    cell: ({ savingMs }) =>
      savingMs !== null && savingMs <= 0
        ? span('none', 'muted')
        : span(formatMs(savingMs), savingMs === null ? 'muted' : 'bad'),
  };
  const waited: TableColumn<BreakReport> = {
    title: 'waited',
    width: 8,
    align: 'right',
    cell: (item) => span(item.waitMs > 0 ? formatMs(item.waitMs) : '–'),
  };
  const placeWidth = placeWidthOf('place', report.breaks.map(place), 0.3);
  const where = (width: number): TableColumn<BreakReport> => ({
    title: 'place',
    width: placeWidth(width),
    keepsEnd: true,
    cell: (item) => span(place(item), item.site === undefined ? 'muted' : undefined),
  });
  const what: TableColumn<BreakReport> = {
    title: 'what',
    width: 'flex',
    cell: (item) => span(item.title + (item.isInLoop ? ' (in a loop)' : '')),
  };
  return tableOf((width) => [
    id,
    count,
    ...(hasSaving ? [saving] : []),
    ...(hasWait && (width >= waitedFrom || !hasSaving) ? [waited] : []),
    where(width),
    what,
  ]);
});

const orders: readonly {
  readonly title: string;
  readonly compare: (left: BreakReport, right: BreakReport) => number;
}[] = [
  {
    title: 'cost',
    compare: (left, right) =>
      (right.savingMs ?? right.waitMs) - (left.savingMs ?? left.waitMs) || right.weight - left.weight,
  },
  { title: 'count', compare: (left, right) => right.occurrences - left.occurrences },
  {
    title: 'place',
    compare: (left, right) => compareSites(left.site, right.site),
  },
];

const groupings: readonly { readonly title: string; readonly key: (item: BreakReport) => string }[] = [
  { title: 'none', key: () => '' },
  { title: 'file', key: (item) => item.site?.file ?? '(no user frame)' },
  { title: 'kind', key: (item) => `${item.id} ${item.title}` },
  { title: 'graph', key: (item) => item.graphs[0] ?? '(no graph)' },
];

type Item = { readonly heading: string; readonly count: number } | { readonly item: BreakReport };

function items(report: Report, settings: ViewSettings): Item[] {
  const matching = report.breaks.filter((item) =>
    matches(
      settings,
      `${item.id} ${item.title} ${place(item)} ${item.site?.code ?? ''} ${item.graphs.join(' ')}`,
    ),
  );
  const sorted = matching.toSorted(orders[settings.sort]!.compare);
  const grouping = groupings[settings.group]!;
  if (settings.group === 0) return sorted.map((item) => ({ item }));
  const byKey = new Map<string, BreakReport[]>();
  for (const item of sorted) {
    const key = grouping.key(item);
    const members = byKey.get(key);
    if (members === undefined) byKey.set(key, [item]);
    else members.push(item);
  }
  return [...byKey].flatMap(([heading, members]): Item[] => [
    { heading, count: members.length },
    ...members.map((item) => ({ item })),
  ]);
}

function list(report: Report, settings: ViewSettings): ListModel {
  const all = items(report, settings);
  const table = tableFor(report);
  return {
    count: all.length,
    row(index): ListRow {
      const each = all[index]!;
      return 'heading' in each
        ? { key: `heading ${each.heading}`, isHeading: true }
        : { key: each.item.key, isBreak: true };
    },
    line(index, width): Line {
      const each = all[index]!;
      if ('heading' in each) {
        return [span(each.heading, 'strong'), span(`  ${formatPlural(each.count, 'break')}`, 'muted')];
      }
      return table.row(each.item, width);
    },
  };
}

function costText(item: BreakReport, wallMs: number): string | undefined {
  if (item.savingMs !== null) {
    if (item.savingMs <= 0) return 'nothing measurable would be saved without it';
    const share = wallMs > 0 ? `, ${formatShare(Math.min(1, item.savingMs / wallMs))} of the run` : '';
    return `${formatMs(item.savingMs)} would be saved without it${share} (measured)`;
  }
  return item.savingSkipped === undefined ? undefined : `not measured: ${item.savingSkipped}`;
}

function countText(item: BreakReport): string {
  const parts = [formatPlural(item.occurrences, 'time')];
  if (item.weight !== item.occurrences) parts.push(`its graphs ran ${formatPlural(item.weight, 'time')}`);
  if (item.waitMs > 0)
    parts.push(`waited ${formatMs(item.waitMs)}, at most ${formatMs(item.longestWaitMs)} at once`);
  if (item.isInLoop) parts.push('in a loop');
  return parts.join(', ');
}

/** Tensors that are listed by name; a read in a helper may see hundreds. */
const mostTensors = 4;

function tensorText(item: BreakReport): string {
  const shown = item.tensors.slice(0, mostTensors).map(({ name, type, count }) => {
    const text = [name, type].filter((part) => part !== undefined).join(': ');
    return item.tensors.length > 1 ? `${text} (${count}×)` : text;
  });
  const more = item.tensors.length - shown.length;
  const size = item.sizeBytes > 0 ? `, ${formatBytes(item.sizeBytes)} in all` : '';
  return shown.join(', ') + (more > 0 ? `, ${more} more` : '') + size;
}

/** What stands under the caret: the tensor that was read. */
function caption(item: BreakReport): string {
  const tensor = item.tensors[0];
  return [tensor?.name, tensor?.type].filter((part) => part !== undefined).join(' ');
}

function fixLines(item: BreakReport, width: number): Line[] {
  const { example } = item;
  const hints = item.hints.flatMap((hint, index) => fact(index === 0 ? 'fix' : 'or', hint, width, 'good'));
  if (example?.good === undefined) return hints;
  return [
    ...hints,
    [],
    line('An example of this break, and the same without it', 'muted'),
    ...diffLines(example.bad, example.good),
  ];
}

function detail(report: Report, _settings: ViewSettings, key: string, width: number): Line[] {
  const item = report.breaks.find((each) => each.key === key);
  if (item === undefined) return [];
  const cost = costText(item, report.totals.wallMs);
  const facts: (readonly [string, string])[] = [
    ...(cost === undefined ? [] : [['cost', cost] as const]),
    ['happened', countText(item)],
    ...(item.tensors.length === 0 ? [] : [['forced', tensorText(item)] as const]),
    ...(item.apis.length === 0 ? [] : [['by', item.apis.join(', ')] as const]),
    ...(item.kernels.length === 0 ? [] : [['kernel', item.kernels.join(', ')] as const]),
    ...item.branches.map((branch) => ['decides', branch] as const),
    ...item.details.map((text) => ['detail', text] as const),
    ...(item.graphs.length === 0 ? [] : [['ends', item.graphs.join(', ')] as const]),
    ...(item.ranks.length === 0 ? [] : [['ranks', formatRanges(item.ranks)] as const]),
    ...(item.frames.length === 0 ? [] : [['frames', item.frames.join(', ')] as const]),
  ];
  return [
    [span(item.id, 'accent'), span(` ${item.title}`, 'strong')],
    [],
    ...codeLines(report, item.site, width, 2, caption(item)),
    [],
    ...wrap(item.explanation, width),
    [],
    ...facts.flatMap(([label, text]) => fact(label, text, width)),
    ...fixLines(item, width),
    ...(item.url === undefined ? [] : fact('see', item.url, width, 'accent')),
    ...item.callPaths.flatMap((path) => [
      [],
      line(`${formatPlural(path.count, 'time')} from`, 'muted'),
      ...stackLines(path.frames),
    ]),
  ];
}

/** The line in its file, where the trace has it. */
function toSource(item: BreakReport): Navigation | undefined {
  return item.site === undefined
    ? undefined
    : {
        kind: 'view',
        view: 'source',
        settings: { path: [item.site.file] },
        cursor: String(item.site.line),
      };
}

export const breaksView: View = defineView({
  id: 'breaks',
  title: 'Breaks',
  key: '2',
  empty: 'no graph break',
  sorts: orders.map((order) => order.title),
  groups: groupings.map((grouping) => grouping.title),
  commands: () => ({ enter: 'source', right: 'detail', texts: 'texts' }),
  head: (report, _settings, width) => [tableFor(report).head(listWidthIn(width, 'auto'))],
  list,
  detail,
  follow: (report, _settings, key, command) => {
    const item = report.breaks.find((each) => each.key === key);
    if (item === undefined) return undefined;
    if (command === 'enter') return toSource(item);
    const [graph] = item.graphs;
    return command === 'texts' && graph !== undefined
      ? { kind: 'view', view: 'texts', settings: { path: [graph] } }
      : undefined;
  },
  target: (report, _settings, key) => {
    const item = report.breaks.find((each) => each.key === key);
    if (item === undefined) return {};
    return { ...placeOf(item.site), text: `${item.id} ${item.title} ${formatSite(item.site)}` };
  },
  terms: {
    'graph break': 'The point where recording had to stop, because the program needed a value at once.',
    saving:
      'What the run would save if the graphs on both sides of the break were one: measured, not guessed.',
    waited: 'How long the program stood still for the value.',
  },
});
