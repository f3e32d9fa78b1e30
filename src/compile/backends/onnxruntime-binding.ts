/**
 * onnxruntime-node's native binding: the one place that loads it. Its public API runs on promises although the native
 * call is synchronous; `dist/binding.js` is what the public API itself calls. It is not a public module, so the version is
 * pinned and what we use of it is checked when it is loaded.
 */
import { createRequire } from 'node:module';
import { EnvironmentError } from '../../ir/errors.ts';

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

interface BindingModule {
  readonly binding: {
    readonly InferenceSession: new () => BindingSession;
    listSupportedBackends(): { readonly name: string; readonly bundled: boolean }[];
  };
  initOrt(): void;
}

interface CommonModule {
  readonly env: { logLevel?: string };
}

const loaded = new Map<string, OnnxruntimeBinding>();

function unavailable(message: string, cause?: unknown): EnvironmentError {
  return new EnvironmentError(message, {
    code: 'FG3201',
    hint: `Run \`npm install onnxruntime-node@${pinnedVersion}\`, or use \`--backend eager\`.`,
    ...(cause === undefined ? {} : { cause }),
  });
}

function load(from: string): OnnxruntimeBinding {
  const requireFrom = createRequire(from);
  let version: string;
  let module: BindingModule;
  try {
    ({ version } = requireFrom('onnxruntime-node/package.json') as { version: string });
    module = requireFrom('onnxruntime-node/dist/binding.js') as BindingModule;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
    throw unavailable(
      `onnxruntime-node cannot be loaded on ${process.platform}-${process.arch}: ${reason}`,
      cause,
    );
  }
  const isExpected =
    typeof module.initOrt === 'function' &&
    typeof module.binding?.InferenceSession?.prototype.loadModel === 'function' &&
    typeof module.binding.InferenceSession.prototype.run === 'function';
  if (!isExpected) throw unavailable(`onnxruntime-node ${version} has no synchronous binding that we know`);

  // Failures reach us as exceptions; the library would print each of them to stderr as well.
  const { env } = createRequire(requireFrom.resolve('onnxruntime-node/package.json'))(
    'onnxruntime-common',
  ) as CommonModule;
  const { logLevel } = env;
  env.logLevel = 'fatal';
  try {
    module.initOrt();
  } finally {
    if (logLevel === undefined) delete env.logLevel;
    else env.logLevel = logLevel;
  }
  const { binding } = module;
  return {
    version,
    newSession: () => new binding.InferenceSession(),
    providers: binding.listSupportedBackends(),
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
