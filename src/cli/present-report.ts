/** Shows a report in the form that was asked for, compares it, checks its budget. What `explain` and the UI's fallback share. */
import { relative, resolve } from 'node:path';
import { checkBudget } from '../explain/budget.ts';
import { compareReports } from '../explain/compare.ts';
import { toJsonReport } from '../explain/json-report.ts';
import { openPath } from '../explain/paths.ts';
import type { Report } from '../explain/report.ts';
import { readBaseline } from './baseline.ts';
import type { Context, ExitCode } from './command.ts';
import type { Values } from './flags.ts';
import { print, writeWhole } from './output.ts';
import { renderComparison } from './reporters/comparison.ts';
import { renderAnnotations } from './reporters/github.ts';
import { renderJson } from './reporters/json.ts';
import { renderMarkdown } from './reporters/markdown.ts';
import { createPage } from './reporters/page.ts';
import { renderText } from './reporters/text.ts';
import { defaultLimit, type reportFlags } from './report-flags.ts';
import { pageFor } from './terminal.ts';

export type ReportValues = Values<typeof reportFlags>;

/** `text`, `json` or `markdown`; the ending of the output file decides when no flag does. */
export function formatOf(values: ReportValues): 'text' | 'json' | 'markdown' {
  if (values.json === true) return 'json';
  if (values.format !== undefined) return values.format as 'text' | 'json' | 'markdown';
  if (values.output?.endsWith('.json') === true) return 'json';
  return values.output?.endsWith('.md') === true ? 'markdown' : 'text';
}

function render(report: Report, values: ReportValues, context: Context): string {
  const limit = values.limit ?? defaultLimit;
  const format = formatOf(values);
  if (format === 'json') return renderJson(report);
  if (format === 'markdown') return renderMarkdown(report, limit);
  const page =
    values.output === undefined
      ? pageFor(context, context.stdout)
      : createPage({ columns: 100, colorLevel: 0 });
  return renderText(page, report, { limit });
}

/** Display paths of a report, as the reader of annotations knows them: from the repository, or from where we run. */
function annotationPath(report: Report, context: Context, isGithub: boolean): (file: string) => string {
  const root = (isGithub ? context.env['GITHUB_WORKSPACE'] : undefined) ?? context.cwd;
  return (file) => {
    const path = relative(root, resolve(context.cwd, openPath(report.program.cwd, file)));
    return path.startsWith('..') ? file : path.replaceAll('\\', '/');
  };
}

/**
 * Prints the report (standard output, or the file), the comparison and annotations (standard error).
 * @returns 1 when a budget is exceeded.
 */
export async function presentReport(
  report: Report,
  values: ReportValues,
  context: Context,
): Promise<ExitCode> {
  const baseline = values.baseline === undefined ? undefined : await readBaseline(values.baseline, context);
  const text = render(report, values, context);
  if (values.output === undefined) await print(context.stdout, text);
  else await writeWhole(context, values.output, text);

  const json = toJsonReport(report);
  const comparison = baseline === undefined ? undefined : compareReports(baseline, json);
  if (comparison !== undefined) {
    const output =
      formatOf(values) === 'text' && values.output === undefined ? context.stdout : context.stderr;
    await print(
      output,
      `\n${renderComparison(pageFor(context, output), `Compared with ${values.baseline}`, comparison)}`,
    );
  }
  return enforceBudget(report, values, context, comparison);
}

/**
 * Names what exceeds the budget on standard error.
 * @param comparison with the baseline; read from the flags when absent.
 * @returns 1 when a budget is exceeded.
 */
export async function enforceBudget(
  report: Report,
  values: ReportValues,
  context: Context,
  comparison?: ReturnType<typeof compareReports>,
): Promise<ExitCode> {
  const json = toJsonReport(report);
  const baseline =
    comparison === undefined && values.baseline !== undefined
      ? await readBaseline(values.baseline, context)
      : undefined;
  const violations = checkBudget(
    json,
    {
      ...(values['max-breaks'] === undefined ? {} : { maxBreaks: values['max-breaks'] }),
      ...(values['max-recompiles'] === undefined ? {} : { maxRecompiles: values['max-recompiles'] }),
    },
    baseline === undefined ? comparison : compareReports(baseline, json),
  );
  if (violations.length === 0) return 0;
  const isGithub = (context.env['GITHUB_ACTIONS'] ?? '') !== '';
  await print(
    context.stderr,
    renderAnnotations(violations, isGithub, annotationPath(report, context, isGithub)),
  );
  return 1;
}
