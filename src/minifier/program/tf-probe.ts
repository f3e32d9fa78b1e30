/**
 * Watches tfjs while a program runs: which operation is running (for crashes and hangs), which kernel's result differs from
 * the reference kernel's on the same inputs, where NaN comes from, what the program read. It wraps methods of the
 * engine *instance*, for the time of one trial; the program's own code and tfjs's files are not touched.
 *
 * Comparing kernel by kernel on equal inputs, not whole runs, gives each divergence a name and keeps honest rounding from
 * adding up.
 */
import type { BlackBox } from './black-box.ts';
import { findDifference, type HostTensor } from './compare.ts';
import type { Divergence, NanSighting, ProgramChecks, Read } from './messages.ts';
import type { OpLog } from './op-log.ts';
import { findKernel, type Engine, type EngineTensor, type NamedTensors } from './tf-engine.ts';

export interface TfProbe {
  /** Wraps the engine unless it is wrapped already. */
  attach(engine: Engine): void;
  detach(): void;
  readonly divergences: readonly Divergence[];
  readonly nans: readonly NanSighting[];
  readonly reads: readonly Read[];
  readonly lastOp: string;
}

/** Their results are random by design. */
const randomKernels: ReadonlySet<string> = new Set(['Multinomial']);
const maxReadValues = 4_096;
const maxFindings = 64;

