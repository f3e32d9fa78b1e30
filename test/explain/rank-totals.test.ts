/** Ranks work side by side: what they do is added up, the time they take is not. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { toJsonReport, type JsonReport } from '../../src/explain/json-report.ts';
import { buildReport } from '../../src/explain/report-builder.ts';
import type { TraceRecord } from '../../src/ir/record.ts';
import { readTorchTrace } from '../../src/torch/index.ts';
import { root } from '../cli/support/reports.ts';

const folder = join(root, 'fixtures/traces/torch-two-ranks');
const rank0 = join(folder, 'dedicated_log_torch_trace_rank_0_f1x7ure0.log');
const rank1 = join(folder, 'dedicated_log_torch_trace_rank_1_f1x7ure1.log');

/** @param isCut without the end record: totals are then summed from the frames. */
async function reportOf(paths: readonly string[], isCut: boolean): Promise<JsonReport> {
  const records: TraceRecord[] = [];
  for await (const record of readTorchTrace(paths)) records.push(record);
  return toJsonReport(buildReport(records.filter((record) => !isCut || record.kind !== 'end')));
}

test.each([false, true])('two ranks take as long as the slower one (cut: %s)', async (isCut) => {
  const [first, second, both] = await Promise.all([
    reportOf([rank0], isCut),
    reportOf([rank1], isCut),
    reportOf([rank0, rank1], isCut),
  ]);
  for (const name of ['compileMs', 'restartMs'] as const) {
    expect(both.totals[name]).toBe(Math.max(first.totals[name], second.totals[name]));
  }
  for (const name of ['breaks', 'graphs', 'compiles', 'recompiles', 'restarts'] as const) {
    expect(both.totals[name]).toBe(first.totals[name] + second.totals[name]);
  }
  expect(both.totals.compileMs).toBeLessThanOrEqual(both.totals.wallMs);
  expect(both.time.reduce((sum, part) => sum + part.share, 0)).toBeCloseTo(1, 2);
  expect(both.ranks.map((rank) => rank.compileMs)).toEqual([
    first.ranks[0]!.compileMs,
    second.ranks[0]!.compileMs,
  ]);
});
