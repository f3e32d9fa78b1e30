/**
 * `npm run build`, after `tsc` wrote the declarations. What has to be a file of its own (commands, what `package.json`
 * exports, what is loaded by name through `ownModule`) is an entry point. What the bundles hold of others is named in
 * `dist/THIRD-PARTY.txt`, with their notices.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { bundle, root } from './bundle.ts';

const entryPoints = [
  'index',
  'register',
  'cli/main',
  'capture-candidate',
  'host/module-hooks',
  'minifier/graph/trial-worker',
  'minifier/program/worker',
];

const files = await bundle(
  Object.fromEntries(entryPoints.map((name) => [name, path.join('src', `${name}.ts`)])),
  'dist',
);
const written = new Set(files.written);
const dist = path.join(root, 'dist');
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

const foreign = files.sources.filter((file) => file.startsWith('node_modules/'));
const notices = new Set(foreign.map(noticeOf).filter((notice) => notice !== ''));
writeFileSync(
  path.join(dist, 'THIRD-PARTY.txt'),
  `Built from these files of other packages:\n\n${foreign.join('\n')}\n\n${[...notices].join('\n\n')}\n`,
);
