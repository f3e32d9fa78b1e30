/** Summary: the verdict, where the time went, what to fix first, what ran outside of graphs. */
import type {
  Advice,
  CacheReport,
  FallbackReport,
  PhaseReport,
  RankReport,
  Report,
  TimeShare,
} from '../../explain/report.ts';
import { formatCount, formatDuration, formatPlural, formatShare } from '../../explain/units.ts';
import { defineView, listOf, matches, type Navigation, type View } from '../define-view.ts';
import { bar, columnsOf, fit, line, lineText, span, truncateStart, wrap, type Line } from '../lines.ts';
import { codeLines } from '../parts/code-lines.ts';
import { fact, formatMs, formatSite, placeOf, shortPlace } from '../parts/format.ts';

type Item =
  | { readonly kind: 'heading'; readonly title: string }
  | { readonly kind: 'time'; readonly share: TimeShare }
  | { readonly kind: 'advice'; readonly advice: Advice; readonly index: number }
  | { readonly kind: 'fallback'; readonly fallback: FallbackReport }
  | { readonly kind: 'phase'; readonly phase: PhaseReport; readonly longestMs: number }
  | { readonly kind: 'cache'; readonly cache: CacheReport }
  | { readonly kind: 'rank'; readonly rank: RankReport };

function section(title: string, items: readonly Item[]): Item[] {
  return items.length === 0 ? [] : [{ kind: 'heading', title }, ...items];
}

/** Phases that are shown: the others are small. */
const mostPhases = 12;

function itemsOf(report: Report): Item[] {
  const longestMs = report.phases[0]?.durationMs ?? 0;
  return [
    ...section(
      'Fix first',
      report.advice.map((advice, index) => ({ kind: 'advice', advice, index })),
    ),
    ...section(
      'Where the time went',
      report.time.map((share) => ({ kind: 'time', share })),
    ),
    ...section(
      'Outside of graphs',
      report.fallbacks.map((fallback) => ({ kind: 'fallback', fallback })),
    ),
    ...section(
      'Compile time by phase',
      report.phases.slice(0, mostPhases).map((phase) => ({ kind: 'phase', phase, longestMs })),
    ),
    ...section(
      'Caches',
      report.caches.map((cache) => ({ kind: 'cache', cache })),
    ),
    ...section(
      'Ranks',
      report.ranks.map((rank) => ({ kind: 'rank', rank })),
    ),
  ];
}

function keyOf(item: Item): string {
  switch (item.kind) {
    case 'heading':
      return `heading ${item.title}`;
    case 'time':
      return `time ${item.share.kind}`;
    case 'advice':
      return `advice ${item.advice.subject.kind} ${item.advice.subject.key}`;
    case 'fallback':
      return `fallback ${item.fallback.key}`;
    case 'phase':
      return `phase ${item.phase.name}`;
    case 'cache':
      return `cache ${item.cache.name}`;
    case 'rank':
      return `rank ${item.rank.rank}`;
    default:
      return item satisfies never;
  }
}

function titleOf(item: Item): string {
  switch (item.kind) {
    case 'heading':
      return '';
    case 'time':
      return item.share.title;
    case 'advice':
      return `${item.advice.title} ${item.advice.detail}`;
    case 'fallback':
      return `${item.fallback.kernel} ${item.fallback.reason}`;
    case 'phase':
      return item.phase.name;
    case 'cache':
      return item.cache.name;
    case 'rank':
      return `rank ${item.rank.rank}`;
    default:
      return item satisfies never;
  }
}

const barWidth = 24;
const titleWidth = 22;

function measured(title: string, share: number, durationMs: number, note: string, width: number): Line {
  const room = Math.min(barWidth, Math.max(6, width - titleWidth - 24));
  return [
    span(` ${fit(title, titleWidth)} `),
    span(bar(share, room), 'accent'),
    span(fit(formatDuration(durationMs), 10, 'right')),
    span(`  ${note}`, 'muted'),
  ];
}

