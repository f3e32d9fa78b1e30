/**
 * Families that tell the same story, as one: each rank of a job compiles the same function for the same reasons, and
 * `torch._dynamo.reset()` starts the story over. A report must not grow with the number of ranks.
 */
import type { FamilyReport } from './report.ts';

/** Object addresses differ from process to process and say nothing. */
function withoutAddresses(text: string | undefined): string | undefined {
  return text?.replace(/\d{9,}/g, '#');
}

/** Equal for families with the same place, outcomes and values. */
function storyOf({ name, site, columns, rows }: FamilyReport): string {
  const cells = rows.map((row) => [row.kind, row.what, row.cells.map((cell) => withoutAddresses(cell.text))]);
  return JSON.stringify([name, site, columns.map((column) => column.outcome), cells]);
}

function merge(group: readonly FamilyReport[]): FamilyReport {
  const [first] = group as readonly [FamilyReport, ...FamilyReport[]];
  if (group.length === 1) return first;
  const sum = (read: (family: FamilyReport) => number): number =>
    group.reduce((total, family) => total + read(family), 0);
  return {
    ...first,
    copies: group.length,
    recompiles: sum((family) => family.recompiles),
    reuses: sum((family) => family.reuses),
    limitHits: sum((family) => family.limitHits),
    compileMs: sum((family) => family.compileMs),
    failures: group.flatMap((family) => family.failures),
  };
}

/** One family per story, in order of the first; its matrix is the first one's, its counts are sums. */
export function mergeEqualFamilies(families: readonly FamilyReport[]): FamilyReport[] {
  const groups = new Map<string, FamilyReport[]>();
  for (const family of families) {
    const story = storyOf(family);
    const group = groups.get(story);
    if (group === undefined) groups.set(story, [family]);
    else group.push(family);
  }
  return [...groups.values()].map(merge);
}
