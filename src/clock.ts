/**
 * Our own clock. Programs replace `performance.now` and `Date.now` (fake timers, fixed clocks), and a fake clock that is
 * asked once more answers later questions differently; so the clock must not be the program's.
 */
const { bigint: nanoseconds } = process.hrtime;

/** Milliseconds since some point in the past. */
export function monotonicMs(): number {
  return Number(nanoseconds()) / 1e6;
}
