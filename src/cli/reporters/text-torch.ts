/** What only reports on PyTorch traces have: graphs with their guards and sizes, frames that ended eager, ranks, compiling. */
import type { FrameReport, GraphReport, Report } from '../../explain/report.ts';
import { formatSite } from '../../explain/stacks.ts';
import { formatCount, formatDuration, formatPlural, formatShare } from '../../explain/units.ts';
import { formatType } from '../../ir/tensor-type.ts';
import { fit, table, wrap, type Page } from './page.ts';

/** Tensors named per graph; JSON and the UI have all. */
const maxTensors = 3;
/** Functions named for their restarts. */
const maxRestarts = 5;

function numberOf(frame: FrameReport | undefined, name: string): number | undefined {
  const value = frame?.details[name];
  return typeof value === 'number' ? value : undefined;
}

function roleOrder({ role }: GraphReport['inputs'][number]): number {
  return role === 'constant' ? 2 : role === 'state' ? 1 : 0;
}

/** `x float32[8,3], w float32[3,4] and 2 more → float32[8,4]`. */
function sizesOf(graph: GraphReport): string {
  const list = (tensors: GraphReport['inputs'], isNamed: boolean): string => {
    const shown = tensors
      .slice(0, maxTensors)
      .map(({ name, type }) => (isNamed ? `${name} ${formatType(type)}` : formatType(type)));
    const rest = tensors.length - shown.length;
    return shown.join(', ') + (rest > 0 ? ` and ${formatCount(rest)} more` : '');
  };
  if (graph.inputs.length === 0 && graph.outputs.length === 0) return '';
  // What changes from call to call says more than the weights.
  const inputs = graph.inputs.toSorted((left, right) => roleOrder(left) - roleOrder(right));
  return `${list(inputs, true)} → ${list(graph.outputs, false)}`.trim();
}

/** Graphs by compile time, with guards and sizes. @param limit graphs. */
export function torchGraphSection(page: Page, report: Report, limit: number): string[] {
  if (report.graphs.length === 0) return [];
  const { ink } = page;
  const frames = new Map(
    report.frames.flatMap((frame) => (frame.graph === undefined ? [] : [[frame.graph, frame]])),
  );
  const dear = [...report.graphs].sort(
    (left, right) => right.compileMs - left.compileMs || right.nodeCount - left.nodeCount,
  );
  const shown = dear.slice(0, limit);
  const hasRuns = shown.some((graph) => frames.get(graph.id)?.runs !== undefined);
  const rows = shown.map((graph) => {
    const frame = frames.get(graph.id);
    const guards = graph.compiles.at(-1)?.guardCount ?? numberOf(frame, 'guards');
    const latencyUs = numberOf(frame, 'guard latency us');
    return [
      ink.strong(graph.id),
      graph.name,
      formatCount(numberOf(frame, 'ops') ?? graph.nodeCount),
      guards === undefined ? '' : formatCount(guards),
      latencyUs === undefined ? '' : formatDuration(latencyUs / 1000),
      graph.compileMs === 0 ? '' : formatDuration(graph.compileMs),
      ...(hasRuns ? [frame?.runs === undefined ? '' : formatCount(frame.runs)] : []),
      graph.site === undefined
        ? ''
        : ink.place(fit(formatSite(graph.site), Math.floor(page.columns * 0.3), 'start')),
    ];
  });
  const [titles, ...lines] = table(
    page,
    [
      { title: 'id' },
      { title: 'function', cut: 'end' },
      { title: 'ops', align: 'right' },
      { title: 'guards', align: 'right' },
      { title: 'latency', align: 'right' },
      { title: 'compile', align: 'right' },
      ...(hasRuns ? [{ title: 'runs', align: 'right' } as const] : []),
      { title: 'at' },
    ],
    rows,
  );
  const rest = dear.length - shown.length;
  return [
    ink.heading(`Graphs: ${formatCount(dear.length)}`),
    '',
    titles!,
    ...lines.flatMap((line, index) => {
      const sizes = sizesOf(shown[index]!);
      return sizes === '' ? [line] : [line, ink.dim(`    ${fit(sizes, page.columns - 4)}`)];
    }),
    ...(rest > 0 ? [ink.dim(`  and ${formatCount(rest)} more`)] : []),
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
        { title: 'differs', cut: 'end' },
      ],
      rows,
    ),
    '',
  ];
}

/** Functions whose tracing began again, by the compile time that it cost. */
function restartLines(page: Page, report: Report): string[] {
  const groups = new Map<string, { restarts: number; lostMs: number; text: string }>();
  for (const { function: name, site, restarts, restartMs } of report.frames) {
    if (restarts === 0) continue;
    const text = `${name}${site === undefined ? '' : ` at ${page.ink.place(formatSite(site))}`}`;
    const group = groups.get(text) ?? { restarts: 0, lostMs: 0, text };
    groups.set(text, { restarts: group.restarts + restarts, lostMs: group.lostMs + restartMs, text });
  }
  const dear = [...groups.values()].sort(
    (left, right) => right.lostMs - left.lostMs || right.restarts - left.restarts,
  );
  const rest = dear.length - maxRestarts;
  return dear.length === 0
    ? []
    : [
        '',
        ...dear
          .slice(0, maxRestarts)
          .flatMap(({ restarts, lostMs, text }) =>
            wrap(
              page,
              `${text}: ${formatPlural(restarts, 'restart')}${lostMs > 0 ? `, ${formatDuration(lostMs)} thrown away` : ''}`,
              '  ',
              '    ',
            ),
          ),
        ...(rest > 0 ? [page.ink.dim(`  and ${formatPlural(rest, 'more function')} with restarts`)] : []),
      ];
}

/** Compile time by phase and what caches did. @param limit phases. */
export function compileSection(page: Page, report: Report, limit: number): string[] {
  if (report.phases.length === 0 && report.caches.length === 0) return [];
  const ranks = report.ranks.length;
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
    page.ink.heading(ranks > 1 ? `Compiling, all ${formatCount(ranks)} ranks together` : 'Compiling'),
    '',
    ...table(
      page,
      [
        { title: 'phase', cut: 'end' },
        { title: 'count', align: 'right' },
        { title: 'time', align: 'right' },
        { title: 'share', align: 'right' },
      ],
      rows,
    ),
    ...(caches.length > 0 && rows.length > 0 ? [''] : []),
    ...caches,
    ...restartLines(page, report),
    '',
  ];
}
