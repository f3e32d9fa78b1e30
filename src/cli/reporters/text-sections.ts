/** The short sections of the text report: where the time went, graphs, fallbacks, notes. */
import type { Report } from '../../explain/report.ts';
import { formatSite } from '../../explain/stacks.ts';
import { formatCount, formatDuration, formatPlural, formatShare } from '../../explain/units.ts';
import { bar, pad, table, wrap, type Page } from './page.ts';

export function timeSection(page: Page, report: Report): string[] {
  if (report.time.length === 0) return [];
  const { ink } = page;
  const titles = report.time
    .map((part) => part.title.length)
    .reduce((left, right) => Math.max(left, right), 0);
  const shares = report.time.map((part) => formatShare(part.share));
  const shareWidth = shares.map((share) => share.length).reduce((left, right) => Math.max(left, right), 6);
  const room = Math.max(10, Math.min(40, page.columns - titles - 18 - shareWidth));
  const rows = report.time.map((part, index) => {
    const color = part.kind === 'run' || part.kind === 'user' ? ink.good : ink.fair;
    return `  ${pad(part.title, titles)}  ${color(pad(bar(part.share, room), room))}  ${pad(formatDuration(part.durationMs), 10, 'right')}  ${pad(shares[index]!, shareWidth, 'right')}`;
  });
  return [ink.heading(`Where ${formatDuration(report.totals.wallMs)} went`), '', ...rows, ''];
}

/** @param limit rows. */
export function graphSection(page: Page, report: Report, limit: number): string[] {
  if (report.graphs.length === 0) return [];
  const dear = [...report.graphs].sort(
    (left, right) =>
      right.runMs + right.compileMs - (left.runMs + left.compileMs) || right.nodeCount - left.nodeCount,
  );
  const rows = dear
    .slice(0, limit)
    .map((graph) => [
      page.ink.strong(graph.id),
      graph.name === graph.id ? '' : graph.name,
      formatCount(graph.nodeCount),
      graph.runs === 0 ? '' : formatCount(graph.runs),
      graph.runs === 0 ? '' : formatDuration(graph.runMs / graph.runs),
      graph.compileMs === 0 ? '' : formatDuration(graph.compileMs),
      graph.fallbacks.length === 0 ? '' : formatCount(graph.fallbacks.length),
      graph.site === undefined ? '' : page.ink.place(formatSite(graph.site)),
    ]);
  const rest = dear.length - rows.length;
  return [
    page.ink.heading(`Graphs: ${formatCount(dear.length)}`),
    '',
    ...table(
      page,
      [
        { title: 'id' },
        { title: 'name', cut: 'end' },
        { title: 'nodes', align: 'right' },
        { title: 'runs', align: 'right' },
        { title: 'per run', align: 'right' },
        { title: 'compile', align: 'right' },
        { title: 'eager', align: 'right' },
        { title: 'ends at', cut: 'start' },
      ],
      rows,
    ),
    ...(rest > 0 ? [page.ink.dim(`  and ${formatCount(rest)} more`)] : []),
    '',
  ];
}

/** What profiled graphs spent their time on. @param limit rows. */
export function nodeSection(page: Page, report: Report, limit: number): string[] {
  const nodes = report.graphs.flatMap((graph) =>
    [...graph.nodeTimes].map(([node, ms]) => ({ graph, node, ms, totalMs: ms * graph.runs })),
  );
  if (nodes.length === 0) return [];
  const sum = nodes.reduce((total, node) => total + node.totalMs, 0);
  const dear = nodes.sort((left, right) => right.totalMs - left.totalMs).slice(0, limit);
  const rows = dear.map(({ graph, node, ms, totalMs }) => {
    const site = graph.origins.get(node)?.site;
    return [
      page.ink.strong(node),
      graph.id,
      formatDuration(ms),
      formatShare(totalMs / sum),
      site === undefined ? '' : page.ink.place(formatSite(site)),
    ];
  });
  return [
    page.ink.heading('Dearest nodes'),
    '',
    ...table(
      page,
      [
        { title: 'node', cut: 'end' },
        { title: 'graph' },
        { title: 'per run', align: 'right' },
        { title: 'share', align: 'right' },
        { title: 'called at', cut: 'start' },
      ],
      rows,
    ),
    '',
  ];
}

/** @param limit kernels. */
export function fallbackSection(page: Page, report: Report, limit: number): string[] {
  if (report.fallbacks.length === 0) return [];
  const { ink } = page;
  const lines = report.fallbacks.slice(0, limit).flatMap((item) => {
    const place = item.sites[0] === undefined ? '' : ` at ${ink.place(formatSite(item.sites[0].site))}`;
    const more = item.sites.length > 1 ? ` and ${formatPlural(item.sites.length - 1, 'more place')}` : '';
    const times = `${formatPlural(item.count, 'call')}, ${formatDuration(item.durationMs)}`;
    return [
      ...wrap(page, `${ink.strong(item.kernel)}${place}${more}: ${times}`, '  ', '    '),
      ...wrap(page, ink.dim(item.reason), '    '),
    ];
  });
  const rest = report.fallbacks.length - limit;
  return [
    ink.heading('Ran outside compiled graphs'),
    '',
    ...lines,
    ...(rest > 0 ? [ink.dim(`  and ${formatPlural(rest, 'more kernel')}`)] : []),
    '',
  ];
}

/** What must not be silent: the trace's own notes, and what of the trace could not be read. */
export function noteSection(page: Page, report: Report): string[] {
  const { ink } = page;
  const { damage } = report;
  const unknown = Object.entries(damage.unknownKinds);
  const lost = [
    damage.isHeadless ? 'the start of the trace is missing' : undefined,
    damage.isTruncated ? 'the trace has no end: the program died or is still running' : undefined,
    damage.lines > 0 ? `${formatPlural(damage.lines, 'line')} could not be read` : undefined,
    damage.dangling > 0 ? `${formatPlural(damage.dangling, 'reference')} point to nothing` : undefined,
    unknown.length > 0
      ? `records of unknown kinds were skipped: ${unknown.map(([kind, count]) => `${kind} (${formatCount(count)})`).join(', ')}`
      : undefined,
  ].filter((text) => text !== undefined);
  const notes = report.notes.flatMap((note) => {
    const color = { error: ink.bad, warning: ink.fair, info: ink.dim }[note.severity];
    const times = note.count > 1 ? ` (${formatCount(note.count)}×)` : '';
    const place = note.site === undefined ? '' : ` at ${ink.place(formatSite(note.site))}`;
    return wrap(page, `${color(`${note.severity} ${note.code}`)} ${note.text}${place}${times}`, '  ', '    ');
  });
  const lines = [
    ...notes,
    ...lost.flatMap((text) => wrap(page, `${ink.fair('warning')} ${text}`, '  ', '    ')),
  ];
  return lines.length === 0 ? [] : [ink.heading('Notes'), '', ...lines, ''];
}
