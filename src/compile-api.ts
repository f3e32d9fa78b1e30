/**
 * `compile`: a model or function of the program → one that runs on compiled graphs, after torch.compile and with its
 * options. The program's tfjs is captured from then on; calls that are known to repeat themselves skip tracing.
 */
import { isModuleOf, isPlainRecord, isTensorLike, modelKind } from './capture/replay-captures.ts';
import { findTfjs } from './find-tfjs.ts';
import { UserError } from './ir/errors.ts';
import { checkCaptures, isOp, type CaptureKind } from './replay/check-captures.ts';
import { inspectFunction } from './replay/pure-function.ts';
import { findSession, install, type Session, type SessionOptions, type TfjsCore } from './session.ts';

/**
 * `default`; `reduce-overhead`: idle threads of the runtime spin, which answers faster and keeps the processor busy;
 * `max-autotune`: each graph is compiled with several settings and the fastest stays, which takes longer at first.
 */
export type CompileMode = 'default' | 'reduce-overhead' | 'max-autotune';

/** Any function of a program. */
export type AnyFunction = (...parameters: never[]) => unknown;

/** Anything with a `predict`: a LayersModel, a GraphModel. */
export interface ModelLike {
  predict: AnyFunction;
}

export interface CompileOptions {
  readonly mode?: CompileMode;
  /** Sizes: all open from the first compile (`true`), each its own graph (`false`); default: open once they vary. */
  readonly dynamic?: boolean;
  /** A graph break inside a call is an error that explains itself. */
  readonly fullgraph?: boolean;
  /** A name of `listBackends()`. */
  readonly backend?: string;
  /** Settings of the backend. */
  readonly options?: Pick<
    SessionOptions,
    'device' | 'threads' | 'spinning' | 'cacheDirectory' | 'freeze' | 'tiers' | 'recompileLimit'
  >;
  /** Give back what was given, untouched. */
  readonly disable?: boolean;
  /**
   * The values around a function that it uses, by their names in its text: `() => ({ tf, weights, rate })`. Called at each
   * call. With them its purity can be shown, and calls that repeat themselves are recorded without running it.
   */
  readonly captures?: () => Readonly<Record<string, unknown>>;
  /** Gets what would be written to a trace. Only for the first `compile` of a tfjs. */
  readonly onRecord?: SessionOptions['onRecord'];
  /** The program's tfjs; default: what its folder has. */
  readonly tf?: TfjsCore;
}

/** A function that runs on compiled graphs. */
export type CompiledFunction<F extends AnyFunction> = F & {
  /** Why each call is traced; `undefined` while calls that repeat themselves are replayed. */
  readonly tracedBecause: string | undefined;
  /** Ends it: later calls run uncompiled. With the last one, tfjs gets its own backend back. */
  dispose(): void;
};

interface Shared {
  readonly session: Session;
  readonly settings: string;
  users: number;
}

/** Sessions that `compile` installed, by tfjs engine. */
const shared = new WeakMap<object, Shared>();

const modes: Readonly<Record<CompileMode, SessionOptions>> = {
  default: { spinning: false },
  'reduce-overhead': { spinning: true },
  'max-autotune': { autotune: true },
};

function settingsError(message: string): UserError {
  return new UserError(message, {
    code: 'FG5024',
    hint: 'Compile all functions with the same backend, mode, dynamic and options, or dispose the others before.',
  });
}

function sessionOptions({ mode = 'default', dynamic, backend, options }: CompileOptions): SessionOptions {
  if (!Object.hasOwn(modes, mode)) {
    throw new UserError(`mode ${mode} is not known`, {
      code: 'FG5010',
      hint: `Use one of ${Object.keys(modes).join(', ')}.`,
    });
  }
  return {
    ...modes[mode],
    ...options,
    ...(dynamic === undefined ? {} : { dynamic }),
    ...(backend === undefined ? {} : { backend }),
  };
}

