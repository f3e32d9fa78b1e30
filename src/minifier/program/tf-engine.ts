/**
 * The little that we need to know about tfjs's engine, which lives on a global and is the same for every copy of
 * tfjs-core in the process. Typed by shape: the program brings its own tfjs.
 */

export interface EngineTensor {
  readonly id: number;
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly dataId: object;
}

export type NamedTensors = Readonly<Record<string, EngineTensor>>;

export interface KernelBackend {
  write(values: ArrayLike<number>, shape: readonly number[], dtype: string): object;
  disposeData(dataId: object, force?: boolean): boolean;
  readSync(dataId: object): ArrayLike<number>;
}

export interface Engine {
  state: { readonly constructor: new () => Engine['state'] };
  ENV: { flags: Record<string, unknown> };
  backendName: string | undefined;
  backendInstance: KernelBackend | null | undefined;
  readonly registryFactory: Readonly<Record<string, unknown>>;
  runKernel(name: string, inputs: NamedTensors, attributes: unknown): EngineTensor | EngineTensor[];
  startScope(name?: string): void;
  endScope(result?: unknown): void;
  readSync(dataId: object): ArrayLike<number>;
  read(dataId: object): Promise<ArrayLike<number>>;
  setBackend(name: string): Promise<boolean>;
  findBackend(name: string): KernelBackend | null;
}

export interface KernelConfig {
  readonly kernelFunc: (call: {
    inputs: NamedTensors;
    attrs: unknown;
    backend: KernelBackend;
  }) => EngineTensor | EngineTensor[];
}

interface TfGlobals {
  readonly _tfengine?: Engine;
  readonly _tfGlobals?: ReadonlyMap<string, Map<string, unknown>>;
}

/** The engine, once some copy of tfjs-core is loaded. */
export function currentEngine(): Engine | undefined {
  return (globalThis as TfGlobals)._tfengine;
}

/** Kernels by `kernel_backend` and gradients by kernel, as tfjs keeps them. */
export function registryOf(name: 'kernelRegistry' | 'gradRegistry'): Map<string, unknown> | undefined {
  return (globalThis as TfGlobals)._tfGlobals?.get(name);
}

export function findKernel(name: string, backend: string): KernelConfig | undefined {
  return registryOf('kernelRegistry')?.get(`${backend}_${name}`) as KernelConfig | undefined;
}
