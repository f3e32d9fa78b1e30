/** Libraries whose code comes from the disk cache, next to plain Node: nothing but the time may differ. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const register = join(root, 'dist/register.js');
const hasOwnCompileCache = 'enableCompileCache' in (await import('node:module')).default;
let folder: string;
let code: string;

/** Makes a library large enough to be kept. */
const padding = Array.from(
  { length: 1_800 },
  (_, index) => `function unused${index}(a) { return [a, ${index}, 'ß']; }`,
);

function write(file: string, text: string): string {
  const path = join(folder, file);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, text);
  return path;
}

const library = (version: string): string =>
  [
    `'use strict'; exports.firstLine = () => new Error('first'); exports.version = '${version}';`,
    ...padding,
    `exports.calls = { unused7 };`,
    `exports.scope = [typeof __filename, __dirname === require('path').dirname(__filename), this === exports, arguments.length];`,
    `exports.whoAmI = [module.id, module.filename, module.loaded, module.parent && module.parent.filename, module.paths.length];`,
    `exports.require = require;`,
    `exports.cyclic = require('./other.js');`,
    `exports.lateError = function late() { throw new RangeError('late'); };`,
    `exports.indirect = (0, eval)('1 + 1') + new Function('return 40')();`,
    `/* the end */ //`,
  ].join('\n');

const program = `
const library = require('large');
const inner = library.require;
const place = (error) => error.stack.split('\\n')[1].trim().replace(/^at (?:.* )?\\(?/, '');
let late; try { library.lateError(); } catch (error) { late = [error.name, error.stack.split('\\n')[1].trim()]; }
const attempt = (name) => { try { return require(name); } catch (error) { return [error.name, error.message]; } };
console.log(JSON.stringify({
  version: library.version, scope: library.scope, whoAmI: library.whoAmI, indirect: library.indirect,
  first: place(library.firstLine()), late,
  text: library.calls.unused7.toString(), name: library.calls.unused7.name, result: library.calls.unused7(1),
  cyclic: library.cyclic,
  require: [typeof inner, Object.keys(inner).sort(), inner.main === require.main, inner.cache === require.cache,
    inner.extensions === require.extensions, inner.resolve('./other.js'), inner.resolve.paths('x'), inner.length, inner.name],
  cached: Object.keys(require.cache).filter((file) => file.startsWith(__dirname)),
  children: module.children.map((child) => child.id), loaded: require.cache[require.resolve('large')].loaded,
  broken: attempt('broken'), brackets: attempt('brackets'), hashbang: attempt('hashbang'), html: attempt('html'),
}));
`;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'fullgraph-code-'));
  code = join(folder, 'cache/fullgraph/code');
  const lines = padding.join('\n');
  write('node_modules/large/package.json', '{"name":"large","main":"index.js"}');
  write('node_modules/large/index.js', library('1.0.0'));
  write('node_modules/large/other.js', `module.exports = Object.keys(require('./index.js'));`);
  write('node_modules/broken/index.js', `${lines}\nlet let = 1;`);
  write('node_modules/brackets/index.js', `${lines}\n}); (function () {\nmodule.exports = 'ran';`);
  write('node_modules/hashbang/index.js', `#!/usr/bin/env node\n${lines}\nmodule.exports = unused3(2);`);
  write('node_modules/html/index.js', `--> a comment of the web\n${lines}\nmodule.exports = unused4(2);`);
  write('node_modules/imports/index.js', `${lines}\nexports.load = () => import('./part.mjs');`);
  write('node_modules/imports/part.mjs', `export const part = 'of an ES module';`);
  write('program.cjs', program);
});
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(() => rmSync(join(folder, 'cache'), { recursive: true, force: true }));

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}
interface How {
  readonly hosted?: boolean;
  readonly flags?: readonly string[];
  readonly settings?: object;
  readonly environment?: Readonly<Record<string, string>>;
}

const argumentsOf = (file: string, { hosted = true, flags = [] }: How): string[] => [
  ...flags,
  ...(hosted ? ['--import', register] : []),
  file,
];
const environmentOf = ({ settings = {}, environment = {} }: How): NodeJS.ProcessEnv => ({
  ...process.env,
  XDG_CACHE_HOME: join(folder, 'cache'),
  FULLGRAPH_OPTIONS: JSON.stringify(settings),
  ...environment,
});

function run(file: string, how: How = {}): Outcome {
  const { status, stdout, stderr } = spawnSync(process.execPath, argumentsOf(file, how), {
    cwd: folder,
    encoding: 'utf8',
    env: environmentOf(how),
  });
  return { status, stdout, stderr };
}

