/** Fallback records → kernels that ran outside compiled graphs, by kernel and reason, with the places that called them. */
import { findBreakReason } from '../ir/breaks/index.ts';
import type { FallbackRecord } from '../ir/record.ts';
import { compareText, createCounter, pushTo } from './counter.ts';
import type { FallbackReport } from './report.ts';
import { formatSite, type StackTable } from './stacks.ts';

/** Where a break made it run alone, its title; else the reason as it is. */
function inWords(reason: string): string {
  const title = findBreakReason(reason)?.title;
  return title === undefined ? reason : `${title.toLowerCase()} (${reason})`;
}

export interface FallbackFold {
  add(record: FallbackRecord): void;
  report(stacks: StackTable): FallbackReport[];
}

export function createFallbackFold(): FallbackFold {
  const groups = new Map<string, FallbackRecord[]>();

  function merge(key: string, records: readonly FallbackRecord[], stacks: StackTable): FallbackReport {
    const { kernel, reason } = records[0]!;
    const counts = createCounter<string>();
    const sites = new Map<string, FallbackReport['sites'][number]['site']>();
    for (const record of records) {
      const site = stacks.site(record.stack);
      if (site === undefined) continue;
      counts.add(formatSite(site), record.count);
      sites.set(formatSite(site), site);
    }
    return {
      key,
      kernel,
      reason: inWords(reason),
      count: records.reduce((total, record) => total + record.count, 0),
      durationMs: records.reduce((total, record) => total + record.durationMs, 0),
      sites: counts.entries().map((entry) => ({ site: sites.get(entry.key)!, count: entry.count })),
      graphs: [...new Set(records.flatMap((record) => record.graph ?? []))],
    };
  }

  return {
    add: (record) => pushTo(groups, `${record.kernel}: ${record.reason}`, record),
    report(stacks) {
      const reports = [...groups].map(([key, records]) => merge(key, records, stacks));
      return reports.sort(
        (left, right) =>
          right.durationMs - left.durationMs || right.count - left.count || compareText(left.key, right.key),
      );
    },
  };
}
