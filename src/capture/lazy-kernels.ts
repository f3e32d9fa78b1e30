/**
 * A kernel as capture registers it: records the call if its result's type is known, shares memory where the cpu kernel
 * does, computes small integer arithmetic at once, and runs everything else on the original kernel, on computed values.
 */
import type { OpTable } from '../ir/op-signature.ts';
import { hideOwnFrames } from './error-stacks.ts';
import { foldingOf, type Folding } from './fold-rules.ts';
import type { LazyBackend } from './lazy-backend.ts';
import { expandInputs, joinKnownInputs, listLength } from './merge-inputs.ts';
import type { LazyValue } from './pending.ts';
import type { Recorder } from './recorder.ts';
import type { BreakCause, Reporter } from './reporter.ts';
import type { KernelEntry, Signature, SignatureTable } from './signature.ts';
import type { KernelCall, KernelConfig, KernelInputs, KernelResult, TensorInfo } from './tf-module.ts';

export interface LazyKernelContext {
  readonly table: OpTable;
  readonly signatures: SignatureTable;
  readonly recorder: Recorder;
  readonly reporter: Reporter;
  /** Take times of recording. */
  readonly isTimed: boolean;
  /** The original kernel of this name. */
  readonly original: (kernelName: string) => KernelConfig | undefined;
}

/** Kernels that join a list of tensors along an axis, old or new. */
const joiningKernels: ReadonlySet<string> = new Set(['Concat', 'Pack']);

function listInputs(inputs: KernelInputs): readonly (TensorInfo | undefined)[] {
  return Array.isArray(inputs) ? inputs : Object.values(inputs);
}

function isTensor(info: unknown): info is TensorInfo {
  return info !== undefined && info !== null && typeof (info as Partial<TensorInfo>).dataId === 'object';
}

/** All tensors of a call; ragged kernels take lists of tensors as one input. */
function listTensors(inputs: KernelInputs): TensorInfo[] {
  return Object.values(inputs)
    .flatMap((input: unknown): unknown[] => (Array.isArray(input) ? input : [input]))
    .filter(isTensor);
}

/** Contents that are known already are checked when eager would check them. */
function isAccepted(signature: Signature, values: readonly (LazyValue | undefined)[]): boolean {
  const { op } = signature.kernel;
  if (op!.acceptsValues === undefined) return true;
  const contents = values.map((value) => value?.host);
  return op!.acceptsValues(contents, signature.inputTypes, signature.attributes);
}

