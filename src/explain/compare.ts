/**
 * Two reports of one program: which breaks are new, fixed or changed. Works on JSON reports, so that a report kept from
 * last month can be the baseline. Lines move when a program is edited, so breaks are matched by their code first.
 */
import { compareText, pushTo } from './counter.ts';
import type { JsonBreak, JsonReport } from './json-report.ts';

export interface BreakChange {
  readonly before: JsonBreak;
  readonly after: JsonBreak;
}

export interface Comparison {
  readonly fresh: readonly JsonBreak[];
  readonly fixed: readonly JsonBreak[];
  /** Other numbers of occurrences. */
  readonly changed: readonly BreakChange[];
  readonly unchanged: number;
  /** Totals that differ, in order of the report. */
  readonly totals: readonly {
    readonly name: keyof JsonReport['totals'];
    readonly before: number | null;
    readonly after: number | null;
  }[];
}

/** From what must be equal to what may be: each round matches what the rounds before left over. */
const likeness: readonly ((item: JsonBreak) => string)[] = [
  (item) => JSON.stringify([item.id, item.site, item.code]),
  (item) => JSON.stringify([item.id, item.site?.file, item.function, item.code ?? item.site?.line]),
  (item) => JSON.stringify([item.id, item.site?.file, item.code ?? item.site?.line]),
  (item) => JSON.stringify([item.id, item.site?.file, item.site?.line]),
];

function byPlace(left: JsonBreak, right: JsonBreak): number {
  return (
    compareText(left.site?.file ?? '', right.site?.file ?? '') ||
    (left.site?.line ?? 0) - (right.site?.line ?? 0) ||
    compareText(left.id, right.id)
  );
}

/** @param before the older report. */
export function compareReports(before: JsonReport, after: JsonReport): Comparison {
  let olds = [...before.breaks].sort(byPlace);
  let fresh = [...after.breaks].sort(byPlace);
  const pairs: BreakChange[] = [];
  for (const keyOf of likeness) {
    const candidates = new Map<string, JsonBreak[]>();
    for (const item of olds) pushTo(candidates, keyOf(item), item);
    const matched = new Set<JsonBreak>();
    fresh = fresh.filter((item) => {
      const match = candidates.get(keyOf(item))?.shift();
      if (match === undefined) return true;
      matched.add(match);
      pairs.push({ before: match, after: item });
      return false;
    });
    olds = olds.filter((item) => !matched.has(item));
  }
  const changed = pairs.filter((pair) => pair.before.occurrences !== pair.after.occurrences);
  const names = Object.keys(after.totals) as (keyof JsonReport['totals'])[];
  return {
    fresh,
    fixed: olds,
    changed: changed.sort((left, right) => byPlace(left.after, right.after)),
    unchanged: pairs.length - changed.length,
    totals: names.flatMap((name) => {
      const pair = { name, before: before.totals[name] ?? null, after: after.totals[name] };
      return pair.before === pair.after ? [] : [pair];
    }),
  };
}
