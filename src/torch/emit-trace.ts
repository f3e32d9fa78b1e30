/**
 * The joined-up torch trace as a stream of trace records: header, per process its compilations in order, its time line
 * and notes, then what holds for the whole, and an end record when no log was cut.
 */
import type { HeaderRecord, SliceRecord, TraceRecord } from '../ir/record.ts';
import { noTotals, recordSchemaVersion } from '../ir/record.ts';
import { compareRanks } from './compare-ranks.ts';
import {
  artifactRecord,
  breakRecord,
  emitCompilation,
  emitOther,
  type EmitScope,
} from './emit-compilation.ts';
import { processNotes, traceNotes } from './emit-notes.ts';
import type { Compilation, TorchProcess, TorchTrace } from './model.ts';
import { processPrefixes } from './naming.ts';
import { isFrame } from './outcome.ts';
import { familiesOf, type Family } from './recompiles.ts';
import { StackTable } from './stack-table.ts';
import { epochToStampMs } from './stamp.ts';

const halfYearMs = 183 * 86_400_000;
const yearMs = 366 * 86_400_000;

/** A time after the origin; a trace may run over New Year's Eve, which the stamps cannot tell. */
function sinceOrigin(timeMs: number, originMs: number): number {
  const difference = timeMs - originMs;
  return difference < -halfYearMs ? difference + yearMs : difference;
}

/** Seconds since 1970 of the first compilation that says. */
function startSeconds(trace: TorchTrace): number | undefined {
  const starts = trace.processes.flatMap((process) =>
    process.compilations.flatMap((compile) => compile.metrics?.startS ?? []),
  );
  const events = trace.processes.flatMap((process) => (process.slices[0]?.timeUs ?? NaN) / 1e6);
  const known = [...starts, ...events].filter((value) => Number.isFinite(value) && value > 0 && value < 8e9);
  return known.length === 0 ? undefined : known.reduce((left, right) => Math.min(left, right));
}

function headerRecord(trace: TorchTrace, paths: readonly string[]): HeaderRecord {
  const environment: Record<string, string | number> = {};
  const put = (name: string, value: string | number | undefined): void => {
    if (value !== undefined) environment[name] = value;
  };
  const metrics = trace.processes.flatMap((process) =>
    process.compilations.flatMap((compile) => compile.metrics ?? []),
  );
  put('torch', trace.processes.map((process) => process.torchVersion).find(Boolean));
  put('python', metrics.find((item) => item.python !== undefined)?.python);
  put('triton', metrics.find((item) => item.triton !== undefined)?.triton);
  put('cuda', metrics.find((item) => item.cuda !== undefined)?.cuda);
  put('recompile limit', metrics.find((item) => item.recompileLimit !== undefined)?.recompileLimit);
  put('files', trace.files.length);
  const ranks = new Set(trace.processes.flatMap((process) => process.rank ?? []));
  put('ranks', ranks.size === 0 ? undefined : ranks.size);
  const start = startSeconds(trace);
  return {
    kind: 'header',
    schemaVersion: recordSchemaVersion,
    source: 'torch',
    program: paths.join(' '),
    arguments: [],
    cwd: '',
    startedAt: start === undefined ? '' : new Date(start * 1000).toISOString(),
    environment,
  };
}

function* slices(scope: EmitScope): Generator<SliceRecord> {
  const { process, prefix, originMs } = scope;
  const zoneMs = process.clockOffsetMs ?? 0;
  const rank = process.rank === undefined ? '' : `rank ${process.rank} `;
  for (const slice of process.slices) {
    const lane = slice.depth < 0 ? 'events' : slice.depth === 0 ? 'phases' : `phases +${slice.depth}`;
    yield {
      kind: 'slice',
      lane: `${rank}${lane}`,
      name: slice.name,
      timeMs: sinceOrigin(epochToStampMs(slice.timeUs / 1000) + zoneMs, originMs),
      durationMs: slice.durationUs / 1000,
      ...(slice.compileId === undefined ? {} : { owner: `${prefix}${slice.compileId}` }),
    };
  }
}

function familyIndex(families: readonly Family[]): Map<Compilation, Family> {
  return new Map(
    families.flatMap((family) => family.compilations.map((compile) => [compile, family] as const)),
  );
}

function* emitProcess(scope: EmitScope, trace: TorchTrace): Generator<TraceRecord> {
  const { process, prefix, stacks } = scope;
  const families = familyIndex(familiesOf(process.compilations, trace.interner));
  for (const compile of process.compilations) {
    const family = families.get(compile);
    yield* family === undefined ? emitOther(scope, compile) : emitCompilation(scope, compile, family);
  }
  const breaks = process.orphanBreaks.map((event) => breakRecord(scope, event, undefined));
  const notes = processNotes(scope);
  yield* stacks.takeFresh();
  yield* breaks;
  yield* notes;
  yield* slices(scope);
  for (const attachment of process.attachments) yield artifactRecord(process, `${prefix}process`, attachment);
}

/** Processes compile side by side: the job waits for the one that compiles longest. */
function longestCompileMs(processes: readonly TorchProcess[]): number {
  const times = processes.map((process) =>
    process.compilations
      .filter(isFrame)
      .reduce((sum, compile) => sum + (compile.metrics?.totalMs ?? 0) + compile.backwardMs, 0),
  );
  return times.reduce((longest, time) => Math.max(longest, time), 0);
}

/** All records of a trace, in an order that a reader can follow. @param paths as the user typed them */
export function* emitTrace(trace: TorchTrace, paths: readonly string[]): Generator<TraceRecord> {
  const starts = trace.processes.map((process) => process.firstMs);
  const originMs = starts.length === 0 ? 0 : starts.reduce((left, right) => Math.min(left, right));
  const prefixes = processPrefixes(trace);
  const stacks = new StackTable();
  yield headerRecord(trace, paths);
  for (const process of trace.processes) {
    yield* emitProcess({ process, prefix: prefixes.get(process) ?? '', stacks, originMs }, trace);
  }
  yield* traceNotes(trace);
  yield* compareRanks(trace.processes);
  if (trace.files.some(({ counts, damage }) => counts.isTruncated || damage !== undefined)) return;
  const ends = trace.processes.map((process) => sinceOrigin(process.lastMs, originMs));
  const compileMs = longestCompileMs(trace.processes);
  // Stamps run from the first record to the last, and each is written when something has ended.
  const wallMs = ends.reduce((left, right) => Math.max(left, right), compileMs);
  yield {
    kind: 'end',
    timeMs: wallMs,
    exitCode: 0,
    totals: { ...noTotals, wallMs, compileMs },
  };
}
