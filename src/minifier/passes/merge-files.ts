/** Several files made one by esbuild's bundler, which also drops what no import reaches. Packages stay imports. */
import { dirname, join } from 'node:path/posix';
import { build } from 'esbuild';
import { definePass } from '../define-pass.ts';
import { canonicalTree } from '../source/edit.ts';
import type { SourcePass } from '../source/source-context.ts';
import { parseFile, type SourceTree } from '../source/source-tree.ts';
import { isLocal } from '../source/specifiers.ts';

const endings = ['', '.js', '.mjs', '.cjs', '.ts', '.mts', '.cts', '.tsx', '.jsx', '/index.js', '/index.ts'];

async function bundle(tree: SourceTree): Promise<SourceTree | undefined> {
  const byPath = new Map(tree.files.map((file) => [file.path, file]));
  const entry = byPath.get(tree.entry);
  if (entry === undefined) return undefined;
  const find = (path: string): string | undefined =>
    [...endings.map((ending) => path + ending), path.replace(/\.([mc]?)js$/, '.$1ts')].find((each) =>
      byPath.has(each),
    );
  const result = await build({
    entryPoints: [tree.entry],
    bundle: true,
    write: false,
    platform: 'node',
    target: 'esnext',
    format: entry.format === 'module' ? 'esm' : 'cjs',
    logLevel: 'silent',
    plugins: [
      {
        name: 'program',
        setup: ({ onResolve, onLoad }) => {
          onResolve({ filter: /.*/ }, ({ path, importer, kind }) => {
            if (kind === 'entry-point') return { path, namespace: 'program' };
            const own = isLocal(path) ? find(join(dirname(importer), path)) : undefined;
            return own === undefined ? { path, external: true } : { path: own, namespace: 'program' };
          });
          onLoad({ filter: /.*/, namespace: 'program' }, ({ path }) => ({
            contents: byPath.get(path)!.text,
            loader: 'js',
          }));
        },
      },
    ],
  });
  const file = parseFile(tree.entry, result.outputFiles[0]!.text, entry.format);
  return file && canonicalTree({ files: [file], entry: tree.entry });
}

export const mergeFiles: SourcePass = definePass({
  name: 'merge-files',
  title: 'bundle the files into one',
  tier: 0,
  run: async (problem) => {
    if (problem.best.files.length === 1) return;
    try {
      await problem.accepts('merge-files', await bundle(problem.best));
    } catch (error) {
      // What esbuild cannot bundle stays in several files.
      if (!(error instanceof Error && 'errors' in error)) throw error;
    }
  },
});
