/** Graphs: every captured graph with its cost; enter opens it node by node. */
import type { CompileReport, GraphReport, Report } from '../../explain/report.ts';
import { formatDuration, formatPlural } from '../../explain/units.ts';
import { formatType } from '../../ir/tensor-type.ts';
import { defineView, listOf, matches, type ListModel, type View, type ViewSettings } from '../define-view.ts';
import { listWidthIn } from '../layout.ts';
import { span, tableHead, tableRow, type Column, type Line } from '../lines.ts';
import { codeLines } from '../parts/code-lines.ts';
import { fact, formatMs, formatSite, placeOf } from '../parts/format.ts';
import { pageDetail, pageFollow, pageHead, pageList, pageTarget } from './graph-page.ts';

const narrow: readonly Column[] = [
  { title: 'id', width: 5 },
  { title: 'name', width: 'flex' },
  { title: 'nodes', width: 6, align: 'right' },
  { title: 'runs', width: 6, align: 'right' },
  { title: 'run', width: 8, align: 'right' },
  { title: 'compile', width: 8, align: 'right' },
  { title: 'eager', width: 5, align: 'right' },
];
const wide: readonly Column[] = [
  ...narrow,
  { title: 'per run', width: 8, align: 'right' },
  { title: 'device', width: 6 },
  { title: 'place', width: 'flex' },
];
const wideFrom = 100;

function columnsFor(width: number): readonly Column[] {
  return width < wideFrom ? narrow : wide;
}

function deviceOf(graph: GraphReport): string {
  return graph.compiles.at(-1)?.device ?? '–';
}

function draw(graph: GraphReport, width: number): Line {
  const eager = graph.fallbacks.length;
  const hasRun = graph.runs > 0;
  return tableRow(
    columnsFor(width),
    [
      span(graph.id, 'accent'),
      span(graph.name),
      span(String(graph.nodeCount)),
      span(hasRun ? String(graph.runs) : '–'),
      span(hasRun ? formatMs(graph.runMs) : '–'),
      span(graph.compileMs > 0 ? formatMs(graph.compileMs) : '–'),
      span(eager === 0 ? '' : String(eager), 'warning'),
      span(hasRun ? formatMs(graph.runMs / graph.runs) : '–'),
      span(deviceOf(graph), 'muted'),
      span(formatSite(graph.site), 'muted'),
    ],
    width,
  );
}

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
  const { compare } = orders[settings.sort]!;
  const found = report.graphs.filter((graph) =>
    matches(settings, `${graph.id} ${graph.name} ${formatSite(graph.site)}`),
  );
  return listOf(
    compare === undefined ? found : found.toSorted(compare),
    (graph) => ({ key: graph.id, isBreak: graph.endedBy.length > 0 }),
    draw,
  );
}

const triggers: Readonly<Record<CompileReport['trigger'], string>> = {
  first: 'first sight',
  recompile: 'a guard failed',
  freeze: 'weights became constants',
  optimize: 'again, optimized',
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

function typesText(values: GraphReport['inputs']): string {
  return values.map(({ name, type }) => `${name}: ${formatType(type)}`).join(', ');
}

/** Most ops that are listed with their counts. */
const mostOps = 12;

function opsText(graph: GraphReport): string {
  const counts = Object.entries(graph.opCounts).toSorted((left, right) => right[1] - left[1]);
  const shown = counts.slice(0, mostOps).map(([op, count]) => `${op}${count > 1 ? ` ×${count}` : ''}`);
  return shown.join(', ') + (counts.length > mostOps ? `, ${counts.length - mostOps} more kinds` : '');
}

function graphDetail(report: Report, graph: GraphReport, width: number): Line[] {
  const breaks = [...report.breaks, ...report.boundaries];
  const texts = report.artifacts.filter((artifact) => artifact.owner === graph.id).length + 1;
  const perRun = graph.runs === 0 ? '' : `, ${formatDuration(graph.runMs / graph.runs)} each`;
  const runs =
    graph.runs === 0
      ? 'the trace tells no runs'
      : `${formatPlural(graph.runs, 'time')}, ${formatDuration(graph.runMs)}${perRun}`;
  const ended = graph.endedBy.map((key) => {
    const found = breaks.find((each) => each.key === key);
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
  sorts: orders.map((order) => order.title),
  listShare: 0.5,
  commands: (report, settings) =>
    graphOf(report, settings) === undefined
      ? { enter: 'nodes', texts: 'texts', minify: 'minify', export: 'export' }
      : {
          enter: 'edges',
          back: 'back',
          sort: '',
          ancestors: 'ancestors',
          descendants: 'descendants',
          toggle: 'fold',
          texts: 'text',
          minify: 'minify',
        },
  head: (report, settings, width) => {
    const open = graphOf(report, settings);
    const listWidth = listWidthIn(width, 'auto');
    return open === undefined
      ? [tableHead(columnsFor(listWidth), listWidth)]
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
