import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CommandOracle } from '../../src/minifier/program/command-oracle.ts';
import { ProgramOracle, type ProgramOracleOptions } from '../../src/minifier/program/program-oracle.ts';
import { executionCounts } from '../../src/minifier/source/execution-counts.ts';
import { loadProgram, type LoadedProgram } from '../../src/minifier/source/load-program.ts';
import { tree } from './support.ts';

let folder = '';
const oracles: { close(): Promise<void> }[] = [];
beforeAll(() => {
  // Inside the repository, so that programs find its packages.
  folder = mkdtempSync(resolve('.cache-oracle-'));
});
afterAll(async () => {
  for (const oracle of oracles) await oracle.close();
  rmSync(folder, { recursive: true, force: true });
});

function program(name: string, text: string): LoadedProgram {
  writeFileSync(join(folder, name), text);
  return loadProgram(join(folder, name));
}

function oracleFor({ root }: LoadedProgram, options: Partial<ProgramOracleOptions> = {}): ProgramOracle {
  const oracle = new ProgramOracle({
    root,
    cwd: root,
    arguments: [],
    suspect: {},
    comparison: 'kernels',
    relativeTolerance: 1e-3,
    absoluteTolerance: 1e-5,
    seed: 1,
    jobs: 1,
    timeLimitMs: 4_000,
    memoryLimitMb: 400,
    ...options,
  });
  oracles.push(oracle);
  return oracle;
}

const endings: readonly (readonly [what: string, file: string, text: string, expected: object])[] = [
  ['passes', 'pass.mjs', 'await 1; console.log("fine");', { kind: 'pass' }],
  ['throws', 'throw.mjs', 'null.x;', { kind: 'crash', signature: { name: 'TypeError', where: 'user' } }],
  [
    'throws later',
    'late.cjs',
    'setTimeout(() => { throw new RangeError("late 5"); }, 10);',
    { signature: { name: 'RangeError', message: 'late #' } },
  ],
  [
    'rejects',
    'reject.cjs',
    'Promise.reject(new Error("no"));',
    { signature: { name: 'Error', message: 'no' } },
  ],
  [
    'exits',
    'exit.cjs',
    'console.error("bad input"); process.exit(3);',
    { signature: { name: 'exit code 3', message: 'bad input' } },
  ],
  ['exits with 0', 'exit0.cjs', 'process.exit(0);', { kind: 'pass' }],
  ['never settles', 'unsettled.mjs', 'await new Promise(() => {});', { signature: { name: 'unsettled' } }],
  ['hangs', 'hang.cjs', 'for (;;);', { kind: 'hang' }],
  ['keeps a timer', 'timer.cjs', 'setInterval(() => {}, 100);', { kind: 'hang' }],
  [
    'segfaults',
    'segfault.cjs',
    'process.kill(process.pid, "SIGSEGV"); for (;;);',
    { signature: { name: 'SIGSEGV' } },
  ],
  [
    'eats memory',
    'bomb.cjs',
    'const a = []; for (;;) a.push(new Float64Array(1e6).fill(1));',
    { signature: { name: 'memory limit' } },
  ],
  [
    'misses a package',
    'missing.mjs',
    'import "no-such-package-here";',
    { kind: 'crash', signature: { name: 'Error' } },
  ],
];

