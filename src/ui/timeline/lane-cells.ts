/**
 * A lane of spans seen through a window of time, in columns of the screen. Lanes hold up to millions of spans as columns
 * of numbers, sorted by start; the running maximum of their ends finds the first one in a window by bisection.
 */
import type { TimelineLane } from '../../explain/report.ts';

export interface TimeWindow {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Per lane: the latest end of all spans up to each. */
const latestEnds = new WeakMap<TimelineLane, Float64Array>();

function latestEndsOf(lane: TimelineLane): Float64Array {
  const known = latestEnds.get(lane);
  if (known !== undefined) return known;
  const ends = new Float64Array(lane.length);
  let latest = -Infinity;
  for (let index = 0; index < lane.length; index++) {
    latest = Math.max(latest, lane.startMs[index]! + lane.durationMs[index]!);
    ends[index] = latest;
  }
  latestEnds.set(lane, ends);
  return ends;
}

/** First index whose value is greater than `limit` (or equal, as asked); the length when there is none. */
function bisect(values: Float64Array, length: number, limit: number, isInclusive: boolean): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (values[middle]! > limit || (isInclusive && values[middle] === limit)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Calls back for each span that touches the window, in order of start. */
export function eachSpan(
  lane: TimelineLane,
  { fromMs, toMs }: TimeWindow,
  visit: (index: number, startMs: number, endMs: number) => void,
): void {
  for (let index = bisect(latestEndsOf(lane), lane.length, fromMs, true); index < lane.length; index++) {
    const startMs = lane.startMs[index]!;
    if (startMs >= toMs) return;
    const endMs = startMs + lane.durationMs[index]!;
    if (endMs > fromMs || (endMs === startMs && startMs >= fromMs)) visit(index, startMs, endMs);
  }
}

/** A span that is wide enough to be named on the screen. */
export interface WideSpan {
  readonly index: number;
  readonly column: number;
  readonly columns: number;
}

export interface LaneCells {
  /** How much of each column's time is covered, 0 to 1. */
  readonly busy: Float64Array;
  readonly wide: readonly WideSpan[];
}

/** Columns from which on a span carries its name. */
const namedFrom = 5;
/** Makes a span without duration visible. */
const speck = 1e-6;

/** What was drawn last of each lane: moving between lanes or in the detail leaves the window as it is. */
const lastCells = new WeakMap<
  TimelineLane,
  { readonly window: TimeWindow; readonly columns: number; readonly cells: LaneCells }
>();

export function laneCells(lane: TimelineLane, window: TimeWindow, columns: number): LaneCells {
  const last = lastCells.get(lane);
  const isSame =
    last !== undefined &&
    last.columns === columns &&
    last.window.fromMs === window.fromMs &&
    last.window.toMs === window.toMs;
  if (isSame) return last.cells;
  const cells = computeCells(lane, window, columns);
  lastCells.set(lane, { window, columns, cells });
  return cells;
}

function computeCells(lane: TimelineLane, window: TimeWindow, columns: number): LaneCells {
  const busy = new Float64Array(columns);
  const wide: WideSpan[] = [];
  const perMs = columns / (window.toMs - window.fromMs);
  eachSpan(lane, window, (index, startMs, endMs) => {
    const from = Math.max(0, (startMs - window.fromMs) * perMs);
    const to = Math.min(columns, (endMs - window.fromMs) * perMs);
    const first = Math.min(columns - 1, Math.floor(from));
    const last = Math.min(columns - 1, Math.floor(to));
    if (first === last) {
      busy[first]! += Math.max(to - from, speck);
      return;
    }
    busy[first]! += first + 1 - from;
    for (let column = first + 1; column < last; column++) busy[column] = 1;
    busy[last]! += to - last;
    const whole = Math.ceil(from - 0.5);
    const width = Math.round(to) - whole;
    if (width >= namedFrom) wide.push({ index, column: whole, columns: width });
  });
  return { busy, wide };
}

/** Indices of spans that touch the window, longest first; at most `limit` of them, and how many there are. */
export function spansIn(
  lane: TimelineLane,
  window: TimeWindow,
  limit: number,
): { readonly longest: readonly number[]; readonly count: number } {
  let longest: number[] = [];
  let count = 0;
  const sort = (): void => {
    longest.sort((left, right) => lane.durationMs[right]! - lane.durationMs[left]! || left - right);
    longest = longest.slice(0, limit);
  };
  eachSpan(lane, window, (index) => {
    count += 1;
    longest.push(index);
    if (longest.length > limit * 16) sort();
  });
  sort();
  return { longest, count };
}

export interface NameSum {
  readonly name: number;
  readonly count: number;
  readonly totalMs: number;
  readonly longestMs: number;
}

/** Sums per name of what lies in the window, dearest first. Spans count with the part inside the window. */
export function sumNames(lane: TimelineLane, window: TimeWindow): NameSum[] {
  const sums = new Map<number, { count: number; totalMs: number; longestMs: number }>();
  eachSpan(lane, window, (index, startMs, endMs) => {
    const name = lane.name[index]!;
    let sum = sums.get(name);
    if (sum === undefined) sums.set(name, (sum = { count: 0, totalMs: 0, longestMs: 0 }));
    sum.count += 1;
    sum.totalMs += Math.min(endMs, window.toMs) - Math.max(startMs, window.fromMs);
    sum.longestMs = Math.max(sum.longestMs, endMs - startMs);
  });
  return [...sums]
    .map(([name, sum]) => ({ name, ...sum }))
    .sort((left, right) => right.totalMs - left.totalMs || left.name - right.name);
}

/** Start of the next span after `timeMs`, or the last one before it. */
export function nextStart(lane: TimelineLane, timeMs: number, direction: 1 | -1): number | undefined {
  const after = bisect(lane.startMs, lane.length, timeMs, false);
  if (direction === 1) return after < lane.length ? lane.startMs[after] : undefined;
  const before = bisect(lane.startMs, lane.length, timeMs, true) - 1;
  return before >= 0 ? lane.startMs[before] : undefined;
}
