/** Frame records of a PyTorch trace → compile attempts, ranks compared with each other, caches. */
import type { CompileRecord, FrameRecord } from '../ir/record.ts';
import type { BreakReport, CacheReport, FamilyReport, FrameReport, RankReport } from './report.ts';
import { formatSite, type StackTable } from './stacks.ts';

export interface FrameFold {
  add(record: FrameRecord): void;
  report(stacks: StackTable): FrameReport[];
}

export function createFrameFold(): FrameFold {
  const records: FrameRecord[] = [];
  return {
    add: (record) => void records.push(record),
    report: (stacks) =>
      records.map(({ kind: _kind, stack, durationMs, restarts, restartMs, ...rest }) => {
        const site = stacks.site(stack);
        const frames = stacks.frames(stack);
        return {
          ...rest,
          ...(site === undefined ? {} : { site }),
          ...(frames === undefined ? {} : { stack: frames }),
          durationMs: durationMs ?? 0,
          restarts: restarts ?? 0,
          restartMs: restartMs ?? 0,
        };
      }),
  };
}

function functionKey(frame: FrameReport): string {
  return frame.site === undefined ? frame.function : `${frame.function} (${formatSite(frame.site)})`;
}

/** One report per rank that the trace names; what only some ranks compiled is listed on both sides. */
export function compareRanks(
  frames: readonly FrameReport[],
  breaks: readonly BreakReport[],
  families: readonly FamilyReport[],
): RankReport[] {
  const ranks = [...new Set(frames.flatMap((frame) => frame.rank ?? []))].sort((left, right) => left - right);
  const functions = new Map(
    ranks.map((rank) => [rank, new Set(frames.filter((frame) => frame.rank === rank).map(functionKey))]),
  );
  const recompiled = new Set(
    families.flatMap((family) =>
      family.failures.filter((failure) => failure.outcome === 'recompile').map((failure) => failure.graph),
    ),
  );
  return ranks.map((rank) => {
    const own = frames.filter((frame) => frame.rank === rank);
    const mine = functions.get(rank)!;
    const others = ranks.filter((other) => other !== rank).map((other) => functions.get(other)!);
    const elsewhere = new Set(others.flatMap((set) => [...set]));
    return {
      rank,
      frames: own.length,
      breaks: breaks.filter((item) => item.ranks.includes(rank)).length,
      recompiles: own.filter((frame) => frame.graph !== undefined && recompiled.has(frame.graph)).length,
      compileMs: own.reduce((total, frame) => total + frame.durationMs, 0),
      missing: [...elsewhere].filter((name) => !mine.has(name)),
      extra: ranks.length < 2 ? [] : [...mine].filter((name) => !elsewhere.has(name)),
    };
  });
}

type CacheCounts = { -readonly [Name in keyof CacheReport]: CacheReport[Name] };

/** Frame details that hold the answer of a cache: `fx graph cache: hit`. */
const answers: Readonly<Record<string, 'hits' | 'misses' | 'bypasses'>> = {
  hit: 'hits',
  miss: 'misses',
  bypass: 'bypasses',
};

/** How often each cache helped, in order of first use. */
export function countCaches(
  compiles: readonly CompileRecord[],
  frames: readonly FrameReport[],
  source: 'fullgraph' | 'torch',
): CacheReport[] {
  const caches = new Map<string, CacheCounts>();
  const count = (name: string, answer: 'hits' | 'misses' | 'bypasses'): void => {
    let cache = caches.get(name);
    if (cache === undefined) caches.set(name, (cache = { name, hits: 0, misses: 0, bypasses: 0 }));
    cache[answer] += 1;
  };
  if (source === 'fullgraph') {
    for (const { cache } of compiles) {
      count('compiled sessions', cache === 'shared' ? 'hits' : 'misses');
      if (cache !== 'shared') count('disk', cache === 'disk' ? 'hits' : 'misses');
    }
  }
  for (const frame of frames) {
    for (const [name, value] of Object.entries(frame.details)) {
      const answer = typeof value === 'string' && Object.hasOwn(answers, value) ? answers[value] : undefined;
      if (answer !== undefined) count(name, answer);
    }
  }
  return [...caches.values()];
}
