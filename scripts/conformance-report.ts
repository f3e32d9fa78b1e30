/**
 * What the conformance run concludes from the specs' results: which failures are known, which are not, which specs the
 * reference passes and the backend under test does not; and the text of the report.
 */
import type { ConformanceStats, SpecResult } from './conformance-events.ts';

export interface ShardOutcome {
  readonly results: readonly SpecResult[];
  readonly suiteFailures: readonly string[];
  readonly stats: ConformanceStats | undefined;
  /** Specs defined, whether selected or not. */
  readonly specs: number;
  readonly cpuKernels: readonly string[];
}

/** The content of `known-failures.json`. */
export type KnownFailures = readonly { readonly spec: string; readonly reason: string }[];

export interface Verdict {
  readonly unexpected: readonly SpecResult[];
  readonly known: readonly (SpecResult & { readonly reason: string })[];
  /** Listed as known, but they pass or do not exist. Only computed for whole runs. */
  readonly stale: readonly string[];
  /** Specs that the reference passes and this backend neither passes nor has failed: pending or not run. */
  readonly missing: readonly string[];
  readonly referencePassed: number | undefined;
  readonly isAccepted: boolean;
}

/** More known failures than this are not a list of exceptions any more. */
export const maxKnownFailures = 5;
/** Kernels that must have a lowering. */
export const minLoweredKernels = 150;

/** Sums of two optional counters; lists are united. */
export function addStats(
  left: ConformanceStats | undefined,
  right: ConformanceStats | undefined,
): ConformanceStats | undefined {
  if (left === undefined || right === undefined) return left ?? right;
  const fallbackKernels: Record<string, number> = { ...left.fallbackKernels };
  for (const [kernel, count] of Object.entries(right.fallbackKernels))
    fallbackKernels[kernel] = (fallbackKernels[kernel] ?? 0) + count;
  return {
    compiled: left.compiled + right.compiled,
    fallback: left.fallback + right.fallback,
    fallbackKernels,
    loweredKernels: [...new Set([...left.loweredKernels, ...right.loweredKernels])],
    compiles: left.compiles + right.compiles,
  };
}

/** Names are not unique: the nth spec of a name gets `name #n`. */
function byUniqueName(results: readonly SpecResult[]): Map<string, SpecResult> {
  const unique = new Map<string, SpecResult>();
  const seen = new Map<string, number>();
  for (const result of results) {
    const count = (seen.get(result.name) ?? 0) + 1;
    seen.set(result.name, count);
    unique.set(count === 1 ? result.name : `${result.name} #${count}`, result);
  }
  return unique;
}

/** Compares a run with the reference's and with the list of known failures. */
export function judge(
  outcome: ShardOutcome,
  reference: ShardOutcome | undefined,
  knownFailures: KnownFailures,
  isWhole: boolean,
): Verdict {
  const reasons = new Map(knownFailures.map((entry) => [entry.spec, entry.reason]));
  const results = byUniqueName(outcome.results);
  const failed = [...results].filter(([, result]) => result.status === 'failed');
  const unexpected = failed.filter(([name]) => !reasons.has(name)).map(([, result]) => result);
  const known = failed.flatMap(([name, result]) => {
    const reason = reasons.get(name);
    return reason === undefined ? [] : [{ ...result, reason }];
  });
  const stale = isWhole
    ? [...reasons.keys()].filter((name) => !failed.some(([failedName]) => failedName === name))
    : [];
  const referencePassed = [...byUniqueName(reference?.results ?? [])].filter(
    ([, result]) => result.status === 'passed',
  );
  const missing = referencePassed
    .map(([name]) => name)
    .filter((name) => results.get(name)?.status !== 'passed' && results.get(name)?.status !== 'failed');
  const isLoweredEnough =
    !isWhole || outcome.stats === undefined || countLowered(outcome) >= minLoweredKernels;
  return {
    unexpected,
    known,
    stale,
    missing,
    referencePassed: reference === undefined ? undefined : referencePassed.length,
    isAccepted:
      unexpected.length === 0 &&
      stale.length === 0 &&
      missing.length === 0 &&
      outcome.suiteFailures.length === 0 &&
      knownFailures.length <= maxKnownFailures &&
      isLoweredEnough,
  };
}

/** How many of cpu's kernels have a lowering. */
export function countLowered(outcome: ShardOutcome): number {
  const cpuKernels = new Set(outcome.cpuKernels);
  return (outcome.stats?.loweredKernels ?? []).filter((kernel) => cpuKernels.has(kernel)).length;
}

const format = (value: number): string => value.toLocaleString('en-US');

function statsLines(outcome: ShardOutcome): string[] {
  const { stats, cpuKernels } = outcome;
  if (stats === undefined) return [];
  const calls = stats.compiled + stats.fallback;
  const share = calls === 0 ? 0 : (100 * stats.compiled) / calls;
  const lowered = new Set(stats.loweredKernels);
  const notLowered = cpuKernels.filter((kernel) => !lowered.has(kernel)).sort();
  const fallbacks = Object.entries(stats.fallbackKernels).sort((a, b) => b[1] - a[1]);
  return [
    `kernel calls: ${format(calls)}, of which ${share.toFixed(1)} % in ${format(stats.compiles)} compiled graphs and ` +
      `${format(stats.fallback)} on eager kernels`,
    `lowered kernels: ${countLowered(outcome)} of the ${cpuKernels.length} that cpu has (at least ${minLoweredKernels} wanted)`,
    `  not lowered: ${notLowered.join(' ') || 'none'}`,
    `  most frequent fallbacks: ${
      fallbacks
        .slice(0, 12)
        .map(([kernel, count]) => `${kernel} ${count}`)
        .join(', ') || 'none'
    }`,
  ];
}

/** The report, ending in the plain line `N passed, N failed`. */
export function formatReport(
  backend: string,
  outcome: ShardOutcome,
  verdict: Verdict,
  durationMs: number,
  listFailures: boolean,
): string {
  const count = (status: SpecResult['status']): number =>
    outcome.results.filter((result) => result.status === status).length;
  const lines = [
    `tfjs-core's op suite on ${backend}: ${format(outcome.results.length)} of ${format(outcome.specs)} specs run ` +
      `in ${(durationMs / 1000).toFixed(1)} s: ${format(count('passed'))} passed, ${format(count('failed'))} failed, ` +
      `${format(count('pending'))} pending`,
  ];
  if (verdict.referencePassed !== undefined)
    lines.push(`cpu passes ${format(verdict.referencePassed)} of the same specs`);
  lines.push(...statsLines(outcome));
  for (const name of verdict.missing) lines.push(`not run here, but passes on cpu: ${name}`);
  for (const failure of outcome.suiteFailures) lines.push(`outside of a spec: ${failure}`);
  for (const result of verdict.known) lines.push(`known failure: ${result.name}\n    ${result.reason}`);
  for (const name of verdict.stale)
    lines.push(`listed as a known failure, but it does not fail (remove it): ${name}`);
  const shown = listFailures ? verdict.unexpected : verdict.unexpected.slice(0, 20);
  for (const result of shown) {
    lines.push(`FAILED ${result.name}`);
    if (listFailures || backend === 'fullgraph')
      lines.push(...result.messages.slice(0, 2).map((message) => `    ${message.split('\n')[0] ?? ''}`));
  }
  if (shown.length < verdict.unexpected.length)
    lines.push(
      `... and ${format(verdict.unexpected.length - shown.length)} more failures (see them with --list-failures)`,
    );
  lines.push(`${count('passed')} passed, ${count('failed')} failed`);
  return lines.join('\n');
}
