/**
 * Runs a program whose files exist in memory only, as if they lay in its folder: ES modules through `vm`, CommonJS
 * through compiled functions. Everything that is not part of the program is loaded the ordinary way and stays loaded,
 * which is what makes a trial in a warm process cheap.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, resolve as resolvePath } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { compileFunction, SourceTextModule, SyntheticModule, type Module as VmModule } from 'node:vm';
import type { ProgramFile } from './messages.ts';

const endings = ['', '.js', '.mjs', '.cjs', '.ts', '.mts', '.cts', '.tsx', '.jsx', '/index.js', '/index.ts'];

export interface Program {
  /** Loads and links everything that the entry imports statically. */
  link(): Promise<void>;
  /** Runs the entry; settles when its top level has. */
  evaluate(): Promise<void>;
  /** Path of the file that a script URL or name of V8 stands for, if it is one of the program's. */
  pathOf(scriptUrl: string): string | undefined;
}

const packages = new Map<string, SyntheticModule>();

async function synthetic(key: string, load: () => unknown): Promise<SyntheticModule> {
  const known = packages.get(key);
  if (known) return known;
  const namespace = (await load()) as Record<string, unknown>;
  const names = Object.keys(namespace);
  const module = new SyntheticModule(
    names,
    function fill(this: SyntheticModule) {
      for (const name of names) this.setExport(name, namespace[name]);
    },
    { identifier: key },
  );
  packages.set(key, module);
  return module;
}

/** `onLoad` is called whenever something outside the program may have been loaded for it. */
export function openProgram(
  root: string,
  entry: string,
  files: readonly ProgramFile[],
  onLoad: () => void,
): Program {
  const byPath = new Map(files.map((file) => [resolvePath(root, file.path), file]));
  const modules = new Map<string, VmModule>();
  const commonJs = new Map<string, { exports: unknown }>();
  const entryPath = resolvePath(root, entry);

  const findOwn = (specifier: string, parent: string): string | undefined => {
    if (!/^(?:\.{0,2}\/|file:)/.test(specifier)) return undefined;
    const base = specifier.startsWith('file:')
      ? fileURLToPath(specifier)
      : resolvePath(dirname(parent), specifier);
    const stem = base.replace(/\.([mc]?)js$/, '.$1ts');
    return [...endings.map((ending) => base + ending), stem].find((path) => byPath.has(path));
  };

  const importForeign = async (specifier: string, parent: string): Promise<SyntheticModule> => {
    const parentUrl = pathToFileURL(parent).href;
    const url = import.meta.resolve(specifier, parentUrl);
    const module = await synthetic(url, () =>
      url.endsWith('.json')
        ? { default: JSON.parse(readFileSync(fileURLToPath(url), 'utf8')) as unknown }
        : import(url),
    );
    onLoad();
    return module;
  };

  const requireFrom = (parent: string): ((specifier: string) => unknown) => {
    const foreign = createRequire(parent);
    return Object.assign(
      (specifier: string): unknown => {
        const own = findOwn(specifier, parent);
        if (own !== undefined) return loadCommonJs(own);
        const exported: unknown = foreign(specifier);
        onLoad();
        return exported;
      },
      { resolve: foreign.resolve, cache: foreign.cache, main: undefined },
    );
  };

  const loadCommonJs = (path: string): unknown => {
    const known = commonJs.get(path);
    if (known) return known.exports;
    const module = {
      exports: {} as unknown,
      filename: path,
      id: path,
      loaded: true,
      children: [],
      paths: [],
    };
    commonJs.set(path, module);
    const require = requireFrom(path);
    const run = compileFunction(
      byPath.get(path)!.text.replace(/^#!/, '//'),
      ['exports', 'require', 'module', '__filename', '__dirname'],
      {
        filename: path,
        importModuleDynamically: ((specifier: string) => importDynamically(specifier, path)) as never,
      },
    ) as (...parameters: unknown[]) => void;
    const isMain = path === entryPath;
    Reflect.apply(run, module.exports, [
      module.exports,
      isMain ? Object.assign(require, { main: module }) : require,
      module,
      path,
      dirname(path),
    ]);
    return module.exports;
  };

  const loadOwn = (path: string): VmModule => {
    const known = modules.get(path);
    if (known) return known;
    const file = byPath.get(path)!;
    const url = pathToFileURL(path).href;
    const module =
      file.format === 'module'
        ? new SourceTextModule(file.text, {
            identifier: url,
            initializeImportMeta: (meta) => {
              Object.assign(meta, {
                url,
                filename: path,
                dirname: dirname(path),
                resolve: (specifier: string) => import.meta.resolve(specifier, url),
              });
            },
            importModuleDynamically: (specifier: string) => importDynamically(specifier, path),
          })
        : wrapCommonJs(path);
    modules.set(path, module);
    return module;
  };

  /** A CommonJS file as seen by an import: its `module.exports` as the default export. */
  const wrapCommonJs = (path: string): VmModule => {
    const exported = loadCommonJs(path);
    const isObject = exported !== null && (typeof exported === 'object' || typeof exported === 'function');
    const names = isObject ? Object.keys(exported).filter((name) => name !== 'default') : [];
    return new SyntheticModule([...names, 'default'], function fill(this: SyntheticModule) {
      for (const name of names) this.setExport(name, (exported as Record<string, unknown>)[name]);
      this.setExport('default', exported);
    });
  };

  const linker = async (specifier: string, parent: VmModule): Promise<VmModule> => {
    const parentPath = fileURLToPath(parent.identifier);
    const own = findOwn(specifier, parentPath);
    return own === undefined ? importForeign(specifier, parentPath) : loadOwn(own);
  };

  const importDynamically = async (specifier: string, parent: string): Promise<VmModule> => {
    const own = findOwn(specifier, parent);
    const module = own === undefined ? await importForeign(specifier, parent) : loadOwn(own);
    if (module.status === 'unlinked') await module.link(linker);
    if (module.status === 'linked') await module.evaluate();
    return module;
  };

  return {
    link: async () => {
      if (byPath.get(entryPath)?.format === 'module') await loadOwn(entryPath).link(linker);
    },
    evaluate: async () => {
      if (byPath.get(entryPath)?.format === 'module') await loadOwn(entryPath).evaluate();
      else loadCommonJs(entryPath);
    },
    pathOf: (scriptUrl) => {
      const path = scriptUrl.startsWith('file:') ? fileURLToPath(scriptUrl) : scriptUrl;
      return byPath.get(path)?.path;
    },
  };
}
