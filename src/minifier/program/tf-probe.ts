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
import { createExactShadow, type ExactShadow } from './exact-shadow.ts';
import { judge } from './judge.ts';
import { createKernelRunner, mapInputs, type HostInputs, type KernelRunner } from './kernel-runner.ts';
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
  /** Kernels that could not be followed in double precision. */
  readonly inexact: readonly string[];
  readonly lastOp: string;
}

/** What a probe needs of the process that it is in. */
export interface ProbeContext {
  readonly forcedBackend: string | undefined;
  readonly blackBox: BlackBox;
  readonly log: OpLog;
  /** Kernels in double precision, where there are any. */
  exactKernels(): KernelRunner | undefined;
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
  { forcedBackend, blackBox, log, exactKernels }: ProbeContext,
): TfProbe {
  const divergences: Divergence[] = [];
  const nans: Mutable<NanSighting>[] = [];
  const reads: Read[] = [];
  const taints = new WeakMap<object, Taint>();
  let lastOp = '';
  let attached: Engine | undefined;
  let shadow: ExactShadow | undefined;
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
    const backend = engine.findBackend(reference);
    if (backend === null) return;
    const given: HostInputs = mapInputs(inputs, (tensor) =>
      isTensor(tensor) ? host(engine, readSync, tensor) : tensor,
    );
    const runner = createKernelRunner(backend, (name) => findKernel(name, reference));
    const expected = runner.run(kernel, given, attributes);
    let exact: readonly HostTensor[] | undefined;
    results.forEach((result, index) => {
      const right = expected?.[index];
      if (right === undefined) return;
      const actual = host(engine, readSync, result);
      const difference = findDifference(actual, right, checks!);
      if (difference === undefined) return;
      if (checks?.exact === 'kernels') exact ??= exactKernels()?.run(kernel, given, attributes);
      const judgement = isNumberDifference(difference)
        ? judge(actual.values, right.values, exact?.[index]?.values)
        : undefined;
      if (judgement?.isRounding === true) return;
      const hasFiniteInputs = Object.values(given).every((input) => !input || scan(input.values).isFinite);
      divergences.push({
        kernel,
        op: log.current(),
        hasFiniteInputs,
        ...difference,
        ...(judgement ? { judgement } : {}),
      });
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
    const exact = shadow?.valuesOf(dataId);
    reads.push({
      dtype: info?.dtype ?? '',
      shape: info?.shape ?? [],
      values: encodeValues(values),
      ...(exact ? { exact: encodeValues(exact) } : {}),
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
      shadow?.follow(name, inputs, attributes, results);
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
    const runner = checks?.exact === 'run' ? exactKernels() : undefined;
    shadow = runner && createExactShadow(runner, (tensor) => host(engine, original.readSync, tensor));
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
    get inexact() {
      return [...(shadow?.unknown ?? [])];
    },
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

/** Differences that may be rounding: not of shape or type. */
function isNumberDifference({ what }: Pick<Divergence, 'what'>): boolean {
  return what === 'value' || what === 'nan' || what === 'infinite';
}

/** The first values as JSON can carry them. */
function encodeValues(values: ArrayLike<number>): (number | string)[] {
  const numbers = Array.from({ length: Math.min(values.length, maxReadValues) }, (_, at) => values[at]!);
  return numbers.map((value) => (Number.isFinite(value) ? value : String(value)));
}

function tensorInfo(engine: Engine, dataId: object): { dtype: string; shape: readonly number[] } | undefined {
  const { tensorInfo: infos } = engine.state as unknown as {
    tensorInfo: WeakMap<object, { dtype: string; shape: readonly number[] }>;
  };
  return infos.get(dataId);
}
