/** A file of the program line by line: its text, wherever that comes from, with what the trace knows of each line. */
import type { BreakReport, FileReport, LineReport, Report } from '../../explain/report.ts';
import type { ViewSettings } from '../define-view.ts';
import { perReport } from '../parts/per-report.ts';

export interface SourceLine {
  readonly number: number;
  readonly code: string;
  readonly facts?: LineReport;
  readonly waits: boolean;
}

export function endings(report: Report): readonly BreakReport[] {
  return [...report.breaks, ...report.boundaries];
}

/** Lines that places and stacks of the report quote, for files without text. */
function quotedLines(report: Report, file: string): ReadonlyMap<number, string> {
  const quoted = new Map<number, string>();
  const add = (place: { file: string; line: number; code?: string } | undefined): void => {
    if (place?.file === file && place.code !== undefined) quoted.set(place.line, place.code);
  };
  for (const item of endings(report)) {
    add(item.site);
    for (const path of item.callPaths) path.frames.forEach(add);
  }
  for (const graph of report.graphs) {
    add(graph.site);
    for (const origin of graph.origins.values()) add(origin.site);
  }
  for (const frame of report.frames) frame.stack?.forEach(add);
  return quoted;
}

/** Text of a file: the trace's own, or what was read from this machine's disk, if that is the file that ran. */
export interface SourceText {
  readonly text?: string;
  /** A line of the file on the disk that reads otherwise than the trace quotes it. */
  readonly differsAt?: number;
}

export function textOf(report: Report, file: FileReport, settings: ViewSettings): SourceText {
  if (file.text !== undefined) return { text: file.text };
  if (settings.text === undefined) return {};
  const lines = settings.text.split(/\r?\n/);
  for (const [number, code] of quotedLines(report, file.file)) {
    if (lines[number - 1]?.trim() !== code.split('\n')[0]!.trim()) return { differsAt: number };
  }
  return { text: settings.text };
}

export function linesOf(report: Report, file: FileReport, settings: ViewSettings): readonly SourceLine[] {
  const facts = new Map(file.lines.map((each) => [each.line, each]));
  const waiting = new Set(
    endings(report).flatMap(({ site, waitMs }) =>
      site?.file === file.file && waitMs > 0 ? [site.line] : [],
    ),
  );
  const make = (number: number, code: string): SourceLine => {
    const known = facts.get(number);
    return { number, code, ...(known === undefined ? {} : { facts: known }), waits: waiting.has(number) };
  };
  const { text } = textOf(report, file, settings);
  if (text !== undefined) return text.split(/\r?\n/).map((code, index) => make(index + 1, code));
  const quoted = quotedLines(report, file.file);
  const numbers = new Set([...facts.keys(), ...quoted.keys()]);
  return [...numbers]
    .sort((left, right) => left - right)
    .map((number) => make(number, quoted.get(number) ?? '…'));
}

export interface NodesAtLine {
  readonly graph: string;
  readonly nodes: string[];
}

function placeKey(file: string, number: number): string {
  return `${number}:${file}`;
}

/** Nodes by the line that they were recorded from, per graph. */
const nodesByPlace = perReport((report): ReadonlyMap<string, readonly NodesAtLine[]> => {
  const places = new Map<string, NodesAtLine[]>();
  for (const graph of report.graphs) {
    for (const [node, { site }] of graph.origins) {
      if (site === undefined) continue;
      const key = placeKey(site.file, site.line);
      const found = places.get(key) ?? [];
      if (found.length === 0) places.set(key, found);
      const last = found.at(-1);
      if (last?.graph === graph.id) last.nodes.push(node);
      else found.push({ graph: graph.id, nodes: [node] });
    }
  }
  return places;
});

export function nodesAt(report: Report, file: string, number: number): readonly NodesAtLine[] {
  return nodesByPlace(report).get(placeKey(file, number)) ?? [];
}