describe('ProgramOracle', () => {
  it('survives and names every way to end, in one process or as many as it takes', async () => {
    const first = program('start.mjs', '1;');
    const oracle = oracleFor(first);
    for (const [what, file, text, expected] of endings) {
      expect(await oracle.judge(program(file, text).tree), what).toMatchObject(expected);
    }
  });

  it('does not let a program reach the next one', async () => {
    const oracle = oracleFor(program('leak.cjs', '1;'));
    await oracle.judge(program('leak.cjs', 'leaked = 1; globalThis.other = 2; process.exitCode = 4;').tree);
    const verdict = await oracle.judge(
      program('leak.cjs', 'if (typeof leaked !== "undefined" || globalThis.other) throw new Error("seen");')
        .tree,
    );
    expect(verdict.kind).toBe('pass');
  });

  it('gives programs the same random numbers each time', async () => {
    const { tree: random } = program(
      'random.cjs',
      'throw new Error("got " + "abcdefghij"[Math.floor(10 * Math.random())]);',
    );
    const oracle = oracleFor(program('random.cjs', '1;'));
    const messages = [];
    for (let run = 0; run < 3; run++) messages.push((await oracle.judge(random)).message);
    expect(new Set(messages).size).toBe(1);
  });

  it('measures coverage and values', async () => {
    const loaded = program('cover.mjs', 'function f(a) { if (a) { return 1; } return a; } f(0); f(0);');
    const oracle = oracleFor(loaded);
    const { outcome } = await oracle.examine(loaded.tree, { coverage: true });
    const report = outcome.kind === 'report' ? outcome.report : undefined;
    const [file] = loaded.tree.files;
    const counts = executionCounts(report!.coverage!);
    expect(counts.countAt(file!, file!.text.indexOf('return 1'))).toBe(0);
    expect(counts.countAt(file!, file!.text.indexOf('return a'))).toBe(2);
  });

  it('compares kernels with the reference backend', async () => {
    const loaded = program(
      'pool.mjs',
      'import * as tf from "@tensorflow/tfjs"; tf.maxPool3d(tf.fill([1, 2, 2, 2, 1], -3), 2, 1, "valid"); tf.maxPool3d(tf.ones([1, 2, 2, 2, 1]), 2, 1, "valid");',
    );
    const oracle = oracleFor(loaded, {
      suspect: { backend: 'wasm' },
      reference: { backend: 'cpu' },
      timeLimitMs: 10_000,
    });
    expect(await oracle.judge(loaded.tree)).toMatchObject({
      kind: 'diverge',
      signature: { name: 'MaxPool3D', message: 'value' },
      judgedBy: expect.stringMatching(/^double precision: .*, the reference in float32 by 0$/) as string,
    });
    const same = oracleFor(loaded, {
      suspect: { backend: 'cpu' },
      reference: { backend: 'cpu' },
      timeLimitMs: 10_000,
    });
    expect((await same.judge(loaded.tree)).kind).toBe('pass');
  });

  describe('takes rounding for what it is, unless tolerances were given', () => {
    // Sums of large numbers that cancel: neither backend's float32 result is near the exact one.
    const sum = `import * as tf from "@tensorflow/tfjs";
      const half = tf.randomNormal([1, 2048], 0, 1000, "float32", 5);
      const terms = tf.concat([half, half.neg(), tf.tensor2d([[1e-3]])], 1);
      const sum = tf.matMul(terms, tf.ones([4097, 1]));`;

    it('when kernels are compared', async () => {
      const loaded = program('cancel.mjs', sum);
      const options = { suspect: { backend: 'wasm' }, reference: { backend: 'cpu' }, timeLimitMs: 10_000 };
      expect((await oracleFor(loaded, options).judge(loaded.tree)).kind).toBe('pass');
      const strict = await oracleFor(loaded, { ...options, isToleranceOnly: true }).judge(loaded.tree);
      expect(strict).toMatchObject({
        signature: { name: 'BatchMatMul', message: 'value' },
        judgedBy: 'the tolerances alone',
      });
    });

    const compiled: Partial<ProgramOracleOptions> = {
      reference: { backend: 'cpu' },
      comparison: 'reads',
      timeLimitMs: 10_000,
      memoryLimitMb: 2_000,
    };

    it('when a compiled program is compared with the same program on eager kernels', async () => {
      // An ill-conditioned matrix: the factors of either run are wrong from the first digit on.
      const qr = program(
        'hilbert.mjs',
        `import * as tf from "@tensorflow/tfjs";
        const row = (i) => Array.from({ length: 12 }, (_, j) => 1 / (i + j + 1));
        const [q] = tf.linalg.qr(tf.tensor2d(Array.from({ length: 12 }, (_, i) => row(i))));
        tf.relu(q).print();`,
      );
      const suspect = { capture: { backend: 'onnxruntime' } };
      const honest = await oracleFor(qr, { ...compiled, suspect }).judge(qr.tree);
      expect(honest.kind).toBe('pass');
      const strict = await oracleFor(qr, { ...compiled, suspect, isToleranceOnly: true }).judge(qr.tree);
      expect(strict).toMatchObject({ kind: 'diverge', signature: { name: 'read', message: 'value' } });
    });

    it('but not a kernel that is wrong', async () => {
      const wrong = program('wrong.mjs', `${sum} sum.print(); tf.relu(tf.sin(sum)).print();`);
      const suspect = { capture: { backend: 'fault-wrong' } };
      const verdict = await oracleFor(wrong, { ...compiled, suspect }).judge(wrong.tree);
      expect(verdict).toMatchObject({
        kind: 'diverge',
        message: expect.stringMatching(/^read 2: /) as string,
        judgedBy: expect.stringMatching(/^double precision: /) as string,
      });
    });
  });

  it('follows NaN from its origin to the read that saw it', async () => {
    const loaded = program(
      'nan.mjs',
      'import * as tf from "@tensorflow/tfjs"; const bad = tf.log(0).mul(0); tf.where(tf.isNaN(bad), 1, bad).dataSync(); bad.dataSync();',
    );
    expect(await oracleFor(loaded, { timeLimitMs: 10_000 }).judge(loaded.tree)).toMatchObject({
      kind: 'nan',
      signature: { name: 'Multiply', message: 'Log', where: 'read' },
    });
  });

  it('compares with other backends than cpu, and only with those that there are', async () => {
    const loaded = program(
      'other.mjs',
      'import * as tf from "@tensorflow/tfjs"; tf.maxPool3d(tf.fill([1, 2, 2, 2, 1], -3), 2, 1, "valid");',
    );
    const options = { suspect: { backend: 'cpu' }, timeLimitMs: 10_000 };
    const wasm = { ...options, reference: { backend: 'wasm' } };
    // By double precision cpu is right.
    expect((await oracleFor(loaded, wasm).judge(loaded.tree)).kind).toBe('pass');
    const strict = await oracleFor(loaded, { ...wasm, isToleranceOnly: true }).judge(loaded.tree);
    expect(strict.signature?.name).toBe('MaxPool3D');
    const unknown = await oracleFor(loaded, { ...options, reference: { backend: 'nope' } }).judge(
      loaded.tree,
    );
    expect(unknown).toMatchObject({
      kind: 'harness',
      message: expect.stringContaining('no backend named nope') as string,
    });
  });

  it('tells a failure of the suspect from one that the reference shares', async () => {
    const loaded = program(
      'shared.mjs',
      'import * as tf from "@tensorflow/tfjs"; tf.matMul(tf.ones([2, 3]), tf.ones([2, 3]));',
    );
    const oracle = oracleFor(loaded, {
      suspect: { backend: 'wasm' },
      reference: { backend: 'cpu' },
      timeLimitMs: 10_000,
    });
    expect((await oracle.judge(loaded.tree)).signature?.context).toBe('the reference fails as well');
  });
});

describe('CommandOracle', () => {
  it('asks a command in a folder with the files, and measures what it ran', async () => {
    const oracle = new CommandOracle({ command: 'node main.cjs', jobs: 2, timeLimitMs: 5_000 });
    oracles.push(oracle);
    expect((await oracle.judge(tree('process.exit(0);', 'commonjs'))).kind).toBe('custom');
    expect((await oracle.judge(tree('process.exit(1);', 'commonjs'))).kind).toBe('pass');
    const covered = tree('if (process.pid === 0) { never(); }', 'commonjs');
    const counts = executionCounts((await oracle.coverage(covered))!);
    expect(counts.countAt(covered.files[0]!, covered.files[0]!.text.indexOf('never'))).toBe(0);
  });

  it('kills what does not end, and its children', async () => {
    const oracle = new CommandOracle({ command: 'sleep 60 & sleep 60', jobs: 1, timeLimitMs: 300 });
    oracles.push(oracle);
    expect((await oracle.judge(tree('1;'))).kind).toBe('pass');
  });
});
