/**
 * A horizontal axis that zooms and pans. Settings are in the axis' own units, not in shares of it, so that a window stays
 * where it is while a trace grows.
 */
import type { ViewSettings } from './define-view.ts';

/** The whole axis. */
export interface AxisRange {
  readonly start: number;
  readonly end: number;
}

/** The part of it that is on the screen, and the cursor in it. */
export interface AxisWindow {
  readonly from: number;
  readonly to: number;
  readonly at: number;
}

function clamp(value: number, low: number, high: number): number {
  return Math.max(low, Math.min(high, value));
}

/** A range has a length, also that of an empty trace. */
const leastLength = 1e-6;

function lengthOf({ start, end }: AxisRange): number {
  return Math.max(leastLength, end - start);
}

export function axisWindow(range: AxisRange, settings: ViewSettings): AxisWindow {
  const length = lengthOf(range);
  const span = settings.span > 0 ? Math.min(settings.span, length) : length;
  const from = clamp(settings.from, range.start, range.start + length - span);
  return { from, to: from + span, at: clamp(settings.at, range.start, range.start + length) };
}

/** How many times the window fits into the axis. */
export function magnification(range: AxisRange, settings: ViewSettings): number {
  const { from, to } = axisWindow(range, settings);
  return lengthOf(range) / (to - from);
}

/**
 * The cursor at `at`, and the window moved as little as shows it.
 * @param room what the window must show behind the cursor: a column of the screen.
 */
export function standAt(range: AxisRange, settings: ViewSettings, at: number, room = 0): ViewSettings {
  const window = axisWindow(range, settings);
  const span = window.to - window.from;
  const cursor = clamp(at, range.start, range.start + lengthOf(range));
  const from = clamp(window.from, cursor - span + room, cursor);
  return { ...settings, at: cursor, from: clamp(from, range.start, range.start + lengthOf(range) - span) };
}

/** Part of the window that is in front of a place that was jumped to from far away. */
const shareBefore = 1 / 3;

/** The cursor at `at`; a window that does not show it is moved so far that what follows is on the screen, too. */
export function jumpTo(range: AxisRange, settings: ViewSettings, at: number, room = 0): ViewSettings {
  const { from, to } = axisWindow(range, settings);
  const isInside = at >= from && at <= to - room;
  return standAt(
    range,
    isInside ? settings : { ...settings, from: at - (to - from) * shareBefore },
    at,
    room,
  );
}

const mostMagnification = 2 ** 30;

/** A window of another length around the cursor, which keeps its place on the screen. The whole axis is a span of 0. */
export function zoomBy(range: AxisRange, settings: ViewSettings, factor: number): ViewSettings {
  const { from, to, at } = axisWindow(range, settings);
  const length = lengthOf(range);
  const span = Math.max(length / mostMagnification, (to - from) / factor);
  if (span >= length) return { ...settings, span: 0, from: range.start, at };
  const place = (at - from) / (to - from);
  return standAt(range, { ...settings, span, from: at - place * span }, at);
}
