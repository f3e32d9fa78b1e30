/** The first sentence of a report, and what to fix first. */
import type {
  Advice,
  BreakReport,
  FallbackReport,
  FamilyReport,
  FrameReport,
  ReportTotals,
  Verdict,
} from './report.ts';
import { formatSite } from './stacks.ts';
import { formatCount, formatDuration, formatPlural, formatShare } from './units.ts';

interface Findings {
  readonly source: 'fullgraph' | 'torch';
  readonly totals: ReportTotals;
  readonly breaks: readonly BreakReport[];
  readonly families: readonly FamilyReport[];
  readonly fallbacks: readonly FallbackReport[];
  readonly frames: readonly FrameReport[];
  readonly exitCode: number | undefined;
}

/** From this share of the run on, what is lost is called bad. */
const badShare = 0.2;

function distinctLines(breaks: readonly BreakReport[]): number {
  return new Set(breaks.flatMap((item) => (item.site === undefined ? [] : [formatSite(item.site)]))).size;
}

function breakClause({ totals, breaks, source }: Findings): string {
  if (totals.breaks === 0) return 'No graph breaks';
  const lines = distinctLines(breaks);
  const count = formatPlural(totals.breaks, source === 'torch' ? 'graph break' : 'break');
  const where = lines === 0 ? '' : ` at ${formatPlural(lines, 'line')}`;
  const subject = `${count}${where}`;
  const verb = totals.breaks === 1 ? 'costs' : 'cost';
  if (totals.savingMs !== null && totals.wallMs > 0) {
    const share = Math.min(1, totals.savingMs / totals.wallMs);
    const isPartial = breaks.some((item) => item.savingMs === null);
    if (totals.savingMs === 0) return `${subject} ${verb} nothing that could be measured`;
    if (share < 0.001)
      return `${subject} ${verb} less than 0.1 % of the run${isPartial ? ', as far as measured' : ''}`;
    return `${subject} ${verb} ${isPartial ? 'at least ' : ''}${formatShare(share)} of the run`;
  }
  const waitMs = breaks.reduce((sum, item) => sum + item.waitMs, 0);
  return waitMs > 0 && totals.wallMs > 0
    ? `${subject}; the program waited there for ${formatShare(Math.min(1, waitMs / totals.wallMs))} of the run`
    : subject;
}

function recompileClause({ totals, families }: Findings): string | undefined {
  if (totals.recompiles === 0) return undefined;
  const sites = families.filter((family) => family.recompiles > 0).length;
  const where = sites > 1 ? ` at ${formatCount(sites)} sites` : '';
  return `${formatPlural(totals.recompiles, 'recompile')}${where}`;
}

function limitClause({ families }: Findings): string | undefined {
  const hits = families.filter((family) => family.limitHits > 0).length;
  return hits === 0 ? undefined : `${formatPlural(hits, 'site')} over the recompile limit`;
}

function eagerClause({ totals, fallbacks, frames, source }: Findings): string | undefined {
  if (source === 'torch') {
    const eager = frames.filter((frame) => frame.status === 'skipped' || frame.status === 'error').length;
    return eager === 0 ? undefined : `${formatPlural(eager, 'frame')} fell back to eager`;
  }
  const share = totals.opsTotal === 0 ? 0 : totals.opsEager / totals.opsTotal;
  if (fallbacks.length === 0 || share < 0.005) return undefined;
  return `${formatShare(share)} of the ops ran outside compiled graphs`;
}

function restartClause({ totals, frames }: Findings): string | undefined {
  const { restarts, restartMs } = totals;
  if (restarts === 0 || restartMs === 0) return undefined;
  const ranks = new Set(frames.map((frame) => frame.rank)).size;
  const lost =
    ranks > 1 ? `up to ${formatDuration(restartMs)} of each rank's` : `${formatDuration(restartMs)} of`;
  return `${formatPlural(restarts, 'restart')} lost ${lost} compile time`;
}

