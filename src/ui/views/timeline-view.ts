/**
 * Timeline: lanes of the program's own code, recording, compiling, running and waiting over time, through a window that
 * zooms and pans; below, what is under the cursor and what the window holds.
 */
import type { Report, TimelineLane } from '../../explain/report.ts';
import { formatBytes, formatCount, formatDuration, formatPlural, formatShare } from '../../explain/units.ts';
import { axisWindow, magnification, standAt, type AxisRange } from '../axis.ts';
import { defineView, matches, type Navigation, type View, type ViewSettings } from '../define-view.ts';
import {
  bar,
  fit,
  line,
  span,
  tableHead,
  tableRow,
  type Column,
  type Line,
  type Role,
  type Span,
} from '../lines.ts';
import { formatSite, placeOf } from '../parts/format.ts';
import { perReport } from '../parts/per-report.ts';
import { sparkline } from '../parts/sparkline.ts';
import { laneCells, nextStart, spansIn, sumNames, type TimeWindow } from '../timeline/lane-cells.ts';

const memoryKey = 'memory';

/** Lanes of our own traces in the order of the story; those of others behind them, as they come. */
const laneOrder: readonly { readonly title: string; readonly role: Role; readonly means: string }[] = [
  { title: 'your code', role: 'text', means: 'your JavaScript, and all that nothing else accounts for' },
  { title: 'trace', role: 'accent', means: 'recording operations into a graph' },
  { title: 'compile', role: 'warning', means: 'making a native program out of a graph' },
  { title: 'run', role: 'good', means: 'running a compiled graph' },
  { title: 'wait', role: 'bad', means: 'the program stands still until a value is there' },
  { title: 'eager', role: 'muted', means: 'kernels outside of graphs' },
];

function rankOf(title: string): number {
  const index = laneOrder.findIndex((known) => known.title === title);
  return index < 0 ? laneOrder.length : index;
}

function lanesOf(report: Report): readonly TimelineLane[] {
  return report.timeline.lanes.toSorted((left, right) => rankOf(left.title) - rankOf(right.title));
}

/** Columns in front of the lanes: the longest title and a blank on each side. */
const titleWidthOf = perReport((report): number => {
  const titles = report.timeline.lanes.map((lane) => lane.title.length);
  return Math.min(18, Math.max(9, ...titles) + 2);
});

function axisColumns(report: Report, width: number): number {
  return Math.max(10, width - titleWidthOf(report));
}

function rangeOf(report: Report): AxisRange {
  return { start: report.timeline.startMs, end: report.timeline.endMs };
}

function windowOf(report: Report, settings: ViewSettings): TimeWindow {
  const { from, to } = axisWindow(rangeOf(report), settings);
  return { fromMs: from, toMs: to };
}

function cursorMs(report: Report, settings: ViewSettings): number {
  return axisWindow(rangeOf(report), settings).at;
}

function cursorColumn(report: Report, settings: ViewSettings, columns: number): number {
  const { from, to, at } = axisWindow(rangeOf(report), settings);
  const column = Math.floor(((at - from) / (to - from)) * columns + 1e-6);
  return Math.min(columns - 1, Math.max(0, column));
}

/** The time that the column under the cursor stands for. The detail is as wide as the list here. */
function underCursor(report: Report, settings: ViewSettings, width: number): TimeWindow {
  const columns = axisColumns(report, width);
  const { fromMs, toMs } = windowOf(report, settings);
  const perColumn = (toMs - fromMs) / columns;
  const column = cursorColumn(report, settings, columns);
  return { fromMs: fromMs + column * perColumn, toMs: fromMs + (column + 1) * perColumn };
}

/** A round step of 1, 2 or 5 times a power of ten, at least `least`. */
function roundStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  const factor = [1, 2, 5, 10].find((each) => each * power >= least) ?? 10;
  return factor * power;
}

/** Columns between two times that are written on the axis. */
const tickColumns = 16;

