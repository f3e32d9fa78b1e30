/**
 * Break and saving records → distinct breaks: one per (user's call, reason); a line may hold several calls, and a bundle has
 * all on one. Places in PyTorch's traces are lines. Occurrences are counted as they come in, per reason and stack, so that
 * a million breaks at one line take the memory of one.
 */
import type { BreakContext } from '../ir/break.ts';
import { findBreakReason } from '../ir/breaks/index.ts';
import type { BreakRecord, SavingRecord } from '../ir/record.ts';
import { formatType } from '../ir/tensor-type.ts';
import { compareText, createCounter, pushTo, type Counter } from './counter.ts';
import type { BreakReport, CallPath, ForcedTensor, Site } from './report.ts';
import { formatSite, type StackTable } from './stacks.ts';

/** Sums over the occurrences with one reason and one stack. */
interface Tally {
  readonly first: BreakRecord;
  readonly stack: number | undefined;
  occurrences: number;
  weight: number;
  waitMs: number;
  longestWaitMs: number;
  sizeBytes: number;
  firstTimeMs: number;
  lastTimeMs: number;
  isInLoop: boolean;
  readonly tensors: Counter<string>;
  readonly apis: Counter<string>;
  readonly kernels: Counter<string>;
  readonly branches: Counter<string>;
  readonly details: Counter<string>;
  readonly graphs: Set<string>;
  readonly ranks: Set<number>;
  readonly frames: Set<string>;
}

export interface BreakFold {
  addBreak(record: BreakRecord): void;
  addSaving(record: SavingRecord): void;
  report(stacks: StackTable): { readonly breaks: BreakReport[]; readonly boundaries: BreakReport[] };
}

function createTally(first: BreakRecord): Tally {
  return {
    first,
    stack: first.stack,
    occurrences: 0,
    weight: 0,
    waitMs: 0,
    longestWaitMs: 0,
    sizeBytes: 0,
    firstTimeMs: first.timeMs,
    lastTimeMs: first.timeMs,
    isInLoop: false,
    tensors: createCounter(),
    apis: createCounter(),
    kernels: createCounter(),
    branches: createCounter(),
    details: createCounter(),
    graphs: new Set(),
    ranks: new Set(),
    frames: new Set(),
  };
}

function count(tally: Tally, record: BreakRecord): void {
  tally.occurrences += 1;
  tally.weight += record.weight ?? 1;
  tally.waitMs += record.waitMs;
  tally.longestWaitMs = Math.max(tally.longestWaitMs, record.waitMs);
  tally.sizeBytes += record.sizeBytes ?? 0;
  tally.firstTimeMs = Math.min(tally.firstTimeMs, record.timeMs);
  tally.lastTimeMs = Math.max(tally.lastTimeMs, record.timeMs);
  tally.isInLoop ||= record.isInLoop;
  if (record.tensor !== undefined || record.type !== undefined) {
    const type = record.type === undefined ? null : formatType(record.type);
    tally.tensors.add(JSON.stringify([record.tensor ?? null, type]));
  }
  if (record.api !== undefined) tally.apis.add(record.api);
  if (record.kernel !== undefined) tally.kernels.add(record.kernel);
  if (record.branch !== undefined) tally.branches.add(record.branch);
  if (record.detail !== undefined) tally.details.add(record.detail);
  if (record.graph !== undefined) tally.graphs.add(record.graph);
  if (record.rank !== undefined) tally.ranks.add(record.rank);
  if (record.frame !== undefined) tally.frames.add(record.frame);
}

function tallyKey(reason: string, stack: number | undefined): string {
  return `${stack ?? ''} ${reason}`;
}

/** Tells calls apart. */
function placeKey(reason: string, site: Site | undefined): string {
  return site === undefined ? reason : `${reason}@${formatSite(site, true)}`;
}

/** `FG1001@train.ts:12`, with the column when the line has it already; without a place, the reason alone. */
function uniqueKey(reason: string, site: Site | undefined, taken: ReadonlySet<string>): string {
  if (site === undefined) return reason;
  const key = `${reason}@${formatSite(site)}`;
  return taken.has(key) ? placeKey(reason, site) : key;
}

