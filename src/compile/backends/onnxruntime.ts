/**
 * Sessions on onnxruntime: a model goes in, typed arrays run through it synchronously. A run costs about a microsecond
 * per tensor, all of it inside the binding: feeds and fetches are made once, a run only exchanges data and dims.
 */
import {
  dataTypeOfCode,
  splitModel,
  type NumericArray,
  onnxVersions,
  type OnnxDataType,
  type OnnxModel,
  type OnnxValueInfo,
} from '../../onnx/index.ts';
import { BackendError, InternalError } from '../../ir/errors.ts';
import {
  installedVersion,
  loadOnnxruntime,
  type BindingSession,
  type BindingTensor,
  type BindingValueInfo,
} from './onnxruntime-binding.ts';
import { creationError, deviceError, isDeviceError, runError } from './onnxruntime-errors.ts';

export type OrtDevice = 'cpu' | 'webgpu' | 'cuda';

export type OrtOptimizationLevel = 'disabled' | 'basic' | 'extended' | 'layout' | 'all';

/** 0 verbose, 1 info, 2 warning, 3 error, 4 nothing. */
export type OrtLogSeverity = 0 | 1 | 2 | 3 | 4;

export interface OrtSessionOptions {
  /** Default `cpu`. Nodes that another device cannot run stay on the cpu. */
  readonly device?: OrtDevice;
  /** Threads of one operator; default: one per physical core. */
  readonly threads?: number;
  /** Whether threads spin between the operators of a run: faster on a quiet machine, slower on a busy one. Default true. */
  readonly spinning?: boolean;
  /** Default `all`; `disabled` for a model in onnxruntime's own format, which is optimized already. */
  readonly optimizationLevel?: OrtOptimizationLevel;
  /** Names of optimizer passes that must not run. */
  readonly disabledOptimizers?: readonly string[];
  /**
   * Where to write the model as it is after optimization: `.onnx`, or `.ort` for onnxruntime's own format, which this
   * version of onnxruntime on this kind of processor loads again without optimizing, its weights mapped from the file.
   */
  readonly optimizedModelPath?: string;
  /** In-memory contents of the external data files that the model names, by location. */
  readonly externalData?: Readonly<Record<string, Uint8Array>>;
  /** Start of the path of a Chrome trace, written by {@link OrtSession.endProfiling}. */
  readonly profilePrefix?: string;
  /** Values for symbolic dims. */
  readonly freeDimensions?: Readonly<Record<string, number>>;
  /** More session configuration entries by full name, such as `session.disable_prepacking`. */
  readonly config?: Readonly<Record<string, string>>;
  /** What the library prints to stderr. Default 4: failures are exceptions. */
  readonly logSeverity?: OrtLogSeverity;
  /** File or folder that says which onnxruntime-node is meant; default ours. */
  readonly resolveFrom?: string;
}

/** Values of one tensor: what {@link NumericArray} holds for the type; strings for `string`. */
export type OrtArray = NumericArray | readonly string[];

export interface OrtOutput {
  readonly data: OrtArray;
  readonly dims: readonly number[];
  readonly dataType: OnnxDataType;
}

export interface OrtValueInfo {
  readonly name: string;
  /** Absent when it is not a tensor. */
  readonly dataType?: OnnxDataType;
  /** Symbolic sizes by name; `''` where nobody named them. */
  readonly dims: readonly (number | string)[];
}

/** What every run shares: no per-run options. */
const runOptions = {};

/** A session reads a model in its own format in place: the bytes must live as long as the session. */
const modelMemory = new WeakMap<BindingSession, Uint8Array>();

let liveSessions = 0;
/** Whether there ever was one in this process. */
let hadSession = false;

/** Sessions that were created and not disposed; native memory is freed only by `dispose`. */
export function liveOrtSessions(): number {
  return liveSessions;
}

/** Version of the onnxruntime in use, which need not be loaded yet. @throws EnvironmentError FG3201 when there is none. */
export function onnxruntimeVersion(): string {
  return installedVersion();
}

export class OrtSession {
  readonly #inputs: readonly BindingValueInfo[];
  readonly #outputNames: readonly string[];
  readonly #feeds: Record<string, BindingTensor>;
  readonly #feedList: readonly BindingTensor[];
  readonly #fetches: Record<string, null>;
  #native: BindingSession | undefined;

