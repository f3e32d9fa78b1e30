/**
 * Replay: a model of tfjs's own layers or ops records the same kernel calls each time it is called with tensors of the
 * same types. Once two calls in a row were seen to, later ones are recorded from the template without running the
 * model's code, which costs more than the model itself when its ops are small. What the template depends on is checked
 * at each call; when in doubt the call is traced, which is always right.
 */
import { foldingOf, type Folding } from './fold-rules.ts';
import type { LazyBackend } from './lazy-backend.ts';
import type { LazyValue } from './pending.ts';
import type { Recorder } from './recorder.ts';
import type { Reporter } from './reporter.ts';
import type { FieldGuard, ModelFacts, TrustedClasses } from './replay-guards.ts';
import { holdsFields, inspectGraphModel, inspectLayersModel, registeredClasses } from './replay-guards.ts';
import { absentSlot, ReplayTape, sameTemplate, type Template } from './replay-tape.ts';
import { argumentsOf, makeResult, readResult, type Arguments, type ResultForm } from './replay-arguments.ts';
import { inspectCaptures, isModuleOf } from './replay-captures.ts';
import type { Signature } from './signature.ts';
import {
  makeTensor,
  type Engine,
  type KernelConfig,
  type KernelResult,
  type TensorInfo,
  type TfModule,
} from './tf-module.ts';
import type { MethodWraps } from './wrap-methods.ts';

export interface ReplayContext {
  readonly tf: TfModule;
  readonly recorder: Recorder;
  readonly reporter: Reporter;
  readonly backend: () => LazyBackend | undefined;
  readonly isTimed: boolean;
  /** The original kernel of this name. */
  readonly original: (kernelName: string) => KernelConfig | undefined;
}

interface Ready {
  readonly template: Template;
  readonly guard: FieldGuard;
  readonly backendName: string;
  readonly kernels: readonly { readonly name: string; readonly config: KernelConfig | undefined }[];
  readonly form: ResultForm;
}

/** One method of one model, called with one kind of arguments. */
interface Entry {
  attempts: number;
  last: Ready | undefined;
  ready: Ready | undefined;
  hasGivenUp: boolean;
}

/** Calls that are traced in the hope of two equal ones. */
const attemptLimit = 10;
/** Kinds of arguments that are remembered per model. */
const entryLimit = 16;

const layersMethods: readonly string[] = ['predict', 'predictOnBatch'];
const graphMethods: readonly string[] = ['predict', 'execute'];
const layersExports: ReadonlySet<string> = new Set(['LayersModel']);

/** Weights by the values that they hold now; without values that two of them hold, as these may part. */
function valuesOfWeights(weights: readonly TensorInfo[], backend: LazyBackend): Map<LazyValue, TensorInfo> {
  const values = new Map<LazyValue, TensorInfo>();
  const shared = new Set<LazyValue>();
  for (const holder of weights) {
    if (!backend.data.has(holder.dataId)) continue;
    const value = backend.current(holder.dataId);
    if (values.has(value)) shared.add(value);
    values.set(value, holder);
  }
  for (const value of shared) values.delete(value);
  return values;
}

/** The kernels that a template stands for: a program may register its own in their place. */
function kernelsOf({ steps }: Template, tf: TfModule, backendName: string): Ready['kernels'] {
  const names = new Set(steps.flatMap((step) => (step.kind === 'call' ? [step.signature.kernel.name] : [])));
  return [...names].map((name) => ({ name, config: tf.getKernel(name, backendName) }));
}

export class Replay {
  readonly #context: ReplayContext;
  readonly #engine: Engine;
  readonly #entries = new WeakMap<object, Map<string, Entry>>();
  readonly #reasons = new WeakMap<object, string>();
  #trusted: TrustedClasses = new Map();

  constructor(context: ReplayContext) {
    this.#context = context;
    this.#engine = context.tf.engine();
  }