/** The session for these options: one per tfjs, as all its tensors live in one place. */
function join(
  tf: TfjsCore,
  options: CompileOptions,
): { readonly session: Session; readonly leave: () => void } {
  const engine = tf.engine();
  const asked = sessionOptions(options);
  const settings = JSON.stringify(asked);
  let entry = shared.get(engine);
  if (entry !== undefined && entry.settings !== settings) {
    throw settingsError('another function was compiled with other settings');
  }
  const foreign = entry === undefined ? findSession(tf) : undefined;
  if (foreign !== undefined) {
    if (settings !== JSON.stringify(sessionOptions({}))) {
      foreign.note(
        'FG5024',
        'settings of compile() have no effect: a session with others is installed already',
      );
    }
    return { session: foreign, leave: () => undefined };
  }
  if (entry === undefined) {
    const { onRecord } = options;
    const session = install(tf, { ...asked, ...(onRecord === undefined ? {} : { onRecord }) });
    // tfjs chooses its backend when it first needs one: now.
    if (engine.backendName == null) void engine.backend;
    if (engine.backendName !== session.backendName) {
      session.uninstall();
      session.dispose();
      throw new UserError(`tfjs uses its backend ${String(engine.backendName)}`, {
        code: 'FG5025',
        hint: "Call `await tf.setBackend('cpu')` first: compiled graphs run in its place.",
      });
    }
    shared.set(engine, (entry = { session, settings, users: 0 }));
  }
  const joined = entry;
  joined.users++;
  return {
    session: joined.session,
    leave() {
      if (--joined.users > 0) return;
      shared.delete(engine);
      joined.session.uninstall();
      joined.session.dispose();
    },
  };
}

/** Math.random is how tfjs seeds all its random tensors: a call that asks for it is another one each time. */
function watchRandom<T>(session: Session, body: () => T): T {
  const { random } = Math;
  Math.random = () => {
    session.forbidReplay('it uses random numbers');
    return random();
  };
  try {
    return body();
  } finally {
    Math.random = random;
  }
}

/** Items of lists and records that a function is given: one that changes them does more than compute. */
function itemsOf(parameters: readonly unknown[]): unknown[] {
  return parameters.flatMap((value): unknown[] => {
    if (Array.isArray(value)) return [value.length, ...itemsOf(value)];
    if (!isPlainRecord(value)) return [value];
    return [...Object.keys(value), ...itemsOf(Object.values(value))];
  });
}

function watchItems<T>(session: Session, given: readonly unknown[], body: () => T): T {
  const before = itemsOf(given);
  const result = body();
  const after = itemsOf(given);
  const isSame =
    before.length === after.length && before.every((item, index) => Object.is(item, after[index]));
  if (!isSame) session.forbidReplay('it changes a list or record that it is given');
  return result;
}

/** How a function is called: replayed where that is sound. */
interface Caller {
  readonly tracedBecause: string | undefined;
  call(self: unknown, parameters: unknown[]): unknown;
}

function traceAlways(source: AnyFunction, reason: string, session: Session): Caller {
  const name = source.name === '' ? 'a function' : `the function ${source.name}`;
  session.note('FG2003', `${name} is traced at each call, not replayed: ${reason}`);
  return {
    tracedBecause: reason,
    call: (self, parameters) => Reflect.apply(source, self, parameters),
  };
}

