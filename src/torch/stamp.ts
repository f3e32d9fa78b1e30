/**
 * Record stamps are local time without a year, chromium events are microseconds since 1970. Both become milliseconds
 * since the start of the year in the process's local time; the offset between the clocks is read off the log itself.
 */

const daysBeforeMonth = [0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335];

/** `1120 21:16:46.824000` as milliseconds since the start of a leap year; damaged digits count as they are. */
export function stampMs(stamp: string): number {
  const at = (start: number, end: number): number => Number(stamp.slice(start, end));
  const days = (daysBeforeMonth[at(0, 2) - 1] ?? 0) + at(2, 4) - 1;
  const seconds = at(5, 7) * 3600 + at(8, 10) * 60 + at(11, 13);
  return (days * 86_400 + seconds) * 1000 + at(14, 20) / 1000;
}

/** Milliseconds since 1970 (UTC) on the scale of {@link stampMs}, with February always 29 days long. */
export function epochToStampMs(epochMs: number): number {
  const date = new Date(epochMs);
  if (Number.isNaN(date.getTime())) return 0;
  const midnight = Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate());
  const days = (daysBeforeMonth[date.getUTCMonth()] ?? 0) + date.getUTCDate() - 1;
  return days * 86_400_000 + (epochMs - midnight);
}

const quarterHourMs = 900_000;

/**
 * What to add to an event's {@link epochToStampMs} to get the stamp's clock, given an event and the stamp of the record
 * that carries it: the time zone, a multiple of 15 minutes.
 */
export function zoneOffsetMs(recordStampMs: number, eventEpochMs: number): number {
  const difference = recordStampMs - epochToStampMs(eventEpochMs);
  return Math.round(difference / quarterHourMs) * quarterHourMs + 0;
}
