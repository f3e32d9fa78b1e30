/** Graphs: every captured graph with its cost; enter opens it node by node. */
import type { CompileReport, GraphReport, Report } from '../../explain/report.ts';
import { formatCount, formatDuration, formatPlural } from '../../explain/units.ts';
import { formatType } from '../../ir/tensor-type.ts';
import { defineView, listOf, matches, type ListModel, type View, type ViewSettings } from '../define-view.ts';
import { listWidthIn } from '../layout.ts';
import { span, type Line } from '../lines.ts';
import { codeLines } from '../parts/code-lines.ts';
import { fact, formatMs, formatSite, placeOf } from '../parts/format.ts';
import { perReport } from '../parts/per-report.ts';
import { tableOf, type Table, type TableColumn } from '../parts/table.ts';
import { pageDetail, pageFollow, pageHead, pageList, pageTarget } from './graph-page.ts';

/** From this width on there is room for the place. */
const wideFrom = 90;

function deviceOf(graph: GraphReport): string {
  return graph.compiles.at(-1)?.device ?? '–';
}

function numberColumn(
  title: string,
  width: number,
  cell: (graph: GraphReport) => string,
): TableColumn<GraphReport> {
  return { title, width, align: 'right', cell: (graph) => span(cell(graph)) };
}

/** Columns that nothing in the report fills are left out. */
const tableFor = perReport((report): Table<GraphReport> => {
  const hasRuns = report.graphs.some((graph) => graph.runs > 0);
  const hasEager = report.graphs.some((graph) => graph.fallbacks.length > 0);
  const idWidth = report.graphs.reduce((most, graph) => Math.max(most, graph.id.length), 3);
  const ran = (graph: GraphReport, text: () => string): string => (graph.runs > 0 ? text() : '–');
  const id: TableColumn<GraphReport> = {
    title: 'id',
    width: Math.min(12, idWidth),
    cell: (graph) => span(graph.id, 'accent'),
  };
  const name: TableColumn<GraphReport> = { title: 'name', width: 'flex', cell: (graph) => span(graph.name) };
  const eager: TableColumn<GraphReport> = {
    title: 'eager',
    width: 5,
    align: 'right',
    cell: ({ fallbacks }) => span(fallbacks.length === 0 ? '' : String(fallbacks.length), 'warning'),
  };
  const device: TableColumn<GraphReport> = {
    title: 'device',
    width: 6,
    cell: (graph) => span(deviceOf(graph), 'muted'),
  };
  const where: TableColumn<GraphReport> = {
    title: 'place',
    width: 'flex',
    keepsEnd: true,
    cell: (graph) => span(formatSite(graph.site), 'muted'),
  };
  return tableOf((width) => [
    id,
    name,
    numberColumn('nodes', 6, (graph) => formatCount(graph.nodeCount)),
    ...(hasRuns
      ? [
          numberColumn('runs', 6, (graph) => ran(graph, () => formatCount(graph.runs))),
          numberColumn('run', 8, (graph) => ran(graph, () => formatMs(graph.runMs))),
        ]
      : []),
    numberColumn('compile', 8, (graph) => (graph.compileMs > 0 ? formatMs(graph.compileMs) : '–')),
    ...(hasEager ? [eager] : []),
    ...(width < wideFrom
      ? []
      : [
          ...(hasRuns
            ? [numberColumn('per run', 8, (graph) => ran(graph, () => formatMs(graph.runMs / graph.runs)))]
            : []),
          device,
          where,
        ]),
  ]);
});

const orders: readonly {
  readonly title: string;
  readonly compare?: (left: GraphReport, right: GraphReport) => number;
}[] = [
  { title: 'capture' },
  { title: 'time run', compare: (left, right) => right.runMs - left.runMs },
  { title: 'time compiled', compare: (left, right) => right.compileMs - left.compileMs },
  { title: 'nodes', compare: (left, right) => right.nodeCount - left.nodeCount },
];

function graphOf(report: Report, settings: ViewSettings): GraphReport | undefined {
  const [id] = settings.path;
  return id === undefined ? undefined : report.graphs.find((graph) => graph.id === id);
}

function list(report: Report, settings: ViewSettings): ListModel {
  const open = graphOf(report, settings);
  if (open !== undefined) return pageList(open, settings);
  const table = tableFor(report);
  const { compare } = orders[settings.sort]!;
  const found = report.graphs.filter((graph) =>
    matches(settings, `${graph.id} ${graph.name} ${formatSite(graph.site)}`),
  );
  return listOf(
    compare === undefined ? found : found.toSorted(compare),
    (graph) => ({ key: graph.id, isBreak: graph.endedBy.length > 0 }),
    table.row,
  );
}

const triggers: Readonly<Record<CompileReport['trigger'], string>> = {
  first: 'first sight',
  recompile: 'a guard failed',
  freeze: 'weights became constants',
  optimize: 'again, optimized',
  limit: 'recompile limit: eager kernels',
};
const sources: Readonly<Record<CompileReport['cache'], string>> = {
  none: '',
  disk: ', from the disk cache',
  shared: ", shares another graph's session",
};

function compileLines(compile: CompileReport, width: number): Line[] {
  const { trigger, cache, backend, device, durationMs, phases, guardCount } = compile;
  const guards = guardCount === undefined ? '' : `, ${formatPlural(guardCount, 'guard')}`;
  const steps = phases.map((phase) => `${phase.name} ${formatDuration(phase.durationMs)}`).join(', ');
  return [
    ...fact(
      'compiled',
      `${formatDuration(durationMs)} for ${backend} on ${device}: ${triggers[trigger]}${sources[cache]}${guards}`,
      width,
    ),
    ...(steps === '' ? [] : fact('', steps, width, 'muted')),
  ];
}