function functionCaller(
  source: AnyFunction,
  options: CompileOptions,
  tf: TfjsCore,
  session: Session,
): Caller {
  const purity = inspectFunction(source);
  if (!purity.isShown) return traceAlways(source, purity.reason, session);
  const { captures } = options;
  const kindOf = (value: unknown): CaptureKind => {
    if (isModuleOf(value, tf.engine())) return 'tfjs';
    if (isTensorLike(value)) return 'tensor';
    if (modelKind(value) !== undefined) return 'model';
    if (typeof value === 'function') return isOp(value) ? 'op' : 'other';
    return typeof value !== 'object' || value === null || Array.isArray(value) || isPlainRecord(value)
      ? 'value'
      : 'other';
  };
  const reason = checkCaptures(purity.uses, captures?.() ?? {}, kindOf);
  if (reason !== undefined) return traceAlways(source, reason, session);
  /** One function may be compiled twice, with other captures: what is known of its calls belongs to this one. */
  const owner = Object.defineProperty(() => undefined, 'name', { value: source.name });
  /** What the guards look at: the same object, with the values of each call. */
  const current: Record<string, unknown> = {};
  return {
    get tracedBecause() {
      return session.tracedBecause(owner);
    },
    call(self, parameters) {
      const captured = captures?.() ?? {};
      const trace = (): unknown =>
        watchRandom(session, () =>
          watchItems(session, [...parameters, ...Object.values(captured)], () =>
            Reflect.apply(source, self, parameters),
          ),
        );
      // Another module or model under the same name may be used in ways that were not looked at.
      if (checkCaptures(purity.uses, captured, kindOf) !== undefined) return trace();
      for (const name of Object.keys(current)) if (!Object.hasOwn(captured, name)) delete current[name];
      Object.assign(current, captured);
      return session.callRepeatable(owner, parameters, trace, current);
    },
  };
}

/** A model's own `predict` is replayed wherever it is called, see capture/replay.ts. */
function modelCaller(model: ModelLike, session: Session): Caller {
  return {
    get tracedBecause() {
      // A Sequential has the model that computes inside.
      const { model: inner } = model as { readonly model?: object | null };
      return session.tracedBecause(inner ?? model);
    },
    call: (_, parameters) => Reflect.apply(model.predict, model, parameters),
  };
}

/**
 * A function that computes what `source` computes, on compiled graphs. From now on the program's tfjs is captured as a
 * whole; values, errors, and `tf.memory()` stay what they are without.
 * @param source a function, or a model, whose `predict` it is then.
 * @throws FG5010 for an unknown backend or mode, FG5024 when another function was compiled with other settings, FG5025 when tfjs uses another
 * backend than cpu.
 */
export function compile<F extends AnyFunction>(source: F, options?: CompileOptions): CompiledFunction<F>;
export function compile<M extends ModelLike>(
  source: M,
  options?: CompileOptions,
): CompiledFunction<M['predict']>;
export function compile(
  source: AnyFunction | ModelLike,
  options: CompileOptions = {},
): CompiledFunction<AnyFunction> {
  const plain = (self: unknown, parameters: unknown[]): unknown =>
    typeof source === 'function'
      ? Reflect.apply(source, self, parameters)
      : Reflect.apply(source.predict, source, parameters);
  let leave: (() => void) | undefined;
  let session: Session | undefined;
  let caller: Caller | undefined;
  if (options.disable !== true) {
    const tf = options.tf ?? findTfjs();
    ({ session, leave } = join(tf, options));
    caller =
      typeof source === 'function'
        ? functionCaller(source, options, tf, session)
        : modelCaller(source, session);
  }

  function compiled(this: unknown, ...parameters: unknown[]): unknown {
    if (caller === undefined) return plain(this, parameters);
    const { call } = caller;
    if (options.fullgraph !== true) return call(this, parameters);
    const result = session!.strictly(() => call(this, parameters));
    if (!(result instanceof Promise)) return result;
    throw new UserError('an asynchronous function is never one graph', {
      code: 'FG5026',
      hint: 'Compile the synchronous part of it, or leave out `fullgraph`.',
    });
  }
  const name = typeof source === 'function' ? source.name : 'predict';
  Object.defineProperties(compiled, {
    name: { value: name, configurable: true },
    tracedBecause: { get: () => caller?.tracedBecause },
    dispose: {
      value: () => {
        caller = undefined;
        leave?.();
        leave = undefined;
      },
    },
  });
  return compiled as unknown as CompiledFunction<AnyFunction>;
}
