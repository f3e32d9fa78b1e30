/** Frames: every attempt of Dynamo to compile a function; how it ended, and why it ran eager when it did. */
import type { FrameReport, FrameStatus, Report } from '../../explain/report.ts';
import { formatDuration, formatPlural } from '../../explain/units.ts';
import { defineView, listOf, matches, type View, type ViewSettings } from '../define-view.ts';
import { listWidthIn } from '../layout.ts';
import { line, span, wrap, type Line, type Role } from '../lines.ts';
import { codeLines } from '../parts/code-lines.ts';
import { fact, formatMs, formatSite, placeOf } from '../parts/format.ts';
import { stackLines } from '../parts/stack-lines.ts';
import { perReport } from '../parts/per-report.ts';
import { tableOf, widthOf, type Table } from '../parts/table.ts';

const looks: Readonly<
  Record<FrameStatus, { readonly word: string; readonly role: Role; readonly means: string }>
> = {
  ok: { word: 'graph', role: 'good', means: 'One graph was compiled.' },
  break: {
    word: 'break',
    role: 'warning',
    means: 'A graph was compiled up to a break; the rest is a frame of its own.',
  },
  empty: { word: 'empty', role: 'muted', means: 'Nothing to compile: no operation was captured.' },
  error: { word: 'failed', role: 'bad', means: 'Compiling failed; the function ran eager.' },
  skipped: {
    word: 'skipped',
    role: 'warning',
    means: 'Dynamo does not compile this function; it ran eager.',
  },
  missing: { word: 'unknown', role: 'bad', means: 'The trace lacks the end of this attempt.' },
};

function reasonOf(frame: FrameReport): string {
  return frame.reason ?? (frame.status === 'ok' ? '' : looks[frame.status].means);
}

const tableFor = perReport((report): Table<FrameReport> => {
  const functionWidth = widthOf(
    'function',
    report.frames.map((frame) => frame.function),
    0.25,
  );
  const idWidth = widthOf(
    'frame',
    report.frames.map((frame) => frame.id),
    0.2,
  );
  return tableOf((width) => [
    { title: 'frame', width: idWidth(width), cell: (frame) => span(frame.id, 'accent') },
    { title: 'ended', width: 7, cell: ({ status }) => span(looks[status].word, looks[status].role) },
    {
      title: 'compile',
      width: 8,
      align: 'right',
      cell: ({ durationMs }) => span(durationMs > 0 ? formatMs(durationMs) : '–'),
    },
    {
      title: 'again',
      width: 5,
      align: 'right',
      cell: ({ restarts }) => span(restarts > 0 ? String(restarts) : '', 'warning'),
    },
    { title: 'function', width: functionWidth(width), cell: (frame) => span(frame.function) },
    { title: 'why', width: 'flex', cell: (frame) => span(reasonOf(frame), 'muted') },
  ]);
});

const orders: readonly {
  readonly title: string;
  readonly compare?: (left: FrameReport, right: FrameReport) => number;
}[] = [
  { title: 'trace' },
  { title: 'compile time', compare: (left, right) => right.durationMs - left.durationMs },
  {
    title: 'restarts',
    compare: (left, right) => right.restartMs - left.restartMs || right.restarts - left.restarts,
  },
  { title: 'end', compare: (left, right) => left.status.localeCompare(right.status) },
];

/** Frames of one rank or of all: the same id may come from several. */
function keyOf(frame: FrameReport, index: number): string {
  return `${frame.rank ?? ''} ${frame.id} ${index}`;
}

interface Indexed {
  readonly frame: FrameReport;
  readonly key: string;
}

function indexed(report: Report): Indexed[] {
  return report.frames.map((frame, index) => ({ frame, key: keyOf(frame, index) }));
}

function found(report: Report, settings: ViewSettings): Indexed[] {
  const { compare } = orders[settings.sort]!;
  const matching = indexed(report).filter(({ frame }) =>
    matches(
      settings,
      `${frame.id} ${frame.function} ${looks[frame.status].word} ${reasonOf(frame)} ${formatSite(frame.site)}`,
    ),
  );
  return compare === undefined
    ? matching
    : matching.toSorted((left, right) => compare(left.frame, right.frame));
}

function frameOf(report: Report, key: string): FrameReport | undefined {
  return report.frames[Number(key.slice(key.lastIndexOf(' ') + 1))];
}

function detail(report: Report, frame: FrameReport, width: number): Line[] {
  const { word, role, means } = looks[frame.status];
  const restarts =
    frame.restarts === 0
      ? undefined
      : `${formatPlural(frame.restarts, 'time')}, ${formatDuration(frame.restartMs)} lost`;
  const facts: (readonly [string, string | undefined])[] = [
    ['rank', frame.rank === undefined ? undefined : String(frame.rank)],
    ['graph', frame.graph],
    ['compile', frame.durationMs > 0 ? formatDuration(frame.durationMs) : undefined],
    ['restarted', restarts],
    ['ran', frame.runs === undefined ? undefined : formatPlural(frame.runs, 'time')],
    ...Object.entries(frame.details).map(([name, value]) => ['', `${name}: ${value}`] as const),
  ];
  return [
    [span(frame.id, 'accent'), span(` ${frame.function}`, 'strong'), span(`  ${word}`, role)],
    ...wrap(means, width, 'muted'),
    ...(frame.reason === undefined ? [] : wrap(frame.reason, width, role)),
    [],
    ...facts.flatMap(([label, text]) => (text === undefined ? [] : fact(label, text, width))),
    [],
    ...codeLines(report, frame.site, width, 1),
    ...(frame.stack === undefined ? [] : [[], line('called from', 'muted'), ...stackLines(frame.stack)]),
  ];
}

export const framesView: View = defineView({
  id: 'frames',
  title: 'Frames',
  key: '9',
  isShown: (report) => report.frames.length > 0,
  sorts: orders.map((order) => order.title),
  commands: () => ({ enter: 'graph', texts: 'texts' }),
  head: (report, _settings, width) => [tableFor(report).head(listWidthIn(width, 'auto'))],
  list: (report, settings) =>
    listOf(
      found(report, settings),
      ({ key, frame }) => ({ key, isBreak: frame.status === 'break' }),
      ({ frame }, width) => tableFor(report).row(frame, width),
    ),
  detail: (report, _settings, key, width) => {
    const frame = frameOf(report, key);
    return frame === undefined ? [] : detail(report, frame, width);
  },
  target: (report, _settings, key) => {
    const frame = frameOf(report, key);
    return frame === undefined
      ? {}
      : { ...placeOf(frame.site), text: `${frame.id} ${frame.function}: ${reasonOf(frame)}` };
  },
  follow: (report, _settings, key, command) => {
    const frame = frameOf(report, key);
    if (frame === undefined) return undefined;
    if (command === 'texts')
      return { kind: 'view', view: 'texts', settings: { path: [frame.graph ?? frame.id] } };
    return command === 'enter' && frame.graph !== undefined
      ? { kind: 'view', view: 'graphs', settings: { path: [] }, cursor: frame.graph }
      : undefined;
  },
  terms: {
    frame: 'PyTorch: one attempt of Dynamo to compile one call of a function.',
    restart: 'PyTorch: an attempt that was thrown away because something was learnt; its time is lost.',
  },
});
