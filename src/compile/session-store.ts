/**
 * Sessions by skeleton: finds one that is general enough for a segment, or makes the least general one that covers all
 * segments met so far (ADR 0003).
 */
import type { StoredSession } from './execution-plan.ts';
import type { NodeTimes } from './profile-nodes.ts';
import type { ElementArray, Segment } from './segment.ts';
import {
  covers,
  fixedGenerality,
  generalize,
  haveSameWeights,
  mergeGenerality,
  openUp,
  skeletonOf,
  type Generality,
} from './skeleton.ts';

/** A native session made of a segment. Positional: the segment's inputs, then its free constants. */
export interface SegmentSession {
  /** @returns one array per output of the segment. */
  run(feeds: readonly ElementArray[], dims: readonly (readonly number[])[]): ElementArray[];
  /** Time per node of the graph, when the session is profiled. Ends profiling. */
  nodeTimes?(): NodeTimes | undefined;
  dispose(): void;
}

export interface MadeSession {
  readonly session: SegmentSession;
  readonly cache: 'none' | 'disk';
  /** Name under which it is kept on disk, if it is. */
  readonly file?: string;
  readonly phases: readonly { readonly name: string; readonly durationMs: number }[];
}

export type MakeSession = (segment: Segment, generality: Generality) => MadeSession;

interface Variant {
  /** What it was made of. */
  readonly segment: () => Segment;
  readonly generality: Generality;
  /** Under which it is found; absent while it is only adopted. */
  skeleton: string | undefined;
  readonly session: SegmentSession;
  readonly file: string | undefined;
  users: number;
}

export interface AcquiredSession {
  run(feeds: readonly ElementArray[], dims: readonly (readonly number[])[]): ElementArray[];
  /** Per constant of the segment: fed at each run. */
  readonly freeConstants: readonly boolean[];
  nodeTimes(): NodeTimes | undefined;
  /** How to find it on disk, if it is there. */
  stored(): StoredSession | undefined;
  /** Absent when an earlier session was general enough. */
  readonly made?: MadeSession;
  /** Gives the session back; the native one is disposed with its last user. */
  release(): void;
}

export interface SessionStore {
  acquire(segment: Segment): AcquiredSession;
  /**
   * A session that an earlier process stored.
   * @param open loads it; undefined when it cannot be loaded.
   * @param segment what it serves; asked for when sessions have to be compared.
   */
  adopt(
    stored: StoredSession,
    open: () => MadeSession | undefined,
    segment: () => Segment,
  ): AcquiredSession | undefined;
  dispose(): void;
}

/** After this many sessions of one skeleton, the next one has every dim and small constant open. */
const openUpAfter = 2;

/**
 * @param dynamic `true`: every session has all dims and small constants open; `false`: none ever has; absent: what differed.
 */
export function createSessionStore(makeSession: MakeSession, dynamic?: boolean): SessionStore {
  const bySkeleton = new Map<string, Variant[]>();
  /** Came from disk, and nobody had to look at what they were made of yet. */
  const adopted = new Set<Variant>();

  function add(skeleton: string, variant: Variant): void {
    variant.skeleton = skeleton;
    const variants = bySkeleton.get(skeleton);
    if (variants === undefined) bySkeleton.set(skeleton, [variant]);
    else variants.push(variant);
  }

  function settleAdopted(): void {
    for (const variant of adopted) add(skeletonOf(variant.segment()), variant);
    adopted.clear();
  }

  function nextGenerality(variants: readonly Variant[], segment: Segment): Generality {
    let generality = fixedGenerality(segment);
    if (dynamic === false) return generality;
    const related = variants.filter((variant) => haveSameWeights(variant.segment(), segment));
    for (const variant of related) {
      generality = mergeGenerality(generality, generalize(variant.generality, variant.segment(), segment));
    }
    return dynamic === true || related.length >= openUpAfter ? openUp(generality, segment) : generality;
  }

  function variantOf({ session, file }: MadeSession, rest: Pick<Variant, 'segment' | 'generality'>): Variant {
    return { ...rest, skeleton: undefined, session, file, users: 0 };
  }

  function dispose(variant: Variant): void {
    const { skeleton } = variant;
    adopted.delete(variant);
    if (skeleton !== undefined) {
      const rest = bySkeleton.get(skeleton)!.filter((other) => other !== variant);
      if (rest.length === 0) bySkeleton.delete(skeleton);
      else bySkeleton.set(skeleton, rest);
    }
    variant.session.dispose();
  }

  function use(variant: Variant, made: MadeSession | undefined): AcquiredSession {
    variant.users++;
    let isReleased = false;
    return {
      run: (feeds, dims) => variant.session.run(feeds, dims),
      freeConstants: variant.generality.freeConstants,
      nodeTimes: () => variant.session.nodeTimes?.(),
      stored() {
        const { file, generality } = variant;
        return file === undefined ? undefined : { file, generality };
      },
      ...(made === undefined ? {} : { made }),
      release() {
        if (isReleased) return;
        isReleased = true;
        variant.users--;
        if (variant.users === 0) dispose(variant);
      },
    };
  }

  return {
    acquire(segment) {
      settleAdopted();
      const skeleton = skeletonOf(segment);
      const variants = bySkeleton.get(skeleton) ?? [];
      const known = variants.findLast((variant) => covers(variant.generality, variant.segment(), segment));
      if (known !== undefined) return use(known, undefined);
      const generality = nextGenerality(variants, segment);
      const made = makeSession(segment, generality);
      const variant = variantOf(made, { segment: () => segment, generality });
      add(skeleton, variant);
      return use(variant, made);
    },
    adopt(stored, open, segment) {
      const { file, generality } = stored;
      const all = [...adopted, ...[...bySkeleton.values()].flat()];
      const known = all.find((variant) => variant.file === file);
      if (known !== undefined) return use(known, undefined);
      const made = open();
      if (made === undefined) return undefined;
      const variant = variantOf(made, { segment, generality });
      adopted.add(variant);
      return use(variant, made);
    },
    dispose() {
      for (const variant of [...adopted, ...[...bySkeleton.values()].flat()]) variant.session.dispose();
      adopted.clear();
      bySkeleton.clear();
    },
  };
}
