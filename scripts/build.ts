/**
 * `npm run build`, after `tsc` wrote the declarations. What has to be a file of its own (commands, what `package.json`
 * exports, what is loaded by name through `ownModule`) is an entry point.
 */
import { readdirSync, rmSync } from 'node:fs';
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
const written = new Set(files);
const dist = path.join(root, 'dist');
for (const name of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
  const file = path.join(dist, name);
  if (/\.(?:js|js\.map|LEGAL\.txt)$/.test(name) && !written.has(file)) rmSync(file);
}
