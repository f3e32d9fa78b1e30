/** Our code as few files: Node spends a fifth of a millisecond and more on each module that it loads. */
import { build, transform, type BuildOptions, type Plugin } from 'esbuild';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** Folder of the repository. */
export const root: string = fileURLToPath(new URL('..', import.meta.url));

/** Of this library we use 2 of 40 modules. */
const bundledLibraries = /^@bufbuild\/protobuf\//;

export interface BundleOptions extends Pick<BuildOptions, 'outExtension'> {
  /** More libraries to bundle; the others stay in node_modules. */
  readonly libraries?: RegExp;
  /** Entry points of functions that are loaded when one is first called. */
  readonly lazy?: Readonly<Record<string, readonly string[]>>;
}

/** Libraries stay in node_modules, but for some. */
const outside = (bundled: RegExp | undefined): Plugin => ({
  name: 'outside',
  setup(builder) {
    builder.onResolve({ filter: /^[^./]/ }, ({ path: name, kind }) =>
      kind === 'entry-point' || bundledLibraries.test(name) || bundled?.test(name) === true
        ? undefined
        : { path: name, external: true },
    );
  },
});

/** Whoever imports one of the entry points gets functions in its place that require it. */
const lazily = (
  functions: Readonly<Record<string, readonly string[]>>,
  sources: Readonly<Record<string, string>>,
): Plugin => ({
  name: 'lazily',
  setup(builder) {
    for (const [name, exports] of Object.entries(functions)) {
      const file = path.join(root, sources[name]!);
      builder.onResolve({ filter: /^\./ }, ({ path: request, resolveDir, kind }) =>
        kind !== 'entry-point' && path.join(resolveDir, request) === file
          ? { path: name, namespace: 'lazy' }
          : undefined,
      );
      const contents = [
        `import { createRequire } from 'node:module';`,
        // Where several import it, this is a chunk, one folder below.
        `const entry = new URL('.', import.meta.url).pathname.endsWith('/chunks/') ? '../${name}.js' : './${name}.js';`,
        `const load = () => createRequire(import.meta.url)(entry);`,
        ...exports.map((own) => `export const ${own} = (...values) => load().${own}(...values);`),
      ].join('\n');
      builder.onLoad({ filter: new RegExp(`^${name}$`), namespace: 'lazy' }, () => ({ contents }));
    }
  },
});

export interface Bundled {
  /** Paths of what was written. */
  readonly written: readonly string[];
  /** Sources that are in it, relative to {@link root}. */
  readonly sources: readonly string[];
  /** Entry point -> names that it exports. */
  readonly exports: Readonly<Record<string, readonly string[]>>;
}

interface Built extends Bundled {
  readonly files: readonly { readonly path: string; readonly text: string }[];
}

async function buildModules(
  entryPoints: Readonly<Record<string, string>>,
  outdir: string,
  options: BundleOptions,
  write: Pick<BuildOptions, 'write' | 'sourcemap'>,
): Promise<Built> {
  const { libraries, lazy = {}, ...rest } = options;
  const { metafile, outputFiles = [] } = await build({
    absWorkingDir: root,
    entryPoints: { ...entryPoints },
    outdir,
    ...rest,
    ...write,
    chunkNames: 'chunks/[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    sourcesContent: false,
    legalComments: 'none',
    plugins: [lazily(lazy, entryPoints), outside(libraries)],
    metafile: true,
    logLevel: 'warning',
  });
  const outputs = Object.entries(metafile.outputs);
  const exportsOf = (source: string): readonly string[] =>
    outputs.find(([, { entryPoint }]) => entryPoint === source)?.[1].exports ?? [];
  return {
    written: outputs.map(([file]) => path.join(root, file)),
    sources: Object.keys(metafile.inputs),
    exports: Object.fromEntries(
      Object.entries(entryPoints).map(([name, source]) => [name, exportsOf(source)]),
    ),
    files: outputFiles,
  };
}

/**
 * Writes a bundle for Node per entry point, and what they share as chunks named after their content.
 * @param entryPoints output without extension -> source, relative to {@link root}
 * @param outdir relative to {@link root}
 */
export async function bundle(
  entryPoints: Readonly<Record<string, string>>,
  outdir: string,
  options: BundleOptions = {},
): Promise<Bundled> {
  return buildModules(entryPoints, outdir, options, { write: true, sourcemap: true });
}

/** Lines that are short enough to be read in a stack trace. */
const lineLimit = 160;

async function toCommonJs(file: string, text: string): Promise<void> {
  const { code, map } = await transform(text, {
    sourcefile: path.basename(file),
    loader: 'js',
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    // Without comments the text is ASCII, which V8 reads and keeps as bytes.
    minifyWhitespace: true,
    lineLimit,
    sourcemap: 'external',
    sourcesContent: false,
    define: { 'import.meta.url': 'ownUrl' },
    banner: "const ownUrl=require('node:url').pathToFileURL(__filename).href;",
  });
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(`${file}.map`, map);
  writeFileSync(file, `${code}//# sourceMappingURL=${path.basename(file)}.map\n`);
}

/**
 * The same as CommonJS, which goes through `require` and so through the cache of V8's code. Modules stay one instance
 * each, as chunks are converted one by one (esbuild itself splits ES modules only).
 */
export async function bundleCommonJs(
  entryPoints: Readonly<Record<string, string>>,
  outdir: string,
  options: BundleOptions = {},
): Promise<Bundled> {
  const built = await buildModules(entryPoints, outdir, options, { write: false, sourcemap: 'inline' });
  for (const { path: file, text } of built.files) await toCommonJs(file, text);
  writeFileSync(path.join(root, outdir, 'package.json'), '{ "type": "commonjs" }\n');
  return { ...built, written: built.written.flatMap((file) => [file, `${file}.map`]) };
}
