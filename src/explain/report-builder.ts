/**
 * Records in, report out: the only reader of raw records. Streaming, so that a 100 MB trace never lies in memory as a
 * whole, and repeatable, so that a trace that is still being written can be shown as it grows. No input makes it throw:
 * what cannot be read is counted in `damage`.
 */
import type {
  CompileRecord,
  EndRecord,
  HeaderRecord,
  MemoryRecord,
  NoteRecord,
  RunRecord,
  TraceRecord,
} from '../ir/record.ts';
import type { ReadLine } from './check-record.ts';
import { createBreakFold } from './fold-breaks.ts';
import { createFallbackFold } from './fold-fallbacks.ts';
import { createFamilyFold } from './fold-families.ts';
import { createFileFold } from './fold-files.ts';
import { compareRanks, countCaches, createFrameFold } from './fold-frames.ts';
import { createGraphFold } from './fold-graphs.ts';
import { mergeNotes, sumPhases } from './fold-notes.ts';
import { noteForms } from './note-forms.ts';
import { createTimelineFold } from './fold-timeline.ts';
import { displayPath } from './paths.ts';
import type { Report } from './report.ts';
import { createStackTable } from './stacks.ts';
import { shareTime, sumTotals } from './totals.ts';
import { adviseFirst, judge } from './verdict.ts';

export interface ReportBuilder {
  /** One record, known to be well-formed. */
  add(record: TraceRecord): void;
  /** One line of a trace file, as read by `readRecordLine`: damage is counted. */
  addLine(line: ReadLine): void;
  /** The report of everything so far. May be called again after more records. */
  report(): Report;
}

/** When the recording of a graph was over: where it runs, or before that where it is compiled first. */
function recordedUntil(run: RunRecord, compile: CompileRecord | undefined): number {
  const isBefore =
    compile?.graph === run.graph && compile.timeMs + compile.durationMs > run.timeMs - run.traceMs;
  return isBefore ? Math.min(run.timeMs, compile.timeMs) : run.timeMs;
}