  /** Wraps the models that a tfjs package exports. Classes registered until now count as tfjs's own. */
  wrapModels(exports: object, wraps: MethodWraps): void {
    const models = exports as Readonly<Record<string, { readonly prototype: object } | undefined>>;
    if (models['LayersModel'] !== undefined && this.#trusted.size === 0) {
      // The registry is tfjs-core's: tfjs-layers, loaded by itself, does not export it.
      this.#trusted = registeredClasses('serialization' in exports ? exports : this.#context.tf);
    }
    for (const [name, methods] of [
      ['LayersModel', layersMethods],
      ['GraphModel', graphMethods],
    ] as const) {
      const model = models[name];
      if (model === undefined) continue;
      const inspect = layersExports.has(name)
        ? (instance: object) => inspectLayersModel(instance, this.#trusted)
        : inspectGraphModel;
      for (const method of methods) {
        wraps.wrap(model.prototype, method, (original) => {
          const call = (instance: object, parameters: unknown[]): unknown =>
            this.#call(instance, method, parameters, () => original.apply(instance, parameters), inspect);
          return function (this: unknown, ...parameters: unknown[]): unknown {
            return call(this as object, parameters);
          };
        });
      }
    }
  }

  /**
   * Calls a function that depends on nothing but its arguments and `captures`, as a model is called. The caller keeps
   * `captures` up to date.
   * @param owner stands for the function.
   */
  callFunction(
    owner: object,
    parameters: unknown[],
    trace: () => unknown,
    captures: Readonly<Record<string, unknown>>,
  ): unknown {
    const isTfjs = (value: unknown): boolean => isModuleOf(value, this.#engine);
    return this.#call(owner, 'call', parameters, trace, () =>
      inspectCaptures(captures, this.#trusted, isTfjs),
    );
  }

  /** Why calls of a model or function are not tried for replay any more; `undefined` while they are. */
  reasonFor(owner: object): string | undefined {
    return this.#reasons.get(owner);
  }

  /** The call that is being traced may do something else the next time. */
  fail(reason: string): void {
    this.#context.recorder.tape?.fail(reason);
  }

  /** Whether kernel calls are all that a call does now: no gradient, no profile, no checks. */
  #isPlain(): boolean {
    const { state } = this.#engine;
    return (
      state !== undefined &&
      state.gradientDepth === 0 &&
      state.activeTape == null &&
      !state.profiling &&
      this.#context.tf.env?.().getBool('DEBUG') === false
    );
  }

  #call(
    model: object,
    method: string,
    parameters: unknown[],
    trace: () => unknown,
    inspect: (model: object) => ModelFacts | string,
  ): unknown {
    const { recorder, backend: currentBackend } = this.#context;
    const backend = currentBackend();
    if (backend === undefined || this.#engine.backend !== backend || recorder.tape !== undefined)
      return trace();
    const given = this.#isPlain() ? argumentsOf(method, parameters) : undefined;
    if (given === undefined) return trace();
    const entry = this.#entryOf(model, given.key);
    if (entry === undefined || entry.hasGivenUp) return trace();
    if (entry.ready !== undefined) {
      if (this.#isValid(entry.ready)) {
        const result = this.#replay(entry.ready, given, backend);
        if (result !== undefined) return result;
      }
      entry.ready = undefined;
      entry.last = undefined;
    }
    return this.#traceOnTape(model, entry, given, trace, inspect, backend);
  }

  #isValid({ guard, backendName, kernels }: Ready): boolean {
    return (
      this.#engine.backendName === backendName &&
      kernels.every(({ name, config }) => this.#context.tf.getKernel(name, backendName) === config) &&
      holdsFields(guard)
    );
  }

  #entryOf(model: object, key: string): Entry | undefined {
    let entries = this.#entries.get(model);
    if (entries === undefined) this.#entries.set(model, (entries = new Map<string, Entry>()));
    let entry = entries.get(key);
    if (entry === undefined && entries.size < entryLimit) {
      entry = { attempts: 0, last: undefined, ready: undefined, hasGivenUp: false };
      entries.set(key, entry);
    }
    return entry;
  }

