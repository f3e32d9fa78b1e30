/**
 * What is left of a graph once it is compiled: which array feeds which input of which session. Plain data, so that it can
 * be kept on disk and a later process needs neither lowering nor passes. Values of a run live in slots: the graph's leaves
 * first, in order, then every value that crosses a step.
 */
import { createHash } from 'node:crypto';
import type { FallbackNode } from '../ir/executable.ts';
import type { ElementArray } from './segment.ts';
import type { Generality } from './skeleton.ts';

/** A run of a native session. */
export interface SessionStep {
  readonly kind: 'onnx';
  /** A slot, or a constant of the graph's own. */
  readonly feeds: readonly (number | ElementArray)[];
  readonly dims: readonly (readonly number[])[];
  readonly outputSlots: readonly number[];
  readonly outputLengths: readonly number[];
}

/** A call on an eager kernel. */
export interface CallStep {
  readonly kind: 'eager';
  /** Position in the graph. */
  readonly node: number;
  readonly inputs: readonly ({
    readonly slot: number;
    readonly dtype: string;
    readonly shape: readonly number[];
  } | null)[];
  readonly outputSlots: readonly number[];
}

export interface ExecutionPlan {
  readonly leafCount: number;
  readonly slotCount: number;
  readonly freeLeaves: readonly boolean[];
  readonly steps: readonly (SessionStep | CallStep)[];
  readonly outputSlots: readonly number[];
  readonly fallbacks: readonly FallbackNode[];
  readonly lowered: Readonly<Record<string, readonly string[]>>;
}

/** A session that lies on disk. */
export interface StoredSession {
  readonly file: string;
  readonly generality: Generality;
}

/** A plan with the sessions of its session steps, in order. */
export interface StoredPlan {
  readonly plan: ExecutionPlan;
  readonly sessions: readonly StoredSession[];
}

const arrayTypes = { Float32Array, Int32Array, Uint8Array, BigInt64Array, Float64Array } as const;
type ArrayName = keyof typeof arrayTypes;

interface EncodedArray {
  readonly array: ArrayName;
  readonly base64: string;
}

function nameOf(data: ElementArray): ArrayName {
  return Object.getPrototypeOf(data).constructor.name as ArrayName;
}

const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex');

/** A stored plan as text: lines with a digest, with what a run needs and with what a report needs, as JSON; arrays bit by bit. */
export function encodePlan(stored: StoredPlan): string {
  const { lowered, ...plan } = stored.plan;
  const json = JSON.stringify({ ...stored, plan }, (_, value: unknown) =>
    ArrayBuffer.isView(value)
      ? {
          array: nameOf(value as ElementArray),
          base64: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64'),
        }
      : value,
  );
  const text = `${json}\n${JSON.stringify(lowered)}`;
  return `${digestOf(text)}\n${text}`;
}

function decodeFeed(feed: number | EncodedArray): number | ElementArray {
  if (typeof feed === 'number') return feed;
  const bytes = Uint8Array.from(Buffer.from(feed.base64, 'base64'));
  return new arrayTypes[feed.array](bytes.buffer);
}

/** The inverse of {@link encodePlan}; undefined for a text that it did not write. */
export function decodePlan(text: string): StoredPlan | undefined {
  const start = text.indexOf('\n') + 1;
  if (text.slice(0, Math.max(0, start - 1)) !== digestOf(text.slice(start))) return undefined;
  const end = text.indexOf('\n', start);
  const { plan, sessions } = JSON.parse(text.slice(start, end)) as StoredPlan;
  let lowered: ExecutionPlan['lowered'] | undefined;
  const steps = plan.steps.map((step) =>
    step.kind === 'eager'
      ? step
      : { ...step, feeds: step.feeds.map((feed) => decodeFeed(feed as number | EncodedArray)) },
  );
  const opened = sessions.map((session) => ({
    ...session,
    generality: {
      ...session.generality,
      dims: session.generality.dims.map((dims) => dims.map((dim) => dim ?? undefined)),
    },
  }));
  return {
    plan: {
      ...plan,
      steps,
      // Most of the text, and few runs are reported.
      get lowered() {
        return (lowered ??= JSON.parse(text.slice(end + 1)) as ExecutionPlan['lowered']);
      },
    },
    sessions: opened,
  };
}
