/** Remembering what is derived from a report. */
import type { Report } from '../../explain/report.ts';

/** What is made of a report once, however often it is drawn. */
export function perReport<T>(make: (report: Report) => T): (report: Report) => T {
  const made = new WeakMap<Report, T>();
  return (report) => {
    const known = made.get(report);
    if (known !== undefined) return known;
    const fresh = make(report);
    made.set(report, fresh);
    return fresh;
  };
}
