/**
 * The timeline of a report as Chrome trace events, for ui.perfetto.dev: a thread per lane, the spans in it, memory as
 * counters. Format: the JSON trace event format of chrome://tracing.
 */
import type { Report } from './report.ts';

interface TraceEvent {
  readonly name: string;
  /** `M` metadata, `X` a span, `C` a counter. */
  readonly ph: 'M' | 'X' | 'C';
  /** Microseconds. */
  readonly ts: number;
  readonly dur?: number;
  readonly pid: number;
  readonly tid: number;
  readonly args?: Readonly<Record<string, string | number>>;
}

const pid = 1;

function metadata(name: string, tid: number, args: TraceEvent['args']): TraceEvent {
  return { name, ph: 'M', ts: 0, pid, tid, ...(args === undefined ? {} : { args }) };
}

/** What the timeline calls by its id, in full: `g2 trainStep`, `FG1004 Read inside a loop`. */
function fullNames({ graphs, breaks, boundaries }: Report): ReadonlyMap<string, string> {
  return new Map([
    ...graphs.map(({ id, name }): [string, string] => [id, id === name ? id : `${id} ${name}`]),
    ...[...breaks, ...boundaries].map(({ id, title }): [string, string] => [id, `${id} ${title}`]),
  ]);
}

/** One JSON text, ending in a newline. */
export function reportToPerfetto(report: Report): string {
  const { timeline, program, memory } = report;
  const full = fullNames(report);
  const names = timeline.names.map((name) => full.get(name) ?? name);
  const events: TraceEvent[] = [metadata('process_name', 0, { name: program.path })];
  for (const [index, lane] of timeline.lanes.entries()) {
    const tid = index + 1;
    events.push(
      metadata('thread_name', tid, { name: lane.title }),
      metadata('thread_sort_index', tid, { sort_index: tid }),
    );
    for (let at = 0; at < lane.length; at++) {
      events.push({
        name: names[lane.name[at]!]!,
        ph: 'X',
        ts: lane.startMs[at]! * 1000,
        dur: lane.durationMs[at]! * 1000,
        pid,
        tid,
      });
    }
  }
  for (const { timeMs, tensorBytes, rssBytes, tensors } of memory) {
    events.push(
      {
        name: 'memory',
        ph: 'C',
        ts: timeMs * 1000,
        pid,
        tid: 0,
        args: { tensors: tensorBytes, process: rssBytes },
      },
      { name: 'tensors', ph: 'C', ts: timeMs * 1000, pid, tid: 0, args: { count: tensors } },
    );
  }
  return `${JSON.stringify({ traceEvents: events, displayTimeUnit: 'ms' })}\n`;
}
