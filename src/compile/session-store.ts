/**
 * Sessions by skeleton: finds one that is general enough for a segment, or makes the least general one that covers all
 * segments met so far (ADR 0003).
 */
import type { ElementArray, Segment } from './segment.ts';
import {
  covers,
  fixedGenerality,
  generalize,
  mergeGenerality,
  openUp,
  skeletonOf,
  smallConstantLimit,
  type Generality,
} from './skeleton.ts';

/** A native session made of a segment. Positional: the segment's inputs, then its free constants. */
export interface SegmentSession {
  /** @returns one array per output of the segment. */
  run(feeds: readonly ElementArray[], dims: readonly (readonly number[])[]): ElementArray[];
  dispose(): void;
}

export interface MadeSession {
  readonly session: SegmentSession;
  readonly cache: 'none' | 'disk';
  readonly phases: readonly { readonly name: string; readonly durationMs: number }[];
}

/** `quick`: ready soon, without optimizations. Only makers that have the choice make one. */
export type Tier = 'quick' | 'optimized';

export type MakeSession = (
  segment: Segment,
  generality: Generality,
  tier: Tier,
) => MadeSession & { readonly tier: Tier };

interface Variant {
  readonly made: Segment;
  readonly generality: Generality;
  session: SegmentSession;
  tier: Tier;
  makingMs: number;
  runMs: number;
  users: number;
}

export interface AcquiredSession {
  run(feeds: readonly ElementArray[], dims: readonly (readonly number[])[]): ElementArray[];
  /** Optimizes a quick session once it has run for long enough to be worth it; absent when there is nothing to do. */
  tierUp(): MadeSession | undefined;
  /** Per constant of the segment: fed at each run. */
  readonly freeConstants: readonly boolean[];
  /** Absent when an earlier session was general enough. */
  readonly made?: MadeSession;
  /** Gives the session back; the native one is disposed with its last user. */
  release(): void;
}

export interface SessionStore {
  acquire(segment: Segment): AcquiredSession;
  dispose(): void;
}

/** After this many sessions of one skeleton, the next one has every dim and small constant open. */
const openUpAfter = 2;

/**
 * Nodes from which a session starts quick: onnxruntime's optimizers take more than linear time, seconds for 4,000 nodes,
 * and many large graphs (what a game loop left behind) run once.
 */
const quickFromNodes = 400;
/** Optimizing takes about this many times as long as making a quick session. */
const optimizingFactor = 4;

/** Weights that were frozen are there because the graph is hot. */
function isQuickFirst(segment: Segment): boolean {
  return (
    segment.nodes.length >= quickFromNodes &&
    segment.constants.every(
      (constant) => constant.leaf === undefined || constant.data.length <= smallConstantLimit,
    )
  );
}

function totalMs(made: MadeSession): number {
  return made.phases.reduce((sum, phase) => sum + phase.durationMs, 0);
}

/**
 * @param dynamic `true`: every session has all dims and small constants open; `false`: none ever has; absent: what differed.
 */
export function createSessionStore(
  makeSession: MakeSession,
  now: () => number,
  dynamic?: boolean,
): SessionStore {
  const bySkeleton = new Map<string, Variant[]>();

  function nextGenerality(variants: readonly Variant[], segment: Segment): Generality {
    let generality = fixedGenerality(segment);
    if (dynamic === false) return generality;
    for (const variant of variants) {
      generality = mergeGenerality(generality, generalize(variant.generality, variant.made, segment));
    }
    return dynamic === true || variants.length >= openUpAfter ? openUp(generality, segment) : generality;
  }

  return {
    acquire(segment) {
      const key = skeletonOf(segment);
      const variants = bySkeleton.get(key) ?? [];
      bySkeleton.set(key, variants);
      let variant = variants.findLast((candidate) => covers(candidate.generality, candidate.made, segment));
      let made: MadeSession | undefined;
      if (variant === undefined) {
        const generality = nextGenerality(variants, segment);
        const created = makeSession(segment, generality, isQuickFirst(segment) ? 'quick' : 'optimized');
        made = created;
        variant = {
          made: segment,
          generality,
          session: created.session,
          tier: created.tier,
          makingMs: totalMs(created),
          runMs: 0,
          users: 0,
        };
        variants.push(variant);
      }
      const found = variant;
      found.users++;
      let isReleased = false;
      return {
        run(feeds, dims) {
          const started = now();
          const results = found.session.run(feeds, dims);
          found.runMs += now() - started;
          return results;
        },
        tierUp() {
          if (found.tier === 'optimized' || found.runMs < found.makingMs * optimizingFactor) return undefined;
          const optimized = makeSession(found.made, found.generality, 'optimized');
          found.session.dispose();
          found.session = optimized.session;
          found.tier = 'optimized';
          return optimized;
        },
        freeConstants: found.generality.freeConstants,
        ...(made === undefined ? {} : { made }),
        release() {
          if (isReleased) return;
          isReleased = true;
          found.users--;
          if (found.users > 0) return;
          variants.splice(variants.indexOf(found), 1);
          if (variants.length === 0) bySkeleton.delete(key);
          found.session.dispose();
        },
      };
    },
    dispose() {
      for (const variants of bySkeleton.values()) for (const variant of variants) variant.session.dispose();
      bySkeleton.clear();
    },
  };
}
