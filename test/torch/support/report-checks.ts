/**
 * The last step of a real log: what the report says, after records were made of the log and folded, against what the
 * reference parser counted in it. The reader may be right and its report still lose something.
 */
import { toJsonReport } from '../../../src/explain/json-report.ts';
import { openPath } from '../../../src/explain/paths.ts';
import { buildReport } from '../../../src/explain/report-builder.ts';
import { emitTrace } from '../../../src/torch/emit-trace.ts';
import type { TorchTrace } from '../../../src/torch/model.ts';
import type { Check } from './ground-truth.ts';

type Reference = Readonly<Record<string, unknown>>;

function lengthOf(value: unknown): number {
  return Array.isArray(value) ? value.length : 0;
}

/** @param reference the `reference_parser` part of a truth file. */
export function checkReport(trace: TorchTrace, reference: Reference): Check[] {
  const report = buildReport(emitTrace(trace, ['trace']));
  const json = toJsonReport(report);
  const lines: Record<string, number> = {};
  const ids: Record<string, number> = {};
  for (const { id, site, occurrences } of json.breaks) {
    const line = site === null ? 'nowhere' : `${openPath(report.program.cwd, site.file)}:${site.line}`;
    lines[line] = (lines[line] ?? 0) + occurrences;
    if (id.startsWith('GB')) ids[id.toLowerCase()] = (ids[id.toLowerCase()] ?? 0) + occurrences;
  }
  const eager = json.frames.filter((frame) =>
    ['error', 'skipped', 'empty', 'missing'].includes(frame.status),
  );
  return [
    { name: 'report: breaks', expected: reference['graph_break_artifacts'], actual: json.totals.breaks },
    { name: 'report: break lines', expected: reference['graph_break_sites'], actual: lines },
    { name: 'report: break ids', expected: reference['graph_break_ids'], actual: ids },
    {
      name: 'report: distinct breaks without a remedy',
      expected: [],
      actual: json.breaks.filter((item) => item.hints.length === 0).map((item) => `${item.id} ${item.title}`),
    },
    {
      name: 'report: recompiles and limit hits',
      expected: lengthOf(reference['recompiles']),
      actual: json.recompiles.length,
    },
    {
      name: 'report: recompiles without a reason',
      expected: [],
      actual: json.recompiles.filter((item) => item.reasons.length === 0).map((item) => item.graph),
    },
    { name: 'report: restarts', expected: lengthOf(reference['restarts']), actual: json.totals.restarts },
    {
      name: 'report: frames that ended eager without a word',
      expected: [],
      actual: eager.filter((frame) => frame.reason === null).map((frame) => `${frame.id} ${frame.function}`),
    },
  ];
}
