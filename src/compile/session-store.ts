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

/** `quick`: ready soon, without optimizations. Only makers that have the choice make one. */
export type Tier = 'quick' | 'optimized';

export type MakeSession = (
  segment: Segment,
  generality: Generality,
  tier: Tier,
) => MadeSession & { readonly tier: Tier };

interface Variant {
  /** What it was made of. */
  readonly segment: () => Segment;
  readonly generality: Generality;
  /** Under which it is found; absent while it is only adopted. */
  skeleton: string | undefined;
  session: SegmentSession;
  file: string | undefined;
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
    for (const variant of variants) {
      generality = mergeGenerality(generality, generalize(variant.generality, variant.segment(), segment));
    }
    return dynamic === true || variants.length >= openUpAfter ? openUp(generality, segment) : generality;
  }

  function variantOf(made: MadeSession, rest: Pick<Variant, 'segment' | 'generality' | 'tier'>): Variant {
    const { session, file } = made;
    return { ...rest, skeleton: undefined, session, file, makingMs: totalMs(made), runMs: 0, users: 0 };
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
      run(feeds, dims) {
        const started = now();
        const results = variant.session.run(feeds, dims);
        variant.runMs += now() - started;
        return results;
      },
      tierUp() {
        if (variant.tier === 'optimized' || variant.runMs < variant.makingMs * optimizingFactor) {
          return undefined;
        }
        const optimized = makeSession(variant.segment(), variant.generality, 'optimized');
        variant.session.dispose();
        variant.session = optimized.session;
        variant.file = optimized.file;
        variant.tier = 'optimized';
        return optimized;
      },
      freeConstants: variant.generality.freeConstants,
      nodeTimes: () => variant.session.nodeTimes?.(),
      stored() {
        const { file, tier, generality } = variant;
        return file === undefined ? undefined : { file, isQuick: tier === 'quick', generality };
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
      const made = makeSession(segment, generality, isQuickFirst(segment) ? 'quick' : 'optimized');
      const variant = variantOf(made, { segment: () => segment, generality, tier: made.tier });
      add(skeleton, variant);
      return use(variant, made);
    },
    adopt(stored, open, segment) {
      const { file, isQuick, generality } = stored;
      const all = [...adopted, ...[...bySkeleton.values()].flat()];
      const known = all.find((variant) => variant.file === file);
      if (known !== undefined) return use(known, undefined);
      const made = open();
      if (made === undefined) return undefined;
      const variant = variantOf(made, { segment, generality, tier: isQuick ? 'quick' : 'optimized' });
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
