/**
 * The report as text. Verdict first, then what to fix in order of cost, then the rest. Deterministic: equal reports print
 * equal text.
 */
import type { Report } from '../../explain/report.ts';
import { formatCount, formatPlural, formatShare } from '../../explain/units.ts';
import { wrap, type Page } from './page.ts';
import { breakSection } from './text-breaks.ts';
import { recompileSection } from './text-recompiles.ts';
import { fallbackSection, graphSection, nodeSection, noteSection, timeSection } from './text-sections.ts';
import { compileSection, frameSection, rankSection, torchGraphSection } from './text-torch.ts';

export interface TextOptions {
  /** Entries per section that are shown in full. */
  readonly limit: number;
}

const environmentOrder = [
  'fullgraph',
  'node',
  'tfjs',
  'onnxruntime',
  'torch',
  'python',
  'device',
  'platform',
];

function headLines(page: Page, report: Report): string[] {
  const { environment, program } = report;
  const command = [program.path, ...program.arguments].filter((word) => word !== '').join(' ');
  const versions = environmentOrder.flatMap((name) =>
    environment[name] === undefined
      ? []
      : [name === 'platform' ? `${environment[name]}` : `${name} ${environment[name]}`],
  );
  const text = [page.ink.strong(command), ...versions.map((version) => page.ink.dim(version))];
  return wrap(page, text.filter((part) => part !== '').join(page.ink.dim(' · ')));
}

function totalLines(page: Page, report: Report): string[] {
  const { totals, frames } = report;
  const parts = [
    frames.length > 0 ? formatPlural(frames.length, 'frame') : undefined,
    formatPlural(totals.graphs, 'graph'),
    formatPlural(totals.compiles, 'compile'),
    formatPlural(totals.recompiles, 'recompile'),
    totals.runs > 0 ? formatPlural(totals.runs, 'run') : undefined,
    totals.opsTotal > 0
      ? `${formatPlural(totals.opsTotal, 'op')}, ${formatShare(1 - totals.opsEager / totals.opsTotal)} in graphs`
      : undefined,
    totals.emptyReads > 0
      ? `${formatCount(totals.emptyReads)} free ${totals.emptyReads === 1 ? 'read' : 'reads'}`
      : undefined,
  ];
  return wrap(page, page.ink.dim(parts.filter((part) => part !== undefined).join(' · ')));
}

/** The whole report, ending in one newline. */
export function renderText(page: Page, report: Report, options: TextOptions): string {
  const { limit } = options;
  const verdict = wrap(page, report.verdict.sentence).map((line) =>
    page.ink[report.verdict.level].bold(line),
  );
  const lines = [
    ...headLines(page, report),
    '',
    ...verdict,
    ...totalLines(page, report),
    '',
    ...breakSection(page, report, limit),
    ...recompileSection(page, report, limit),
    ...fallbackSection(page, report, limit),
    ...frameSection(page, report, limit),
    ...rankSection(page, report),
    ...timeSection(page, report),
    ...(report.source === 'torch'
      ? [...torchGraphSection(page, report, limit), ...compileSection(page, report, limit)]
      : [...graphSection(page, report, limit), ...nodeSection(page, report, limit)]),
    ...noteSection(page, report),
  ];
  return `${lines.join('\n').trimEnd()}\n`;
}
