/**
 * Texts: what belongs to graphs and frames and reads best as it is: graph text, guards tree, generated code, bytecode,
 * stacks. Paths: `[owner]` its texts, `[owner, name]` the lines of one. Filtering a text shows the lines that match.
 */
import type { ArtifactReport, GraphReport, Report } from '../../explain/report.ts';
import { formatBytes, formatPlural } from '../../explain/units.ts';
import { defineView, listOf, matches, type ListModel, type View, type ViewSettings } from '../define-view.ts';
import { listWidthIn } from '../layout.ts';
import {
  dropColumns,
  line,
  printable,
  span,
  tableHead,
  tableRow,
  wrap,
  type Column,
  type Line,
} from '../lines.ts';
import { codeSpans } from '../parts/code-spans.ts';
import { perReport } from '../parts/per-report.ts';

const columnsFor = perReport((report): readonly Column[] => [
  {
    title: 'of',
    width: Math.min(
      16,
      report.graphs.reduce((most, { id }) => Math.max(most, id.length), 4),
    ),
  },
  { title: 'text', width: 'flex' },
  { title: 'size', width: 9, align: 'right' },
  { title: 'language', width: 10 },
]);

/** The graph's own text, under a name of its own beside what the trace attaches. */
const graphText = 'graph';

function ofGraph(graph: GraphReport): ArtifactReport {
  return { name: graphText, owner: graph.id, language: graph.language, text: graph.text };
}

function stackText(graph: GraphReport): ArtifactReport[] {
  if (graph.stack === undefined) return [];
  const text = graph.stack
    .map(
      (frame) =>
        `${frame.function === '' ? 'top level' : frame.function} ${frame.file}:${frame.line}:${frame.column}${frame.code === undefined ? '' : `\n    ${frame.code}`}`,
    )
    .join('\n');
  return [{ name: 'stack', owner: graph.id, language: 'text', text }];
}

/** One frame may have several texts of a name, one per attempt: all but the first get a number. */
function withUniqueNames(texts: readonly ArtifactReport[]): readonly ArtifactReport[] {
  const counts = new Map<string, number>();
  return texts.map((text) => {
    const count = (counts.get(keyOf(text)) ?? 0) + 1;
    counts.set(keyOf(text), count);
    return count === 1 ? text : { ...text, name: `${text.name} #${count}` };
  });
}

const known = new WeakMap<Report, readonly ArtifactReport[]>();

/** Every text, graphs in order, each with what is attached to it; then what belongs to none. */
function allTexts(report: Report): readonly ArtifactReport[] {
  const found = known.get(report);
  if (found !== undefined) return found;
  const attached = new Map<string, ArtifactReport[]>();
  for (const artifact of report.artifacts) {
    const list = attached.get(artifact.owner);
    if (list === undefined) attached.set(artifact.owner, [artifact]);
    else list.push(artifact);
  }
  const ids = new Set(report.graphs.map((graph) => graph.id));
  const texts = [
    ...report.graphs.flatMap((graph) => [
      ofGraph(graph),
      ...stackText(graph),
      ...(attached.get(graph.id) ?? []),
    ]),
    ...report.artifacts.filter((artifact) => !ids.has(artifact.owner)),
  ];
  const numbered = withUniqueNames(texts);
  known.set(report, numbered);
  return numbered;
}

/** Texts of a graph or frame: its own, and those of the frame or graph that it belongs to. */
function textsOf(report: Report, owner: string): readonly ArtifactReport[] {
  const frame = report.frames.find((each) => each.id === owner || each.graph === owner);
  const owners = new Set([owner, ...(frame === undefined ? [] : [frame.id, frame.graph])]);
  return allTexts(report).filter((text) => owners.has(text.owner));
}

function keyOf(text: ArtifactReport): string {
  return `${text.owner} ${text.name}`;
}

function openText(report: Report, settings: ViewSettings): ArtifactReport | undefined {
  const [owner, name] = settings.path;
  return name === undefined
    ? undefined
    : allTexts(report).find((text) => text.owner === owner && text.name === name);
}

/** JSON of one line, as logs hold it, is opened up; empty lines in front are left out. */
function readable(text: ArtifactReport, raw: string): string {
  const content = raw.replace(/^(?:[ \t]*\r?\n)+/, '');
  if (text.language !== 'json' || content.trimEnd().includes('\n')) return content;
  try {
    return JSON.stringify(JSON.parse(content), null, 2);
  } catch {
    return content;
  }
}

function contentOf(text: ArtifactReport, settings: ViewSettings): string | undefined {
  const content = text.text ?? settings.text;
  return content === undefined ? undefined : readable(text, content);
}