async function runAsync(file: string): Promise<string> {
  const child = spawn(process.execPath, argumentsOf(file, {}), { cwd: folder, env: environmentOf({}) });
  let stdout = '';
  child.stdout.on('data', (chunk) => (stdout += String(chunk)));
  await new Promise((resolve) => child.on('close', resolve));
  return stdout;
}

/** Files of the libraries, which are all called `index.js`; our own code is kept, too. */
function kept(): string[] {
  return readdirSync(code)
    .filter((name) => name.startsWith('index-'))
    .sort();
}

/** How many processes in a row used the code and added to it. */
function generations(): number[] {
  return kept().map((name) => readFileSync(join(code, name)).readUInt32LE(4));
}

test('a program sees the same with code from the cache as without, and as under plain Node', () => {
  const plain = run('program.cjs', { hosted: false });
  expect(plain.status).toBe(0);
  expect(JSON.parse(plain.stdout)).toMatchObject({
    version: '1.0.0',
    brackets: ['SyntaxError', expect.anything()],
  });
  const cold = run('program.cjs');
  const warm = run('program.cjs');
  const off = run('program.cjs', { settings: { cacheDirectory: false } });
  for (const outcome of [cold, warm, off]) expect(outcome).toEqual(plain);
});

describe.skipIf(hasOwnCompileCache)('on Node 20', () => {
  test('code is written once for each file, and used: eight processes add to it', () => {
    run('program.cjs');
    const names = kept();
    expect([names.length, new Set(generations())]).toEqual([2, new Set([1])]);
    // Our own.
    expect(readdirSync(code)).toEqual(
      expect.arrayContaining([expect.stringMatching(/^host-/), expect.stringMatching(/^chunk-/)]),
    );
    for (let process = 2; process <= 10; process++) {
      run('program.cjs');
      expect(kept()).toEqual(names);
      expect(new Set(generations())).toEqual(new Set([Math.min(process, 8)]));
    }
  });

  test('functions that a later process calls are added', () => {
    write('short.cjs', `require('large');`);
    write('long.cjs', `const { calls } = require('large'); console.log(calls.unused7(1).length);`);
    const sizeOf = (): number => readFileSync(join(code, kept()[0]!)).length;
    run('short.cjs');
    const before = sizeOf();
    run('long.cjs');
    expect([kept().length, generations()[0], sizeOf() > before]).toEqual([1, 2, true]);
  });

  test('a file that changed, even to one as long, is compiled anew', () => {
    const before = JSON.parse(run('program.cjs').stdout) as { version: string };
    write('node_modules/large/index.js', library('2.0.0'));
    try {
      expect([before.version, JSON.parse(run('program.cjs').stdout).version]).toEqual(['1.0.0', '2.0.0']);
    } finally {
      write('node_modules/large/index.js', library('1.0.0'));
    }
  });

  test.each([
    ['empty', () => Buffer.alloc(0)],
    ['cut in its header', (bytes: Buffer) => bytes.subarray(0, 5)],
    ['cut in its code', (bytes: Buffer) => bytes.subarray(0, bytes.length / 2)],
    ['with other bits in its code', (bytes: Buffer) => Buffer.from(bytes).fill(0xa5, 600, 640)],
  ])('a cache file %s is made anew', (_, damage) => {
    const { stdout } = run('program.cjs');
    run('program.cjs');
    for (const name of kept()) writeFileSync(join(code, name), damage(readFileSync(join(code, name))));
    expect(run('program.cjs')).toEqual({ status: 0, stdout, stderr: '' });
    expect(generations()).toEqual([1, 1]);
  });

  test('code made under other flags of V8 is refused by V8 and made anew', () => {
    const { stdout } = run('program.cjs');
    const other = run('program.cjs', { flags: ['--no-opt', '--no-flush-bytecode'] });
    expect([other.stdout, generations()]).toEqual([stdout, [1, 1]]);
  });

  test('processes that write at once leave whole files', async () => {
    const outputs = await Promise.all(Array.from({ length: 4 }, async () => runAsync('program.cjs')));
    expect(new Set(outputs).size).toBe(1);
    expect(readdirSync(code).every((name) => name.endsWith('.code'))).toBe(true);
    const before = generations();
    run('program.cjs');
    expect(generations()).toEqual(before.map((count) => count + 1));
  });

  test.each<[string, How]>([
    ['by NODE_DISABLE_COMPILE_CACHE', { environment: { NODE_DISABLE_COMPILE_CACHE: '1' } }],
    ['without the disk cache', { settings: { cacheDirectory: false } }],
    ['where the program runs as it is', { settings: { disable: true } }],
    ['where Node is to know source maps', { flags: ['--enable-source-maps'] }],
    ['where coverage is measured', { environment: { NODE_V8_COVERAGE: 'coverage' } }],
  ])('nothing is kept %s', (_, how) => {
    expect(run('program.cjs', how).status).toBe(0);
    expect(kept).toThrow(/ENOENT/);
  });

  test('programs in TypeScript take their libraries from it, and keep their own lines', () => {
    write(
      'typed.ts',
      `interface Large {
         readonly version: string;
       }

       const large: Large = require('large');
       console.log(large.version, new Error('here').stack!.split('\\n')[1]);`,
    );
    const outcomes = [run('typed.ts'), run('typed.ts')];
    for (const { stdout } of outcomes) expect(stdout).toMatch(/^1\.0\.0 .*typed\.ts:6:/);
    expect(generations()).toEqual([2]);
  });

  test('a program that wants source maps has those of its libraries', () => {
    write('mapped.cjs', `process.setSourceMapsEnabled(true); console.log(require('large').version);`);
    expect(run('mapped.cjs').stdout).toBe('1.0.0\n');
    expect(kept()).toEqual([]);
  });

  test('a cache folder that cannot be made is no error', () => {
    const file = write('no-folder', '');
    const plain = run('program.cjs', { hosted: false });
    expect(run('program.cjs', { environment: { XDG_CACHE_HOME: file } })).toEqual(plain);
  });

  test('a tool that changes what Node compiles is not passed by', () => {
    write(
      'wrapping.cjs',
      `const Module = require('module'); const wrap = Module.wrap;
       Module.wrap = (text) => wrap('exports.wrapped = true;' + text);
       console.log(require('large').wrapped);`,
    );
    const plain = run('wrapping.cjs', { hosted: false });
    for (const outcome of [run('wrapping.cjs'), run('wrapping.cjs')]) expect(outcome).toEqual(plain);
    expect(plain.stdout).toBe('true\n');
  });
});

