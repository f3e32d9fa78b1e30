/** Whether a report keeps within what is allowed: the CI gate. */
import type { Comparison } from './compare.ts';
import type { JsonBreak, JsonReport, JsonSite } from './json-report.ts';
import { formatPlural } from './units.ts';

export interface Budget {
  /** Distinct breaks: (place, reason) each, however often each occurs. */
  readonly maxBreaks?: number;
  readonly maxRecompiles?: number;
}

/** One excess, at the place where it can be fixed. */
export interface Violation {
  readonly title: string;
  readonly message: string;
  readonly site: JsonSite | null;
}

function breakViolation(item: JsonBreak, why: string): Violation {
  const hint = item.hints[0] === undefined ? '' : ` ${item.hints[0]}`;
  return {
    title: `${item.id} ${item.title}`,
    message: `${why}: ${item.explanation || item.title}${hint}`,
    site: item.site,
  };
}

function recompileViolations(report: JsonReport, why: string): Violation[] {
  // Ranks recompile for the same reasons: one line says it.
  const listed = new Map<string, Violation>();
  for (const item of report.recompiles) {
    const reasons = item.reasons.map(({ what, expected, actual }) => `${what}: ${expected} → ${actual}`);
    const cause = reasons.join(', ') || 'a guard failed';
    const key = JSON.stringify([item.site, cause]);
    if (listed.has(key)) continue;
    const hint = item.advice[0] === undefined ? '' : ` ${item.advice[0]}`;
    listed.set(key, {
      title: 'Recompile',
      message: `${why}: ${item.graph} was compiled because ${cause}.${hint}`,
      site: item.site,
    });
  }
  return listed.size > 0 ? [...listed.values()] : [{ title: 'Recompile', message: `${why}.`, site: null }];
}

/**
 * Empty when the report is within its budget. Without numbers, a baseline allows what was there before: no new break, no
 * additional recompile.
 */
export function checkBudget(report: JsonReport, budget: Budget, comparison?: Comparison): Violation[] {
  const violations: Violation[] = [];
  const { distinctBreaks, recompiles } = report.totals;
  if (budget.maxBreaks !== undefined && distinctBreaks > budget.maxBreaks) {
    const why = `${formatPlural(distinctBreaks, 'distinct break')}, ${formatPlural(budget.maxBreaks, 'break')} allowed`;
    const shown =
      comparison === undefined || comparison.fresh.length === 0 ? report.breaks : comparison.fresh;
    violations.push(...shown.map((item) => breakViolation(item, why)));
  } else if (budget.maxBreaks === undefined && comparison !== undefined) {
    violations.push(...comparison.fresh.map((item) => breakViolation(item, 'not in the baseline')));
  }
  const before = comparison?.totals.find((total) => total.name === 'recompiles')?.before;
  const maxRecompiles = budget.maxRecompiles ?? (before === null ? undefined : before);
  if (maxRecompiles !== undefined && recompiles > maxRecompiles) {
    violations.push(
      ...recompileViolations(report, `${formatPlural(recompiles, 'recompile')}, ${maxRecompiles} allowed`),
    );
  }
  return violations;
}
