/**
 * One graph, node by node: the tree of a whole graph, of a node's ancestors or descendants, or the edges of one node,
 * along which enter walks. Paths: `[graph]`, `[graph, 'edges relu_1', 'ancestors add']`, the last one open.
 */
import type { GraphReport, Report } from '../../explain/report.ts';
import { formatDuration, formatPlural } from '../../explain/units.ts';
import {
  listOf,
  matches,
  type FollowCommand,
  type ListModel,
  type Navigation,
  type Target,
  type ViewSettings,
} from '../define-view.ts';
import { graphModel, reachable, type GraphModel, type ModelNode } from '../graph/graph-model.ts';
import { treeRows, type TreeRow } from '../graph/graph-tree.ts';
import { countKinds, nodeLines, profiledMs } from '../graph/node-lines.ts';
import { bar, line, span, tableHead, tableRow, wrap, type Column, type Line, type Role } from '../lines.ts';

type Page =
  | { readonly kind: 'tree' }
  | { readonly kind: 'edges' | 'ancestors' | 'descendants'; readonly node: string; readonly index: number };

/** The page that is open: the last segment of the path that names a node of the graph. */
function pageOf(model: GraphModel, path: readonly string[]): Page {
  const segment = path.at(-1) ?? '';
  const blank = segment.indexOf(' ');
  const kind = segment.slice(0, blank);
  const node = segment.slice(blank + 1);
  const index = model.byKey.get(node);
  if (path.length < 2 || index === undefined) return { kind: 'tree' };
  return kind === 'edges' || kind === 'ancestors' || kind === 'descendants'
    ? { kind, node, index }
    : { kind: 'tree' };
}

const marks: Readonly<Record<ModelNode['kind'], string>> = {
  input: '→ ',
  state: '◆ ',
  constant: '= ',
  op: '',
  output: '⇒ ',
};

function columnsFor(graph: GraphReport, width: number): readonly Column[] {
  const hasTimes = graph.nodeTimes.size > 0;
  const name: Column = { title: 'name', width: 'flex' };
  const op: Column = { title: 'op', width: width < 70 ? 16 : 22 };
  const type: Column = { title: 'type', width: width < 70 ? 18 : 26 };
  const time: Column = { title: 'time', width: 8, align: 'right' };
  const heat: Column = { title: '', width: 8 };
  const reads: Column = { title: 'reads', width: 'flex' };
  const timed = hasTimes ? (width < 100 ? [time] : [time, heat]) : [];
  return [name, op, type, ...timed, ...(width < 100 ? [] : [reads])];
}

function roleOf(graph: GraphReport, node: ModelNode): Role | undefined {
  if (node.kind !== 'op') return 'muted';
  return graph.fallbacks.some((each) => each.node === node.name) ? 'warning' : undefined;
}

/** Deeper scopes are drawn no further to the right than this share of the row. */
const deepestShare = 0.3;

function indentOf(depth: number, width: number): string {
  return ' '.repeat(Math.min(depth * 2, Math.floor(width * deepestShare)));
}

/** `f32[4,8]` of PyTorch's `f32[4, 8][8, 1]cpu`: strides and device are in the detail. */
function shortType(type: string): string {
  return type.replace(/^(\w+\[[^\]]*\])\[.*$/, '$1').replaceAll(', ', ',');
}

/** Draws nodes of one graph; knows what is dear in it. */
function nodeDrawer(
  graph: GraphReport,
  model: GraphModel,
): (index: number, depth: number, width: number) => Line {
  let longestMs = 0;
  for (const durationMs of graph.nodeTimes.values()) longestMs = Math.max(longestMs, durationMs);
  const eager = new Set(graph.fallbacks.map((each) => each.node));
  return (index, depth, width) => {
    const node = model.nodes[index]!;
    const role = eager.has(node.name) ? 'warning' : roleOf(graph, node);
    const durationMs = graph.nodeTimes.get(node.name);
    const columns = columnsFor(graph, width);
    const cells = {
      name: span(`${indentOf(depth, width)}${marks[node.kind]}${node.key}`, role),
      op: span(
        eager.has(node.name) ? `${node.op} (eager)` : node.kind === 'op' ? node.op : node.kind,
        role ?? 'accent',
      ),
      type: span(shortType(node.type), 'muted'),
      time: span(durationMs === undefined ? '' : formatDuration(durationMs)),
      '': span(durationMs === undefined ? '' : bar(longestMs > 0 ? durationMs / longestMs : 0, 8), 'warning'),
      reads: span(node.inputs.map((input) => model.nodes[input]!.key).join(', '), 'muted'),
    };
    return tableRow(
      columns,
      columns.map((column) => cells[column.title as keyof typeof cells]),
      width,
    );
  };
}

function drawScope(row: TreeRow & { kind: 'scope' }, width: number): Line {
  const time = row.durationMs > 0 ? `, ${formatDuration(row.durationMs)}` : '';
  return [
    span(`${indentOf(row.depth, width)}${row.isFolded ? '▸' : '▾'} ${row.title}`, 'strong'),
    span(`  ${formatPlural(row.nodes, 'node')}${time}`, 'muted'),
  ];
}