export function createReportBuilder(): ReportBuilder {
  let header: HeaderRecord | undefined;
  let end: EndRecord | undefined;
  let damagedLines = 0;
  let lastTimeMs = 0;
  const unknownKinds = new Map<string, number>();
  const notes: NoteRecord[] = [];
  const memory: MemoryRecord[] = [];
  // A PyTorch trace does not say where it ran: paths are shown from the folder that holds the program's files.
  const cwd = (): string =>
    header?.source === 'torch' && header.cwd === '' ? stacks.userFolder() : (header?.cwd ?? '');
  const stacks = createStackTable(cwd);
  const breaks = createBreakFold();
  const graphs = createGraphFold();
  const families = createFamilyFold();
  const fallbacks = createFallbackFold();
  const files = createFileFold();
  const frames = createFrameFold();
  const timeline = createTimelineFold();

  /** Since the last run. */
  let lastCompile: CompileRecord | undefined;

  function add(record: TraceRecord): void {
    if ('timeMs' in record) lastTimeMs = Math.max(lastTimeMs, record.timeMs);
    switch (record.kind) {
      case 'header':
        header ??= record;
        break;
      case 'source':
        files.addSource(record);
        break;
      case 'coverage':
        files.addCoverage(record);
        break;
      case 'stack':
        stacks.add(record);
        break;
      case 'graph':
        graphs.addGraph(record);
        break;
      case 'compile':
        graphs.addCompile(record);
        timeline.add('compile', record.graph, record.timeMs, record.durationMs);
        lastCompile = record;
        break;
      case 'guard-failure':
        families.add(record);
        break;
      case 'break':
        breaks.addBreak(record);
        if (record.waitMs > 0) timeline.add('wait', record.reason, record.timeMs, record.waitMs);
        break;
      case 'run':
        graphs.addRun(record);
        timeline.add('run', record.graph, record.timeMs, record.durationMs);
        if (record.traceMs > 0) {
          const until = recordedUntil(record, lastCompile);
          timeline.add('trace', record.graph, until - record.traceMs, record.traceMs);
        }
        lastCompile = undefined;
        break;
      case 'fallback':
        fallbacks.add(record);
        break;
      case 'saving':
        breaks.addSaving(record);
        break;
      case 'node-times':
        graphs.addNodeTimes(record);
        break;
      case 'memory':
        memory.push(record);
        break;
      case 'note':
        notes.push(record);
        break;
      case 'frame':
        frames.add(record);
        break;
      case 'artifact':
        graphs.addArtifact(record);
        break;
      case 'slice':
        timeline.add(record.lane, record.name, record.timeMs, record.durationMs);
        break;
      case 'end':
        end = record;
        break;
      case 'minify-start':
      case 'minify-stage':
      case 'minify-trial':
      case 'minify-best':
      case 'minify-slip':
      case 'minify-end':
        // The minifier's view reads these itself, live.
        break;
      default:
        record satisfies never;
    }
  }

  function report(): Report {
    const source = header?.source ?? 'fullgraph';
    const broken = breaks.report(stacks);
    const fallbackReports = fallbacks.report(stacks);
    const graphReports = graphs.report(stacks, [...broken.breaks, ...broken.boundaries]);
    const familyReports = families.report(stacks, graphReports, graphs.compiles, source);
    const frameReports = frames.report(stacks);
    const totals = sumTotals({
      end: end?.totals,
      runs: graphs.runTotals,
      graphs: graphReports,
      compiles: graphs.compiles,
      breaks: broken.breaks,
      fallbacks: fallbackReports,
      frames: frameReports,
      lastTimeMs: Math.max(lastTimeMs, timeline.endMs),
    });
    const findings = {
      source,
      totals,
      breaks: broken.breaks,
      families: familyReports,
      fallbacks: fallbackReports,
      frames: frameReports,
      exitCode: end?.exitCode,
    };
    return {
      source,
      program: {
        path: displayPath(cwd(), header?.program ?? ''),
        arguments: header?.arguments ?? [],
        cwd: cwd(),
        startedAt: header?.startedAt ?? '',
        ...(end === undefined ? {} : { exitCode: end.exitCode }),
      },
      environment: header?.environment ?? {},
      verdict: judge(findings),
      totals,
      time: shareTime(totals, source),
      advice: adviseFirst(findings),
      breaks: broken.breaks,
      boundaries: broken.boundaries,
      graphs: graphReports,
      families: familyReports,
      fallbacks: fallbackReports,
      files: files.report({
        cwd: cwd(),
        breaks: broken.breaks,
        graphs: graphReports,
        fallbacks: fallbackReports,
      }),
      timeline: timeline.report(source === 'fullgraph' ? 'your code' : undefined),
      memory,
      frames: frameReports,
      ranks: compareRanks(frameReports, broken.breaks, familyReports),
      artifacts: graphs.artifacts,
      caches: countCaches(graphs.compiles, frameReports, source),
      phases: sumPhases(graphs.compiles),
      notes: [...mergeNotes(notes, stacks), ...(source === 'fullgraph' ? noteForms(graphReports) : [])],
      damage: {
        lines: damagedLines,
        dangling: stacks.dangling + graphs.dangling(),
        unknownKinds: Object.fromEntries(unknownKinds),
        isHeadless: header === undefined,
        isTruncated: end === undefined,
      },
    };
  }

  return {
    add,
    addLine(read) {
      if (read.kind === 'record') add(read.record);
      else if (read.kind === 'damaged') damagedLines += 1;
      else if (read.kind === 'unknown') {
        unknownKinds.set(read.recordKind, (unknownKinds.get(read.recordKind) ?? 0) + 1);
      }
    },
    report,
  };
}

/** Report of records that are all there. */
export function buildReport(records: Iterable<TraceRecord>): Report {
  const builder = createReportBuilder();
  for (const record of records) builder.add(record);
  return builder.report();
}