test.each([
  [
    'an import in a library',
    'import.cjs',
    `require('imports').load().then(({ part }) => console.log(part));`,
  ],
  [
    'a library that is imported',
    'import.mjs',
    `import large, { version } from 'large'; console.log(large.version, version);`,
  ],
  [
    'a program in TypeScript',
    'typed.cts',
    `const large: { version: string } = require('large'); console.log(large.version);`,
  ],
  [
    'a thread',
    'thread.cjs',
    `const { Worker, isMainThread } = require('worker_threads');
     if (isMainThread) new Worker(__filename); else console.log(require('large').version);`,
  ],
  [
    'a text compiled by hand',
    'by-hand.cjs',
    `
     const Module = require('module'); const text = require('fs').readFileSync(require.resolve('large'), 'utf8');
     const made = new Module('made', module); made.filename = require.resolve('large'); made.paths = module.paths;
     made._compile(text.replace("'1.0.0'", "'1.0.1'"), made.filename); console.log(made.exports.version);`,
  ],
])('%s works with and without code from the cache', (_, name, text) => {
  write(name, text);
  const outcomes = [run(name), run(name), run(name, { settings: { cacheDirectory: false } })];
  expect(outcomes[0]).toMatchObject({ status: 0, stderr: '' });
  expect(outcomes[0]!.stdout).not.toBe('');
  expect(outcomes[1]).toEqual(outcomes[0]);
  expect(outcomes[2]).toEqual(outcomes[0]);
});

test('fullgraph and fullgraph/register are one engine in a process', () => {
  const modules = join(root, 'node_modules');
  write(
    'one.mjs',
    `import { createRequire } from 'node:module';
     import { GraphBreakError, FullgraphError } from ${JSON.stringify(pathToFileURL(join(root, 'dist/index.js')).href)};
     const tf = createRequire(${JSON.stringify(join(modules, 'x.js'))})('@tensorflow/tfjs');
     try { if (tf.tensor1d([1]).relu().dataSync()[0] > 0) console.log('no break'); }
     catch (error) { console.log(error instanceof GraphBreakError, error instanceof FullgraphError); }`,
  );
  expect(run('one.mjs', { settings: { strict: true } }).stdout).toBe('true true\n');
});
