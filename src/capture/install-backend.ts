/**
 * Puts the lazy backend in the place of tfjs's cpu backend, through tfjs's registries and under the same name, and takes
 * it out again. The original kernels and factory live on as `fullgraph-eager`. Other backends that a program asks for
 * (`wasm`, `tensorflow`...) become further names of the lazy backend. Can be repeated after more packages were loaded.
 */
import type { BackendFactory, Engine, KernelConfig, TfModule } from './tf-module.ts';

/** Name under which the original cpu kernels and their backend can be used. */
export const eagerBackendName = 'fullgraph-eager';

const hostBackendName = 'cpu';

/** Backends whose place the lazy backend takes when a program sets them. */
const replaceableBackends: ReadonlySet<string> = new Set(['wasm', 'webgl', 'webgpu', 'tensorflow', 'node']);

export interface BackendSlot {
  readonly tf: TfModule;
  /** The lazy backend; a new one after the engine was reset. */
  readonly createBackend: BackendFactory;
  readonly wrapKernel: (config: KernelConfig) => KernelConfig;
  /** Leave backends other than cpu alone. */
  readonly respectBackend: boolean;
  /** Called around the engine's move of a tensor between backends. */
  readonly onMove: (isMoving: boolean) => void;
}

interface Replaced {
  readonly factory: BackendFactory | null;
  readonly kernels: KernelConfig[];
}

export interface InstalledBackend {
  /** Takes over what was registered since; false while there is no cpu backend to take over. */
  refresh(): boolean;
  uninstall(): void;
}

/** Engine methods that are shadowed on the instance while installed. */
const shadowed = ['setBackend', 'moveData', 'runKernel', 'backendNames'] as const;
type Shadowed = (typeof shadowed)[number];

export function installBackend(slot: BackendSlot): InstalledBackend {
  const { tf } = slot;
  const engine: Engine = tf.engine();
  const replaced = new Map<string, Replaced>();
  /** Kernel names per backend that were taken over: a later registration is the program's own and stays. */
  const hostKernels = new Set<string>();
  const taken = new Map([[hostBackendName, hostKernels]]);
  const ours = new WeakSet<KernelConfig>();
  const wrapped = new Map<string, KernelConfig>();

  function register(backendName: string, config: KernelConfig): void {
    const own = { ...config, backendName };
    ours.add(own);
    tf.registerKernel(own);
  }

  function takeKernel(backendName: string, config: KernelConfig): void {
    const names = taken.get(backendName) ?? new Set<string>();
    taken.set(backendName, names);
    if (ours.has(config) || names.has(config.kernelName)) return;
    names.add(config.kernelName);
    replaced.get(backendName)?.kernels.push(config);
    tf.unregisterKernel(config.kernelName, backendName);
    if (backendName === hostBackendName) {
      tf.registerKernel({ ...config, backendName: eagerBackendName });
      wrapped.set(config.kernelName, slot.wrapKernel(config));
    }
    const lazy = wrapped.get(config.kernelName);
    if (lazy !== undefined) register(backendName, lazy);
  }

  /** Registers the lazy factory under a name; keeps the name active when it was. */
  function takeFactory(backendName: string, priority: number): void {
    const factory = tf.findBackendFactory(backendName);
    const isActive = engine.backendName === backendName;
    replaced.set(backendName, { factory, kernels: [] });
    if (factory !== null) tf.removeBackend(backendName);
    tf.registerBackend(backendName, slot.createBackend, priority);
    if (isActive) activate(backendName);
  }

  function activate(backendName: string): void {
    // Synchronous in effect, as the factory is; the promise only says so.
    void original.setBackend(backendName);
  }

  function takeHost(): boolean {
    if (!replaced.has(hostBackendName)) {
      const factory = tf.findBackendFactory(hostBackendName);
      if (factory === null) return false;
      if (tf.findBackendFactory(eagerBackendName) === null) tf.registerBackend(eagerBackendName, factory, 0);
      takeFactory(hostBackendName, 1);
    }
    for (const config of tf.getKernelsForBackend(hostBackendName)) takeKernel(hostBackendName, config);
    for (const name of replaced.keys()) if (name !== hostBackendName) fillName(name);
    return true;
  }

  /** All lazy kernels under a further name. */
  function fillName(backendName: string): void {
    for (const config of tf.getKernelsForBackend(backendName)) takeKernel(backendName, config);
    const names = taken.get(backendName) ?? new Set<string>();
    taken.set(backendName, names);
    for (const [kernelName, config] of wrapped) {
      if (names.has(kernelName)) continue;
      names.add(kernelName);
      register(backendName, config);
    }
  }

  const original = {
    setBackend: engine.setBackend.bind(engine),
    moveData: engine.moveData.bind(engine),
    runKernel: engine.runKernel.bind(engine),
    backendNames: engine.backendNames.bind(engine),
  };
  const shadows: Pick<Engine, Shadowed> = {
    setBackend(backendName) {
      if (!slot.respectBackend && replaceableBackends.has(backendName) && replaced.has(hostBackendName)) {
        if (!replaced.has(backendName)) takeFactory(backendName, 2);
        fillName(backendName);
      }
      return original.setBackend(backendName);
    },
    moveData(backend, dataId) {
      slot.onMove(true);
      try {
        original.moveData(backend, dataId);
      } finally {
        slot.onMove(false);
      }
    },
    // A kernel that was registered after installation is taken over when it is first called.
    runKernel(kernelName, inputs, attributes) {
      const { backendName } = engine;
      const names = backendName === hostBackendName ? hostKernels : taken.get(backendName!);
      if (names?.has(kernelName) === false) {
        const config = tf.getKernel(kernelName, backendName!);
        if (config !== undefined) takeKernel(backendName!, config);
      }
      return original.runKernel(kernelName, inputs, attributes);
    },
    backendNames: () => original.backendNames().filter((name) => name !== eagerBackendName),
  };

  function restore(backendName: string, { factory, kernels }: Replaced): void {
    for (const config of tf.getKernelsForBackend(backendName)) {
      if (ours.has(config)) tf.unregisterKernel(config.kernelName, backendName);
    }
    for (const config of kernels) {
      if (tf.getKernel(config.kernelName, backendName) === undefined) tf.registerKernel(config);
    }
    const isActive = engine.backendName === backendName;
    tf.removeBackend(backendName);
    if (factory === null) return;
    tf.registerBackend(backendName, factory, 1);
    if (isActive) activate(backendName);
  }

  Object.assign(engine, shadows);
  takeHost();
  return {
    refresh: takeHost,
    uninstall() {
      for (const [name, entry] of replaced) restore(name, entry);
      for (const config of tf.getKernelsForBackend(eagerBackendName)) {
        tf.unregisterKernel(config.kernelName, eagerBackendName);
      }
      if (tf.findBackendFactory(eagerBackendName) !== null) tf.removeBackend(eagerBackendName);
      replaced.clear();
      for (const name of shadowed) {
        if (engine[name] === shadows[name]) Reflect.deleteProperty(engine, name);
      }
    },
  };
}
