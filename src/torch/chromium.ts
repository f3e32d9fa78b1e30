/**
 * Chromium trace events, one per `chromium_event` record, in; time slices out. Begin and end pair up by name within
 * a process and thread; what never ends is counted, not guessed. Also their export for ui.perfetto.dev.
 */
import type { SliceRecord, TraceRecord } from '../ir/record.ts';
import { asFields, asKey, asNumber, asText, parsePythonJson, type Fields } from './json.ts';

export interface ChromiumEvent {
  readonly name: string;
  /** Microseconds since 1970. */
  readonly timeUs: number;
  readonly phase: string;
  readonly durationUs: number | undefined;
  /** Process and thread as the event names them. */
  readonly lane: string;
  /** Torch's text form; absent for `None`. */
  readonly compileId: string | undefined;
  readonly args: Fields;
}

/** The event in a payload; `undefined` for damaged ones. */
export function parseChromiumEvent(payload: string): ChromiumEvent | undefined {
  const fields = asFields(parsePythonJson(payload));
  const name = asText(fields?.['name']);
  const phase = asText(fields?.['ph']);
  const timeUs = asNumber(fields?.['ts']);
  if (fields === undefined || name === undefined || phase === undefined || timeUs === undefined)
    return undefined;
  const args = asFields(fields['args']) ?? {};
  const compileId = asText(args['compile_id']);
  return {
    name,
    timeUs,
    phase,
    durationUs: asNumber(fields['dur']),
    lane: `${asKey(fields['pid']) ?? '0'}/${asKey(fields['tid']) ?? '0'}`,
    compileId: compileId === 'None' ? undefined : compileId,
    args,
  };
}

/** A finished span of time. */
export interface Slice {
  /** Spans of the same lane that were open when it began; -1 for instants. */
  readonly depth: number;
  readonly name: string;
  readonly lane: string;
  readonly timeUs: number;
  readonly durationUs: number;
  readonly compileId: string | undefined;
}

interface OpenSlice {
  readonly event: ChromiumEvent;
  readonly depth: number;
}

/** Pairs begin and end events as they arrive. */
export class SlicePairer {
  readonly slices: Slice[] = [];
  /** Ends without a beginning. */
  unmatched = 0;
  /** Open events per lane, outermost first. */
  readonly #open = new Map<string, OpenSlice[]>();

  add(event: ChromiumEvent): void {
    const stack = this.#open.get(event.lane) ?? [];
    if (event.phase === 'B') {
      stack.push({ event, depth: stack.length });
      this.#open.set(event.lane, stack);
    } else if (event.phase === 'E') {
      const index = stack.findLastIndex((open) => open.event.name === event.name);
      const begin = stack[index];
      if (begin === undefined) {
        this.unmatched++;
        return;
      }
      stack.splice(index, 1);
      this.#push(begin.event, Math.max(0, event.timeUs - begin.event.timeUs), begin.depth);
    } else {
      this.#push(event, event.durationUs ?? 0, event.phase === 'X' ? stack.length : -1);
    }
  }

  /** Beginnings without an end so far. */
  get unfinished(): number {
    let count = 0;
    for (const stack of this.#open.values()) count += stack.length;
    return count;
  }

  #push(event: ChromiumEvent, durationUs: number, depth: number): void {
    const { name, lane, timeUs, compileId } = event;
    this.slices.push({ name, lane, timeUs, durationUs, compileId, depth });
  }
}

interface PerfettoEvent {
  readonly name: string;
  readonly ph: 'X' | 'M' | 'i';
  readonly ts: number;
  readonly pid: number;
  readonly tid: number;
  readonly dur?: number;
  readonly s?: 't';
  readonly args?: Readonly<Record<string, string>>;
}

/**
 * A trace's timeline as one Chrome trace-event JSON text, which ui.perfetto.dev and chrome://tracing open: a track per
 * lane, compilations and runs on tracks of their own, breaks as instant events. Works on any trace's records.
 */
export function toPerfetto(records: Iterable<TraceRecord>): string {
  const lanes = new Map<string, number>();
  const events: PerfettoEvent[] = [];
  const laneId = (lane: string): number => {
    const known = lanes.get(lane);
    if (known !== undefined) return known;
    lanes.set(lane, lanes.size + 1);
    const args = { name: lane };
    events.push({ name: 'thread_name', ph: 'M', ts: 0, pid: 1, tid: lanes.size, args });
    return lanes.size;
  };
  for (const record of records) {
    const event = eventOf(record, laneId);
    if (event !== undefined) events.push(event);
  }
  return `${JSON.stringify({ traceEvents: events, displayTimeUnit: 'ms' })}\n`;
}

function eventOf(record: TraceRecord, laneId: (lane: string) => number): PerfettoEvent | undefined {
  if (record.kind === 'slice') return sliceEvent(record, laneId);
  const pid = 1;
  if (record.kind === 'break') {
    const tid = laneId('graph breaks');
    const name = record.title ?? record.reason;
    return { name, ph: 'i', s: 't', ts: record.timeMs * 1000, pid, tid, args: { id: record.reason } };
  }
  if (record.kind === 'compile' || record.kind === 'run') {
    const tid = laneId(record.kind === 'compile' ? 'compile' : 'run');
    const ts = record.timeMs * 1000;
    return { name: record.graph, ph: 'X', ts, dur: record.durationMs * 1000, pid, tid };
  }
  return undefined;
}

function sliceEvent(record: SliceRecord, laneId: (lane: string) => number): PerfettoEvent {
  return {
    name: record.name,
    ph: 'X',
    ts: record.timeMs * 1000,
    dur: record.durationMs * 1000,
    pid: 1,
    tid: laneId(record.lane),
    ...(record.owner === undefined ? {} : { args: { compile: record.owner } }),
  };
}