interface Taint {
  readonly hasNan: boolean;
  readonly isFinite: boolean;
  readonly origin: string;
  readonly sighting?: { -readonly [K in keyof NanSighting]: NanSighting[K] };
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export function createProbe(
  checks: ProgramChecks | undefined,
  forcedBackend: string | undefined,
  blackBox: BlackBox,
  log: OpLog,
): TfProbe {
  const divergences: Divergence[] = [];
  const nans: Mutable<NanSighting>[] = [];
  const reads: Read[] = [];
  const taints = new WeakMap<object, Taint>();
  let lastOp = '';
  let attached: Engine | undefined;
  let restore: () => void = () => {};

  const host = (engine: Engine, readSync: Engine['readSync'], tensor: EngineTensor): HostTensor => ({
    shape: tensor.shape,
    dtype: tensor.dtype,
    values: readSync.call(engine, tensor.dataId),
  });

  const compareWithReference = (
    engine: Engine,
    readSync: Engine['readSync'],
    kernel: string,
    inputs: NamedTensors,
    attributes: unknown,
    results: readonly EngineTensor[],
  ): void => {
    const reference = checks?.reference;
    if (reference === undefined || reference === engine.backendName || divergences.length >= maxFindings)
      return;
    if (randomKernels.has(kernel)) return;
    if ([...Object.values(inputs), ...results].some((tensor) => !isNumeric(tensor))) return;
    const expected = runReference(engine, readSync, reference, kernel, inputs, attributes);
    results.forEach((result, index) => {
      const right = expected?.[index];
      if (right === undefined) return;
      const difference = findDifference(host(engine, readSync, result), right, checks!);
      if (difference === undefined) return;
      const hasFiniteInputs = Object.values(inputs).every(
        (input) => !isTensor(input) || scan(readSync.call(engine, input.dataId)).isFinite,
      );
      divergences.push({ kernel, op: log.current(), hasFiniteInputs, ...difference });
    });
  };

  const taintOf = (engine: Engine, readSync: Engine['readSync'], tensor: EngineTensor): Taint => {
    const known = taints.get(tensor.dataId);
    if (known) return known;
    const { hasNan, isFinite } = scan(readSync.call(engine, tensor.dataId));
    const taint: Taint = {
      hasNan,
      isFinite,
      origin: 'leaf',
      ...(hasNan
        ? { sighting: addNan({ kernel: 'leaf', origin: 'leaf', isRead: false, op: log.current() }) }
        : {}),
    };
    taints.set(tensor.dataId, taint);
    return taint;
  };

  const addNan = (sighting: NanSighting): Mutable<NanSighting> => {
    const copy = { ...sighting };
    if (nans.length < maxFindings) nans.push(copy);
    return copy;
  };

  const followNan = (
    engine: Engine,
    readSync: Engine['readSync'],
    kernel: string,
    inputs: NamedTensors,
    results: readonly EngineTensor[],
  ): void => {
    const before = Object.values(inputs)
      .filter(isFloat)
      .map((input) => taintOf(engine, readSync, input));
    for (const result of results) {
      if (!isFloat(result)) continue;
      const { hasNan, isFinite } = scan(readSync.call(engine, result.dataId));
      if (isFinite) {
        taints.set(result.dataId, { hasNan, isFinite, origin: '' });
        continue;
      }
      const origin = before.find((taint) => !taint.isFinite)?.origin ?? kernel;
      const inherited = before.find((taint) => taint.hasNan)?.sighting;
      const sighting = hasNan
        ? (inherited ?? addNan({ kernel, origin, isRead: false, op: log.current() }))
        : undefined;
      taints.set(result.dataId, { hasNan, isFinite, origin, ...(sighting ? { sighting } : {}) });
    }
  };

  const noteRead = (engine: Engine, dataId: object, values: ArrayLike<number>): void => {
    if (checks?.nan === true) {
      const sighting = taints.get(dataId)?.sighting;
      if (sighting) sighting.isRead = true;
      else if (!taints.has(dataId) && scan(values).hasNan) {
        addNan({ kernel: 'leaf', origin: 'leaf', isRead: true, op: log.current() });
      }
    }
    if (checks?.reads !== true) return;
    const info = tensorInfo(engine, dataId);
    reads.push({
      dtype: info?.dtype ?? '',
      shape: info?.shape ?? [],
      values: Array.from(values).slice(0, maxReadValues).map(encodeNumber),
    });
  };

  const attach = (engine: Engine): void => {
    if (attached === engine) return;
    restore();
    attached = engine;
    const original = {
      runKernel: engine.runKernel,
      startScope: engine.startScope,
      endScope: engine.endScope,
      readSync: engine.readSync,
      read: engine.read,
      setBackend: engine.setBackend,
    };
    engine.runKernel = (name, inputs, attributes) => {
      lastOp = name;
      const sequence = log.beginKernel(name, inputs, attributes);
      blackBox.note(`${name} #${sequence}`);
      const result = original.runKernel.call(engine, name, inputs, attributes);
      const results = (Array.isArray(result) ? result : [result]).filter(isTensor);
      log.endKernel(sequence, results);
      compareWithReference(engine, original.readSync, name, inputs, attributes, results);
      if (checks?.nan === true) followNan(engine, original.readSync, name, inputs, results);
      return result;
    };
    // The second argument comes from our patch of tfjs's `op` wrapper, see op-arguments.ts.
    engine.startScope = (name?: string, parameters?: ArrayLike<unknown>) => {
      log.beginScope(name, parameters);
      original.startScope.call(engine, name);
    };
    engine.endScope = (result) => {
      log.endScope(result);
      original.endScope.call(engine, result);
    };
    engine.readSync = (dataId) => {
      const values = original.readSync.call(engine, dataId);
      noteRead(engine, dataId, values);
      return values;
    };
    engine.read = async (dataId) => {
      const values = await original.read.call(engine, dataId);
      noteRead(engine, dataId, values);
      return values;
    };
    if (forcedBackend !== undefined) engine.setBackend = async () => true;
    restore = () => {
      Object.assign(engine, original);
      for (const name of Object.keys(original)) delete (engine as unknown as Record<string, unknown>)[name];
    };
    log.reader = (tensor) => original.readSync.call(engine, tensor.dataId);
  };

  return {
    attach,
    detach: () => {
      restore();
      attached = undefined;
    },
    divergences,
    nans,
    reads,
    get lastOp() {
      return lastOp;
    },
  };
}

function isTensor(value: unknown): value is EngineTensor {
  return value !== null && typeof value === 'object' && 'dataId' in value && 'shape' in value;
}

function isNumeric(tensor: EngineTensor | undefined): boolean {
  return (
    tensor === undefined || tensor === null || (tensor.dtype !== 'string' && tensor.dtype !== 'complex64')
  );
}

function isFloat(tensor: EngineTensor | undefined): tensor is EngineTensor {
  return isTensor(tensor) && tensor.dtype === 'float32';
}

function scan(values: ArrayLike<number>): { hasNan: boolean; isFinite: boolean } {
  let isFinite = true;
  for (let index = 0; index < values.length; index++) {
    const value = values[index]!;
    if (Number.isFinite(value)) continue;
    if (Number.isNaN(value)) return { hasNan: true, isFinite: false };
    isFinite = false;
  }
  return { hasNan: false, isFinite };
}

/** A number as JSON can carry it. */
export function encodeNumber(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}

function tensorInfo(engine: Engine, dataId: object): { dtype: string; shape: readonly number[] } | undefined {
  const { tensorInfo: infos } = engine.state as unknown as {
    tensorInfo: WeakMap<object, { dtype: string; shape: readonly number[] }>;
  };
  return infos.get(dataId);
}

/** Results of the reference backend's kernel on copies of the inputs; none when it cannot run. */
function runReference(
  engine: Engine,
  readSync: Engine['readSync'],
  backendName: string,
  kernel: string,
  inputs: NamedTensors,
  attributes: unknown,
): HostTensor[] | undefined {
  const backend = engine.findBackend(backendName);
  const config = findKernel(kernel, backendName);
  if (backend === null || config === undefined) return undefined;
  const copies: EngineTensor[] = [];
  const copyOf = (tensor: EngineTensor): EngineTensor => {
    const values = readSync.call(engine, tensor.dataId);
    const copy = backend.makeTensorInfo(tensor.shape, tensor.dtype, Array.prototype.slice.call(values));
    copies.push(copy);
    return copy;
  };
  const copied = Object.fromEntries(
    Object.entries(inputs).map(([name, tensor]) => [name, isTensor(tensor) ? copyOf(tensor) : tensor]),
  );
  try {
    const output = config.kernelFunc({
      inputs: Array.isArray(inputs) ? (Object.values(copied) as unknown as NamedTensors) : copied,
      attrs: attributes,
      backend,
    });
    const outputs = Array.isArray(output) ? output : [output];
    copies.push(...outputs);
    return outputs.map(({ shape, dtype, dataId }) => ({
      shape,
      dtype,
      values: Array.prototype.slice.call(backend.readSync(dataId)) as number[],
    }));
  } catch {
    return undefined;
  } finally {
    for (const { dataId } of copies) backend.disposeData(dataId, true);
  }
}
