/**
 * Sources, coverage and everything that has a place → files with a state per line: what the Source view and code frames
 * show.
 */
import type { CoverageRecord, SourceRecord } from '../ir/record.ts';
import { compareText } from './counter.ts';
import { displayPath } from './paths.ts';
import type {
  BreakReport,
  FallbackReport,
  FileReport,
  GraphReport,
  LineReport,
  LineState,
  Site,
} from './report.ts';

interface LineFacts {
  hasRun: boolean;
  isNever: boolean;
  nodes: number;
  durationMs: number;
  isEager: boolean;
  readonly breaks: Set<string>;
}

interface FileFacts {
  text: string | undefined;
  readonly lines: Map<number, LineFacts>;
}

export interface FileFold {
  addSource(record: SourceRecord): void;
  addCoverage(record: CoverageRecord): void;
  report(context: {
    readonly cwd: string;
    readonly breaks: readonly BreakReport[];
    readonly graphs: readonly GraphReport[];
    readonly fallbacks: readonly FallbackReport[];
  }): FileReport[];
}

function stateOf(facts: LineFacts): LineState {
  if (facts.breaks.size > 0) return 'break';
  if (facts.isEager) return 'eager';
  if (facts.nodes > 0) return 'captured';
  return facts.isNever && !facts.hasRun ? 'never' : 'ran';
}

export function createFileFold(): FileFold {
  const sources = new Map<string, string>();
  const coverages = new Map<string, CoverageRecord>();
  return {
    addSource: (record) => void sources.set(record.file, record.text),
    addCoverage: (record) => void coverages.set(record.file, record),
    report({ cwd, breaks, graphs, fallbacks }) {
      const files = new Map<string, FileFacts>();
      const fileAt = (path: string): FileFacts => {
        let file = files.get(path);
        if (file === undefined) files.set(path, (file = { text: undefined, lines: new Map() }));
        return file;
      };
      const lineAt = (path: string, line: number): LineFacts => {
        const { lines } = fileAt(path);
        let facts = lines.get(line);
        if (facts === undefined) {
          facts = {
            hasRun: false,
            isNever: false,
            nodes: 0,
            durationMs: 0,
            isEager: false,
            breaks: new Set(),
          };
          lines.set(line, facts);
        }
        return facts;
      };
      const at = (site: Site): LineFacts => lineAt(site.file, site.line);

      for (const [path, text] of sources) fileAt(displayPath(cwd, path)).text = text;
      for (const [path, coverage] of coverages) {
        const file = displayPath(cwd, path);
        for (const line of coverage.instrumented) lineAt(file, line).isNever = true;
        for (const line of coverage.executed) lineAt(file, line).hasRun = true;
      }
      for (const item of breaks) {
        if (item.site === undefined) continue;
        const facts = at(item.site);
        facts.breaks.add(item.key);
        facts.durationMs += item.waitMs;
      }
      for (const graph of graphs) {
        for (const [node, { site }] of graph.origins) {
          if (site === undefined) continue;
          const facts = at(site);
          facts.nodes += 1;
          facts.durationMs += (graph.nodeTimes.get(node) ?? 0) * graph.runs;
        }
      }
      for (const fallback of fallbacks) {
        for (const { site, count } of fallback.sites) {
          const facts = at(site);
          facts.isEager = true;
          facts.durationMs += fallback.count === 0 ? 0 : (fallback.durationMs * count) / fallback.count;
        }
      }
      return [...files]
        .sort(([left], [right]) => compareText(left, right))
        .map(([file, { text, lines }]): FileReport => {
          const reports = [...lines]
            .sort(([left], [right]) => left - right)
            .map(([line, facts]): LineReport => ({
              line,
              state: stateOf(facts),
              durationMs: facts.durationMs,
              nodes: facts.nodes,
              breaks: [...facts.breaks],
            }));
          return {
            file,
            ...(text === undefined ? {} : { text }),
            lines: reports,
            breaks: reports.flatMap((line) => line.breaks),
          };
        });
    },
  };
}
