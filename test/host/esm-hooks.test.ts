/** Which programs may import tfjs-node, told from their texts. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { mayImportTfjsNode } from '../../src/host/esm-hooks.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'fullgraph-imports-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

let count = 0;
function project(files: Readonly<Record<string, string>>): string {
  const root = join(folder, `${count++}`);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  return join(root, Object.keys(files)[0]!);
}

const tfjs = `import * as tf from '@tensorflow/tfjs';\n`;

test.each<[string, Readonly<Record<string, string>>]>([
  [
    'CommonJS',
    { 'main.cjs': `const tf = require('@tensorflow/tfjs-node'); console.log('important', from);` },
  ],
  ['an import of tfjs', { 'main.mjs': tfjs }],
  [
    'tfjs and what Node has',
    { 'main.mjs': `import fs, { readFileSync } from "node:fs"\nimport 'path';${tfjs}` },
  ],
  [
    'imports over lines',
    { 'main.mjs': `import {\n  ones,\n  zeros as nothing,\n} from '@tensorflow/tfjs-core';` },
  ],
  [
    'a minified import',
    { 'main.mjs': `import{a as $,b}from"./a.mjs";import*as c from"./a.mjs"`, 'a.mjs': 'export let a, b' },
  ],
  ['import.meta', { 'main.mjs': `${tfjs}console.log(import.meta.url, import . meta.dirname);` }],
  ['a circle', { 'main.mjs': `import './a.mjs';`, 'a.mjs': `export * from './main.mjs';` }],
  [
    'modules in folders',
    { 'main.mjs': `import './lib/a.mjs'`, 'lib/a.mjs': `import b from '../b.js'`, 'b.js': tfjs },
  ],
  [
    'a package of CommonJS',
    {
      'lib/main.mjs': `import parse from 'csv'; import { x } from '@scope/pack.js';`,
      'node_modules/csv/package.json': '{ "main": "lib" }',
      'node_modules/csv/lib/index.js': `module.exports = require('./parse');`,
      'node_modules/@scope/pack.js/package.json': '{}',
      'node_modules/@scope/pack.js/index.js': `exports.x = 1;`,
    },
  ],
])('%s leads to none', (_, files) => {
  expect(mayImportTfjsNode(project(files))).toBe(false);
});

test.each<[string, Readonly<Record<string, string>>]>([
  ['tfjs-node', { 'main.mjs': `import * as tf from '@tensorflow/tfjs-node';` }],
  [
    'tfjs-node where it is installed',
    {
      'main.mjs': `import * as tf from '@tensorflow/tfjs-node';`,
      'node_modules/@tensorflow/tfjs-node/package.json': '{}',
      'node_modules/@tensorflow/tfjs-node/index.js': '',
    },
  ],
  ['tfjs-node for GPUs', { 'main.mjs': `import "@tensorflow/tfjs-node-gpu"` }],
  ['exports of it', { 'main.mjs': `export * from '@tensorflow/tfjs-node';` }],
  ['a comment in the middle', { 'main.mjs': `export * from /* this: */ '@tensorflow/tfjs-node';` }],
  [
    'a module that imports it',
    { 'main.mjs': `import './a.mjs';`, 'a.mjs': `import '@tensorflow/tfjs-node';` },
  ],
  [
    'a module that exports it',
    { 'main.mjs': `export {x} from './a.mjs';`, 'a.mjs': `export*from'@tensorflow/tfjs-node'` },
  ],
  ['another package', { 'main.mjs': `import models from 'some-models';` }],
  [
    'a package with exports',
    {
      'main.mjs': `import 'pack';`,
      'node_modules/pack/package.json': '{ "exports": "./index.js" }',
      'node_modules/pack/index.js': '',
    },
  ],
  [
    'a package that imports it',
    {
      'main.mjs': `import 'pack';`,
      'node_modules/pack/package.json': '{ "type": "module", "main": "./index.js" }',
      'node_modules/pack/index.js': `import '@tensorflow/tfjs-node';`,
    },
  ],
  [
    'a package with a damaged manifest',
    { 'main.mjs': `import 'pack';`, 'node_modules/pack/package.json': '{', 'node_modules/pack/index.js': '' },
  ],
  [
    'a file of a package',
    {
      'main.mjs': `import 'pack/lib.js';`,
      'node_modules/pack/package.json': '{}',
      'node_modules/pack/lib.js': '',
    },
  ],
  ['an alias', { 'main.mjs': `import '#backend';` }],
  ['a path', { 'main.mjs': `import '/somewhere/else.mjs';` }],
  ['a file that is missing', { 'main.mjs': `import './absent.mjs';` }],
  ['an import at run time', { 'main.cjs': `import(name);` }],
  ['one with a comment', { 'main.cjs': `await import/**/('x');` }],
  ['a name in escapes', { 'main.mjs': String.raw`import tf from '@tensorflow/tfjs\u002dnode';` }],
  ['the word import elsewhere', { 'main.mjs': `${tfjs}// an import` }],
])('%s may lead to one', (_, files) => {
  expect(mayImportTfjsNode(project(files))).toBe(true);
});

test('names are relative to where a link leads', () => {
  const real = project({
    'lib/main.mjs': `import './a.mjs';`,
    'lib/a.mjs': `import '@tensorflow/tfjs-node';`,
  });
  const link = join(dirname(real), '../main.mjs');
  symlinkSync(real, link);
  writeFileSync(join(dirname(link), 'a.mjs'), '');
  expect(mayImportTfjsNode(link)).toBe(true);
});

test('a file that cannot be read may do anything', () => {
  expect(mayImportTfjsNode(join(folder, 'absent'))).toBe(true);
});