  /** A traced call. The first of its kind is only traced: models build themselves then. */
  #traceOnTape(
    model: object,
    entry: Entry,
    given: Arguments,
    trace: () => unknown,
    inspect: (model: object) => ModelFacts | string,
    backend: LazyBackend,
  ): unknown {
    const { recorder } = this.#context;
    entry.attempts++;
    if (entry.attempts === 1) return trace();
    const inputs = given.tensors.map((tensor) => backend.current(tensor.dataId));
    const firstId = this.#engine.state!.nextTensorId ?? 0;
    const tape = new ReplayTape();
    recorder.tape = tape;
    let result: unknown;
    try {
      result = trace();
    } finally {
      recorder.tape = undefined;
    }
    const recorded = this.#finish(model, tape, inputs, firstId, result, inspect, backend);
    const isSame =
      recorded !== undefined &&
      entry.last !== undefined &&
      sameTemplate(entry.last.template, recorded.template);
    if (isSame) entry.ready = recorded;
    entry.last = recorded;
    entry.hasGivenUp = !isSame && entry.attempts >= attemptLimit;
    if (entry.hasGivenUp) this.#reportTracing(model, tape.failure ?? 'it records something else each time');
    return result;
  }

  /** Once per model or function: why it goes on being traced. */
  #reportTracing(model: object, reason: string): void {
    if (this.#reasons.has(model)) return;
    this.#reasons.set(model, reason);
    const { name } = model as { readonly name?: unknown };
    const what = typeof model === 'function' ? 'the function' : 'the model';
    const label = typeof name === 'string' && name !== '' ? `${what} ${name}` : what;
    this.#context.reporter.note('info', 'FG2003', `${label} is traced at each call, not replayed: ${reason}`);
  }

  #finish(
    model: object,
    tape: ReplayTape,
    inputs: readonly LazyValue[],
    firstId: number,
    result: unknown,
    inspect: (model: object) => ModelFacts | string,
    backend: LazyBackend,
  ): Ready | undefined {
    const read = readResult(result);
    if (read === undefined || tape.failure !== undefined) return undefined;
    const areNew = read.tensors.every(
      (tensor, index) =>
        tensor.id >= firstId &&
        tensor.kept !== true &&
        tensor.kerasMask === undefined &&
        read.tensors.indexOf(tensor) === index,
    );
    if (!areNew) return undefined;
    const facts = inspect(model);
    if (typeof facts === 'string') {
      tape.fail(facts);
      return undefined;
    }
    const template = tape.finish({
      inputs,
      weights: valuesOfWeights(facts.weights, backend),
      results: read.tensors.map((info) => ({ info, value: backend.data.get(info.dataId) })),
    });
    if (template === undefined) return undefined;
    const backendName = this.#engine.backendName!;
    const kernels = kernelsOf(template, this.#context.tf, backendName);
    return { template, guard: facts.guard, backendName, kernels, form: read.form };
  }

  /** Records the template's calls. @returns `undefined` when the call has to be traced after all. */
  #replay({ template, form }: Ready, given: Arguments, backend: LazyBackend): unknown {
    const { recorder, reporter, isTimed } = this.#context;
    if (!recorder.hasRoomFor(template.steps.length)) return undefined;
    const start = isTimed ? reporter.now() : 0;
    const values = this.#recordSteps(template, given, backend);
    if (values === undefined) return undefined;
    const { totals } = reporter;
    totals.kernelCalls += template.kernelCalls;
    totals.aliased += template.aliased;
    totals.folded += template.folded;
    totals.replayed += template.kernelCalls;
    const tensors = this.#handOut(template, values, given, backend);
    if (isTimed) recorder.addTraceTime(reporter.now() - start);
    return makeResult(tensors, form);
  }

  #recordSteps(template: Template, given: Arguments, backend: LazyBackend): LazyValue[] | undefined {
    const { recorder, reporter } = this.#context;
    const outside = template.outside.map((source) =>
      backend.current(source.kind === 'input' ? given.tensors[source.index]!.dataId : source.holder.dataId),
    );
    const values: LazyValue[] = [];
    for (const step of template.steps) {
      if (step.kind === 'constant') {
        const value = recorder.hostValue(step.type, step.host);
        value.isHostWritten = true;
        values.push(value);
        continue;
      }
      const { signature } = step;
      const inputs = step.inputs.map((slot) =>
        slot === absentSlot ? undefined : slot < 0 ? outside[-1 - slot] : values[slot],
      );
      const { op } = signature.kernel;
      if (op!.acceptsValues !== undefined) {
        const contents = inputs.map((value) => value?.host);
        if (!op!.acceptsValues(contents, signature.inputTypes, signature.attributes)) {
          abandon(values);
          return undefined;
        }
      }
      const folding = foldingOf(signature, inputs);
      if (folding !== undefined) reporter.totals.folded++;
      const results =
        folding === undefined
          ? recorder.record(signature, inputs)
          : this.#fold(signature, inputs, backend, folding);
      for (const result of results) values.push(result);
    }
    return values;
  }

  /** Computes a call now, on values that have no tensors. */
  #fold(
    signature: Signature,
    inputs: readonly (LazyValue | undefined)[],
    backend: LazyBackend,
    folding: Folding,
  ): readonly LazyValue[] {
    const { kernel, inputTypes, attributes } = signature;
    const infos = inputs.map((value, index): TensorInfo | undefined => {
      if (value === undefined) return undefined;
      const { shape, dtype } = inputTypes[index]!;
      return { dataId: backend.add(value), shape: [...shape], dtype };
    });
    const { inputs: names } = kernel.op!;
    const named =
      names === 'variadic' ? infos : Object.fromEntries(names.map((name, index) => [name, infos[index]]));
    const config = this.#context.original(kernel.name)!;
    const result: KernelResult = backend.runKernel(config, named, attributes);
    const results = (Array.isArray(result) ? result : [result]).map(({ dataId }) => {
      const value = backend.data.get(dataId);
      backend.data.delete(dataId);
      if (folding === 'integers') value.isHostWritten = true;
      return value;
    });
    for (const info of infos) if (info !== undefined) backend.data.delete(info.dataId);
    return results;
  }

  /** Makes the tensors of the result, and lets go of all other values. */
  #handOut(
    template: Template,
    values: readonly LazyValue[],
    given: Arguments,
    backend: LazyBackend,
  ): readonly unknown[] {
    const { recorder } = this.#context;
    const handles = new Map<number, object>();
    const tensors = template.results.map(({ slot, shape, dtype }) => {
      let dataId = handles.get(slot);
      if (slot < 0) {
        const source = template.outside[-1 - slot]!;
        dataId = given.tensors[(source as { readonly index: number }).index]!.dataId;
        backend.data.get(dataId).refCount++;
      } else if (dataId === undefined) {
        dataId = backend.add(values[slot]!);
        handles.set(slot, dataId);
      } else {
        values[slot]!.refCount++;
      }
      return makeTensor(this.#engine, { dataId, shape: [...shape], dtype }, backend);
    });
    for (const [slot, value] of values.entries()) if (!handles.has(slot)) recorder.release(value);
    return tensors;
  }
}

/** Nobody will ask for what was recorded so far. */
function abandon(values: readonly LazyValue[]): void {
  for (const value of values) value.isLive = false;
}
