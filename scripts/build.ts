/**
 * `npm run build`, after `tsc` wrote the declarations: our code as few files. Node spends a fifth of a millisecond and more
 * on each module, so that 400 of them cost a program a tenth of a second before its first line.
 * What has to be a file of its own (commands, what `package.json` exports, what is loaded by name through `ownModule`) is
 * an entry point; what entry points share goes to `chunks`, named after its content.
 */
import { build, type Plugin } from 'esbuild';
import { readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = path.join(root, 'dist');

const entryPoints = [
  'index',
  'register',
  'cli/main',
  'host/module-hooks',
  'minifier/graph/trial-worker',
  'minifier/program/worker',
];

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

const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: Object.fromEntries(entryPoints.map((name) => [name, path.join('src', `${name}.ts`)])),
  outdir: dist,
  chunkNames: 'chunks/[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  sourcemap: true,
  sourcesContent: false,
  legalComments: 'linked',
  plugins: [libraries],
  metafile: true,
  logLevel: 'warning',
});

const written = new Set(Object.keys(metafile.outputs).map((file) => path.join(root, file)));
for (const name of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
  const file = path.join(dist, name);
  if (/\.(?:js|js\.map|LEGAL\.txt)$/.test(name) && !written.has(file)) rmSync(file);
}
