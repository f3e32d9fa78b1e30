/** Trace in, report out, with progress on the way. */
import { relative } from 'node:path';
import { reportToPerfetto } from '../explain/perfetto.ts';
import { createReportBuilder } from '../explain/report-builder.ts';
import type { Report } from '../explain/report.ts';
import { formatBytes, formatShare } from '../explain/units.ts';
import type { TraceRecord } from '../ir/record.ts';
import { UserError } from '../ir/errors.ts';
import { scrubRecords, toPerfetto } from '../torch/index.ts';
import type { Context } from './command.ts';
import { createProgress } from './output.ts';
import { readTrace, type TraceInput } from './read-trace.ts';

export interface LoadedReport {
  readonly report: Report;
  /** Timeline as Chrome trace events, when asked for. */
  readonly perfetto?: string;
}

/** What a timeline needs, without the texts. */
function isTimed(record: TraceRecord): boolean {
  return ['slice', 'break', 'compile', 'run'].includes(record.kind);
}

/** As a user standing there would write it. */
export function nearPath(cwd: string, path: string): string {
  const near = relative(cwd, path);
  return path === '-' ? 'standard input' : near === '' || near.startsWith('..') ? path : near;
}

/**
 * @throws FG5013 when the input cannot be read, or holds no record at all.
 */
export async function loadReport(
  input: TraceInput,
  context: Context,
  options: { readonly scrub?: boolean; readonly perfetto?: boolean } = {},
): Promise<LoadedReport> {
  const builder = createReportBuilder();
  const progress = createProgress(context.stderr);
  const timed: TraceRecord[] = [];
  const held: TraceRecord[] = [];
  let records = 0;
  const add = (record: TraceRecord): void => {
    builder.add(record);
    if (options.perfetto === true && isTimed(record)) timed.push(record);
  };
  const name = input.kind === 'trace' ? nearPath(context.cwd, input.path) : input.name;
  for await (const lines of readTrace(input, (bytes, totalBytes) =>
    progress.update(
      `reading ${name}: ${formatBytes(bytes)}${totalBytes > 0 ? `, ${formatShare(Math.min(1, bytes / totalBytes))}` : ''}`,
    ),
  )) {
    for (const line of lines) {
      if (line.kind !== 'record') builder.addLine(line);
      else {
        records += 1;
        // Names of files must be the same everywhere, so scrubbing sees all records in order.
        if (options.scrub === true) held.push(line.record);
        else add(line.record);
      }
    }
  }
  progress.clear();
  if (records === 0) {
    throw new UserError(`${name} holds no record of a trace`, {
      code: 'FG5013',
      hint: 'Make a trace with `fullgraph explain <script> --trace-out run.jsonl`, or name a TORCH_TRACE directory.',
    });
  }
  for (const record of scrubRecords(held)) add(record);
  const report = builder.report();
  if (options.perfetto !== true) return { report };
  // PyTorch's own slices carry more than the lanes that the report makes of them.
  return { report, perfetto: report.source === 'torch' ? toPerfetto(timed) : reportToPerfetto(report) };
}
