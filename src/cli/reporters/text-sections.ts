/** The short sections of the text report: where the time went, graphs, fallbacks, what only PyTorch traces have, notes. */
import type { FrameReport, Report } from '../../explain/report.ts';
import { formatSite } from '../../explain/stacks.ts';
import { formatCount, formatDuration, formatPlural, formatShare } from '../../explain/units.ts';
import { bar, pad, table, wrap, type Page } from './page.ts';

export function timeSection(page: Page, report: Report): string[] {
  if (report.time.length === 0) return [];
  const { ink } = page;
  const titles = report.time
    .map((part) => part.title.length)
    .reduce((left, right) => Math.max(left, right), 0);
  const room = Math.max(10, Math.min(40, page.columns - titles - 24));
  const rows = report.time.map((part) => {
    const color = part.kind === 'run' || part.kind === 'user' ? ink.good : ink.fair;
    return `  ${pad(part.title, titles)}  ${color(pad(bar(part.share, room), room))}  ${pad(formatDuration(part.durationMs), 10, 'right')}  ${pad(formatShare(part.share), 6, 'right')}`;
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
        { title: 'name', isFlexible: true },
        { title: 'nodes', align: 'right' },
        { title: 'runs', align: 'right' },
        { title: 'per run', align: 'right' },
        { title: 'compile', align: 'right' },
        { title: 'eager', align: 'right' },
        { title: 'ends at' },
      ],
      rows,
    ),
    ...(rest > 0 ? [page.ink.dim(`  and ${formatCount(rest)} more`)] : []),
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

const eagerStatus: readonly FrameReport['status'][] = ['error', 'skipped', 'empty', 'missing'];

/** Frames that ended the same way at the same place: other ranks, later resets. In order of the first of each. */
function groupFrames(frames: readonly FrameReport[]): (readonly FrameReport[])[] {
  const groups = new Map<string, FrameReport[]>();
  for (const frame of frames) {
    const key = JSON.stringify([frame.status, frame.function, frame.site, frame.reason]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [frame]);
    else group.push(frame);
  }
  return [...groups.values()];
}

/** Frames of a PyTorch trace that ended eager. @param limit places. */
export function frameSection(page: Page, report: Report, limit: number): string[] {
  const { ink } = page;
  const eager = report.frames
    .filter((frame) => eagerStatus.includes(frame.status))
    .sort((left, right) => eagerStatus.indexOf(left.status) - eagerStatus.indexOf(right.status));
  if (eager.length === 0) return [];
  const groups = groupFrames(eager);
  const lines = groups.slice(0, limit).flatMap((group) => {
    const frame = group[0]!;
    const place = frame.site === undefined ? '' : ` at ${ink.place(formatSite(frame.site))}`;
    const status = frame.status === 'error' ? ink.bad(frame.status) : ink.fair(frame.status);
    const times = group.length === 1 ? '' : ink.dim(` ${group.length}×`);
    return [
      ...wrap(page, `${status} ${frame.id} ${ink.strong(frame.function)}${place}${times}`, '  ', '    '),
      ...(frame.reason === undefined ? [] : wrap(page, ink.dim(frame.reason.split('\n')[0]!), '    ')),
    ];
  });
  const rest = groups.length - limit;
  return [
    ink.heading(
      `Frames that ended eager: ${formatCount(eager.length)} of ${formatCount(report.frames.length)}`,
    ),
    '',
    ...lines,
    ...(rest > 0 ? [ink.dim(`  and ${formatPlural(rest, 'more place')}`)] : []),
    '',
  ];
}

export function rankSection(page: Page, report: Report): string[] {
  if (report.ranks.length < 2) return [];
  const rows = report.ranks.map((rank) => [
    String(rank.rank),
    formatCount(rank.frames),
    formatCount(rank.breaks),
    formatCount(rank.recompiles),
    formatDuration(rank.compileMs),
    [
      rank.missing.length === 0 ? '' : `lacks ${rank.missing.slice(0, 2).join(', ')}`,
      rank.extra.length === 0 ? '' : `alone has ${rank.extra.slice(0, 2).join(', ')}`,
    ]
      .filter((text) => text !== '')
      .join('; '),
  ]);
  return [
    page.ink.heading('Ranks'),
    '',
    ...table(
      page,
      [
        { title: 'rank', align: 'right' },
        { title: 'frames', align: 'right' },
        { title: 'breaks', align: 'right' },
        { title: 'recompiles', align: 'right' },
        { title: 'compile', align: 'right' },
        { title: 'differs', isFlexible: true },
      ],
      rows,
    ),
    '',
  ];
}

/** Compile time by phase and what caches did. @param limit phases. */
export function compileSection(page: Page, report: Report, limit: number): string[] {
  if (report.phases.length === 0 && report.caches.length === 0) return [];
  const whole = report.phases.reduce((sum, phase) => sum + phase.durationMs, 0);
  const rows = report.phases
    .slice(0, limit)
    .map((phase) => [
      phase.name,
      formatCount(phase.count),
      formatDuration(phase.durationMs),
      whole === 0 ? '' : formatShare(phase.durationMs / whole),
    ]);
  const caches = report.caches.map((cache) => {
    const bypasses = cache.bypasses === 0 ? '' : `, ${formatPlural(cache.bypasses, 'bypass', 'bypasses')}`;
    return `  ${cache.name}: ${formatPlural(cache.hits, 'hit')}, ${formatPlural(cache.misses, 'miss', 'misses')}${bypasses}`;
  });
  return [
    page.ink.heading('Compiling'),
    '',
    ...table(
      page,
      [
        { title: 'phase', isFlexible: true },
        { title: 'count', align: 'right' },
        { title: 'time', align: 'right' },
        { title: 'share', align: 'right' },
      ],
      rows,
    ),
    ...(caches.length > 0 && rows.length > 0 ? [''] : []),
    ...caches,
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