/** `config`'s kernel for the lazy backend. */
export function createLazyKernel(config: KernelConfig, context: LazyKernelContext): KernelConfig {
  const { recorder, reporter, signatures } = context;
  const { totals } = reporter;
  const entry: KernelEntry = signatures.kernel(config.kernelName, context.table.get(config.kernelName));
  const names = entry.op?.inputs;
  const isJoining = joiningKernels.has(entry.name);

  function gather(inputs: KernelInputs): readonly (TensorInfo | undefined)[] {
    if (names === undefined || names === 'variadic') return listInputs(inputs);
    const named = inputs as Readonly<Record<string, TensorInfo | undefined>>;
    const infos: (TensorInfo | undefined)[] = [];
    for (let index = 0; index < names.length; index++) infos.push(named[names[index]!] ?? undefined);
    return infos;
  }

  function runOriginal(call: KernelCall): KernelResult {
    return (call.backend as LazyBackend).runKernel(config, call.inputs, call.attrs);
  }

  function runEagerly(call: KernelCall): KernelResult {
    recorder.tape?.fail(`${entry.name} runs eagerly`);
    const backend = call.backend as LazyBackend;
    const tensors = listTensors(call.inputs);
    const needed = tensors.flatMap((info): LazyValue[] => {
      const value = backend.current(info.dataId);
      const parts = value.complexTensorInfos;
      return parts === undefined
        ? [value]
        : [backend.data.get(parts.real.dataId), backend.data.get(parts.imag.dataId)];
    });
    const odd = tensors.find((info) => info.dtype === 'string' || info.dtype === 'complex64');
    const makesOdd = isHostDtype(call.attrs?.['dtype']) || entry.name === 'Complex';
    const reason = odd !== undefined || makesOdd ? 'FG1007' : entry.op === undefined ? 'FG1006' : 'FG1005';
    const cause: BreakCause = {
      reason,
      kernel: entry.name,
      stack: reporter.stacks?.take(),
      type: odd === undefined ? undefined : { dtype: odd.dtype, shape: odd.shape },
    };
    try {
      recorder.require(needed, cause);
      const start = reporter.now();
      const result = recorder.withCause(cause, () => runOriginal(call));
      reporter.fallback(entry.name, reason, reporter.now() - start, cause.stack?.id);
      return result;
    } catch (error) {
      throw hideOwnFrames(error, kernelFunc);
    }
  }

  /** Results of shape arithmetic count as written by the program: numbers that a graph may take as constants. */
  function fold(
    call: KernelCall,
    folding: Folding,
    signature: Signature,
    values: readonly (LazyValue | undefined)[],
  ): KernelResult {
    totals.folded++;
    const result = runOriginal(call);
    const { data } = call.backend as LazyBackend;
    const made = (Array.isArray(result) ? result : [result]).map(({ dataId }) => data.get(dataId));
    if (folding === 'integers') for (const value of made) value.isHostWritten = true;
    recorder.tape?.call(signature, values, made, true);
    return result;
  }

  function recordCall(
    backend: LazyBackend,
    signature: Signature,
    values: readonly (LazyValue | undefined)[],
    infos: readonly (TensorInfo | undefined)[],
  ): KernelResult {
    const types = signature.outputs!;
    if (signature.aliasedInput >= 0) {
      const { dataId } = infos[signature.aliasedInput]!;
      const shared = values[signature.aliasedInput]!;
      if (recorder.tape !== undefined) {
        recorder.tape.touch(shared);
        recorder.tape.aliased++;
      }
      shared.refCount++;
      totals.aliased++;
      return { dataId, shape: types[0]!.shape as number[], dtype: types[0]!.dtype };
    }
    const results = recorder.record(signature, values);
    recorder.tape?.call(signature, values, results, false);
    const tensors = results.map((value): TensorInfo => ({
      dataId: backend.add(value),
      shape: value.type.shape as number[],
      dtype: value.type.dtype,
    }));
    return tensors.length === 1 && entry.op!.hasListResult !== true ? tensors[0]! : tensors;
  }

  /** Records a Concat or Pack of a long list with its known parts joined. */
  function recordJoined(
    call: KernelCall,
    infos: readonly (TensorInfo | undefined)[],
  ): KernelResult | undefined {
    const concat = context.original('Concat');
    const table = context.table.get('Concat');
    if (concat === undefined || table === undefined) return undefined;
    const backend = call.backend as LazyBackend;
    const list = infos as readonly TensorInfo[];
    const given = call.attrs?.['axis'] as number;
    const expanded =
      entry.name === 'Pack'
        ? expandInputs(list, given)
        : { infos: list, axis: given < 0 ? given + list[0]!.shape.length : given };
    const joined = joinKnownInputs(expanded.infos, expanded.axis, backend, concat);
    if (joined === undefined) return undefined;
    recorder.tape?.fail('it joins a list of tensors');
    const [only, second] = joined.infos;
    if (second === undefined) {
      totals.folded++;
      return only!;
    }
    const signature = signatures.find(signatures.kernel('Concat', table), joined.infos, {
      axis: expanded.axis,
    });
    const values = joined.infos.map((info) => backend.data.get(info.dataId));
    const result = recordCall(backend, signature!, values, joined.infos);
    for (const { dataId } of joined.made) backend.disposeData(dataId);
    return result;
  }

  function dispatch(call: KernelCall): KernelResult {
    totals.kernelCalls++;
    if (recorder.tape !== undefined) recorder.tape.kernelCalls++;
    if (entry.op === undefined) return runEagerly(call);
    const backend = call.backend as LazyBackend;
    const infos = gather(call.inputs);
    for (const info of infos) if (info !== undefined && !isTensor(info)) return runEagerly(call);
    const values = infos.map((info) => (info === undefined ? undefined : backend.current(info.dataId)));
    const signature = signatures.find(entry, infos, call.attrs);
    if (signature?.outputs === undefined || !isAccepted(signature, values)) return runEagerly(call);
    if (signature.aliasedInput < 0) {
      if (isJoining && infos.length >= listLength) {
        const result = recordJoined(call, infos);
        if (result !== undefined) return result;
      }
      const folding = foldingOf(signature, values);
      if (folding !== undefined) return fold(call, folding, signature, values);
    }
    return recordCall(backend, signature, values, infos);
  }

  function timed(call: KernelCall): KernelResult {
    const { now } = reporter;
    const before = totals.waitMs + totals.eagerMs;
    const start = now();
    try {
      return dispatch(call);
    } finally {
      recorder.addTraceTime(now() - start - (totals.waitMs + totals.eagerMs - before));
    }
  }

  const kernelFunc = context.isTimed ? timed : dispatch;
  return { ...config, kernelFunc };
}

function isHostDtype(dtype: unknown): boolean {
  return dtype === 'complex64' || dtype === 'string';
}