function axisLine(report: Report, window: TimeWindow, columns: number): Line {
  const perColumn = (window.toMs - window.fromMs) / columns;
  const step = roundStep(perColumn * tickColumns);
  const first = Math.ceil(window.fromMs / step) * step;
  const ticks = Math.min(columns, Math.ceil((window.toMs - first) / step));
  let text = '';
  for (let tick = 0; tick < ticks; tick++) {
    const timeMs = first + tick * step;
    const column = Math.floor((timeMs - window.fromMs) / perColumn);
    const label = `╷${formatDuration(timeMs)}`;
    if (column >= text.length) text = text.padEnd(column) + label;
  }
  return [span(' '.repeat(titleWidthOf(report))), span(fit(text, columns), 'muted')];
}

function head(report: Report, settings: ViewSettings, width: number): Line[] {
  if (report.timeline.lanes.length === 0) return [];
  const columns = axisColumns(report, width);
  const window = windowOf(report, settings);
  const { startMs, endMs } = report.timeline;
  const times = magnification(rangeOf(report), settings);
  const marker = ' '.repeat(titleWidthOf(report) + cursorColumn(report, settings, columns));
  return [
    [
      span(` ${formatDuration(window.toMs - window.fromMs)}`, 'strong'),
      span(` of ${formatDuration(endMs - startMs)}, cursor at `, 'muted'),
      span(formatDuration(cursorMs(report, settings)), 'strong'),
      span(times > 1 ? `, zoom ${formatCount(times)}×` : '', 'muted'),
    ],
    axisLine(report, window, columns),
    [span(marker), span('▼', 'accent')],
  ];
}

/** Blocks as high as each column is busy; spans with the room for it carry their names. */
function drawLane(report: Report, settings: ViewSettings, lane: TimelineLane, width: number): Span[] {
  const columns = axisColumns(report, width);
  const { busy, wide } = laneCells(lane, windowOf(report, settings), columns);
  const blocks = sparkline(busy);
  const role = laneOrder[rankOf(lane.title)]?.role ?? 'text';
  const spans: Span[] = [];
  let done = 0;
  for (const { index, column, columns: length } of wide) {
    if (column < done) continue;
    spans.push(span(blocks.slice(done, column), role));
    const name = report.timeline.names[lane.name[index]!] ?? '';
    // One column stays free, so that neighbours can be told apart.
    spans.push(span(fit(`▐${name}`, length - 1), role), span('▌', role));
    done = column + length;
  }
  spans.push(span(blocks.slice(done), role));
  return spans;
}

/** One cell of a line inverted: where the cursor stands. */
function withCursor(spans: readonly Span[], column: number): Line {
  let at = 0;
  return spans.flatMap((each) => {
    const start = at;
    at += each.text.length;
    const inside = column - start;
    if (inside < 0 || inside >= each.text.length) return [each];
    return [
      { ...each, text: each.text.slice(0, inside) },
      span(each.text.slice(inside, inside + 1), 'selected'),
      { ...each, text: each.text.slice(inside + 1) },
    ];
  });
}

function memoryCells(report: Report, settings: ViewSettings, columns: number): Float64Array {
  const { fromMs, toMs } = windowOf(report, settings);
  const shares = new Float64Array(columns);
  const most = report.memory.reduce((sum, point) => Math.max(sum, point.tensorBytes), 1);
  let at = 0;
  for (let column = 0; column < columns; column++) {
    const untilMs = fromMs + ((column + 1) * (toMs - fromMs)) / columns;
    while (at < report.memory.length && report.memory[at]!.timeMs <= untilMs) at++;
    shares[column] = at === 0 ? 0 : report.memory[at - 1]!.tensorBytes / most;
  }
  return shares;
}

type Row = { readonly key: string; readonly title: string; draw(width: number): Span[] };

function rowsOf(report: Report, settings: ViewSettings): Row[] {
  const lanes = lanesOf(report).map((lane): Row => ({
    key: lane.title,
    title: lane.title,
    draw: (width) => drawLane(report, settings, lane, width),
  }));
  if (report.memory.length > 1) {
    lanes.push({
      key: memoryKey,
      title: 'memory',
      draw: (width) => [span(sparkline(memoryCells(report, settings, axisColumns(report, width))), 'muted')],
    });
  }
  return lanes.filter((row) => matches(settings, row.title));
}