function rankText(rank: RankReport): string {
  const parts = [
    formatPlural(rank.frames, 'frame'),
    formatPlural(rank.breaks, 'break'),
    formatPlural(rank.recompiles, 'recompile'),
    formatDuration(rank.compileMs),
  ];
  if (rank.missing.length > 0) parts.push(`lacks ${rank.missing.join(', ')}`);
  if (rank.extra.length > 0) parts.push(`alone in ${rank.extra.join(', ')}`);
  return parts.join(' · ');
}

/** In full where there is room, else file and line. */
function placeIn(place: string, room: number): string {
  return columnsOf(place) <= room ? place : truncateStart(shortPlace(place), room);
}

function draw(item: Item, width: number): Line {
  switch (item.kind) {
    case 'heading':
      return line(item.title, 'strong');
    case 'time':
      return measured(
        item.share.title,
        item.share.share,
        item.share.durationMs,
        formatShare(item.share.share),
        width,
      );
    case 'advice': {
      const saving = item.advice.savingMs === null ? '' : `saves ${formatDuration(item.advice.savingMs)}`;
      const { site } = item.advice;
      const place = site === undefined ? '' : placeIn(formatSite(site), Math.floor(width * 0.35));
      const right = [place, saving].filter((part) => part !== '').join('  ');
      const room = Math.max(12, width - columnsOf(right) - 6);
      return [
        span(` ${item.index + 1}. `, 'accent'),
        span(fit(item.advice.title, room)),
        span(`  ${right}`, saving === '' ? 'muted' : 'bad'),
      ];
    }
    case 'fallback': {
      const { kernel, count, durationMs, reason } = item.fallback;
      return [
        span(` ${fit(kernel, titleWidth)} `, 'warning'),
        span(fit(formatPlural(count, 'call'), 12)),
        span(fit(formatMs(durationMs), 10, 'right')),
        span(`  ${reason}`, 'muted'),
      ];
    }
    case 'phase': {
      const { name, durationMs, count } = item.phase;
      const share = item.longestMs > 0 ? durationMs / item.longestMs : 0;
      return measured(name, share, durationMs, `${formatCount(count)}×`, width);
    }
    case 'cache': {
      const { name, hits, misses, bypasses } = item.cache;
      const text = `${formatPlural(hits, 'hit')}, ${formatPlural(misses, 'miss', 'misses')}, ${formatPlural(bypasses, 'bypass', 'bypasses')}`;
      return [span(` ${fit(name, titleWidth)} `), span(text)];
    }
    case 'rank':
      return [span(` ${fit(`rank ${item.rank.rank}`, 8)} `), span(rankText(item.rank), 'muted')];
    default:
      return item satisfies never;
  }
}

function find(report: Report, key: string): Item | undefined {
  return itemsOf(report).find((item) => keyOf(item) === key);
}

function detailOf(report: Report, item: Item, width: number): Line[] {
  switch (item.kind) {
    case 'advice':
      return [
        ...wrap(item.advice.title, width, 'strong'),
        ...wrap(item.advice.detail, width, 'muted'),
        [],
        ...(item.advice.site === undefined ? [] : codeLines(report, item.advice.site, width)),
      ];
    case 'fallback':
      return [
        line(item.fallback.kernel, 'strong'),
        ...wrap(item.fallback.reason, width),
        ...(item.fallback.graphs.length === 0 ? [] : fact('graphs', item.fallback.graphs.join(', '), width)),
        ...item.fallback.sites.flatMap(({ site, count }) => [
          [],
          line(formatPlural(count, 'call'), 'muted'),
          ...codeLines(report, site, width, 1),
        ]),
      ];
    case 'time':
      return [
        line(item.share.title, 'strong'),
        ...wrap(
          `${formatDuration(item.share.durationMs)}, ${formatShare(item.share.share)} of the run. The timeline (5) shows when.`,
          width,
        ),
      ];
    case 'heading':
      return [];
    case 'phase':
    case 'cache':
    case 'rank':
      return wrap(lineTextOf(item, width), width);
    default:
      return item satisfies never;
  }
}

function lineTextOf(item: Item, width: number): string {
  if (item.kind === 'rank') return `Rank ${item.rank.rank}: ${rankText(item.rank)}`;
  return lineText(draw(item, width)).trim();
}

