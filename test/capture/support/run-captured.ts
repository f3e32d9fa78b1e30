/** Runs a tfjs program twice, on plain cpu and captured on the eager backend, and hands back what each observed. */
import * as tf from '@tensorflow/tfjs';
import type { TraceRecord } from '../../../src/ir/record.ts';
import { install, type Session, type SessionOptions, type SessionStats } from '../../../src/session.ts';

export type Tf = typeof tf;
export type Log = (value: unknown) => void;
/** `memory` answers relative to the program's start, as tfjs's own caches outlive programs. */
export type Program = (tf: Tf, log: Log, memory: () => Memory) => void | Promise<void>;

export interface Memory {
  readonly numTensors: number;
  readonly numDataBuffers: number;
  readonly numBytes: number;
}

export interface Observed {
  readonly log: readonly unknown[];
  readonly memory: Memory;
}

export interface Captured extends Observed {
  readonly records: readonly TraceRecord[];
  readonly stats: SessionStats;
}

function memorySince(before: Memory): Memory {
  const now = tf.memory();
  return {
    numTensors: now.numTensors - before.numTensors,
    numDataBuffers: now.numDataBuffers - before.numDataBuffers,
    numBytes: now.numBytes - before.numBytes,
  };
}

/**
 * Typed arrays as plain ones with their type's name, so that a wrong type is a difference. Only when it is empty: some
 * of cpu's kernels answer with an untyped array then.
 */
function plain(value: unknown): unknown {
  if (ArrayBuffer.isView(value) && 'length' in value) {
    if (value.length === 0) return [];
    return [value.constructor.name, ...(value as unknown as Iterable<unknown>)];
  }
  if (value instanceof Error) return [value.constructor.name, value.message];
  if (Array.isArray(value)) return value.map(plain);
  return value;
}

async function observe(program: Program): Promise<Observed> {
  const engine = tf.engine();
  const before = { ...tf.memory() };
  const log: unknown[] = [];
  engine.startScope();
  try {
    await program(
      tf,
      (value) => log.push(plain(value)),
      () => memorySince(before),
    );
    return { log, memory: memorySince(before) };
  } finally {
    engine.endScope();
    tf.disposeVariables();
  }
}

// Each new cpu backend recommends another package at its first use.
tf.env().set('IS_NODE', false);

/** Runs a program on tfjs as it is. */
export async function runEager(program: Program): Promise<Observed> {
  await tf.setBackend('cpu');
  return observe(program);
}

export interface CapturedOptions extends SessionOptions {
  /** Default true. Without records, the first run of each graph goes call by call where the backend can. */
  readonly isRecorded?: boolean;
}

/** Runs a program under capture; `inspect` is called at its end, while its tensors are alive. */
export async function runCaptured(
  program: Program,
  { isRecorded = true, ...options }: CapturedOptions = {},
  inspect?: (session: Session) => void,
): Promise<Captured> {
  await tf.setBackend('cpu');
  const records: TraceRecord[] = [];
  const session = install(tf, {
    backend: 'eager',
    ...options,
    ...(isRecorded ? { onRecord: (record) => records.push(record) } : {}),
  });
  try {
    const observed = await observe(async (...parameters) => {
      await program(...parameters);
      inspect?.(session);
      session.finish(0);
    });
    return { ...observed, records, stats: session.stats() };
  } finally {
    session.uninstall();
    session.dispose();
  }
}

/** Records of one kind. */
export function recordsOf<K extends TraceRecord['kind']>(
  records: readonly TraceRecord[],
  kind: K,
): Extract<TraceRecord, { kind: K }>[] {
  return records.filter((record): record is Extract<TraceRecord, { kind: K }> => record.kind === kind);
}
