/**
 * Everything with a start and a duration → lanes of spans. A long training run has millions of them, so spans are columns
 * of numbers with interned names, as trace viewers keep them.
 */
import type { Timeline, TimelineLane } from './report.ts';

interface LaneBuffer {
  length: number;
  startMs: Float64Array;
  durationMs: Float64Array;
  name: Int32Array;
  isSorted: boolean;
}

export interface TimelineFold {
  add(lane: string, name: string, startMs: number, durationMs: number): void;
  /** Latest end seen so far. */
  readonly endMs: number;
  /** @param gaps title of a lane made of the times when no other lane was busy; none when absent. */
  report(gaps?: string): Timeline;
}

function createLane(capacity: number): LaneBuffer {
  return {
    length: 0,
    startMs: new Float64Array(capacity),
    durationMs: new Float64Array(capacity),
    name: new Int32Array(capacity),
    isSorted: true,
  };
}

function append(lane: LaneBuffer, startMs: number, durationMs: number, name: number): void {
  const index = lane.length;
  if (index === lane.startMs.length) {
    const larger = createLane(index * 2);
    larger.startMs.set(lane.startMs);
    larger.durationMs.set(lane.durationMs);
    larger.name.set(lane.name);
    Object.assign(lane, {
      startMs: larger.startMs,
      durationMs: larger.durationMs,
      name: larger.name,
    });
  }
  lane.isSorted &&= index === 0 || lane.startMs[index - 1]! <= startMs;
  lane.startMs[index] = startMs;
  lane.durationMs[index] = durationMs;
  lane.name[index] = name;
  lane.length = index + 1;
}

function finish(title: string, lane: LaneBuffer): TimelineLane {
  const { length } = lane;
  if (lane.isSorted) {
    return {
      title,
      length,
      startMs: lane.startMs.slice(0, length),
      durationMs: lane.durationMs.slice(0, length),
      name: lane.name.slice(0, length),
    };
  }
  const order = Uint32Array.from({ length }, (_value, index) => index).sort(
    (left, right) => lane.startMs[left]! - lane.startMs[right]! || left - right,
  );
  return {
    title,
    length,
    startMs: Float64Array.from(order, (index) => lane.startMs[index]!),
    durationMs: Float64Array.from(order, (index) => lane.durationMs[index]!),
    name: Int32Array.from(order, (index) => lane.name[index]!),
  };
}

/** Times between `startMs` and `endMs` that no lane covers. */
function gapLane(
  title: string,
  lanes: readonly TimelineLane[],
  startMs: number,
  endMs: number,
  name: number,
): TimelineLane {
  const gaps = createLane(64);
  const next = lanes.map(() => 0);
  let busyUntil = startMs;
  for (;;) {
    let best = -1;
    for (const [index, lane] of lanes.entries()) {
      if (next[index]! >= lane.length) continue;
      if (best < 0 || lane.startMs[next[index]!]! < lanes[best]!.startMs[next[best]!]!) best = index;
    }
    if (best < 0) break;
    const at = next[best]!;
    next[best] = at + 1;
    const start = lanes[best]!.startMs[at]!;
    if (start > busyUntil) append(gaps, busyUntil, start - busyUntil, name);
    busyUntil = Math.max(busyUntil, start + lanes[best]!.durationMs[at]!);
  }
  if (endMs > busyUntil) append(gaps, busyUntil, endMs - busyUntil, name);
  return finish(title, gaps);
}

export function createTimelineFold(): TimelineFold {
  const lanes = new Map<string, LaneBuffer>();
  const names = new Map<string, number>();
  let startMs = Infinity;
  let endMs = 0;
  const intern = (name: string): number => {
    const known = names.get(name);
    if (known !== undefined) return known;
    names.set(name, names.size);
    return names.size - 1;
  };
  return {
    add(title, name, start, durationMs) {
      let lane = lanes.get(title);
      if (lane === undefined) lanes.set(title, (lane = createLane(64)));
      append(lane, start, durationMs, intern(name));
      startMs = Math.min(startMs, start);
      endMs = Math.max(endMs, start + durationMs);
    },
    get endMs() {
      return endMs;
    },
    report(gaps) {
      const finished = [...lanes].map(([title, lane]) => finish(title, lane));
      const start = Math.min(startMs, gaps === undefined ? startMs : 0);
      const from = Number.isFinite(start) ? start : 0;
      const all =
        gaps === undefined || finished.length === 0
          ? finished
          : [gapLane(gaps, finished, from, endMs, intern(gaps)), ...finished];
      return { startMs: from, endMs, lanes: all, names: [...names.keys()] };
    },
  };
}
