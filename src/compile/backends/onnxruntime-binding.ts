/**
 * onnxruntime-node's native binding: the one place that loads it. Its public API runs on promises although the native
 * call is synchronous; the native module is what the public API itself calls. It is not public, so the version is pinned
 * and what we use of it is checked when it is loaded.
 */
import { accessSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { EnvironmentError } from '../../ir/errors.ts';
import { withoutTelemetry } from '../../onnxruntime-telemetry.ts';

/** A tensor as the binding takes and gives it. */
export interface BindingTensor {
  readonly type: string;
  dims: readonly number[];
  data: ArrayBufferView | readonly string[];
  readonly location: 'cpu';
}

export interface BindingValueInfo {
  readonly name: string;
  readonly isTensor: boolean;
  /** ONNX's number of the element type. */
  readonly type: number;
  /** -1 for a symbolic size. */
  readonly shape: readonly number[];
  readonly symbolicDimensions: readonly string[];
}

export interface BindingSession {
  loadModel(path: string, options: object): void;
  loadModel(buffer: ArrayBufferLike, byteOffset: number, byteLength: number, options: object): void;
  readonly inputMetadata: readonly BindingValueInfo[];
  readonly outputMetadata: readonly BindingValueInfo[];
  run(
    feeds: Readonly<Record<string, BindingTensor>>,
    fetches: Readonly<Record<string, null>>,
    options: object,
  ): Record<string, BindingTensor>;
  endProfiling(): void;
  dispose(): void;
}

export interface OnnxruntimeBinding {
  /** Version of onnxruntime. */
  readonly version: string;
  readonly newSession: () => BindingSession;
  /** Execution providers of this build; those not bundled need libraries that are not in the package. */
  readonly providers: readonly { readonly name: string; readonly bundled: boolean }[];
}

/** The version that `run` and `loadModel` below were checked against. */
export const pinnedVersion = '1.30.0';

/** A run's results are made with this; the binding's own library would check each of them again. */
class ResultTensor implements BindingTensor {
  readonly location = 'cpu';
  readonly type: string;
  readonly data: BindingTensor['data'];
  readonly dims: readonly number[];

  constructor(type: string, data: BindingTensor['data'], dims: readonly number[]) {
    this.type = type;
    this.data = data;
    this.dims = dims;
  }
}

interface NativeModule {
  readonly InferenceSession: new () => BindingSession;
  listSupportedBackends(): { readonly name: string; readonly bundled: boolean }[];
  initOrtOnce(logLevel: number, tensorConstructor: unknown, isMainThread: boolean): void;
}

/** What `dist/binding.js` of the package exports. */
interface BindingModule {
  readonly binding: NativeModule;
  initOrt(): void;
}

/** Failures reach us as exceptions; the library would print each of them to stderr as well. */
const fatalOnly = 4;

const loaded = new Map<string, OnnxruntimeBinding>();

function unavailable(message: string, cause?: unknown): EnvironmentError {
  return new EnvironmentError(message, {
    code: 'FG3201',
    hint: `Run \`npm install onnxruntime-node@${pinnedVersion}\`, or use \`--backend eager\`.`,
    ...(cause === undefined ? {} : { cause }),
  });
}

function notLoaded(cause: unknown): EnvironmentError {
  const reason = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
  return unavailable(
    `onnxruntime-node cannot be loaded on ${process.platform}-${process.arch}: ${reason}`,
    cause,
  );
}

interface Installation {
  readonly version: string;
  readonly requireFrom: NodeJS.Require;
  readonly nativeFile: string;
}

/** What the package holds for this platform, without loading it. */
function find(from: string): Installation {
  const requireFrom = createRequire(from);
  const { platform, arch } = process;
  try {
    const manifest = requireFrom.resolve('onnxruntime-node/package.json');
    const { version } = requireFrom(manifest) as { version: string };
    const nativeFile = join(dirname(manifest), `bin/napi-v6/${platform}/${arch}/onnxruntime_binding.node`);
    accessSync(nativeFile);
    return { version, requireFrom, nativeFile };
  } catch (cause) {
    throw notLoaded(cause);
  }
}

/** Version of the onnxruntime-node that `from` would get. @throws EnvironmentError FG3201 */
export function installedVersion(from: string = import.meta.url): string {
  return loaded.get(from)?.version ?? find(from).version;
}

/**
 * The native module, initialized. A program that uses onnxruntime-node itself, and did so first, keeps its set-up: results
 * of its sessions are made by the constructor that was given last.
 */
function initialize({ requireFrom, nativeFile }: Installation): NativeModule {
  const shared = requireFrom.cache[requireFrom.resolve('onnxruntime-node/dist/binding.js')];
  if (shared?.loaded === true) {
    const { binding, initOrt } = shared.exports as BindingModule;
    withoutTelemetry(initOrt);
    return binding;
  }
  const native = requireFrom(nativeFile) as NativeModule;
  withoutTelemetry(() => native.initOrtOnce(fatalOnly, ResultTensor, isMainThread));
  return native;
}

function load(from: string): OnnxruntimeBinding {
  const installation = find(from);
  const { version } = installation;
  let native: NativeModule;
  try {
    native = initialize(installation);
  } catch (cause) {
    throw notLoaded(cause);
  }
  const isExpected =
    typeof native.InferenceSession?.prototype.loadModel === 'function' &&
    typeof native.InferenceSession.prototype.run === 'function';
  if (!isExpected) throw unavailable(`onnxruntime-node ${version} has no synchronous binding that we know`);
  return {
    version,
    newSession: () => new native.InferenceSession(),
    providers: native.listSupportedBackends(),
  };
}

/**
 * The binding of the onnxruntime-node that `from` would get; loaded once.
 * @param from file or folder from which to look; by default our own dependency.
 * @throws EnvironmentError FG3201
 */
export function loadOnnxruntime(from: string = import.meta.url): OnnxruntimeBinding {
  const known = loaded.get(from);
  if (known !== undefined) return known;
  const binding = load(from);
  loaded.set(from, binding);
  return binding;
}