function counts(report: Report): string {
  const { totals, frames } = report;
  const inGraphs =
    totals.opsTotal > 0
      ? `${formatPlural(totals.opsTotal, 'op')}, ${formatShare(1 - totals.opsEager / totals.opsTotal)} in graphs`
      : undefined;
  return [
    frames.length > 0 ? formatPlural(frames.length, 'frame') : undefined,
    formatPlural(totals.graphs, 'graph'),
    formatPlural(totals.compiles, 'compile'),
    formatPlural(totals.recompiles, 'recompile'),
    `${formatPlural(totals.breaks, 'break')} at ${formatPlural(totals.distinctBreaks, 'place')}`,
    totals.runs > 0 ? formatPlural(totals.runs, 'run') : undefined,
    inGraphs,
    totals.wallMs > 0 ? formatDuration(totals.wallMs) : undefined,
  ]
    .filter((part) => part !== undefined)
    .join(' · ');
}

/** What made the trace: program and versions. */
function origin(report: Report): string {
  const { program, environment } = report;
  const versions = ['fullgraph', 'node', 'tfjs', 'onnxruntime', 'torch', 'python', 'device', 'platform']
    .filter((name) => environment[name] !== undefined)
    .map((name) => `${name === 'platform' ? '' : `${name} `}${environment[name]}`);
  return [[program.path, ...program.arguments].join(' '), ...versions]
    .filter((part) => part !== '')
    .join(' · ');
}

function follow(report: Report, key: string): Navigation | undefined {
  const item = find(report, key);
  if (item?.kind === 'time') return { kind: 'view', view: 'timeline' };
  if (item?.kind === 'fallback') {
    const [first] = item.fallback.sites;
    return first === undefined
      ? undefined
      : {
          kind: 'view',
          view: 'source',
          settings: { path: [first.site.file] },
          cursor: String(first.site.line),
        };
  }
  if (item?.kind !== 'advice') return undefined;
  const { subject } = item.advice;
  if (subject.kind === 'fallback') return follow(report, `fallback ${subject.key}`);
  return {
    kind: 'view',
    view: subject.kind === 'break' ? 'breaks' : 'recompiles',
    settings: { path: [] },
    cursor: subject.key,
  };
}

export const summaryView: View = defineView({
  id: 'summary',
  title: 'Summary',
  key: '1',
  empty: 'nothing yet',
  listShare: 0.55,
  commands: () => ({ enter: 'go there' }),
  head: (report, _settings, width) => {
    const { verdict } = report;
    const role = verdict.level === 'good' ? 'good' : verdict.level === 'fair' ? 'warning' : 'bad';
    return [
      line(` ${origin(report)}`, 'muted'),
      ...wrap(verdict.sentence, width, role, ' '),
      ...wrap(counts(report), width, 'muted', ' '),
      [],
    ];
  },
  list: (report, settings) =>
    listOf(
      itemsOf(report).filter((item) => item.kind === 'heading' || matches(settings, titleOf(item))),
      (item) => ({ key: keyOf(item), isHeading: item.kind === 'heading' }),
      draw,
    ),
  detail: (report, _settings, key, width) => {
    const item = find(report, key);
    return item === undefined ? [] : detailOf(report, item, width);
  },
  target: (report, _settings, key) => {
    const item = find(report, key);
    if (item?.kind === 'advice') return { ...placeOf(item.advice.site), text: item.advice.title };
    if (item?.kind === 'fallback') {
      return {
        ...placeOf(item.fallback.sites[0]?.site),
        text: `${item.fallback.kernel}: ${item.fallback.reason}`,
      };
    }
    return { text: report.verdict.sentence };
  },
  follow: (report, _settings, key, command) => (command === 'enter' ? follow(report, key) : undefined),
  terms: {
    capture: 'Recording the operations of a running program instead of computing them one by one.',
    compile: 'Making one native program out of a graph. It pays when the graph runs often.',
    sync: 'The program waits until a value that it reads has been computed.',
  },
});
