/**
 * The package as users get it: packed by npm, unpacked into a project of theirs. Its types are checked by their
 * TypeScript, and the programs of docs/api.md are run by their Node.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  existsSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
let project: string;
let packed: readonly string[] = [];

/** What users have themselves: tfjs, and types of Node. */
const ownPackages = /^(?:@tensorflow\/|@types\/node$)/;

/** Links what npm would install beside our package; nothing that only our tests need. */
function linkPackages(folder: string): void {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean; devOptional?: boolean }>;
  };
  for (const [path, { dev, devOptional }] of Object.entries(lock.packages)) {
    const name = /^node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(path)?.[1];
    if (name === undefined || !existsSync(join(root, path))) continue;
    if ((dev === true || devOptional === true) && !ownPackages.test(name)) continue;
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    symlinkSync(join(root, path), join(folder, name));
  }
}

beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), 'fullgraph-user-'));
  const output = execFileSync('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', project], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [pack] = JSON.parse(output) as [{ filename: string; files: { path: string }[] }];
  packed = pack.files.map(({ path }) => path);
  linkPackages(join(project, 'node_modules'));
  const target = join(project, 'node_modules/fullgraph');
  mkdirSync(target);
  execFileSync('tar', ['-xzf', join(project, pack.filename), '--strip-components=1', '-C', target]);
  writeFileSync(join(project, 'package.json'), '{ "type": "module" }');
});

afterAll(() => rmSync(project, { recursive: true }));

describe('the package', () => {
  test('holds the built code with its types, the command, and the texts', () => {
    for (const file of [
      'dist/index.js',
      'dist/index.d.ts',
      'dist/register.js',
      'dist/cli/main.js',
      'dist/THIRD-PARTY.txt',
      'docs/api.md',
      'README.md',
      'package.json',
    ]) {
      expect(packed).toContain(file);
    }
  });

  test('holds no sources and no tests', () => {
    const odd = packed.filter(
      (path) => !/^(?:dist|docs)\/|^(?:README|CHANGELOG|LICENSE)\b|^package\.json$/.test(path),
    );
    expect(odd).toEqual([]);
    expect(packed.filter((path) => /\.test\./.test(path))).toEqual([]);
  });

  test("passes the user's TypeScript, strictly", () => {
    writeFileSync(
      join(project, 'use.ts'),
      `import * as tf from '@tensorflow/tfjs';
import { compile, explain, exportOnnx, install, listBackends, minify, registerBackend } from 'fullgraph';
import type { CompiledFunction, ExportedModel, Graph, Report, SessionStats, TraceRecord } from 'fullgraph';

const add = compile((x: tf.Tensor, rate: number): tf.Tensor => x.add(rate), { tf, captures: () => ({ tf }) });
const sum: tf.Tensor = add(tf.ones([2]), 3);
// @ts-expect-error -- parameters keep their types
add('text', 3);
const typed: CompiledFunction<(x: tf.Tensor, rate: number) => tf.Tensor> = add;
typed.dispose();

const model: tf.LayersModel = tf.sequential();
const predicted: tf.Tensor | tf.Tensor[] = compile(model, { mode: 'max-autotune', dynamic: true })(sum);
declare const graphModel: tf.GraphModel;
compile(graphModel, { fullgraph: true, options: { threads: 2 } })(sum);
// @ts-expect-error -- modes are checked
compile(model, { mode: 'fast' });

const exported: ExportedModel = exportOnnx(model, tf.ones([1, 2]), { dynamic: { x: { 0: 'batch' } }, tf });
exportOnnx((a: tf.Tensor, b: tf.Tensor) => a.add(b), [sum, sum]);
exportOnnx(graphModel, { x: sum });
const report: Promise<Report> = explain('train.ts', { arguments: ['--epochs', '1'], threads: 2 });
const culprit: Promise<string> = minify('model.onnx').result.then((result) => result.introducedBy);
const files: Promise<object> = minify('train.ts', { fail: 'nan' }).result.then((result) => result.files);
const names: readonly string[] = listBackends().map((backend) => backend.name);
registerBackend('mine', ({ runKernel }) => ({
  name: 'mine',
  device: 'cpu',
  compile(graph: Graph, leaves) {
    void runKernel;
    throw new Error(graph.name + leaves.length);
  },
  dispose() {},
}));
const records: TraceRecord[] = [];
const stats: SessionStats = install(tf, { onRecord: (record) => records.push(record) }).stats();
export { culprit, exported, files, names, predicted, report, stats };
`,
    );
    writeFileSync(
      join(project, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: {
          strict: true,
          exactOptionalPropertyTypes: true,
          module: 'nodenext',
          target: 'es2023',
          types: ['node'],
          noEmit: true,
          skipLibCheck: true,
        },
        files: ['use.ts'],
      }),
    );
    const { status, stdout } = spawnSync(
      process.execPath,
      [join(root, 'node_modules/typescript/lib/tsc.js'), '-p', 'tsconfig.json'],
      { cwd: project, encoding: 'utf8' },
    );
    expect(stdout).toBe('');
    expect(status).toBe(0);
  });
});

