/** Programs as users have them, started with `node --import fullgraph/register`, next to plain Node. */
import { spawnSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeModel, GraphWriter } from '../../src/onnx/index.ts';
import { decodeRecord, type TraceRecord } from '../../src/ir/record.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const register = join(root, 'dist/register.js');
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fullgraph-host-'));
  await mkdir(join(folder, 'node_modules'));
  await symlink(join(root, 'node_modules/@tensorflow'), join(folder, 'node_modules/@tensorflow'));
  // Dependencies of tfjs are looked up from where the link leads to.
  await cp(join(root, 'fixtures/programs/digits'), join(folder, 'digits'), { recursive: true });
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function start(
  file: string,
  options: { hosted: boolean; arguments?: string[]; settings?: object; input?: string },
): Outcome {
  const { hosted, settings = {}, input = '' } = options;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [...(hosted ? ['--import', register] : []), file, ...(options.arguments ?? [])],
    {
      cwd: folder,
      encoding: 'utf8',
      input,
      env: {
        ...process.env,
        XDG_CACHE_HOME: join(folder, 'cache'),
        FULLGRAPH_OPTIONS: JSON.stringify(settings),
      },
    },
  );
  return { status, stdout, stderr };
}

async function program(name: string, text: string): Promise<string> {
  await writeFile(join(folder, name), text);
  return name;
}

async function recordsOf(file: string): Promise<TraceRecord[]> {
  const text = await readFile(file, 'utf8');
  return text.split('\n').flatMap((line) => decodeRecord(line) ?? []);
}

test('onnxruntime reports nothing to its makers, and the program sees no trace of that', async () => {
  const home = join(folder, 'home');
  await mkdir(home);
  const name = await program(
    'quiet.mjs',
    `import * as tf from '@tensorflow/tfjs';
     console.log(tf.tensor1d([1, 2, 3]).relu().dataSync().join(), 'ORT_DISABLE_TELEMETRY' in process.env);`,
  );
  const { stdout, status } = spawnSync(process.execPath, ['--import', register, join(folder, name)], {
    cwd: home,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], HOME: home, FULLGRAPH_OPTIONS: '{"cacheDirectory":false}' },
  });
  expect([stdout, status]).toEqual(['1,2,3 false\n', 0]);
  expect(await readdir(home, { recursive: true })).toEqual([]);
});

test('in strict mode, the error of a break begins with the line of the program', async () => {
  const name = await program(
    'strict.mjs',
    `import * as tf from '@tensorflow/tfjs';
     const mean = tf.tensor1d([1, 2, 3]).mean();
     console.log(mean.dataSync());`,
  );
  const { status, stderr } = start(name, { hosted: true, settings: { strict: true } });
  expect(status).toBe(1);
  expect(stderr).toContain(
    `GraphBreakError: graph break at ${join(folder, name)}:3:23 (Synchronous read): \`dataSync()\` asks for the numbers of \`mean\``,
  );
  expect(stderr).not.toContain(join(root, 'dist'));
});

