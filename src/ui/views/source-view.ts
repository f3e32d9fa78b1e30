/**
 * Source: the program's files with a gutter that says what became of each line (captured, break, waiting, eager, never
 * ran) and how warm it is; `n` and `N` go from break to break. Of a file whose text the trace lacks, the known lines.
 */
import type { ArtifactReport, BreakReport, FileReport, LineState, Report } from '../../explain/report.ts';
import { formatDuration, formatPlural } from '../../explain/units.ts';
import {
  defineView,
  listOf,
  matches,
  type ListModel,
  type Navigation,
  type View,
  type ViewSettings,
} from '../define-view.ts';
import { listWidthIn } from '../layout.ts';
import { fit, line, printable, span, wrap, type Line, type Role } from '../lines.ts';
import { codeSpans } from '../parts/code-spans.ts';
import { fact, formatMs } from '../parts/format.ts';
import { sparkline } from '../parts/sparkline.ts';
import { perReport } from '../parts/per-report.ts';
import { tableOf, type Table, type TableColumn } from '../parts/table.ts';
import { endings, linesOf, nodesAt, textOf, type SourceLine } from '../source-file/source-lines.ts';
import { sourceLanguage } from '../ui-model.ts';

/** Columns that nothing in the report fills are left out. */
const tableFor = perReport((report): Table<FileReport> => {
  const count = (
    title: string,
    width: number,
    role: Role,
    countOf: (file: FileReport) => number,
  ): TableColumn<FileReport> => ({
    title,
    width,
    align: 'right',
    cell(file) {
      const found = countOf(file);
      return span(found === 0 ? '' : String(found), role);
    },
  });
  const columns: readonly TableColumn<FileReport>[] = [
    { title: 'file', width: 'flex', keepsEnd: true, cell: ({ file }) => span(file) },
    count('breaks', 6, 'bad', ({ breaks }) => breaks.length),
    count('captured', 8, 'good', (file) => countState(file, 'captured')),
    count('eager', 6, 'warning', (file) => countState(file, 'eager')),
    count('never', 6, 'muted', (file) => countState(file, 'never')),
    {
      title: 'time',
      width: 9,
      align: 'right',
      cell(file) {
        const timeMs = timeOf(file);
        return span(timeMs > 0 ? formatMs(timeMs) : '–');
      },
    },
    ...(report.files.some(({ text }) => text === undefined)
      ? [
          {
            title: 'text',
            width: 7,
            cell: ({ text }: FileReport) => span(text === undefined ? 'missing' : '', 'muted'),
          },
        ]
      : []),
  ];
  return tableOf(() => columns);
});

const looks: Readonly<
  Record<LineState, { readonly mark: string; readonly role: Role; readonly words: string }>
> = {
  break: { mark: '●', role: 'bad', words: 'a graph ends here' },
  captured: { mark: '│', role: 'good', words: 'its operations were captured' },
  eager: { mark: '○', role: 'warning', words: 'some of its operations ran on eager kernels' },
  ran: { mark: ' ', role: 'muted', words: 'ran, without operations of tensors' },
  never: { mark: '·', role: 'muted', words: 'never ran' },
};
const waitMark = 's';

/** Code is wide. */
const besideShare = 0.6;

/** The open file: the one drilled into, or the only one. */
function fileOf(report: Report, settings: ViewSettings): FileReport | undefined {
  const [name] = settings.path;
  if (name !== undefined) return report.files.find((file) => file.file === name);
  return report.files.length === 1 ? report.files[0] : undefined;
}

const timeWidth = 8;
const shiftedTab = '  ';

function drawLine(each: SourceLine, longestMs: number, gutter: number): Line {
  const { facts, waits, code, number } = each;
  const { mark, role } = looks[facts?.state ?? 'ran'];
  const durationMs = facts?.durationMs ?? 0;
  const share = longestMs > 0 ? durationMs / longestMs : 0;
  const text = printable(code.replaceAll('\t', shiftedTab));
  const isDead = facts?.state === 'never';
  return [
    span(mark, role),
    span(waits ? waitMark : ' ', 'bad'),
    span(
      fit(durationMs > 0 ? formatDuration(durationMs) : '', timeWidth, 'right'),
      share > 0.5 ? 'bad' : 'muted',
    ),
    span(` ${sparkline([share])}`, 'warning'),
    span(` ${String(number).padStart(gutter)} `, 'muted'),
    ...(facts?.state === 'break' ? [span(text, 'strong')] : isDead ? [span(text, 'muted')] : codeSpans(text)),
  ];
}

