/**
 * The tfjs backend that stands in for cpu: same surface, same reference counts, same answers, but its kernels record.
 * Custom kernels that were written for the cpu backend run on it unchanged, as reading a value computes it.
 */
import { elementCount, type Dtype, type HostArray } from '../ir/tensor-type.ts';
import {
  copyHostArray,
  deinterleave,
  emptyHostArray,
  interleave,
  sameBytes,
  toHostArray,
} from './host-array.ts';
import { hideOwnFrames } from './error-stacks.ts';
import type { LazyValue } from './pending.ts';
import type { Recorder } from './recorder.ts';
import type { BreakCause, Reporter } from './reporter.ts';
import {
  makeTensor,
  type DataId,
  type Engine,
  type KernelAttributes,
  type KernelConfig,
  type KernelInputs,
  type KernelResult,
  type TensorInfo,
  type TfModule,
} from './tf-module.ts';
import type { TypeTable } from './type-table.ts';
import { ValueTable } from './value-table.ts';

export interface LazyBackendContext {
  readonly tf: TfModule;
  readonly recorder: Recorder;
  readonly reporter: Reporter;
  readonly types: TypeTable;
  /** The engine is moving a tensor to another backend. */
  readonly isMoving: () => boolean;
  readonly onDispose: (backend: LazyBackend) => void;
}

const printingCalls: ReadonlySet<string> = new Set(['print', 'toString']);

/** Functions that read a tensor because the size of what they return depends on it. */
const callsSizedByData: ReadonlySet<string> = new Set([
  'whereAsync',
  'booleanMaskAsync',
  'setdiff1dAsync',
  'nonMaxSuppressionAsync',
  'nonMaxSuppressionWithScoreAsync',
  'nonMaxSuppressionPaddedAsync',
]);

function exposedArray({ exposed }: LazyValue): Float32Array | Int32Array | undefined {
  return exposed instanceof WeakRef ? exposed.deref() : exposed;
}

export class LazyBackend {
  readonly data: ValueTable;
  /** Tile size that the cpu backend's matrix product reads from its backend. */
  readonly blockSize = 48;
  readonly #context: LazyBackendContext;
  #kernelDepth = 0;

  constructor(context: LazyBackendContext) {
    this.#context = context;
    const engine: Engine = context.tf.engine();
    this.data = new ValueTable(this, engine);
  }

  /** Puts a value into the table under a new id. */
  add(value: LazyValue): DataId {
    return this.data.add(value);
  }

