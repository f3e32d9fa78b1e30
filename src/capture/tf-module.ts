/**
 * The part of tfjs that capture touches, as structural types: `@tensorflow/tfjs`, `@tensorflow/tfjs-core`, bundles of
 * them and older versions (from 3.9 on) all fit. The module itself always is the program's own and arrives as a value.
 */
import type { Dtype } from '../ir/tensor-type.ts';

/** Identity of a tensor's memory: an object that engine and backends use as a key. */
export type DataId = object;

/** What kernels take and return. */
export interface TensorInfo {
  readonly dataId: DataId;
  readonly shape: number[];
  readonly dtype: Dtype;
}

export type KernelInputs =
  Readonly<Record<string, TensorInfo | undefined>> | readonly (TensorInfo | undefined)[];
export type KernelAttributes = Readonly<Record<string, unknown>>;
export type KernelResult = TensorInfo | TensorInfo[];

export interface KernelCall {
  inputs: KernelInputs;
  backend: object;
  attrs?: KernelAttributes | undefined;
}

export interface KernelConfig {
  kernelName: string;
  backendName: string;
  kernelFunc(call: KernelCall): KernelResult;
  setupFunc?(backend: object): void;
  disposeFunc?(backend: object): void;
}

export interface EngineVariable {
  readonly name: string;
  readonly dataId: DataId;
}

/** What the engine is busy with. */
export interface EngineState {
  readonly gradientDepth: number;
  readonly activeTape?: unknown;
  readonly profiling: boolean;
  readonly nextTensorId?: number;
}

/** How an engine makes a tensor of what a backend holds; tfjs 3 names it by the id. */
export interface TensorMaker {
  makeTensorFromTensorInfo?(info: TensorInfo, backend?: object): unknown;
  makeTensorFromDataId?(dataId: DataId, shape: number[], dtype: Dtype, backend?: object): unknown;
}

/** A tensor of memory that `backend` holds. */
export function makeTensor(engine: TensorMaker, info: TensorInfo, backend: object): unknown {
  return engine.makeTensorFromTensorInfo === undefined
    ? engine.makeTensorFromDataId!(info.dataId, info.shape, info.dtype, backend)
    : engine.makeTensorFromTensorInfo(info, backend);
}

export interface Engine extends TensorMaker {
  readonly backend?: unknown;
  readonly state?: EngineState;
  backendName: string | null | undefined;
  readonly registeredVariables: Readonly<Record<string, EngineVariable>>;
  runKernel(kernelName: string, inputs: unknown, attrs?: unknown): unknown;
  setBackend(backendName: string): Promise<boolean>;
  moveData(backend: object, dataId: DataId): void;
  findBackend(backendName: string): unknown;
  backendNames(): string[];
}

/** A class whose methods can be wrapped on its prototype. */
export interface WrappableClass {
  readonly prototype: object;
}

export type BackendFactory = () => object;

/** tfjs-core's exports, as far as capture calls them. */
export interface TfModule {
  engine(): Engine;
  env?(): { getBool(flag: string): boolean };
  registerBackend(name: string, factory: BackendFactory, priority?: number): boolean;
  removeBackend(name: string): void;
  findBackendFactory(name: string): BackendFactory | null;
  getKernelsForBackend(backendName: string): KernelConfig[];
  getKernel(kernelName: string, backendName: string): KernelConfig | undefined;
  registerKernel(config: KernelConfig): void;
  unregisterKernel(kernelName: string, backendName: string): void;
  buffer(shape: number[], dtype: Dtype, values: unknown): object;
}