const sumColumns: readonly Column[] = [
  { title: 'what', width: 'flex' },
  { title: 'count', width: 8, align: 'right' },
  { title: 'total', width: 9, align: 'right' },
  { title: 'share', width: 7, align: 'right' },
  { title: 'longest', width: 9, align: 'right' },
  { title: '', width: 16 },
];

/** A span's name, with what it stands for in our own traces. */
function describe(report: Report, name: string): string {
  const graph = report.graphs.find((each) => each.id === name);
  if (graph !== undefined) return graph.name === name ? `graph ${name}` : `graph ${name} ${graph.name}`;
  const known = [...report.breaks, ...report.boundaries].find((each) => each.id === name);
  return known === undefined ? name : `${name} ${known.title}`;
}

/** Spans under the cursor that are listed one by one. */
const mostUnderCursor = 4;
/** Names that are summed up for the window. */
const mostSums = 20;

function cursorLines(report: Report, lane: TimelineLane, column: TimeWindow): Line[] {
  const { longest, count } = spansIn(lane, column, mostUnderCursor);
  if (count === 0)
    return [line('nothing under the cursor (n and N go to the next and the previous span)', 'muted')];
  const lines = longest.map((index): Line => {
    const startMs = lane.startMs[index]!;
    const name = report.timeline.names[lane.name[index]!] ?? '';
    const site = report.graphs.find((graph) => graph.id === name)?.site;
    return [
      span(describe(report, name), 'strong'),
      span(`  ${formatDuration(lane.durationMs[index]!)}`, 'accent'),
      span(`  from ${formatDuration(startMs)}`, 'muted'),
      span(site === undefined ? '' : `  ${formatSite(site)}`, 'muted'),
    ];
  });
  const more = count - longest.length;
  return more > 0 ? [...lines, line(`and ${formatPlural(more, 'shorter span')}`, 'muted')] : lines;
}

function laneDetail(report: Report, settings: ViewSettings, lane: TimelineLane, width: number): Line[] {
  const window = windowOf(report, settings);
  const sums = sumNames(lane, window);
  const lengthMs = window.toMs - window.fromMs;
  const busyMs = sums.reduce((sum, each) => sum + each.totalMs, 0);
  const count = sums.reduce((sum, each) => sum + each.count, 0);
  const means = laneOrder[rankOf(lane.title)]?.means;
  return [
    [span(lane.title, 'strong'), span(means === undefined ? '' : `  ${means}`, 'muted')],
    ...cursorLines(report, lane, underCursor(report, settings, width)),
    [],
    line(
      `In the window: ${formatPlural(count, 'span')}, ${formatDuration(busyMs)}, ${formatShare(Math.min(1, busyMs / lengthMs))} of the time`,
      'muted',
    ),
    tableHead(sumColumns, width),
    ...sums
      .slice(0, mostSums)
      .map((sum) =>
        tableRow(
          sumColumns,
          [
            span(describe(report, report.timeline.names[sum.name] ?? '')),
            span(formatCount(sum.count)),
            span(formatDuration(sum.totalMs)),
            span(formatShare(Math.min(1, sum.totalMs / lengthMs))),
            span(formatDuration(sum.longestMs)),
            span(bar(busyMs > 0 ? sum.totalMs / busyMs : 0, 16), 'accent'),
          ],
          width,
        ),
      ),
    ...(sums.length > mostSums
      ? [line(`and ${formatPlural(sums.length - mostSums, 'more name')}`, 'muted')]
      : []),
  ];
}

function memoryDetail(report: Report, settings: ViewSettings): Line[] {
  const timeMs = cursorMs(report, settings);
  const point = report.memory.findLast((each) => each.timeMs <= timeMs) ?? report.memory[0];
  const most = report.memory.reduce((sum, each) => Math.max(sum, each.tensorBytes), 0);
  if (point === undefined) return [];
  return [
    line('memory of tensors', 'strong'),
    line(
      `${formatPlural(point.tensors, 'tensor')}, ${formatBytes(point.tensorBytes)} at ${formatDuration(point.timeMs)}`,
    ),
    line(`the process held ${formatBytes(point.rssBytes)}`, 'muted'),
    line(`most: ${formatBytes(most)}`, 'muted'),
  ];
}