interface Saved {
  savingMs: number | null;
  skipped: string | undefined;
}

function addSaved(saved: Saved | undefined, record: SavingRecord): Saved {
  if (record.skipped !== undefined) {
    return { savingMs: saved?.savingMs ?? null, skipped: saved?.skipped ?? record.skipped };
  }
  const { brokenMs, stitchedMs, aroundMs = 0, occurrences } = record;
  const savingMs = (brokenMs - stitchedMs + aroundMs) * occurrences;
  return { savingMs: (saved?.savingMs ?? 0) + savingMs, skipped: saved?.skipped };
}

function mergeKeys(tallies: readonly Tally[], read: (tally: Tally) => Counter<string>): string[] {
  return mergeCounts(tallies, read).map(({ key }) => key);
}

function mergeCounts(
  tallies: readonly Tally[],
  read: (tally: Tally) => Counter<string>,
): { readonly key: string; readonly count: number }[] {
  // Nearly all: thousands of places, one stack each.
  if (tallies.length === 1) return read(tallies[0]!).entries();
  const merged = createCounter<string>();
  for (const tally of tallies) for (const entry of read(tally).entries()) merged.add(entry.key, entry.count);
  return merged.entries();
}

function union<Value>(tallies: readonly Tally[], read: (tally: Tally) => ReadonlySet<Value>): Value[] {
  return [...new Set(tallies.flatMap((tally) => [...read(tally)]))];
}

function forcedTensor(key: string, times: number): ForcedTensor {
  const [name, type] = JSON.parse(key) as [string | null, string | null];
  return { ...(name === null ? {} : { name }), ...(type === null ? {} : { type }), count: times };
}

function sum(tallies: readonly Tally[], read: (tally: Tally) => number): number {
  return tallies.reduce((total, tally) => total + read(tally), 0);
}

function extreme(
  tallies: readonly Tally[],
  choose: (left: number, right: number) => number,
  read: (tally: Tally) => number,
): number {
  return tallies.map(read).reduce((best, value) => choose(best, value));
}

function contextOf(
  first: BreakRecord,
  tensor: ForcedTensor | undefined,
  branch: string | undefined,
): BreakContext {
  return {
    ...(branch === undefined ? {} : { branch }),
    ...(tensor?.name === undefined ? {} : { tensor: tensor.name }),
    ...(tensor?.type === undefined ? {} : { type: tensor.type }),
    ...(first.kernel === undefined ? {} : { kernel: first.kernel }),
    ...(first.api === undefined ? {} : { api: first.api }),
    ...(first.detail === undefined ? {} : { detail: first.detail }),
  };
}