function sizeOf(text: ArtifactReport): number {
  return text.text?.length ?? text.location?.lengthBytes ?? 0;
}

function drawText(report: Report, text: ArtifactReport, width: number): Line {
  return tableRow(
    columnsFor(report),
    [
      span(text.owner, 'accent'),
      span(text.name),
      span(formatBytes(sizeOf(text))),
      span(text.language === 'fx' ? 'FX code' : text.language, 'muted'),
    ],
    width,
  );
}

const codeLanguages = /^(?:fx|python|py|triton|javascript|typescript)$/;

function lineList(text: ArtifactReport, settings: ViewSettings): ListModel {
  const content = contentOf(text, settings);
  if (content === undefined) {
    return listOf(
      [settings.loading === undefined ? 'its text is gone' : 'reading …'],
      (key) => ({ key }),
      (words) => line(` ${words}`, 'muted'),
    );
  }
  const isCode = codeLanguages.test(text.language) || /code|triton|graph/i.test(text.name);
  const numbered = content.replace(/\n$/, '').split(/\r?\n/);
  const gutter = String(numbered.length).length;
  const shown = numbered.flatMap((code, index) =>
    matches(settings, code) ? [{ code, number: index + 1 }] : [],
  );
  return listOf(
    shown,
    ({ number }) => ({ key: String(number) }),
    ({ code, number }) => {
      const visible = dropColumns(printable(code), settings.column);
      return [
        span(` ${String(number).padStart(gutter)} `, 'muted'),
        ...(isCode && settings.column === 0 ? codeSpans(visible) : [span(visible)]),
      ];
    },
  );
}

function list(report: Report, settings: ViewSettings): ListModel {
  const open = openText(report, settings);
  if (open !== undefined) return lineList(open, settings);
  const [owner] = settings.path;
  const texts = owner === undefined ? allTexts(report) : textsOf(report, owner);
  return listOf(
    texts.filter((text) => matches(settings, `${text.owner} ${text.name} ${text.language}`)),
    (text) => ({ key: keyOf(text) }),
    (text, width) => drawText(report, text, width),
  );
}

/** Lines that the preview shows. */
const previewLines = 200;

function find(report: Report, key: string): ArtifactReport | undefined {
  return allTexts(report).find((text) => keyOf(text) === key);
}

function preview(text: ArtifactReport, width: number): Line[] {
  if (text.text === undefined) {
    const { location } = text;
    const where = location === undefined ? 'The trace does not carry it' : `It lies in ${location.file}`;
    return wrap(`${where}; enter opens it.`, width, 'muted');
  }
  return readable(text, text.text)
    .split('\n', previewLines)
    .map((code) => codeSpans(printable(code.slice(0, width + 1))));
}

export const textsView: View = defineView({
  id: 'texts',
  title: 'Texts',
  key: '8',
  empty: 'no texts',
  isShown: (report) => report.graphs.length + report.artifacts.length > 0,
  split: (report, settings) => (openText(report, settings) === undefined ? 'auto' : 'full'),
  commands: (report, settings) =>
    openText(report, settings) === undefined
      ? { enter: 'open', ...(settings.path.length > 0 ? { back: 'all texts' } : {}), 'open-editor': '' }
      : { enter: '', back: 'back', right: 'shift', 'open-editor': '' },
  head: (report, settings, width) => {
    const open = openText(report, settings);
    if (open === undefined) return [tableHead(columnsFor(report), listWidthIn(width, 'auto'))];
    const content = contentOf(open, settings);
    const size = content === undefined ? '' : formatPlural(content.split('\n').length, 'line');
    const shift = settings.column > 0 ? `, from column ${settings.column + 1}` : '';
    return [[span(` ${open.owner} › ${open.name}`, 'strong'), span(`  ${size}${shift}`, 'muted')]];
  },
  list,
  detail: (report, settings, key, width) => {
    const text = openText(report, settings) === undefined ? find(report, key) : undefined;
    return text === undefined ? [] : preview(text, width);
  },
  target: (report, settings, key) => {
    const open = openText(report, settings);
    if (open === undefined) {
      const text = find(report, key)?.text;
      return text === undefined ? {} : { text };
    }
    const content = contentOf(open, settings)?.split(/\r?\n/)[Number(key) - 1];
    return content === undefined ? {} : { text: content };
  },
  follow: (report, settings, key, command) => {
    const text = openText(report, settings) === undefined ? find(report, key) : undefined;
    if (text === undefined || command !== 'enter') return undefined;
    const { text: _old, loading: _loading, ...rest } = settings;
    return {
      kind: 'settings',
      settings: { ...rest, filter: '', column: 0, path: [text.owner, text.name] },
      ...(text.text === undefined ? { load: text } : {}),
    };
  },
});
