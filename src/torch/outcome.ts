/**
 * How a compilation ended, and why it did not become one whole graph: compiled, broken, nothing to compile, skipped
 * (the function runs eager from now on), failed (the program saw an exception), or cut off by the end of the log.
 */
import { parseReason } from './break-text.ts';
import type { Compilation } from './model.ts';

export type Status = 'ok' | 'break' | 'empty' | 'error' | 'skipped' | 'missing';

export interface Outcome {
  readonly status: Status;
  readonly reason?: string;
  /** Dynamo gave up on this function because it was compiled too often. */
  readonly isLimit: boolean;
}

const limitWords =
  /recompile limit exceeded|(?:recompile|cache_size)_limit|RecompileLimit|CacheLimit|CacheSizeLimit|cache size limit/i;

/** Whether it failed for the recompile limit. */
export function isLimitHit(compile: Compilation): boolean {
  const { failType, failReason } = compile.metrics ?? {};
  return failType !== undefined && limitWords.test(`${failType} ${failReason ?? ''}`);
}

/** Whether the id is of a Dynamo frame; a compiled-autograd graph has an id of its own without one. */
export function isFrame(compile: Compilation): boolean {
  return compile.id.frameCompile !== undefined;
}

/** `file.py:12` of a break, or where its function was left. */
export function formatSite(site: { readonly file: string; readonly line: number } | undefined): string {
  return site === undefined ? 'an unknown line' : `${site.file}:${site.line}`;
}

/** The first sentence of an error: one line, or two where the first only announces the second. */
function headline(text: string): string {
  const { type } = parseReason(text);
  if (!type.endsWith(':')) return type;
  const lines = text.split('\n').map((line) => line.trim());
  const next = lines.slice(lines.indexOf(type) + 1).find((line) => line !== '');
  return next === undefined ? type : `${type} ${next}`;
}

function failure(compile: Compilation, failType: string, failReason: string): Outcome {
  const skip = compile.breaks.findLast((event) => event.isSkip);
  if (isLimitHit(compile)) {
    const isHard = /Hit$|Exceeded$/.test(failType) && !/Unsupported/.test(failType);
    const limit = compile.metrics?.recompileLimit;
    const text = `recompile limit${limit === undefined ? '' : ` (${limit})`} reached`;
    return isHard && /Hard failure|fullgraph|FailOn/.test(`${failType} ${failReason}`)
      ? { status: 'error', reason: `${text} under fullgraph=True: ${failType}`, isLimit: true }
      : { status: 'skipped', reason: `${text}: every later new call runs eager`, isLimit: true };
  }
  if (skip !== undefined && /Unsupported|Skip/.test(failType)) {
    return { status: 'skipped', reason: `${skip.type} at ${formatSite(skip.site)}`, isLimit: false };
  }
  const type = headline(failReason);
  const at =
    compile.metrics?.failFile === undefined
      ? ''
      : ` at ${compile.metrics.failFile}:${compile.metrics.failLine ?? '?'}`;
  if (/Skip/.test(failType)) return { status: 'skipped', reason: `${type}${at}`, isLimit: false };
  const fallback = compile.metrics?.suppressErrors === true ? ' (suppressed: ran eager)' : '';
  return { status: 'error', reason: `${failType}: ${type}${at}${fallback}`, isLimit: false };
}

/** Status and reason of a compilation. Our own reading, not tlparse's. */
export function outcomeOf(compile: Compilation): Outcome {
  const { metrics } = compile;
  if (metrics === undefined) {
    const reason = compile.error ?? 'the log ends before this compilation does';
    return { status: compile.error === undefined ? 'missing' : 'error', reason, isLimit: false };
  }
  if (metrics.failType !== undefined) return failure(compile, metrics.failType, metrics.failReason ?? '');
  const first = compile.breaks[0];
  if ((metrics.opCount ?? 0) === 0 && !hasOps(compile)) {
    const reason =
      first === undefined
        ? 'no tensor operation to compile'
        : `nothing to compile before the break at ${formatSite(first.site)} (${first.type})`;
    return { status: 'empty', reason, isLimit: false };
  }
  if (first !== undefined) {
    return { status: 'break', reason: `${first.type} at ${formatSite(first.site)}`, isLimit: false };
  }
  return { status: 'ok', isLimit: false };
}

/** Old logs count no ops, but have the graph. */
function hasOps(compile: Compilation): boolean {
  return compile.metrics?.opCount === undefined && compile.graph !== undefined;
}
