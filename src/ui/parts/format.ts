/** How views write durations, places and labelled facts. */
import type { Site } from '../../explain/report.ts';
import { formatDuration } from '../../explain/units.ts';
import { span, wrap, type Line, type Role } from '../lines.ts';

/** `3.21 ms`; a dash for what was not measured. */
export function formatMs(value: number | null): string {
  return value === null ? '–' : formatDuration(value);
}

export function formatSite(site: Site | undefined): string {
  return site === undefined ? '(no user frame)' : `${site.file}:${site.line}`;
}

/** A place without its folders: `…/train.ts:10`. */
export function shortPlace(place: string): string {
  const slash = place.lastIndexOf('/');
  return slash < 0 ? place : `…${place.slice(slash)}`;
}

/** One collator for all: `localeCompare` makes one for each comparison, half a second for 5,000 rows. */
const collator = new Intl.Collator('en', { numeric: true });

/** Order of places: by file, then by line as a number. */
export function compareSites(left: Site | undefined, right: Site | undefined): number {
  return collator.compare(formatSite(left), formatSite(right));
}

/** Fields of a target for a place. */
export function placeOf(site: Site | undefined): { file?: string; line?: number } {
  return site === undefined ? {} : { file: site.file, line: site.line };
}

const labelWidth = 9;

/** A text behind a label, wrapped with a hanging indent: `   why  The size of...`. */
export function fact(label: string, text: string, width: number, role?: Role): Line[] {
  const room = Math.max(10, width - labelWidth - 1);
  return wrap(text, room, role).map((each, index): Line => [
    span(`${(index === 0 ? label : '').padStart(labelWidth)} `, 'muted'),
    ...each,
  ]);
}
