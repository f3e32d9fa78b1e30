/** Our code as few files: Node spends a fifth of a millisecond and more on each module that it loads. */
import { build, type BuildOptions, type Plugin } from 'esbuild';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** Folder of the repository. */
export const root: string = fileURLToPath(new URL('..', import.meta.url));

/** Of this library we use 2 of 40 modules. */
const bundledLibraries = /^@bufbuild\/protobuf\//;

/** Libraries stay in node_modules. */
const libraries: Plugin = {
  name: 'libraries',
  setup(builder) {
    builder.onResolve({ filter: /^[^./]/ }, ({ path: name, kind }) =>
      kind === 'entry-point' || bundledLibraries.test(name) ? undefined : { path: name, external: true },
    );
  },
};

/**
 * Writes a bundle for Node per entry point, and what they share as chunks named after their content.
 * @param entryPoints output without extension -> source, relative to {@link root}
 * @param outdir relative to {@link root}
 * @returns paths of what was written, and of the sources that are in it, relative to {@link root}
 */
export async function bundle(
  entryPoints: Readonly<Record<string, string>>,
  outdir: string,
  options: Pick<BuildOptions, 'outExtension'> = {},
): Promise<{ readonly written: readonly string[]; readonly sources: readonly string[] }> {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: { ...entryPoints },
    outdir,
    ...options,
    chunkNames: 'chunks/[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    sourcemap: true,
    sourcesContent: false,
    legalComments: 'none',
    plugins: [libraries],
    metafile: true,
    logLevel: 'warning',
  });
  return {
    written: Object.keys(metafile.outputs).map((file) => path.join(root, file)),
    sources: Object.keys(metafile.inputs),
  };
}
