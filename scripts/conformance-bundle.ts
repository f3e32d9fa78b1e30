/**
 * tfjs-core's own spec files (`dist/**\/*_test.js` inside the npm package) as one CommonJS bundle that a plain `require`
 * can run. The package ships them as ES modules without `"type": "module"`, so Node cannot load them; the bundle also
 * guarantees that specs, backends and gradients share a single copy of tfjs-core. Cached by package versions.
 */
import { build } from 'esbuild';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import path from 'node:path';

const entry = `
import '@tensorflow/tfjs-core/dist/register_all_gradients';
import '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops';
import * as tf from '@tensorflow/tfjs-core';
import { setTestEnvs } from '@tensorflow/tfjs-core/dist/jasmine_util';
export { tf, setTestEnvs };
export const loadCpu = () => require('@tensorflow/tfjs-backend-cpu');
export const loadWasm = () => require('@tensorflow/tfjs-backend-wasm');
export const loadSpecs = () => require('@tensorflow/tfjs-core/dist/tests');
`;

const packages = [
  '@tensorflow/tfjs-core',
  '@tensorflow/tfjs-backend-cpu',
  '@tensorflow/tfjs-backend-wasm',
  'esbuild',
];

function packageVersion(root: string, name: string): string {
  const text = readFileSync(path.join(root, 'node_modules', name, 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/** Path of the bundle of tfjs-core's specs, built when `root`'s packages changed since the last call. */
export async function bundleSpecs(root: string): Promise<string> {
  const versions = packages.map((name) => `${name}@${packageVersion(root, name)}`).join(' ');
  const key = createHash('sha256').update(`${versions}\n${entry}`).digest('hex').slice(0, 12);
  const folder = path.join(root, 'node_modules', '.cache', 'fullgraph');
  const file = path.join(folder, `tfjs-core-specs-${key}.cjs`);
  if (existsSync(file)) return file;
  mkdirSync(folder, { recursive: true });
  await build({
    stdin: { contents: entry, resolveDir: root, sourcefile: 'tfjs-core-specs.js' },
    outfile: file,
    bundle: true,
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    mainFields: ['module', 'main'],
    // tfjs-core is marked side-effect free although its specs and registrations are nothing but side effects.
    ignoreAnnotations: true,
    external: ['jasmine-core/*', 'jasmine-core'],
    logLevel: 'error',
  });
  return file;
}

/** Folder of the wasm binaries that the bundled wasm backend must be pointed at (it cannot find them by itself). */
export function wasmFolder(root: string): string {
  const require = createRequire(path.join(root, 'package.json'));
  return path.dirname(require.resolve('@tensorflow/tfjs-backend-wasm')) + path.sep;
}
