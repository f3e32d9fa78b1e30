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

export type MakeSession = (segment: Segment, generality: Generality) => MadeSession;

interface Variant {
  readonly made: Segment;
  readonly generality: Generality;
  readonly session: SegmentSession;
  users: number;
}

export interface AcquiredSession {
  readonly session: SegmentSession;
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

export function createSessionStore(makeSession: MakeSession): SessionStore {
  const bySkeleton = new Map<string, Variant[]>();

  function nextGenerality(variants: readonly Variant[], segment: Segment): Generality {
    let generality = fixedGenerality(segment);
    for (const variant of variants) {
      generality = mergeGenerality(generality, generalize(variant.generality, variant.made, segment));
    }
    return variants.length >= openUpAfter ? openUp(generality, segment) : generality;
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
        made = makeSession(segment, generality);
        variant = { made: segment, generality, session: made.session, users: 0 };
        variants.push(variant);
      }
      const found = variant;
      found.users++;
      let isReleased = false;
      return {
        session: found.session,
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
