/** How views write durations and places. */
import type { Site } from '../../explain/report.ts';

/** `3.21 ms`, `421 ms`, `12.3 s`; a dash for what was not measured. */
export function formatMs(value: number | null): string {
  if (value === null) return '–';
  if (value < 10) return `${value.toFixed(2)} ms`;
  return value < 10_000 ? `${value.toFixed(0)} ms` : `${(value / 1000).toFixed(1)} s`;
}

export function formatSite(site: Site | undefined): string {
  return site === undefined ? '(no user frame)' : `${site.file}:${site.line}`;
}
