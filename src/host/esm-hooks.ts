/**
 * Starts the ESM loader hooks (`module-hooks.ts`), which answer imports of tfjs-node. Where Node has no synchronous hooks
 * they run in a thread of their own that takes 30 ms to start, so on Node 20 they are started when a text is met that may
 * lead to such an import, and programs that cannot get there do without. In doubt they are started.
 */
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import Module, { createRequire, isBuiltin, register } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import { codeFolder, ownModule } from '../own-files.ts';
import { resolveNow } from './module-hooks.ts';
import { isTfjsNode } from './tfjs-node/names.ts';
import { isTypescript } from './typescript.ts';
import { wrapCompile } from './wrap-compile.ts';

/** The syntax of a static import or of `import.meta`, up to the name of the module. */
const staticImport = /\bimport(?:\s*\.\s*meta\b|\s*(?:[\w$*{}\s,]*\bfrom\b)?\s*(?:'[^'\n]+'|"[^"\n]+"))/g;
const anyImport = /\bimport\b/g;
/** A name behind `from` or `import`, whatever it is there for. */
const moduleNames = /\b(?:from|import)\s*(?:'([^'\n]+)'|"([^"\n]+)")/g;
const hiddenName = /\bfrom\s*\/[*/]/;

const countOf = (pattern: RegExp, text: string): number => text.match(pattern)?.length ?? 0;

/** @returns names of the modules that a text imports; undefined when they cannot be told from the text. */
function importsOf(text: string): readonly string[] | undefined {
  if (countOf(anyImport, text) !== countOf(staticImport, text) || hiddenName.test(text)) return undefined;
  return Array.from(text.matchAll(moduleNames), ([, single, double]) => single ?? double ?? '');
}

/** Packages that import no other than tfjs itself. */
const tfjsPackage =
  /^@tensorflow\/tfjs(?:-core|-layers|-converter|-data|-backend-(?:cpu|wasm|webgl|webgpu))?$/;

/** @returns the file of a package that has one only, whether it is imported or required: one without `exports`. */
function fileOfPackage(name: string, importer: string): string | undefined {
  if (!/^(?:@[\w.-]+\/)?\w[\w.-]*$/.test(name)) return undefined;
  const { resolve } = createRequire(importer);
  for (const folder of resolve.paths(name) ?? []) {
    const manifest = join(folder, name, 'package.json');
    if (!existsSync(manifest)) continue;
    const { exports } = JSON.parse(readFileSync(manifest, 'utf8')) as { readonly exports?: unknown };
    return exports === undefined ? resolve(name) : undefined;
  }
  return undefined;
}

/** @returns where the text of an imported module is; undefined when that cannot be told. */
function fileOfImport(name: string, importer: string): string | undefined {
  if (!/^\.{1,2}\//.test(name)) return fileOfPackage(name, importer);
  return fileURLToPath(new URL(name, pathToFileURL(importer)));
}

/**
 * Whether a program that starts with a file may import tfjs-node, as far as ES modules go; CommonJS modules among them
 * are looked at when they are compiled.
 */
export function mayImportTfjsNode(entry: string): boolean {
  const files = new Set<string>([entry]);
  try {
    for (const link of files) {
      const file = realpathSync(link);
      const names = importsOf(readFileSync(file, 'utf8'));
      if (names === undefined) return true;
      for (const name of names) {
        if (isBuiltin(name) || tfjsPackage.test(name)) continue;
        const imported = isTfjsNode(name) ? undefined : fileOfImport(name, file);
        if (imported === undefined) return true;
        files.add(imported);
      }
    }
  } catch {
    // A folder, a file without its extension, or something that Node will not find either.
    return true;
  }
  return false;
}

const preload = /^(?:-r|--(?:require|import|loader|experimental-loader|input-type))\b/;

/** Whether what is to run is a file of JavaScript, and nothing else is loaded before or beside it. */
function isPlainStart(script: string | undefined): script is string {
  const flags = [...process.execArgv, ...(process.env['NODE_OPTIONS'] ?? '').split(/\s+/)];
  return (
    process.versions.node.startsWith('20.') &&
    isMainThread &&
    script !== undefined &&
    !isTypescript(script) &&
    (process as { readonly _eval?: unknown })._eval === undefined &&
    flags.filter((flag) => preload.test(flag)).length === 1
  );
}

interface ModuleInternals {
  /** Since Node 22.15: hooks without a thread. */
  readonly registerHooks?: (hooks: { readonly resolve: typeof resolveNow }) => unknown;
}

const internals = Module as unknown as ModuleInternals;

const importCall = /\bimport\s*(?:\(|\/[*/])/;
const harmlessFile = /[\\/]node_modules[\\/]@tensorflow[\\/]tfjs/;

/** Starts the hooks before the first import that may need them. */
export function startEsmHooks(script: string | undefined): void {
  if (internals.registerHooks !== undefined) {
    internals.registerHooks({ resolve: resolveNow });
    return;
  }
  const start = (): void => register(ownModule('host/module-hooks'));
  if (!isPlainStart(script) || mayImportTfjsNode(script)) return start();
  let isStarted = false;
  wrapCompile(
    (original) =>
      function (text, file, ...rest) {
        if (!isStarted && !harmlessFile.test(file) && !file.startsWith(codeFolder) && importCall.test(text)) {
          isStarted = true;
          start();
        }
        return original.call(this, text, file, ...rest);
      },
  );
}
