/** V8's nested block ranges as a lookup from offset to count. */
import type { Coverage } from '../program/messages.ts';
import type { ExecutionCounts } from './source-context.ts';
import type { SourceFile } from './source-tree.ts';

/** Counts of a run; where several processes ran a file, the highest. Ranges of a file come outer before inner. */
export function executionCounts(coverage: readonly Coverage[]): ExecutionCounts {
  const perFile = new Map<string, Float64Array>();
  const countsOf = (file: SourceFile): Float64Array | undefined => {
    const known = perFile.get(file.path);
    if (known) return known;
    const runs = coverage.filter(({ path }) => path === file.path);
    if (runs.length === 0) return undefined;
    const counts = new Float64Array(file.text.length + 1);
    for (const { ranges } of runs) {
      const counted = new Float64Array(counts.length).fill(1);
      for (const { start, end, count } of ranges) counted.fill(count, start, end);
      counted.forEach((count, offset) => {
        counts[offset] = Math.max(counts[offset]!, count);
      });
    }
    perFile.set(file.path, counts);
    return counts;
  };
  return { countAt: (file, offset) => countsOf(file)?.[offset] };
}
