/**
 * Libraries that a program requires, and our own engine, compiled once: V8's bytecode of large CommonJS files, with the
 * functions that V8 compiles when they are first called, goes from process to process through the disk cache. Half of
 * what loading tfjs takes is V8's compiler. The idea is that of v8-compile-cache and of Node's own compile cache, which
 * Node 20 does not have.
 */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import Module from 'node:module';
import { dirname, join, parse } from 'node:path';
import { constants, Script } from 'node:vm';
import { isMainThread } from 'node:worker_threads';
import { crc32 } from 'node:zlib';
import { openDiskCache, type DiskCache } from '../compile/disk-cache.ts';
import { codeFolder } from '../own-files.ts';
import { wrapCompile } from './wrap-compile.ts';

interface CommonJsModule {
  readonly exports: unknown;
}
type ModuleBody = (
  this: unknown,
  exports: unknown,
  require: unknown,
  module: CommonJsModule,
  file: string,
  folder: string,
) => unknown;

interface ModuleInternals {
  readonly wrap: (text: string) => string;
  readonly enableCompileCache?: (directory: string) => unknown;
  /** Since Node 22.14. */
  readonly setSourceMapsSupport?: (
    isEnabled: boolean,
    options: { readonly nodeModules: boolean; readonly generatedCode: boolean },
  ) => unknown;
}

const internals = Module as unknown as ModuleInternals;

const smallestLength = 32_768;
/** Processes that add what they compiled to the code of a file: each program calls other functions. */
const growingProcesses = 8;

/** Checksum of the code (V8 crashes on damaged code), and how many processes have added to it. */
const headerBytes = 8;

interface StoredCode {
  readonly code: Buffer;
  readonly processes: number;
}

function readStored(path: string): StoredCode | undefined {
  try {
    const bytes = readFileSync(path);
    const code = bytes.subarray(headerBytes);
    if (crc32(code) !== bytes.readUInt32LE(0)) return undefined;
    return { code, processes: bytes.readUInt32LE(4) };
  } catch {
    // Missing, unreadable or too short.
    return undefined;
  }
}

function writeStored(path: string, { code, processes }: StoredCode): void {
  const header = Buffer.alloc(headerBytes);
  header.writeUInt32LE(crc32(code), 0);
  header.writeUInt32LE(processes, 4);
  writeFileSync(path, Buffer.concat([header, code]));
}

/** Name on disk. V8 itself refuses code that was made under other flags. */
function keyOf(text: string, file: string): string {
  const parts = [process.versions.v8, process.arch, file, text.length, crc32(text)];
  const hash = createHash('sha1').update(parts.join('\0')).digest('hex');
  return `${parse(file)
    .name.replaceAll(/[^\w.-]/g, '_')
    .slice(0, 40)}-${hash}.code`;
}

/** The function that Node makes of a module's text: its own lines keep their numbers, the first one has its own columns. */
const head = 'function (exports, require, module, __filename, __dirname) {\n';
const tail = '\n}';
const nodeWrapper = '(function (exports, require, module, __filename, __dirname) { \n});';

/** V8 would warn of its default loader for scripts, which these need. */
const dynamicImport = /(?<!\.)\bimport\s*(?:\(\s*[^\s)]|\/[*/])/;

function isCacheable(text: string, file: string, format: unknown): boolean {
  return (
    text.length >= smallestLength &&
    format !== 'module' &&
    (file.startsWith(codeFolder) || /[\\/]node_modules[\\/]/.test(file)) &&
    !text.startsWith('#!') &&
    // Another tool changes what Node compiles.
    internals.wrap('') === nodeWrapper
  );
}

/** Whether Node reads the source maps of what it compiles. */
function readsSourceMaps(): boolean {
  return (process as { readonly sourceMapsEnabled?: boolean }).sourceMapsEnabled === true;
}

interface CompiledBody {
  readonly script: Script;
  readonly body: ModuleBody;
}

/** @returns undefined for a text that is no body of a function: Node says what is wrong, or finds out that it is an ES module. */
function compile(text: string, file: string, code: Buffer | undefined): CompiledBody | undefined {
  try {
    const script = new Script(`(${head}${text}${tail})`, {
      filename: file,
      lineOffset: -1,
      ...(code === undefined ? {} : { cachedData: code }),
      importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    });
    const body: unknown = script.runInThisContext();
    const isWhole =
      typeof body === 'function' &&
      Function.prototype.toString.call(body).length === head.length + text.length + tail.length;
    return isWhole ? { script, body: body as ModuleBody } : undefined;
  } catch {
    return undefined;
  }
}

interface LoadedFile {
  readonly key: string;
  readonly script: Script;
  readonly processes: number;
}

function store(cache: DiskCache, { key, script, processes }: LoadedFile): void {
  cache.store(key, (path) => writeStored(path, { code: script.createCachedData(), processes }));
}

function hasFlag(flag: string): boolean {
  return [...process.execArgv, process.env['NODE_OPTIONS'] ?? ''].some((argument) => argument.includes(flag));
}

/** Things about the process that a cache of code would change: coverage, and checks of what files hold. */
function isUnwanted(): boolean {
  const { NODE_DISABLE_COMPILE_CACHE, NODE_V8_COVERAGE } = process.env;
  return (
    NODE_DISABLE_COMPILE_CACHE !== undefined ||
    NODE_V8_COVERAGE !== undefined ||
    hasFlag('--experimental-policy')
  );
}

/**
 * Begins to keep the code of what this process requires; it is written when the process ends.
 * @param directory folder of the disk cache.
 */
export function cacheCode(directory: string): void {
  if (isUnwanted()) return;
  // A TypeScript loader wants the maps of what it made itself. Those of tfjs are 16 MB.
  const isByLoader = readsSourceMaps() && !hasFlag('--enable-source-maps');
  if (isByLoader) internals.setSourceMapsSupport?.(true, { nodeModules: false, generatedCode: true });
  const folder = join(directory, 'code');
  // Since Node 22.1; it takes ES modules and small files as well.
  if (internals.enableCompileCache !== undefined) {
    internals.enableCompileCache(folder);
    return;
  }
  const cache = openDiskCache(folder);
  const loaded: LoadedFile[] = [];

  /** @returns undefined for what is left to Node. */
  function bodyOf(text: string, file: string, format: unknown): ModuleBody | undefined {
    if ((readsSourceMaps() && !isByLoader) || !isCacheable(text, file, format)) return undefined;
    const key = keyOf(text, file);
    const path = cache.find(key);
    const stored = path === undefined ? undefined : readStored(path);
    // What is kept was looked at.
    if (stored === undefined && dynamicImport.test(text)) return undefined;
    const compiled = compile(text, file, stored?.code);
    if (compiled === undefined) return undefined;
    const { script, body } = compiled;
    const processes = stored === undefined || script.cachedDataRejected === true ? 0 : stored.processes;
    if (processes < growingProcesses) loaded.push({ key, script, processes: processes + 1 });
    return body;
  }

  wrapCompile(
    (original) =>
      function (text, file, ...rest) {
        const body = bodyOf(text, file, rest[0]);
        if (body === undefined) return original.call(this, text, file, ...rest);
        // Node makes the module's own `require`.
        const require = original.call(this, 'return require', file, 'commonjs');
        const { exports } = this as CommonJsModule;
        return Reflect.apply(body, exports, [exports, require, this as CommonJsModule, file, dirname(file)]);
      },
  );
  if (!isMainThread) return;
  process.on('exit', () => {
    for (const file of loaded) store(cache, file);
  });
}
