/**
 * `npm run build`, after `tsc` wrote the declarations. What has to be a file of its own (commands, what `package.json`
 * exports, what is loaded by name through `ownModule`) is an entry point. What runs in the user's process is the engine:
 * CommonJS in `dist/engine`, one instance for `fullgraph` and `fullgraph/register`. What the bundles hold of others is
 * named in `dist/THIRD-PARTY.txt`, with their notices.
 */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { bundle, bundleCommonJs, root } from './bundle.ts';

const sourcesOf = (names: readonly string[]): Record<string, string> =>
  Object.fromEntries(names.map((name) => [name, path.join('src', `${name}.ts`)]));

/** ES modules whose code is in the engine. */
const facades = ['index', 'capture-candidate'];
const engine = await bundleCommonJs(
  {
    ...sourcesOf([...facades, 'explain-api', 'export-onnx', 'minify-api']),
    'report-builder': 'src/explain/report-builder.ts',
    torch: 'src/torch/index.ts',
    'source-facts': 'src/capture/source-facts.ts',
    'pure-function': 'src/replay/pure-function.ts',
    host: 'src/host/host-program.ts',
  },
  'dist/engine',
  {
    libraries: /^(?:acorn|@sveltejs\/acorn-typescript)$/,
    // Most of the code, and most processes have no use for it: reports, exports, the minifier, what reads with acorn.
    lazy: {
      'explain-api': ['explain'],
      'export-onnx': ['exportOnnx'],
      'report-builder': ['buildReport', 'createReportBuilder'],
      torch: ['isTorchTrace', 'readTorchTrace'],
      'minify-api': ['minify'],
      'source-facts': ['analyzeSource'],
      'pure-function': ['inspectFunction'],
    },
  },
);
const others = await bundle(
  sourcesOf([
    'register',
    'cli/main',
    'host/module-hooks',
    'minifier/graph/trial-worker',
    'minifier/program/worker',
  ]),
  'dist',
);

const dist = path.join(root, 'dist');
const facadeFiles = facades.map((name) => path.join(dist, `${name}.js`));
for (const [index, name] of facades.entries()) {
  writeFileSync(
    facadeFiles[index]!,
    [
      `import { createRequire } from 'node:module';`,
      `export const { ${engine.exports[name]!.join(', ')} } = createRequire(import.meta.url)('./engine/${name}.js');\n`,
    ].join('\n'),
  );
}
const written = new Set([...engine.written, ...others.written, ...facadeFiles]);
for (const name of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
  const file = path.join(dist, name);
  if (/\.js(?:\.map)?$/.test(name) && !written.has(file)) rmSync(file);
}

/** The comment that a source file begins with. */
function noticeOf(file: string): string {
  const lines = readFileSync(path.join(root, file), 'utf8').split('\n');
  return lines
    .slice(
      0,
      lines.findIndex((line) => !line.startsWith('//')),
    )
    .join('\n');
}

/** The license of the package that a file belongs to. */
function licenseOf(file: string): string {
  const [folder = ''] = /^node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file) ?? [];
  const names = ['LICENSE', 'LICENSE.md', 'LICENSE.txt'].map((name) => path.join(root, folder, name));
  const found = names.find((name) => existsSync(name));
  return found === undefined ? '' : `${folder}:\n${readFileSync(found, 'utf8').trim()}`;
}

const foreign = [...new Set([...engine.sources, ...others.sources])].filter((file) =>
  file.startsWith('node_modules/'),
);
const notices = new Set([...foreign.map(noticeOf), ...foreign.map(licenseOf)].filter((text) => text !== ''));
writeFileSync(
  path.join(dist, 'THIRD-PARTY.txt'),
  `Built from these files of other packages:\n\n${foreign.join('\n')}\n\n${[...notices].join('\n\n')}\n`,
);
