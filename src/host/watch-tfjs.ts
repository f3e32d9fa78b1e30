/**
 * Notices when the program has loaded tfjs. In Node every tfjs package is CommonJS, whether it is required or imported,
 * so all loads pass through `Module._load`; when the outermost load of a tfjs package ends, its registries are complete
 * and the callback gets the exports of the program's own tfjs-core. Packages that nobody can install on current Node
 * are answered from a table of stand-ins.
 */
import Module from 'node:module';

/** `require`'s internals that Node keeps stable for tools such as this one. */
interface ModuleInternals {
  _load: (this: unknown, request: string, parent: unknown, isMain: boolean) => unknown;
  readonly _cache: Readonly<
    Record<string, { readonly exports: unknown; readonly loaded: boolean } | undefined>
  >;
}

const internals = Module as unknown as ModuleInternals;
const tfjsPackage = /(?:^|[\\/])@tensorflow[\\/]tfjs[\w-]*/;
const tfjsCoreFile = /@tensorflow[\\/]tfjs-core[\\/]dist[\\/]tf-core(?:\.node)?(?:\.min)?\.js$/;

const tfjsModelFile =
  /@tensorflow[\\/]tfjs-(?:layers|converter)[\\/]dist[\\/]tf-(?:layers|converter)(?:\.node)?(?:\.min)?\.js$/;

export type TfjsExports = Readonly<Record<string, unknown>>;

export interface TfjsWatcher {
  /**
   * Called after each outermost load of a tfjs package, with the exports of every loaded tfjs-core and of the packages
   * that hold models.
   */
  readonly onLoad: (cores: readonly TfjsExports[], models: readonly TfjsExports[]) => void;
  /** Exports to answer a request with, or undefined to load it as usual. */
  readonly standIn: (request: string, parentFile: string | undefined) => unknown;
}

function loadedExports(pattern: RegExp): TfjsExports[] {
  return Object.entries(internals._cache).flatMap(([file, module]) =>
    module?.loaded === true && pattern.test(file) ? [module.exports as TfjsExports] : [],
  );
}

function fileOf(parent: unknown): string | undefined {
  return parent !== null &&
    typeof parent === 'object' &&
    'filename' in parent &&
    typeof parent.filename === 'string'
    ? parent.filename
    : undefined;
}

/** Starts watching; returns a function that stops it. */
export function watchTfjs(watcher: TfjsWatcher): () => void {
  const original = internals._load;
  let depth = 0;
  function load(this: unknown, request: string, parent: unknown, isMain: boolean): unknown {
    const standIn = watcher.standIn(request, fileOf(parent));
    if (standIn !== undefined) return standIn;
    if (!tfjsPackage.test(request)) return original.call(this, request, parent, isMain);
    depth++;
    try {
      return original.call(this, request, parent, isMain);
    } finally {
      depth--;
      if (depth === 0) watcher.onLoad(loadedExports(tfjsCoreFile), loadedExports(tfjsModelFile));
    }
  }
  internals._load = load;
  return () => {
    if (internals._load === load) internals._load = original;
  };
}
