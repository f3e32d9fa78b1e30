/**
 * The library calls of a run: every tfjs operation and kernel, who called it, with what, and what came out. Cheap
 * when only positions are wanted (sequence numbers, the innermost running op); with `recording` it keeps arguments and
 * tensor values, from which a failing call can be rebuilt as a snippet.
 */
import type { BlackBox } from './black-box.ts';
import type { OpRecording, RecordedOp, RecordedValue, Recording } from './messages.ts';
import type { EngineTensor, NamedTensors } from './tf-engine.ts';

type Reader = (tensor: EngineTensor) => ArrayLike<number>;
type Open = { -readonly [K in keyof RecordedOp]: RecordedOp[K] };

/** Calls kept at most; older ones are dropped first. */
const maxCalls = 20_000;
/** Tensor elements kept at most over all recorded calls. */
const maxTotalElements = 32_000_000;

export interface OpLog {
  reader: Reader;
  beginScope(name: string | undefined, parameters: ArrayLike<unknown> | undefined): void;
  endScope(result: unknown): void;
  beginKernel(name: string, inputs: NamedTensors, attributes: unknown): number;
  endKernel(sequence: number, results: readonly EngineTensor[]): void;
  /** Sequence number of the innermost running or last kernel. */
  current(): number;
  /** The call `sequence`, its callers, and all calls that its inputs come from. */
  record(sequence: number): Recording;
  /** The innermost call that was left by an exception last. */
  readonly lastFailed: number;
}

export function createOpLog(
  recording: OpRecording | undefined,
  library: Recording['library'] | undefined,
  blackBox: BlackBox,
): OpLog {
  const calls = new Map<number, Open>();
  const stack: (Open | undefined)[] = [];
  const producers = new Map<number, number>();
  const seenValues = new Map<number, readonly (number | string | boolean)[]>();
  let sequence = 0;
  let innermost = -1;
  let lastFailed = -1;
  let awaitedFailure = -2;
  let elements = 0;
  let reader: Reader = () => [];

  const valuesOf = (tensor: EngineTensor): readonly (number | string | boolean)[] | undefined => {
    const known = seenValues.get(tensor.id);
    if (known) return known;
    const size = tensor.shape.reduce((product, dim) => product * dim, 1);
    if (recording === undefined || size > recording.maxElements || elements + size > maxTotalElements)
      return undefined;
    if (tensor.dtype === 'complex64' || tensor.dtype === 'string') return undefined;
    const values = Array.from(reader(tensor), (value) => (Number.isFinite(value) ? value : String(value)));
    elements += size;
    seenValues.set(tensor.id, values);
    return values;
  };

  const encode = (value: unknown, depth = 0): RecordedValue => {
    if (value === undefined) return { kind: 'undefined' };
    if (typeof value === 'number') {
      return Number.isFinite(value) && !Object.is(value, -0)
        ? { kind: 'json', value }
        : { kind: 'number', value: Object.is(value, -0) ? '-0' : String(value) };
    }
    if (value === null || typeof value === 'string' || typeof value === 'boolean')
      return { kind: 'json', value };
    if (typeof value !== 'object' || depth > 6) return { kind: 'opaque', type: typeof value };
    if (isTensor(value)) {
      const values = valuesOf(value);
      return {
        kind: 'tensor',
        id: value.id,
        dtype: value.dtype,
        shape: [...value.shape],
        ...(values ? { values } : {}),
      };
    }
    if (ArrayBuffer.isView(value) || Array.isArray(value)) {
      const items = Array.from(value as unknown as ArrayLike<unknown>);
      if (recording !== undefined && items.length > recording.maxElements) {
        return { kind: 'opaque', type: 'long list' };
      }
      return { kind: 'list', items: items.map((item) => encode(item, depth + 1)) };
    }
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null)
      return { kind: 'opaque', type: value.constructor.name };
    return {
      kind: 'object',
      entries: Object.entries(value).map(([key, item]) => [key, encode(item, depth + 1)]),
    };
  };

  const begin = (level: RecordedOp['level'], name: string, parameters: readonly unknown[]): Open => {
    const call: Open = {
      sequence: sequence++,
      level,
      name,
      parent: stack.findLast((open) => open !== undefined)?.sequence ?? -1,
      arguments: recording ? parameters.map((parameter) => encode(parameter)) : [],
      results: [],
      hasFailed: false,
    };
    if (recording) {
      calls.set(call.sequence, call);
      if (calls.size > maxCalls) calls.delete(calls.keys().next().value!);
      if (recording.dumpAt === call.sequence) blackBox.dump(JSON.stringify(record(call.sequence)));
    }
    return call;
  };

  const finish = (call: Open, results: readonly EngineTensor[]): void => {
    call.results = results.map((result) => result.id);
    // The outermost op that returned a tensor is the one a snippet would call; inner ones stay reachable by parent.
    for (const id of call.results) producers.set(id, call.sequence);
  };

  const slice = (from: number): RecordedOp[] => {
    const wanted = new Set<number>();
    const pending = [from];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const call = calls.get(next);
      if (call === undefined || wanted.has(next)) continue;
      wanted.add(next);
      if (call.parent >= 0) pending.push(call.parent);
      for (const id of call.arguments.flatMap(tensorIds)) {
        const producer = producers.get(id);
        if (producer !== undefined && producer < next) pending.push(producer);
      }
    }
    return [...wanted].sort((left, right) => left - right).map((each) => calls.get(each)!);
  };

  const record = (failed: number): Recording => ({
    ops: slice(failed),
    failed,
    library: library ?? { specifier: '', paths: {} },
  });

  return {
    get reader() {
      return reader;
    },
    set reader(value) {
      reader = value;
    },
    beginScope: (name, parameters) => {
      const isOp = name?.endsWith('__op') === true;
      const call = isOp
        ? begin('op', name.slice(0, -'__op'.length), Array.from(parameters ?? []))
        : undefined;
      stack.push(call);
    },
    endScope: (result) => {
      const call = stack.pop();
      if (call === undefined) return;
      if (result === null) {
        call.hasFailed = true;
        // Callers of the op that failed are left by the same exception.
        if (awaitedFailure !== call.sequence) lastFailed = call.sequence;
        awaitedFailure = call.parent;
        return;
      }
      finish(call, tensorsIn(result));
    },
    beginKernel: (name, inputs, attributes) => {
      const call = begin('kernel', name, [inputs, attributes]);
      innermost = call.sequence;
      calls.set(call.sequence, call);
      return call.sequence;
    },
    endKernel: (which, results) => {
      const call = calls.get(which);
      if (call) finish(call, results);
      if (recording === undefined) calls.delete(which);
    },
    current: () => innermost,
    record,
    get lastFailed() {
      return lastFailed;
    },
  };
}

function isTensor(value: object): value is EngineTensor {
  return 'dataId' in value && 'shape' in value && 'dtype' in value;
}

function tensorsIn(value: unknown): EngineTensor[] {
  if (value === null || typeof value !== 'object') return [];
  if (isTensor(value)) return [value];
  return Array.isArray(value) ? value.flatMap(tensorsIn) : Object.values(value).flatMap(tensorsIn);
}

/** Ids of the tensors in a recorded argument. */
export function tensorIds(value: RecordedValue): number[] {
  switch (value.kind) {
    case 'tensor':
      return [value.id];
    case 'list':
      return value.items.flatMap(tensorIds);
    case 'object':
      return value.entries.flatMap(([, item]) => tensorIds(item));
    default:
      return [];
  }
}
