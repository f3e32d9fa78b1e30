/** The report as JSON text, by the schema in `docs/schema/report.schema.json`. */
import { toJsonReport } from '../../explain/json-report.ts';
import type { Report } from '../../explain/report.ts';

export function renderJson(report: Report): string {
  return `${JSON.stringify(toJsonReport(report), null, 2)}\n`;
}