function treeList(graph: GraphReport, model: GraphModel, page: Page, settings: ViewSettings): ListModel {
  const only =
    page.kind === 'ancestors' || page.kind === 'descendants'
      ? reachable(model, page.index, page.kind)
      : undefined;
  const rows = treeRows(graph, {
    ...(only === undefined ? {} : { only }),
    ...(settings.filter === '' ? {} : { filter: settings.filter.toLowerCase() }),
    toggled: settings.toggled,
  });
  const draw = nodeDrawer(graph, model);
  return {
    count: rows.length,
    row(index) {
      const row = rows[index]!;
      return row.kind === 'scope' ? { key: row.key, isFold: true } : { key: model.nodes[row.index]!.key };
    },
    line(index, width) {
      const row = rows[index]!;
      return row.kind === 'scope' ? drawScope(row, width) : draw(row.index, row.depth, width);
    },
  };
}

type EdgeRow = { readonly heading: string } | { readonly index: number; readonly depth: number };

function edgeRows(model: GraphModel, index: number, settings: ViewSettings): EdgeRow[] {
  const node = model.nodes[index]!;
  const shown = (indices: readonly number[]): EdgeRow[] =>
    [...new Set(indices)].flatMap((each) => {
      const { key, op } = model.nodes[each]!;
      return matches(settings, `${key} ${op}`) ? [{ index: each, depth: 1 }] : [];
    });
  return [
    { heading: node.inputs.length === 0 ? 'reads nothing' : 'reads' },
    ...shown(node.inputs),
    { heading: 'node' },
    { index, depth: 1 },
    { heading: model.users[index]!.length === 0 ? 'read by nothing' : 'read by' },
    ...shown(model.users[index]!),
  ];
}

function edgeList(graph: GraphReport, model: GraphModel, index: number, settings: ViewSettings): ListModel {
  const draw = nodeDrawer(graph, model);
  return listOf(
    edgeRows(model, index, settings),
    (row) =>
      'heading' in row
        ? { key: `heading ${row.heading}`, isHeading: true }
        : { key: model.nodes[row.index]!.key },
    (row, width) => ('heading' in row ? line(row.heading, 'muted') : draw(row.index, row.depth, width)),
  );
}

/** Where one is: graph, page, how many nodes. */
export function pageHead(
  graph: GraphReport,
  settings: ViewSettings,
  width: number,
  listWidth: number,
): Line[] {
  const model = graphModel(graph);
  const page = pageOf(model, settings.path);
  const steps = settings.path.slice(1).map((segment) => segment.replace(/^edges /, ''));
  const nodes =
    page.kind === 'tree' || page.kind === 'edges' ? undefined : reachable(model, page.index, page.kind);
  const count = nodes === undefined ? countKinds(model) : formatPlural(nodes.size, 'node');
  const timed = profiledMs(graph);
  const trail = [`${graph.id} ${graph.name}`, ...steps].join(' › ');
  return [
    [
      span(` ${trail.length > width - 20 ? `${graph.id} › … › ${steps.at(-1) ?? ''}` : trail}`, 'strong'),
      span(`  ${count}${timed > 0 ? `, ${formatDuration(timed)} per run` : ''}`, 'muted'),
    ],
    tableHead(columnsFor(graph, listWidth), listWidth),
  ];
}

export function pageList(graph: GraphReport, settings: ViewSettings): ListModel {
  const model = graphModel(graph);
  const page = pageOf(model, settings.path);
  if (page.kind === 'edges') return edgeList(graph, model, page.index, settings);
  return treeList(graph, model, page, settings);
}

export function pageDetail(report: Report, graph: GraphReport, key: string, width: number): Line[] {
  const model = graphModel(graph);
  const index = model.byKey.get(key);
  if (index !== undefined) return nodeLines(report, graph, model, index, width);
  return wrap('Enter or x folds and unfolds this part of the graph.', width, 'muted');
}

export function pageTarget(graph: GraphReport, key: string): Target {
  const model = graphModel(graph);
  const node = model.nodes[model.byKey.get(key) ?? -1];
  const site = node === undefined ? undefined : graph.origins.get(node.name)?.site;
  return {
    graph: graph.id,
    text: node === undefined ? graph.text : (graph.text.split('\n')[node.line - 1] ?? '').trim(),
    ...(site === undefined ? {} : { file: site.file, line: site.line }),
  };
}

export function pageFollow(
  graph: GraphReport,
  settings: ViewSettings,
  key: string,
  command: FollowCommand,
): Navigation | undefined {
  const model = graphModel(graph);
  const page = pageOf(model, settings.path);
  if (command === 'texts') return { kind: 'view', view: 'texts', settings: { path: [graph.id] } };
  const index = model.byKey.get(key);
  if (index === undefined) {
    if (command !== 'enter') return undefined;
    const toggled = new Set(settings.toggled);
    if (!toggled.delete(key)) toggled.add(key);
    return { kind: 'settings', settings: { ...settings, toggled }, cursor: key };
  }
  const open = (kind: string, cursor: string): Navigation => ({
    kind: 'settings',
    settings: { ...settings, filter: '', path: [...settings.path, `${kind} ${key}`] },
    cursor,
  });
  if (command !== 'enter') return open(command, key);
  // From the middle of its own edges a node leads back to its place in the whole graph.
  if (page.kind === 'edges' && page.node === key)
    return { kind: 'settings', settings: { ...settings, filter: '', path: [graph.id] }, cursor: key };
  const first = model.users[index]![0] ?? model.nodes[index]!.inputs[0];
  return open('edges', first === undefined ? key : model.nodes[first]!.key);
}