/** The longest span under the cursor of a lane: the first that the detail names. */
function spanUnderCursor(
  report: Report,
  settings: ViewSettings,
  lane: TimelineLane,
  width: number,
): number | undefined {
  const [index] = spansIn(lane, underCursor(report, settings, width), 1).longest;
  return index;
}

/** Share of the window that a span takes after zooming to it. */
const zoomedShare = 0.8;

function zoomTo(
  report: Report,
  settings: ViewSettings,
  lane: TimelineLane,
  width: number,
): Navigation | undefined {
  const index = spanUnderCursor(report, settings, lane, width);
  if (index === undefined || lane.durationMs[index] === 0) return undefined;
  const span = lane.durationMs[index]! / zoomedShare;
  const at = lane.startMs[index]!;
  const from = at - (span * (1 - zoomedShare)) / 2;
  return { kind: 'settings', settings: standAt(rangeOf(report), { ...settings, span, from }, at) };
}

export const timelineView: View = defineView({
  id: 'timeline',
  title: 'Time',
  key: '5',
  empty: 'the trace holds no times',
  axis: {
    range: rangeOf,
    columns: axisColumns,
    next(report, key, at, direction) {
      const lane = report.timeline.lanes.find((each) => each.title === key);
      return lane === undefined ? undefined : nextStart(lane, at, direction);
    },
  },
  split: () => 'below',
  commands: () => ({
    enter: 'zoom to span',
    'zoom-out': 'out',
    right: 'move',
    'next-break': 'next span',
    texts: 'texts',
  }),
  head,
  list: (report, settings) => {
    const rows = rowsOf(report, settings);
    return {
      count: rows.length,
      row: (index) => ({ key: rows[index]!.key }),
      line(index, width) {
        const { title, draw } = rows[index]!;
        return [span(fit(` ${title}`, titleWidthOf(report))), ...draw(width)];
      },
      selectedLine(index, width) {
        const { title, draw } = rows[index]!;
        const cells = withCursor(draw(width), cursorColumn(report, settings, axisColumns(report, width)));
        return [span(fit(` ${title}`, titleWidthOf(report) - 1), 'selected'), span(' '), ...cells];
      },
    };
  },
  detail: (report, settings, key, width) => {
    if (key === memoryKey) return memoryDetail(report, settings);
    const lane = report.timeline.lanes.find((each) => each.title === key);
    return lane === undefined ? [] : laneDetail(report, settings, lane, width);
  },
  target: (report, settings, key, width) => {
    const lane = report.timeline.lanes.find((each) => each.title === key);
    const index = lane === undefined ? undefined : spanUnderCursor(report, settings, lane, width);
    if (lane === undefined || index === undefined) return {};
    const name = report.timeline.names[lane.name[index]!] ?? '';
    const graph = report.graphs.find((each) => each.id === name);
    const found = graph?.site ?? report.breaks.find((each) => each.id === name)?.site;
    const times = `${formatDuration(lane.durationMs[index]!)} at ${formatDuration(lane.startMs[index]!)}`;
    return {
      ...placeOf(found),
      text: `${describe(report, name)} ${times}`,
      ...(graph === undefined ? {} : { graph: graph.id }),
    };
  },
  follow: (report, settings, key, command, width) => {
    const lane = report.timeline.lanes.find((each) => each.title === key);
    if (lane === undefined) return undefined;
    if (command === 'enter') return zoomTo(report, settings, lane, width);
    const index = command === 'texts' ? spanUnderCursor(report, settings, lane, width) : undefined;
    const name = index === undefined ? undefined : report.timeline.names[lane.name[index]!];
    return report.graphs.some((graph) => graph.id === name)
      ? { kind: 'view', view: 'texts', settings: { path: [name!] } }
      : undefined;
  },
  terms: {
    lane: 'One kind of work over time. The height of a block is the part of its column that is busy.',
  },
});