function mergeTallies(
  tallies: readonly Tally[],
  key: string,
  stacks: StackTable,
  saved: Saved | undefined,
): BreakReport {
  // The one that others became names them all.
  const named = tallies.find((tally) => findBreakReason(tally.first.reason)?.whenRepeated === undefined);
  const { first, stack } = named ?? tallies[0]!;
  const reason = findBreakReason(first.reason);
  const site = stacks.site(stack);
  const tensors = mergeCounts(tallies, (tally) => tally.tensors).map((entry) =>
    forcedTensor(entry.key, entry.count),
  );
  const branches = mergeKeys(tallies, (tally) => tally.branches);
  const context = contextOf(first, tensors[0], branches[0]);
  const callPaths = tallies
    .flatMap((tally): CallPath[] => {
      const frames = stacks.frames(tally.stack);
      return frames === undefined ? [] : [{ frames, count: tally.occurrences }];
    })
    .sort((left, right) => right.count - left.count);
  return {
    key,
    id: first.reason,
    title: reason?.title ?? first.title ?? first.reason,
    explanation: reason?.explain(context) ?? first.explanation ?? first.detail ?? '',
    hints: reason?.advise?.(context) ?? reason?.hints ?? first.hints ?? [],
    ...(first.url === undefined ? {} : { url: first.url }),
    ...(reason === undefined
      ? {}
      : { example: { bad: reason.bad, ...(reason.good === undefined ? {} : { good: reason.good }) } }),
    ...(site === undefined ? {} : { site }),
    occurrences: sum(tallies, (tally) => tally.occurrences),
    weight: sum(tallies, (tally) => tally.weight),
    isInLoop: tallies.some((tally) => tally.isInLoop),
    waitMs: sum(tallies, (tally) => tally.waitMs),
    longestWaitMs: extreme(tallies, Math.max, (tally) => tally.longestWaitMs),
    savingMs: saved?.savingMs ?? null,
    ...(saved?.skipped === undefined ? {} : { savingSkipped: saved.skipped }),
    tensors,
    sizeBytes: sum(tallies, (tally) => tally.sizeBytes),
    apis: mergeKeys(tallies, (tally) => tally.apis),
    kernels: mergeKeys(tallies, (tally) => tally.kernels),
    branches,
    details: mergeKeys(tallies, (tally) => tally.details),
    graphs: union(tallies, (tally) => tally.graphs),
    callPaths,
    firstTimeMs: extreme(tallies, Math.min, (tally) => tally.firstTimeMs),
    lastTimeMs: extreme(tallies, Math.max, (tally) => tally.lastTimeMs),
    ranks: union(tallies, (tally) => tally.ranks).sort((left, right) => left - right),
    frames: union(tallies, (tally) => tally.frames),
  };
}

/** Measured, or else what was waited besides the longest wait: that one was for the compile. */
function costOf({ savingMs, waitMs, longestWaitMs }: BreakReport): number {
  return savingMs ?? waitMs - longestWaitMs;
}

/** Dearest first; then by wait, weight and place, so that the order never depends on luck. */
export function compareBreaks(left: BreakReport, right: BreakReport): number {
  return (
    costOf(right) - costOf(left) ||
    right.waitMs - left.waitMs ||
    right.weight - left.weight ||
    compareText(left.site?.file ?? '', right.site?.file ?? '') ||
    (left.site?.line ?? 0) - (right.site?.line ?? 0) ||
    (left.site?.column ?? 0) - (right.site?.column ?? 0) ||
    compareText(left.id, right.id)
  );
}

export function createBreakFold(): BreakFold {
  const tallies = new Map<string, Tally>();
  const savings: SavingRecord[] = [];
  return {
    addBreak(record) {
      const key = tallyKey(record.reason, record.stack);
      let tally = tallies.get(key);
      if (tally === undefined) {
        tally = createTally(record);
        tallies.set(key, tally);
      }
      count(tally, record);
    },
    addSaving(record) {
      savings.push(record);
    },
    report(stacks) {
      // Without instrumentation a loop is known from its second round on: the first belongs to it, too.
      const reasonOf = (reason: string, stack: number | undefined): string => {
        const repeated = findBreakReason(reason)?.whenRepeated;
        return repeated !== undefined && tallies.has(tallyKey(repeated, stack)) ? repeated : reason;
      };
      const saved = new Map<string, Saved>();
      for (const record of savings) {
        const key = placeKey(reasonOf(record.reason, record.stack), stacks.site(record.stack));
        saved.set(key, addSaved(saved.get(key), record));
      }
      const groups = new Map<string, Tally[]>();
      for (const tally of tallies.values()) {
        pushTo(groups, placeKey(reasonOf(tally.first.reason, tally.stack), stacks.site(tally.stack)), tally);
      }
      const taken = new Set<string>();
      const all = [...groups].map(([place, group]) => {
        const { first, stack } = group[0]!;
        const key = uniqueKey(reasonOf(first.reason, stack), stacks.site(stack), taken);
        taken.add(key);
        return mergeTallies(group, key, stacks, saved.get(place));
      });
      all.sort(compareBreaks);
      const isBoundary = (item: BreakReport): boolean => findBreakReason(item.id)?.isBoundary === true;
      return { breaks: all.filter((item) => !isBoundary(item)), boundaries: all.filter(isBoundary) };
    },
  };
}