  #addHost(values: HostArray | undefined, shape: readonly number[], dtype: Dtype): LazyValue {
    return this.#context.recorder.hostValue(this.#context.types.intern(dtype, shape), values);
  }

  /** Stores a copy: the program may go on writing into its array. */
  write(values: unknown, shape: readonly number[], dtype: Dtype): DataId {
    let host: HostArray | undefined;
    if (values !== undefined && values !== null) {
      host = toHostArray(values, dtype);
      if (host === values) host = copyHostArray(host);
    }
    const value = this.#addHost(host, shape, dtype);
    value.isHostWritten = true;
    if (this.#kernelDepth === 0) this.#context.recorder.tape?.constant(value);
    return this.add(value);
  }

  /** Stores the array itself: a kernel made it and may fill it in before it returns. */
  makeTensorInfo(shape: number[], dtype: Dtype, values?: unknown): TensorInfo {
    let host: HostArray | undefined;
    if (values !== undefined && values !== null) host = toHostArray(values, dtype);
    else if (dtype !== 'complex64') host = emptyHostArray(dtype, elementCount(shape));
    if (this.#kernelDepth === 0) this.#context.recorder.tape?.fail('it makes a tensor that is not recorded');
    return { dataId: this.add(this.#addHost(host, shape, dtype)), shape, dtype };
  }

  makeOutput(values: unknown, shape: number[], dtype: Dtype): unknown {
    return makeTensor(this.#context.tf.engine(), this.makeTensorInfo(shape, dtype, values), this);
  }

  refCount(dataId: DataId): number {
    return this.data.find(dataId)?.refCount ?? 0;
  }

  /** Called by the engine when a variable takes hold of a tensor, and by kernels that give back their input's memory. */
  incRef(dataId: DataId): void {
    const value = this.data.get(dataId);
    this.#context.recorder.tape?.touch(value);
    value.refCount++;
    if (this.#kernelDepth > 0) return;
    value.isState = true;
    this.#context.recorder.settle(value);
    this.#context.recorder.tape?.fail('it changes a variable');
  }

  /** Runs one of tfjs's own kernels on this backend. */
  runKernel(
    config: KernelConfig,
    inputs: KernelInputs,
    attributes: KernelAttributes | undefined,
  ): KernelResult {
    this.#kernelDepth++;
    try {
      return config.kernelFunc({ inputs, backend: this, attrs: attributes });
    } finally {
      this.#kernelDepth--;
    }
  }

  decRef(dataId: DataId): void {
    const value = this.data.find(dataId);
    if (value === undefined) return;
    this.#context.recorder.tape?.touch(value);
    value.refCount--;
  }

  numDataIds(): number {
    return this.data.numDataIds();
  }

  /** Takes over a tensor from another backend, under its id. */
  move(dataId: DataId, values: unknown, shape: readonly number[], dtype: Dtype, refCount: number): void {
    const isComplex = dtype === 'complex64';
    const value = this.#addHost(isComplex ? undefined : toHostArray(values, dtype), shape, dtype);
    value.refCount = refCount;
    if (isComplex) {
      const { real, imaginary } = deinterleave(values as ArrayLike<number>);
      value.complexTensorInfos = {
        real: this.makeTensorInfo([...shape], 'float32', real),
        imag: this.makeTensorInfo([...shape], 'float32', imaginary),
      };
    }
    this.data.set(dataId, value);
  }

  disposeData(dataId: DataId, force = false): boolean {
    const value = this.data.find(dataId);
    if (value === undefined) return true;
    this.#context.recorder.tape?.touch(value);
    value.refCount--;
    if (!force && value.refCount > 0) return false;
    const parts = value.complexTensorInfos;
    if (parts !== undefined) {
      this.disposeData(parts.real.dataId, true);
      this.disposeData(parts.imag.dataId, true);
    }
    this.data.delete(dataId);
    this.#context.recorder.release(value);
    return true;
  }

  disposeIntermediateTensorInfo(info: TensorInfo): void {
    this.disposeData(info.dataId);
  }

  /** The values of a dataId that belong to a read: both parts of a complex one. */
  #partsOf(dataId: DataId): LazyValue[] {
    const value = this.data.get(dataId);
    const parts = value.complexTensorInfos;
    return parts === undefined
      ? [value]
      : [this.data.get(parts.real.dataId), this.data.get(parts.imag.dataId)];
  }

  /**
   * The value of a tensor that is about to be used. When the program has written into what it read from it, as some do
   * with buffers, the tensor has new contents from here on; what was recorded before keeps the old ones.
   */
  current(dataId: DataId): LazyValue {
    const value = this.data.get(dataId);
    return value?.exposed === undefined ? value : this.#adoptWrites(dataId, value);
  }

  #adoptWrites(dataId: DataId, value: LazyValue): LazyValue {
    const seen = exposedArray(value);
    if (seen === undefined) {
      value.exposed = undefined;
      return value;
    }
    if (sameBytes(seen, value.host as Float32Array)) {
      if (!(value.exposed instanceof WeakRef)) value.exposed = new WeakRef(seen);
      return value;
    }
    const next = this.#context.recorder.hostValue(value.type, seen.slice());
    next.refCount = value.refCount;
    next.isState = value.isState;
    next.exposed = value.exposed;
    this.data.replace(dataId, next);
    this.#context.recorder.release(value);
    return next;
  }

  /** What a read gives to the program: as in eager, each read of a tensor gives the same array. */
  #expose(dataId: DataId, parts: readonly LazyValue[]): HostArray {
    const [value, imaginary] = parts;
    this.#context.recorder.tape?.read(value!);
    if (imaginary !== undefined) {
      return interleave(value!.host as Float32Array, imaginary.host as Float32Array);
    }
    const { host } = value!;
    if (!(host instanceof Float32Array || host instanceof Int32Array)) return copyHostArray(host!);
    const seen = exposedArray(value!);
    if (seen !== undefined) return seen;
    const copy = host.slice();
    // A tensor that was disposed while it was read cannot be used any more.
    if (this.data.has(dataId)) value!.exposed = copy;
    return copy;
  }

  /** An array that belongs to the program from now on; see {@link current} for what happens when it is written to. */
  readSync(dataId: DataId): HostArray {
    const parts = this.#partsOf(dataId);
    if (parts.every((part) => part.host !== undefined)) {
      this.#context.reporter.totals.emptyReads++;
    } else {
      try {
        this.#context.recorder.require(parts, this.#causeOfRead(parts, false));
      } catch (error) {
        throw hideOwnFrames(error, LazyBackend.prototype.readSync);
      }
    }
    return this.#expose(dataId, parts);
  }

  /**
   * As {@link readSync}. Reads that start in the same turn share a graph; later disposal does not hurt. No async
   * function: the promise is resolved where the graph runs, so that what the program does next stands in the queue where
   * it stands in eager, whose reads are done at once.
   */
  read(dataId: DataId): Promise<HostArray> {
    try {
      const parts = this.#partsOf(dataId);
      const expose = (): HostArray => this.#expose(dataId, parts);
      if (parts.some((part) => part.host === undefined)) {
        return this.#context.recorder.requireLater(parts, this.#causeOfRead(parts, true), expose);
      }
      this.#context.reporter.totals.emptyReads++;
      return Promise.resolve(expose());
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #causeOfRead(parts: readonly LazyValue[], isAsync: boolean): BreakCause {
    const { reporter } = this.#context;
    const { type } = parts[0]!;
    const stack = reporter.stacks?.take();
    const isPrint = stack?.api !== undefined && printingCalls.has(stack.api);
    const isSizedByData = stack?.api !== undefined && callsSizedByData.has(stack.api);
    const plainReason = isAsync ? 'FG1002' : 'FG1001';
    const isMove = this.#context.isMoving();
    return {
      reason: isMove ? 'FG1009' : isPrint ? 'FG1003' : isSizedByData ? 'FG1005' : plainReason,
      ...(isSizedByData ? { kernel: stack.api } : {}),
      stack,
      api: stack?.api ?? (isAsync ? 'data' : 'dataSync'),
      type: { dtype: type.dtype, shape: type.shape },
      sizeBytes: type.sizeBytes * parts.length,
    };
  }

  /** A tfjs buffer over a copy: kernels exist that write into it. */
  bufferSync(info: TensorInfo): object {
    const data = copyHostArray(this.readSync(info.dataId));
    if (info.dtype !== 'string') return this.#context.tf.buffer(info.shape, info.dtype, data);
    try {
      const decoder = new TextDecoder('utf-8', { fatal: false });
      const strings = (data as readonly Uint8Array[]).map((bytes) => decoder.decode(bytes));
      return this.#context.tf.buffer(info.shape, info.dtype, strings);
    } catch {
      throw new Error('Failed to decode encoded string bytes into utf-8');
    }
  }

  timerAvailable(): boolean {
    return true;
  }

  /** Runs `body` and all that it recorded. tfjs's profiler and debug mode come here for each op. */
  async time(body: () => void): Promise<{ kernelMs: number }> {
    const { recorder, reporter } = this.#context;
    const api = 'tf.time';
    recorder.flushAll({ reason: 'FG1012', api, stack: reporter.stacks?.take() });
    const start = reporter.now();
    body();
    recorder.flushAll({ reason: 'FG1012', api, stack: reporter.stacks?.take() });
    return { kernelMs: reporter.now() - start };
  }

  memory(): { unreliable: boolean; reasons: string[] } {
    return {
      unreliable: true,
      reasons: [
        'The reported memory is an upper bound. Due to automatic garbage collection, the true allocated memory may be less.',
      ],
    };
  }

  floatPrecision(): 16 | 32 {
    return 32;
  }

  epsilon(): number {
    return 1e-7;
  }

  dispose(): void {
    this.#context.onDispose(this);
  }
}