/** Inputs that are listed with their types: a training step has hundreds of weights. */
const mostValues = 12;

function typesText(values: GraphReport['inputs']): string {
  const shown = values.slice(0, mostValues).map(({ name, type }) => `${name}: ${formatType(type)}`);
  const more = values.length - shown.length;
  return shown.join(', ') + (more > 0 ? `, ${more} more` : '');
}

/** Most ops that are listed with their counts. */
const mostOps = 12;

function opsText(graph: GraphReport): string {
  const counts = Object.entries(graph.opCounts).toSorted((left, right) => right[1] - left[1]);
  const shown = counts.slice(0, mostOps).map(([op, count]) => `${op}${count > 1 ? ` ×${count}` : ''}`);
  return shown.join(', ') + (counts.length > mostOps ? `, ${counts.length - mostOps} more kinds` : '');
}

/** Breaks that are listed for one graph. */
const mostEndings = 8;

const endingsByKey = perReport(
  (report) => new Map([...report.breaks, ...report.boundaries].map((each) => [each.key, each])),
);

function graphDetail(report: Report, graph: GraphReport, width: number): Line[] {
  const texts = report.artifacts.filter((artifact) => artifact.owner === graph.id).length + 1;
  const perRun = graph.runs === 0 ? '' : `, ${formatDuration(graph.runMs / graph.runs)} each`;
  const runs =
    graph.runs === 0
      ? 'the trace tells no runs'
      : `${formatPlural(graph.runs, 'time')}, ${formatDuration(graph.runMs)}${perRun}`;
  const byKey = endingsByKey(report);
  const ended = graph.endedBy.slice(0, mostEndings).map((key) => {
    const found = byKey.get(key);
    return found === undefined ? key : `${found.id} ${found.title} at ${formatSite(found.site)}`;
  });
  return [
    [
      span(graph.id, 'accent'),
      span(` ${graph.name}`, 'strong'),
      span(`  ${formatPlural(graph.nodeCount, 'node')}`, 'muted'),
    ],
    ...fact('ran', runs, width),
    ...graph.compiles.flatMap((compile) => compileLines(compile, width)),
    ...ended.flatMap((text) => fact('ended by', text, width)),
    ...(graph.endedBy.length > mostEndings
      ? fact('', `and ${graph.endedBy.length - mostEndings} more`, width, 'muted')
      : []),
    ...fact('ops', opsText(graph), width),
    ...fact('inputs', typesText(graph.inputs) || 'none', width),
    ...fact('outputs', typesText(graph.outputs) || 'none', width),
    ...graph.fallbacks.flatMap((node) =>
      fact('eager', `${node.node}: ${node.kernel}, ${node.reason}`, width, 'warning'),
    ),
    ...fact('texts', `${formatPlural(texts, 'text')} (t)`, width, 'muted'),
    [],
    ...codeLines(report, graph.site, width),
  ];
}

export const graphsView: View = defineView({
  id: 'graphs',
  title: 'Graphs',
  key: '3',
  empty: 'no graph was captured',
  sorts: orders.map((order) => order.title),
  listShare: 0.5,
  commands: (report, settings) => {
    // A graph of PyTorch is text: it can be read, not run.
    const own = report.source === 'fullgraph' ? { minify: 'minify', export: 'export' } : {};
    return graphOf(report, settings) === undefined
      ? { enter: 'nodes', texts: 'texts', ...own }
      : {
          enter: 'edges',
          back: 'back',
          sort: '',
          ancestors: 'ancestors',
          descendants: 'descendants',
          toggle: 'fold',
          texts: 'text',
          ...own,
        };
  },
  head: (report, settings, width) => {
    const open = graphOf(report, settings);
    const listWidth = listWidthIn(width, 'auto');
    return open === undefined
      ? [tableFor(report).head(listWidth)]
      : pageHead(open, settings, width, listWidth);
  },
  list,
  detail: (report, settings, key, width) => {
    const open = graphOf(report, settings);
    if (open !== undefined) return pageDetail(report, open, key, width);
    const graph = report.graphs.find((each) => each.id === key);
    return graph === undefined ? [] : graphDetail(report, graph, width);
  },
  target: (report, settings, key) => {
    const open = graphOf(report, settings);
    if (open !== undefined) return pageTarget(open, key);
    const graph = report.graphs.find((each) => each.id === key);
    return graph === undefined ? {} : { graph: key, text: graph.text, ...placeOf(graph.site) };
  },
  follow: (report, settings, key, command) => {
    const open = graphOf(report, settings);
    if (open !== undefined) return pageFollow(open, settings, key, command);
    if (command === 'texts') return { kind: 'view', view: 'texts', settings: { path: [key] } };
    return command === 'enter'
      ? { kind: 'settings', settings: { ...settings, filter: '', toggled: new Set(), path: [key] } }
      : undefined;
  },
  terms: {
    graph: 'Operations that were recorded and run as one. The fewer and larger, the faster.',
    eager: 'A kernel of TensorFlow.js run by itself, outside of compiled graphs.',
    state: 'A tf.Variable: a graph reads it and may write it back.',
    'ancestors, descendants': 'All nodes that a node is computed from; all nodes that are computed from it.',
  },
});