  /** Takes over a session that has loaded its model; made by {@link createOrtSession}. */
  constructor(native: BindingSession) {
    this.#native = native;
    this.#inputs = native.inputMetadata;
    this.#outputNames = native.outputMetadata.map(({ name }) => name);
    this.#feedList = this.#inputs.map((input): BindingTensor => ({
      type: dataTypeOf(input) ?? 'undefined',
      dims: [],
      data: noData,
      location: 'cpu',
    }));
    this.#feeds = Object.fromEntries(this.#inputs.map(({ name }, index) => [name, this.#feedList[index]!]));
    this.#fetches = Object.fromEntries(this.#outputNames.map((name) => [name, null]));
    liveSessions++;
    hadSession = true;
  }

  get inputs(): readonly OrtValueInfo[] {
    return this.#inputs.map(valueInfo);
  }

  get outputs(): readonly OrtValueInfo[] {
    return this.#alive().outputMetadata.map(valueInfo);
  }

  /**
   * Runs synchronously.
   * @param data per input, in order of `inputs`: its values, read in place. Longer arrays than the dims are refused.
   * @param dims per input: its concrete sizes.
   * @returns per output, in order of `outputs`: fresh arrays.
   * @throws BackendError FG3203 when a kernel or the binding refuses.
   */
  run(data: readonly OrtArray[], dims: readonly (readonly number[])[]): OrtOutput[] {
    const results = this.#runNative(data, dims);
    return this.#outputNames.map((name) => {
      const { data, dims, type } = results[name]!;
      return { data: data as OrtArray, dims, dataType: type as OnnxDataType };
    });
  }

  /** As {@link OrtSession.run}, for callers who know the outputs' types and sizes. */
  runArrays(data: readonly OrtArray[], dims: readonly (readonly number[])[]): OrtArray[] {
    const results = this.#runNative(data, dims);
    return this.#outputNames.map((name) => results[name]!.data as OrtArray);
  }

  /** Writes the trace of a session made with `profilePrefix`. */
  endProfiling(): void {
    this.#alive().endProfiling();
  }

  /** Frees the native memory. Again: no effect. */
  dispose(): void {
    if (this.#native === undefined) return;
    this.#native.dispose();
    this.#native = undefined;
    liveSessions--;
  }

  #alive(): BindingSession {
    if (this.#native !== undefined) return this.#native;
    throw new InternalError('a disposed onnxruntime session was used', { code: 'FG9003' });
  }

  #runNative(data: readonly OrtArray[], dims: readonly (readonly number[])[]): Record<string, BindingTensor> {
    const native = this.#alive();
    const feeds = this.#feedList;
    if (data.length !== feeds.length || dims.length !== feeds.length) {
      throw new BackendError(`the model has ${feeds.length} inputs, got ${data.length}`, { code: 'FG3203' });
    }
    for (let index = 0; index < feeds.length; index++) {
      const feed = feeds[index]!;
      feed.data = data[index]!;
      feed.dims = dims[index]!;
      checkLength(this.#inputs[index]!.name, data[index]!.length, dims[index]!);
    }
    try {
      return native.run(this.#feeds, this.#fetches, runOptions);
    } catch (cause) {
      throw runError(cause);
    } finally {
      // A session outlives its run: it must not keep the program's arrays alive.
      for (const feed of feeds) feed.data = noData;
    }
  }
}

const noData = new Float32Array();

/** onnxruntime reads the first elements of an array that is too long, and says nothing. */
function checkLength(name: string, length: number, dims: readonly number[]): void {
  let elements = 1;
  for (const size of dims) elements *= size;
  if (length === elements) return;
  throw new BackendError(`input ${name} of dims [${dims.join()}] takes ${elements} values, got ${length}`, {
    code: 'FG3203',
  });
}

function dataTypeOf({ isTensor, type }: BindingValueInfo): OnnxDataType | undefined {
  return isTensor ? dataTypeOfCode(type) : undefined;
}

function valueInfo(native: BindingValueInfo): OrtValueInfo {
  if (!native.isTensor) return { name: native.name, dims: [] };
  const dataType = dataTypeOf(native);
  return {
    name: native.name,
    ...(dataType === undefined ? {} : { dataType }),
    dims: native.shape.map((size, axis) => (size < 0 ? (native.symbolicDimensions[axis] ?? '') : size)),
  };
}

/** `ORTM`, the identifier of onnxruntime's flatbuffers. */
const ortIdentifier = [0x4f, 0x52, 0x54, 0x4d];

function isOrtFormat(model: Uint8Array | string): boolean {
  if (typeof model === 'string') return model.endsWith('.ort');
  return ortIdentifier.every((byte, index) => model[4 + index] === byte);
}

function formatConfig(model: Uint8Array | string, options: OrtSessionOptions): Record<string, string> {
  const config: Record<string, string> = {};
  if (options.optimizedModelPath?.endsWith('.ort')) config['session.save_model_format'] = 'ORT';
  if (isOrtFormat(model)) {
    config['session.load_model_format'] = 'ORT';
    config['session.use_ort_model_bytes_for_initializers'] = '1';
    const inPlace =
      typeof model === 'string' ? 'use_memory_mapped_ort_model' : 'use_ort_model_bytes_directly';
    config[`session.${inPlace}`] = '1';
  }
  return config;
}

function nativeOptions(model: Uint8Array | string, options: OrtSessionOptions): object {
  const config = { ...formatConfig(model, options), ...options.config };
  if (options.spinning === false) config['session.intra_op.allow_spinning'] = '0';
  // Between runs the cores belong to the program and to V8's own threads.
  config['session.force_spinning_stop'] ??= '1';
  if (options.disabledOptimizers !== undefined && options.disabledOptimizers.length > 0)
    config['optimization.disable_specified_optimizers'] = options.disabledOptimizers.join(';');
  const { device = 'cpu', externalData } = options;
  return {
    executionProviders: device === 'cpu' ? ['cpu'] : [device, 'cpu'],
    graphOptimizationLevel: options.optimizationLevel ?? (isOrtFormat(model) ? 'disabled' : 'all'),
    logSeverityLevel: options.logSeverity ?? 4,
    extra: config,
    ...(options.threads !== undefined && { intraOpNumThreads: options.threads }),
    ...(options.optimizedModelPath !== undefined && { optimizedModelFilePath: options.optimizedModelPath }),
    ...(options.freeDimensions !== undefined && { freeDimensionOverrides: options.freeDimensions }),
    ...(options.profilePrefix !== undefined && {
      enableProfiling: true,
      profileFilePrefix: options.profilePrefix,
    }),
    ...(externalData !== undefined && {
      externalData: Object.entries(externalData).map(([path, data]) => ({ path, data })),
    }),
  };
}

/**
 * A session for a model. The caller disposes it.
 * @param model a model as data; or encoded in ONNX's or onnxruntime's format; or the path of a file of either. As data is
 * the cheapest for a new model: its weights are copied once, into the session. Bytes in onnxruntime's format are used
 * in place and must not change; a file of that format is mapped: replace it by renaming, never by writing.
 * @throws BackendError FG3202 when the model is refused; EnvironmentError FG3201 without onnxruntime, FG3204 when the
 * device does not work on this machine.
 */
export function createOrtSession(
  model: OnnxModel | Uint8Array | string,
  options: OrtSessionOptions = {},
): OrtSession {
  if (typeof model === 'string' || model instanceof Uint8Array) return loadSession(model, options);
  const { bytes, externalData } = splitModel(model);
  return loadSession(bytes, { ...options, externalData: { ...options.externalData, ...externalData } });
}

function scalar(name: string): OnnxValueInfo {
  return { name, type: { kind: 'tensor', dataType: 'float32', dims: [] } };
}

/** The least that needs a session. */
const smallestModel: OnnxModel = {
  irVersion: onnxVersions.ir,
  opsets: [{ domain: '', version: onnxVersions.opset }],
  graph: {
    name: 'smallest',
    nodes: [{ opType: 'Identity', domain: '', name: '', inputs: ['x'], outputs: ['y'], attributes: {} }],
    inputs: [scalar('x')],
    outputs: [scalar('y')],
    initializers: [],
  },
};

/**
 * Loads onnxruntime and lets it set itself up (kernel registry, operators), which takes the first session of a process
 * 3 to 4 ms more than later ones. After a session was made: no effect.
 * @throws EnvironmentError FG3201
 */
export function prepareOnnxruntime(): void {
  if (!isOnnxruntimeReady()) createOrtSession(smallestModel, { threads: 1 }).dispose();
}

/** Whether the next session takes no longer than those after it. */
export function isOnnxruntimeReady(): boolean {
  return hadSession;
}

function loadSession(model: Uint8Array | string, options: OrtSessionOptions): OrtSession {
  const native = loadOnnxruntime(options.resolveFrom).newSession();
  const settings = nativeOptions(model, options);
  try {
    if (typeof model === 'string') native.loadModel(model, settings);
    else native.loadModel(model.buffer, model.byteOffset, model.byteLength, settings);
  } catch (cause) {
    const { device = 'cpu' } = options;
    if (device !== 'cpu' && isDeviceError(cause)) throw deviceError(device, cause);
    throw creationError(cause);
  }
  if (typeof model !== 'string' && isOrtFormat(model)) modelMemory.set(native, model);
  return new OrtSession(native);
}