function lineList(report: Report, file: FileReport, settings: ViewSettings): ListModel {
  const shown = linesOf(report, file, settings).filter((each) => matches(settings, each.code));
  const longestMs = file.lines.reduce((most, each) => Math.max(most, each.durationMs), 0);
  const gutter = String(shown.at(-1)?.number ?? 1).length;
  return listOf(
    shown,
    ({ number, facts }) => ({ key: String(number), isBreak: (facts?.breaks.length ?? 0) > 0 }),
    (each) => drawLine(each, longestMs, gutter),
  );
}

function countState(file: FileReport, state: LineState): number {
  return file.lines.filter((each) => each.state === state).length;
}

function timeOf(file: FileReport): number {
  return file.lines.reduce((sum, each) => sum + each.durationMs, 0);
}

const orders: readonly {
  readonly title: string;
  readonly compare?: (left: FileReport, right: FileReport) => number;
}[] = [
  { title: 'path' },
  { title: 'breaks', compare: (left, right) => right.breaks.length - left.breaks.length },
  { title: 'time', compare: (left, right) => timeOf(right) - timeOf(left) },
];

function list(report: Report, settings: ViewSettings): ListModel {
  const open = fileOf(report, settings);
  if (open !== undefined) return lineList(report, open, settings);
  const { compare } = orders[settings.sort]!;
  const found = report.files.filter((file) => matches(settings, file.file));
  return listOf(
    compare === undefined ? found : found.toSorted(compare),
    (file) => ({ key: file.file, isBreak: file.breaks.length > 0 }),
    tableFor(report).row,
  );
}

/** Nodes of one graph that are listed for a line. */
const mostNodes = 12;

function breakLines(item: BreakReport, width: number): Line[] {
  const { savingMs } = item;
  const saved = savingMs !== null && savingMs > 0 ? formatMs(savingMs) : 'nothing measurable';
  const saving = savingMs === null ? '' : `, ${saved} could be saved`;
  const waited = item.waitMs > 0 ? `, waited ${formatMs(item.waitMs)}` : '';
  return [
    [],
    [span(item.id, 'accent'), span(` ${item.title}`, 'strong')],
    ...wrap(`${formatPlural(item.occurrences, 'time')}${waited}${saving}`, width, 'muted'),
    ...wrap(item.explanation, width),
    ...item.hints.slice(0, 2).flatMap((hint, index) => fact(index === 0 ? 'fix' : 'or', hint, width, 'good')),
  ];
}

function lineDetail(report: Report, file: FileReport, number: number, width: number): Line[] {
  const facts = file.lines.find((each) => each.line === number);
  const here = endings(report).filter(({ site }) => site?.file === file.file && site.line === number);
  const eager = report.fallbacks.filter((each) =>
    each.sites.some(({ site }) => site.file === file.file && site.line === number),
  );
  const nodes = (facts?.nodes ?? 0) > 0 ? nodesAt(report, file.file, number) : [];
  const state = facts === undefined ? 'the trace says nothing about this line' : looks[facts.state].words;
  const time = facts !== undefined && facts.durationMs > 0 ? `, ${formatDuration(facts.durationMs)}` : '';
  return [
    line(`${file.file}:${number}`, 'accent'),
    ...wrap(`${state}${time}`, width, 'muted'),
    ...here.flatMap((item) => breakLines(item, width)),
    ...eager.flatMap((each) => fact('eager', `${each.kernel}: ${each.reason}`, width, 'warning')),
    ...nodes.flatMap(({ graph, nodes: names }) => {
      const more = names.length > mostNodes ? `, ${names.length - mostNodes} more` : '';
      return fact(graph, names.slice(0, mostNodes).join(', ') + more, width);
    }),
  ];
}

function fileDetail(report: Report, file: FileReport, width: number): Line[] {
  const items = report.breaks.filter((item) => file.breaks.includes(item.key));
  return [
    line(file.file, 'strong'),
    ...(file.text === undefined
      ? wrap(`The trace does not carry the text of ${file.file}.`, width, 'muted')
      : []),
    ...items.flatMap((item): Line[] => [
      [
        span(`${String(item.site?.line ?? '').padStart(5)} `, 'muted'),
        span(item.id, 'accent'),
        span(` ${item.title}`),
        span(`  ${item.occurrences}×`, 'muted'),
      ],
    ]),
    ...(items.length === 0 ? [line('no break in this file', 'good')] : []),
  ];
}