test('in strict mode, the remedy is the one for what the number is used for', async () => {
  const name = await program(
    'strict-branch.mjs',
    `import * as tf from '@tensorflow/tfjs';
     if (tf.tensor1d([1, 2, 3]).mean().dataSync()[0] > 1) console.log('more');`,
  );
  const { stderr } = start(name, { hosted: true, settings: { strict: true } });
  expect(stderr).toMatch(/hint: '`tf\.tensor1d.* > 1` needs the number only to choose: .*tf\.where/);
});

test.each(['before', 'after'])('a program may use onnxruntime itself, %s it uses tfjs', async (order) => {
  const graph = new GraphWriter('relu');
  graph.output(graph.add('Relu', [graph.input('x', 'float32', [2])]), 'float32', [2]);
  const model = Buffer.from(encodeModel(graph.toModel())).toString('base64');
  const uses = [
    `const session = await ort.InferenceSession.create(Buffer.from('${model}', 'base64'));
     const run = async () =>
       Object.values(await session.run({ x: new ort.Tensor('float32', [-1, 5], [2]) }))[0];
     await run();`,
    `console.log(tf.tensor1d([-1, 2]).relu().dataSync().join());`,
  ];
  if (order === 'after') uses.reverse();
  const name = await program(
    `ort-${order}.mjs`,
    `import { createRequire } from 'node:module';
     import * as tf from '@tensorflow/tfjs';
     const ort = createRequire(${JSON.stringify(register)})('onnxruntime-node');
     ${uses.join('\n')}
     const result = await run();
     console.log(result instanceof ort.Tensor, result.size, (await result.getData()).join());`,
  );
  expect(start(name, { hosted: true })).toMatchObject({ status: 0, stdout: '0,2\ntrue 2 0,5\n' });
});

describe('a hosted program', () => {
  test.each([
    [
      'an ES module with arguments, input and exit code',
      'a.mjs',
      `import * as tf from '@tensorflow/tfjs';
       process.stdin.on('data', (text) => {
         console.log(process.argv.slice(2), String(text), tf.tensor1d([1, 2, 3]).square().sum().dataSync());
         process.exitCode = 3;
       });`,
    ],
    [
      'a CommonJS program that trains',
      'b.cjs',
      `const tf = require('@tensorflow/tfjs');
       const w = tf.variable(tf.zeros([2, 1]));
       const x = tf.tensor2d([[1, 2], [3, 4]]), y = tf.tensor2d([[5], [11]]);
       const optimizer = tf.train.momentum(0.01, 0.9);
       for (let i = 0; i < 5; i++) optimizer.minimize(() => x.matMul(w).sub(y).square().mean());
       console.log(Array.from(w.dataSync(), (value) => value.toFixed(4)), tf.memory().numTensors, tf.getBackend());`,
    ],
    [
      'an exception of tfjs that is caught, and one that is not',
      'c.mjs',
      `import * as tf from '@tensorflow/tfjs';
       try { tf.matMul(tf.ones([2, 3]), tf.ones([2, 3])); } catch (error) { console.log(error.message); }
       const gone = tf.ones([1]); gone.dispose();
       console.log('before'); gone.add(1); console.log('never');`,
    ],
    [
      'an unhandled rejection',
      'd.mjs',
      `import * as tf from '@tensorflow/tfjs';
       console.log(tf.ones([2]).sum().arraySync());
       Promise.reject(new Error('boom'));`,
    ],
  ])('behaves as in plain Node: %s', async (_title, name, text) => {
    const file = await program(name, text);
    const options = { arguments: ['x', '--y'], input: 'hello' };
    const eager = start(file, { hosted: false, ...options });
    const hosted = start(file, { hosted: true, ...options });
    expect(hosted.stdout).toBe(eager.stdout);
    expect(hosted.status).toBe(eager.status);
  });

  test('a program without tfjs runs and its trace says so', async () => {
    const file = await program('plain.mjs', `console.log('hi')`);
    const trace = join(folder, 'plain.jsonl');
    expect(start(file, { hosted: true, settings: { traceFile: trace } })).toMatchObject({
      status: 0,
      stdout: 'hi\n',
    });
    expect(await recordsOf(trace)).toContainEqual(expect.objectContaining({ kind: 'note', code: 'FG5004' }));
  });

  test('nodes are timed when asked for', async () => {
    const file = await program(
      'timed.cjs',
      `const tf = require('@tensorflow/tfjs');
       const w = tf.variable(tf.ones([64, 64]));
       for (let i = 0; i < 5; i++) tf.tidy(() => tf.ones([8, 64]).matMul(w).relu().sum().dataSync());`,
    );
    const trace = join(folder, 'timed.jsonl');
    start(file, { hosted: true, settings: { traceFile: trace, profile: true } });
    const times = (await recordsOf(trace)).flatMap((record) =>
      record.kind === 'node-times' ? [record] : [],
    );
    expect(times.length).toBeGreaterThan(0);
    const nodes = Object.entries(times.at(-1)!.nodes);
    expect(nodes.map(([name]) => name)).toContain('sum');
    expect(nodes.every(([, ms]) => ms >= 0)).toBe(true);
  });

  test('frames of what counts as a library are folded', async () => {
    await program('helper.cjs', `exports.read = (tensor) => tensor.dataSync();`);
    const file = await program(
      'user.cjs',
      `const tf = require('@tensorflow/tfjs');\nrequire('./helper.cjs').read(tf.ones([2]).square().sum());`,
    );
    const trace = join(folder, 'folded.jsonl');
    start(file, { hosted: true, settings: { traceFile: trace, libraries: [join(folder, 'helper.cjs')] } });
    const records = await recordsOf(trace);
    const frames = records.flatMap((record) => (record.kind === 'stack' ? record.frames : []));
    expect(frames.find(({ origin }) => origin === 'user')?.file).toBe(join(folder, 'user.cjs'));
  });

  test('processes and threads that the program starts have traces of their own', async () => {
    const file = await program(
      'parts.cjs',
      `const tf = require('@tensorflow/tfjs');
       const { Worker, isMainThread } = require('node:worker_threads');
       const { fork } = require('node:child_process');
       if (isMainThread && process.send === undefined) {
         new Worker('1', { eval: true });
         new Worker(__filename).on('exit', () => fork(__filename));
         tf.ones([2]).square().sum().print();
       } else tf.ones([3]).square().sum().dataSync();`,
    );
    const traces = join(folder, 'traces');
    await mkdir(traces);
    expect(start(file, { hosted: true, settings: { traceFile: join(traces, 'run.jsonl') } })).toMatchObject({
      status: 0,
      stdout: 'Tensor\n    2\n',
      stderr: '',
    });
    const names = (await readdir(traces)).sort();
    expect(names.map((name) => name.replaceAll(/\d+/g, '#')).sort()).toEqual([
      'run.#-#.jsonl',
      'run.#.jsonl',
      'run.jsonl',
    ]);
    for (const name of names) {
      const records = await recordsOf(join(traces, name));
      const reason = name === 'run.jsonl' ? 'FG1003' : 'FG1001';
      expect(records).toContainEqual(expect.objectContaining({ kind: 'break', reason }));
      expect(records.at(-1)).toMatchObject({ kind: 'end', exitCode: 0 });
    }
  });

  test.each(['n.mjs', 'n.cjs'])('gets a stand-in for tfjs-node: %s', async (name) => {
    const load = name.endsWith('.mjs')
      ? `import * as tf from '@tensorflow/tfjs-node';`
      : `const tf = require('@tensorflow/tfjs-node');`;
    const file = await program(
      name,
      `${load}
       tf.node.encodePng(tf.fill([2, 3, 3], 7, 'int32')).then((png) => {
         console.log(tf.getBackend(), tf.node.decodeImage(png).shape.join());
         try { tf.node.tensorBoard('x'); } catch (error) { console.log(error.message); }
       });`,
    );
    const { stdout, status } = start(file, { hosted: true });
    expect(stdout).toBe(
      'tensorflow 2,3,3\ntf.node.tensorBoard is not available: fullgraph stands in for @tensorflow/tfjs-node\n',
    );
    expect(status).toBe(0);
  });

  test.each([
    ['a module of the program', 'way-1.mjs', `import './uses-node.mjs';`],
    ['an import at run time', 'way-2.cjs', `import(process.argv[2] ?? './uses-node.mjs');`],
    ['a required file that imports', 'way-3.cjs', `require('./loads-node.cjs');`],
    ['a CommonJS file that is imported', 'way-4.mjs', `import './loads-node.cjs';`],
    [
      'code made at run time',
      'way-5.cjs',
      `new Function('name', 'return import(name)')(__dirname + '/uses-node.mjs');`,
    ],
    ['a thread', 'way-6.cjs', `new (require('worker_threads').Worker)(__dirname + '/uses-node.mjs');`],
  ])('finds the stand-in for tfjs-node behind %s', async (_, name, text) => {
    await program(
      'uses-node.mjs',
      `import * as tf from '@tensorflow/tfjs-node'; console.log(tf.getBackend());`,
    );
    await program('loads-node.cjs', `exports.loaded = import('./uses-node.mjs');`);
    const file = await program(name, text);
    expect(start(file, { hosted: true })).toEqual({ status: 0, stdout: 'tensorflow\n', stderr: '' });
  });

  test('captures a program of ES modules that needs no loader hooks', async () => {
    const file = await program(
      'plain-modules.mjs',
      `import * as tf from '@tensorflow/tfjs';
       console.log(tf.tensor1d([1, 2]).relu().dataSync().join());`,
    );
    const trace = join(folder, 'plain-modules.jsonl');
    expect(start(file, { hosted: true, settings: { traceFile: trace } }).stdout).toBe('1,2\n');
    expect(await recordsOf(trace)).toContainEqual(
      expect.objectContaining({ kind: 'break', reason: 'FG1001' }),
    );
  });
});

describe('the trace of a TypeScript training program', () => {
  let records: TraceRecord[];

  beforeAll(async () => {
    const trace = join(folder, 'digits.jsonl');
    const { status, stderr } = start('digits/train.ts', { hosted: true, settings: { traceFile: trace } });
    expect(stderr).toBe('');
    expect(status).toBe(0);
    records = await recordsOf(trace);
  });

  const of = <K extends TraceRecord['kind']>(kind: K) =>
    records.filter((record): record is Extract<TraceRecord, { kind: K }> => record.kind === kind);

  test('has its breaks at the right lines of the TypeScript source', () => {
    const stacks = new Map(of('stack').map((stack) => [stack.id, stack.frames]));
    const lines = of('source')[0]!.text.split('\n');
    const places = of('break').map((item) => {
      const frame = stacks.get(item.stack!)!.find((each) => each.origin === 'user')!;
      return `${item.reason} ${lines[frame.line - 1]!.trim()}`;
    });
    expect(new Set(places)).toEqual(
      new Set([
        'FG1004 const norm = tf.addN(squares).sqrt().dataSync()[0]!;',
        'FG1011 optimizer.applyGradients(clip(grads, 1));',
        'FG1002 const correct = await predictions.equal(labels.argMax(-1)).sum().data();',
        'FG1003 confidence.mean().print();',
        'FG1005 const sure = await tf.whereAsync(confidence.greater(0.9));',
      ]),
    );
  });

  test('has one recompile, for the smaller last batch', () => {
    const failures = of('guard-failure').filter((failure) => failure.outcome === 'recompile');
    expect(failures).toHaveLength(1);
    expect(failures[0]!.differences).toContainEqual(
      expect.objectContaining({ expected: '32', actual: '4', kind: 'shape' }),
    );
  });

  test('ran every op in compiled graphs and accounts for its time', () => {
    const { totals } = of('end')[0]!;
    expect(totals.opsEager).toBe(0);
    expect(totals.opsCaptured + totals.opsFolded).toBe(totals.opsTotal);
    const spent = totals.traceMs + totals.compileMs + totals.runMs + totals.syncMs + totals.eagerMs;
    expect(spent).toBeLessThanOrEqual(totals.wallMs);
  });

  test('measured what breaks cost', () => {
    const measured = of('saving').filter((saving) => saving.skipped === undefined);
    expect(measured.length).toBeGreaterThan(0);
    for (const saving of measured) expect(saving.brokenMs).toBeGreaterThan(0);
  });
});