/** Programs of the page with what they print: a block of js and the block of text behind it. */
function examples(): { readonly heading: string; readonly code: string; readonly output: string }[] {
  const page = readFileSync(join(root, 'docs/api.md'), 'utf8');
  return [...page.matchAll(/```js\n([\s\S]*?)```\n\n```text\n([\s\S]*?)```/g)].map(
    ({ 1: code, 2: output, index }) => {
      const heading = [...page.slice(0, index).matchAll(/^##+ (.*)$/gm)].at(-1)![1]!;
      return { heading, code: code!, output: output! };
    },
  );
}

describe('the command', () => {
  test('runs, explains and exports a program with nothing but what the package asks for', () => {
    writeFileSync(
      join(project, 'program.ts'),
      `import * as tf from '@tensorflow/tfjs';
const x: tf.Tensor1D = tf.tensor1d([1, 2]);
console.log(x.square().sum().dataSync()[0]);`,
    );
    const fullgraph = (...words: string[]) =>
      spawnSync(process.execPath, ['node_modules/fullgraph/dist/cli/main.js', ...words], {
        cwd: project,
        encoding: 'utf8',
        env: { ...process.env, NO_COLOR: '1', XDG_CACHE_HOME: join(project, 'cache') },
      });
    const run = fullgraph('run', 'program.ts');
    expect(run.stdout, run.stderr).toContain('5\n');
    expect(run.status).toBe(0);
    expect(fullgraph('explain', 'program.ts').stdout).toContain('FG1001');
    expect(fullgraph('export', 'program.ts').stdout).toContain('to program.onnx');
  });
});

describe('docs/api.md', () => {
  test('has an output for each program', () => {
    const page = readFileSync(join(root, 'docs/api.md'), 'utf8');
    expect(page.match(/```js\n/g)).toHaveLength(examples().length);
    expect(examples().length).toBeGreaterThanOrEqual(10);
  });

  test.each(examples().map((example, index) => ({ ...example, name: `${index}: ${example.heading}` })))(
    'prints what it says ($name)',
    ({ code, output, name }) => {
      const file = `example-${name.split(':')[0]}.mjs`;
      writeFileSync(join(project, file), code);
      const { status, stdout, stderr } = spawnSync(process.execPath, [file], {
        cwd: project,
        encoding: 'utf8',
        env: { ...process.env, NO_COLOR: '1', XDG_CACHE_HOME: join(project, 'cache') },
      });
      expect(stdout.replace(/\n=+\nHi, looks like[\s\S]*?\n=+\s*\n/, ''), stderr).toBe(output);
      expect(status).toBe(0);
    },
  );
});