/** `3 breaks at 2 lines cost 41 % of the run. 2 recompiles.` */
export function judge(findings: Findings): Verdict {
  const { totals, families, exitCode } = findings;
  const sees = totals.opsTotal > 0 || totals.graphs > 0 || totals.breaks > 0 || findings.frames.length > 0;
  const clauses = sees
    ? [
        breakClause(findings),
        recompileClause(findings),
        limitClause(findings),
        restartClause(findings),
        eagerClause(findings),
      ].filter((clause) => clause !== undefined)
    : [
        findings.source === 'torch'
          ? 'The trace holds no compiled frame'
          : exitCode === undefined
            ? 'The trace holds no TensorFlow.js op so far'
            : 'The program ran no TensorFlow.js op',
      ];
  const isFailed = exitCode !== undefined && exitCode !== 0;
  if (isFailed) {
    clauses.unshift(
      findings.source === 'torch' ? 'The job failed' : `The program ended with exit code ${exitCode}`,
    );
  }
  const lost = totals.wallMs > 0 ? (totals.savingMs ?? 0) / totals.wallMs : 0;
  const isBad =
    lost >= badShare ||
    families.some((family) => family.limitHits > 0) ||
    findings.frames.some((frame) => frame.status === 'error') ||
    isFailed;
  const isFair = totals.breaks > 0 || totals.recompiles > 1 || eagerClause(findings) !== undefined;
  // Only the first clause begins the sentence.
  const [first, ...rest] = clauses;
  const sentence = [first, ...rest.map((clause) => clause[0]!.toLowerCase() + clause.slice(1))].join('; ');
  return { sentence: `${sentence}.`, level: isBad ? 'bad' : isFair ? 'fair' : 'good' };
}

interface Ranked extends Advice {
  readonly weightMs: number;
  readonly count: number;
}

function adviseBreak(item: BreakReport): Ranked {
  const times = item.occurrences > 1 ? `, ${formatCount(item.occurrences)} times` : '';
  const place = item.site === undefined ? '' : ` at ${formatSite(item.site)}`;
  return {
    title: item.hints[0] ?? item.title,
    detail: `${item.id} ${item.title}${place}${times}`,
    savingMs: item.savingMs,
    ...(item.site === undefined ? {} : { site: item.site }),
    subject: { kind: 'break', key: item.key },
    weightMs: item.savingMs === null ? 0 : item.savingMs,
    count: item.weight,
  };
}

function adviseRecompiles(family: FamilyReport): Ranked {
  const wastedMs = family.columns
    .filter((column) => column.outcome !== 'first')
    .reduce((sum, column) => sum + column.compileMs, 0);
  return {
    title: family.advice[0] ?? 'Keep the guarded facts of this site fixed.',
    detail: `${formatPlural(family.recompiles, 'recompile')} of ${family.name} (${formatDuration(wastedMs)})`,
    savingMs: null,
    ...(family.site === undefined ? {} : { site: family.site }),
    subject: { kind: 'family', key: family.key },
    weightMs: wastedMs,
    count: family.recompiles,
  };
}

function adviseFallback(item: FallbackReport): Ranked {
  return {
    title: `Keep \`${item.kernel}\` out of the hot path: ${item.reason}.`,
    detail: `${formatPlural(item.count, 'call')}, ${formatDuration(item.durationMs)} on eager kernels`,
    savingMs: null,
    ...(item.sites[0] === undefined ? {} : { site: item.sites[0].site }),
    subject: { kind: 'fallback', key: item.key },
    weightMs: item.durationMs,
    count: item.count,
  };
}

/** At most `limit` things to do: by time at stake, then by how often they happen. */
export function adviseFirst(findings: Findings, limit = 3): Advice[] {
  const isWorthwhile = (item: BreakReport): boolean => item.savingMs === null || item.savingMs > 0;
  const all = [
    ...findings.breaks.filter(isWorthwhile).map(adviseBreak),
    ...findings.families
      .filter((family) => family.recompiles > 1 || family.limitHits > 0)
      .map(adviseRecompiles),
    ...findings.fallbacks.filter((item) => item.durationMs > 0).map(adviseFallback),
  ];
  return all
    .sort((left, right) => right.weightMs - left.weightMs || right.count - left.count)
    .slice(0, limit)
    .map(({ weightMs: _weightMs, count: _count, ...advice }) => advice);
}