/** What is asked for when the text of a file is wanted. */
function sourceOf(file: string): ArtifactReport {
  return { name: 'source', owner: file, language: sourceLanguage };
}

/** What is to be said about a text that the trace lacks. */
function textNote(report: Report, file: FileReport, settings: ViewSettings): string | undefined {
  if (file.text !== undefined) return undefined;
  const { text, differsAt } = textOf(report, file, settings);
  if (text !== undefined) return 'Read from this disk; all lines that the trace quotes are the same there.';
  if (differsAt !== undefined) {
    return `The ${file.file} on this disk is not the one that ran: line ${differsAt} differs.`;
  }
  if (settings.loading !== undefined) return `Reading ${file.file} …`;
  return `The trace does not carry the text of ${file.file}: only lines that it mentions are shown (t reads it from this disk).`;
}

const legend: Line = [
  span(' '),
  ...(['break', 'captured', 'eager', 'never'] as const).flatMap((state): Line => [
    span(looks[state].mark, looks[state].role),
    span(` ${state === 'never' ? 'never ran' : state}   `, 'muted'),
  ]),
  span(waitMark, 'bad'),
  span(' sync   ', 'muted'),
  span('█', 'warning'),
  span(' time', 'muted'),
];

/** To the break of a line, else to the first node that was recorded from it. */
function followLine(report: Report, file: FileReport, number: number): Navigation | undefined {
  const found = report.breaks.find(({ site }) => site?.file === file.file && site.line === number);
  if (found !== undefined) return { kind: 'view', view: 'breaks', settings: { path: [] }, cursor: found.key };
  const [first] = nodesAt(report, file.file, number);
  return first === undefined
    ? undefined
    : {
        kind: 'view',
        view: 'graphs',
        settings: { path: [first.graph], toggled: new Set() },
        cursor: first.nodes[0]!,
      };
}

export const sourceView: View = defineView({
  id: 'source',
  title: 'Source',
  key: '6',
  empty: 'the trace points into no file of the program',
  sorts: orders.map((order) => order.title),
  listShare: 0.6,
  besideShare,
  commands: (report, settings) =>
    fileOf(report, settings) === undefined
      ? { enter: 'lines' }
      : {
          enter: 'break, graph',
          'next-break': 'next break',
          sort: '',
          ...(fileOf(report, settings)?.text === undefined ? { texts: 'read the file' } : {}),
          ...(report.files.length > 1 ? { back: 'files' } : {}),
        },
  head: (report, settings, width) => {
    const open = fileOf(report, settings);
    if (open === undefined) {
      return [tableFor(report).head(listWidthIn(width, 'auto', besideShare))];
    }
    const name = [
      span(` ${open.file}`, 'strong'),
      span(`  ${formatPlural(open.breaks.length, 'break')}`, 'muted'),
    ];
    const note = textNote(report, open, settings);
    return [name, ...(note === undefined ? [] : wrap(note, width, 'warning', ' ')), legend];
  },
  list,
  detail: (report, settings, key, width) => {
    const open = fileOf(report, settings);
    if (open !== undefined) return lineDetail(report, open, Number(key), width);
    const file = report.files.find((each) => each.file === key);
    return file === undefined ? [] : fileDetail(report, file, width);
  },
  target: (report, settings, key) => {
    const open = fileOf(report, settings);
    if (open === undefined) return { file: key, line: 1, text: key };
    return { file: open.file, line: Number(key), text: `${open.file}:${key}` };
  },
  follow: (report, settings, key, command) => {
    const open = fileOf(report, settings);
    if (command === 'texts') {
      return open === undefined || open.text !== undefined
        ? undefined
        : { kind: 'settings', settings, cursor: key, load: sourceOf(open.file) };
    }
    if (command !== 'enter') return undefined;
    if (open !== undefined) return followLine(report, open, Number(key));
    const first = report.files
      .find((file) => file.file === key)
      ?.lines.find((each) => each.breaks.length > 0);
    return {
      kind: 'settings',
      settings: { ...settings, filter: '', path: [key] },
      ...(first === undefined ? {} : { cursor: String(first.line) }),
    };
  },
});
