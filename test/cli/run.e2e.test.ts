/** `fullgraph run` next to plain Node: a program must not notice where it runs. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openPty } from '../ui/support/pty.ts';
import { cli, createProject, loopProgram, type Project } from './support/project.ts';

let project: Project;

beforeAll(() => {
  project = createProject();
  project.write('loop.mjs', loopProgram);
});

afterAll(() => project.remove());

/** The errors that Node prints, without stacks; and without tfjs's praise of its native backend. */
function errorsIn(text: string): string[] {
  return text.split('\n').filter((line) => /^(?:\w*Error: |to standard error)/.test(line));
}

describe('a program', () => {
  test.each([
    [
      'its arguments, input, folder, environment and exit code',
      'all.mjs',
      `import * as tf from '@tensorflow/tfjs';
       let text = '';
       for await (const chunk of process.stdin) text += chunk;
       console.log(process.argv.slice(2), text, process.cwd(), process.env.MARK, process.argv[1]);
       console.error('to standard error', tf.ones([3]).sum().arraySync());
       process.exitCode = 5;`,
      5,
    ],
    [
      'an early process.exit',
      'exit.cjs',
      `const tf = require('@tensorflow/tfjs');
       process.on('exit', (code) => console.log('leaving with', code, tf.memory().numTensors));
       const kept = tf.ones([2]).add(1);
       process.exit(9);`,
      9,
    ],
    [
      'an unhandled rejection',
      'rejects.mjs',
      `import * as tf from '@tensorflow/tfjs';
       console.log(tf.ones([2]).sum().arraySync());
       Promise.reject(new Error('boom'));`,
      1,
    ],
    [
      'a handler of unhandled rejections',
      'handles.mjs',
      `import * as tf from '@tensorflow/tfjs';
       process.on('unhandledRejection', (error) => { console.log('seen', error.message); process.exit(4); });
       tf.ones([2]).data().then(() => { throw new Error('late'); });`,
      4,
    ],
    [
      'an exception of tfjs',
      'throws.cjs',
      `const tf = require('@tensorflow/tfjs');
       tf.matMul(tf.ones([2, 3]), tf.ones([2, 3]));`,
      1,
    ],
  ])('keeps %s', (_title, name, text, status) => {
    project.write(name, text);
    mkdirSync(join(project.folder, 'sub'), { recursive: true });
    const words = [join('..', name), '-x', '--help', '--trace-out=mine', '--', 'y z'];
    const options = { cwd: join(project.folder, 'sub'), env: { MARK: 'here' }, input: 'in put' };
    const eager = project.node(words, options);
    const hosted = project.fullgraph(['run', ...words], options);
    expect(eager.status).toBe(status);
    expect(hosted.status).toBe(status);
    expect(hosted.stdout).toBe(eager.stdout);
    expect(errorsIn(hosted.stderr)).toEqual(errorsIn(eager.stderr));
  });

  test('in TypeScript runs as it is', () => {
    project.write(
      'typed.ts',
      `import * as tf from '@tensorflow/tfjs';
       enum Mode { Train = 'train' }
       const sum = (x: tf.Tensor): number => x.sum().dataSync()[0]!;
       console.log(Mode.Train, sum(tf.tensor1d([1, 2, 3] satisfies number[])));`,
    );
    expect(project.fullgraph(['run', 'typed.ts'])).toMatchObject({ status: 0, stdout: 'train 6\n' });
  });

  test('behaves alike however it is started', () => {
    const plain = project.node(['loop.mjs']);
    for (const outcome of [
      project.fullgraph(['run', 'loop.mjs']),
      project.fullgraph(['run', '--no-instrument', 'loop.mjs']),
      project.fullgraph(['run', '--disable', 'loop.mjs']),
      project.fullgraph(['run', '--backend', 'eager', 'loop.mjs']),
      project.fullgraph(['run', '--no-tiers', 'loop.mjs']),
      project.fullgraph(['run', '--no-cache', '--no-freeze', '--threads', '1', 'loop.mjs']),
      project.node(['--import', 'fullgraph/register', 'loop.mjs']),
      project.node(['--disallow-code-generation-from-strings', '--import', 'fullgraph/register', 'loop.mjs']),
      project.node(['loop.mjs'], { env: { NODE_OPTIONS: '--import fullgraph/register' } }),
    ]) {
      expect({ ...outcome, stderr: '' }).toEqual({ ...plain, stderr: '' });
      expect(outcome.stderr).not.toMatch(/error|warn/i);
    }
  });
});

describe('signals', () => {
  const waiting = (onSignal: string): string => `import * as tf from '@tensorflow/tfjs';
    const loss = tf.ones([4]).sum();
    console.log('loss', loss.dataSync()[0]);
    ${onSignal}
    setInterval(() => undefined, 1000);
    console.log('ready');`;

  async function interrupted(words: readonly string[]): Promise<{ code: number | null; output: string }> {
    const child = project.start(words);
    let output = '';
    return new Promise((resolve) => {
      child.stdout!.on('data', (chunk: Buffer) => {
        output += String(chunk);
        if (/ready\n/.test(output)) child.kill('SIGINT');
      });
      child.once('close', (code) => resolve({ code, output }));
    });
  }

  test('end the program as they would, and its trace is whole', async () => {
    project.write('waits.mjs', waiting(''));
    const { code } = await interrupted(['run', '--trace-out', 'cut.jsonl', 'waits.mjs']);
    expect(code).toBe(130);
    const report = project.fullgraph(['explain', 'cut.jsonl', '--json']);
    const { breaks, exitCode } = JSON.parse(report.stdout) as { breaks: object[]; exitCode: number };
    expect({ breaks: breaks.length, exitCode }).toEqual({ breaks: 1, exitCode: 130 });
  });

  test('reach the handler of a program that has one', async () => {
    project.write(
      'tidies.mjs',
      waiting(`process.on('SIGINT', () => { console.log('bye'); process.exit(7); });`),
    );
    expect(await interrupted(['run', 'tidies.mjs'])).toEqual({ code: 7, output: 'loss 4\nready\nbye\n' });
  });

  test('from a terminal arrive once', async () => {
    project.write(
      'counts.mjs',
      waiting(`let count = 0;
        process.on('SIGINT', () => { count += 1; setTimeout(() => process.exit(10 + count), 300); });`),
    );
    const session = openPty(process.execPath, [cli, 'run', 'counts.mjs'], { cwd: project.folder });
    await session.until('ready');
    session.send('\u0003');
    expect((await session.exited).exitCode).toBe(11);
  });
});

describe('what is wrong with the command is one message, and nothing runs', () => {
  test.each([
    ['a missing file', ['run', 'nowhere.ts'], 2, 'FG5012: nowhere.ts does not exist'],
    ['no file', ['run'], 2, 'FG5012: the input is missing'],
    ['a syntax error', ['run', 'broken.mjs'], 2, 'FG5015: broken.mjs:2:11: syntax error'],
    ['a syntax error in TypeScript', ['explain', 'broken.ts'], 2, 'FG5015: broken.ts:1:'],
    [
      'a top-level await in a CommonJS package',
      ['explain', 'awaits.ts'],
      2,
      'FG5015: awaits.ts:1:1: syntax error: Top-level await',
    ],
    ['an unknown flag', ['run', '--treads', '2', 'loop.mjs'], 2, 'FG5010: there is no flag --treads'],
    [
      'a flag without its value',
      ['explain', 'loop.mjs', '--max-breaks'],
      2,
      'FG5010: --max-breaks needs a value',
    ],
    [
      'a word where a number belongs',
      ['run', '--threads', 'two', 'loop.mjs'],
      2,
      'FG5010: --threads takes a number',
    ],
    ['an unknown backend', ['run', '--backend', 'tvm', 'loop.mjs'], 2, 'FG5010: backend tvm is not known'],
    [
      'an unknown backend to explain',
      ['explain', '--backend', 'tvm', 'loop.mjs'],
      2,
      'FG5010: backend tvm is not known',
    ],
    [
      'an unknown device',
      ['run', '--device', 'tpu', 'loop.mjs'],
      2,
      'FG5010: --device takes cpu, webgpu, cuda',
    ],
    [
      'nothing to explain',
      ['explain', '--disable', 'loop.mjs'],
      2,
      'FG5010: with --disable nothing is captured',
    ],
    ['an unknown command', ['explian', 'loop.mjs'], 2, 'FG5010: there is no command explian'],
    ['a trace instead of a program', ['run', 'some.jsonl'], 2, 'FG5012: some.jsonl is no program'],
    [
      'an unwritable trace',
      ['run', '--trace-out', 'loop.mjs/t.jsonl', 'loop.mjs'],
      2,
      'FG5003: cannot write',
    ],
    [
      'a trace on a full disk',
      ['explain', 'loop.mjs', '--trace-out', '/dev/full'],
      2,
      'FG5003: cannot write',
    ],
    ['a text that is no trace', ['explain', 'some.jsonl'], 2, 'FG5013: some.jsonl holds no record'],
    [
      'a file of another kind',
      ['explain', 'photo.png'],
      2,
      'FG5012: photo.png is neither a program nor a trace',
    ],
    [
      'a folder without a trace',
      ['explain', 'empty'],
      2,
      'FG5012: the directory empty holds no PyTorch trace',
    ],
    [
      'a missing baseline',
      ['explain', 'ok.jsonl', '--baseline', 'b.json'],
      2,
      'FG5017: cannot read the report b.json',
    ],
    [
      'a baseline that is no report',
      ['explain', 'ok.jsonl', '--baseline', 'photo.png'],
      2,
      'FG5017: photo.png is not JSON',
    ],
    ['an unknown break', ['why', 'FG1999'], 2, 'FG5018: there is no break with the id FG1999'],
    ['one trace to compare', ['diff', 'ok.jsonl'], 2, 'FG5010: diff takes two inputs'],
  ])('%s', (_title, words, status, message) => {
    project.write('broken.mjs', `import * as tf from '@tensorflow/tfjs';\nconst x = ;\n`);
    project.write('broken.ts', `interface Broken { a: ;; }\n`);
    project.write('awaits.ts', `await Promise.resolve();\n`);
    project.write('some.jsonl', 'not\na trace\n');
    project.write(
      'ok.jsonl',
      '{"kind":"header","schemaVersion":1,"source":"fullgraph","program":"a","arguments":[],"cwd":"/","startedAt":"","environment":{}}\n',
    );
    project.write('photo.png', Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0]));
    mkdirSync(join(project.folder, 'empty'), { recursive: true });
    const outcome = project.fullgraph(words);
    expect(outcome.stderr).toContain(`error ${message}`);
    expect(outcome.stderr).toMatch(/\n {2}fix: .+\n$/);
    expect(outcome.stderr).not.toMatch(/\n\s+at /);
    expect(outcome).toMatchObject({ status, stdout: words.includes('--baseline') ? outcome.stdout : '' });
  });

  test('a program without TensorFlow.js runs, but has nothing to explain', () => {
    project.write('plain.mjs', `console.log('hi');`);
    expect(project.fullgraph(['run', 'plain.mjs'])).toEqual({ status: 0, stdout: 'hi\n', stderr: '' });
    const { status, stderr } = project.fullgraph(['explain', 'plain.mjs']);
    expect(status).toBe(2);
    expect(stderr).toMatch(/^error FG5004: plain\.mjs loaded no TensorFlow\.js\n {2}fix: .*npm install/);
  });

  test('a program whose TensorFlow.js is not installed', () => {
    const folder = mkdtempSync(join(tmpdir(), 'fullgraph-bare-'));
    try {
      writeFileSync(join(folder, 'loop.mjs'), loopProgram);
      const { status, stdout, stderr } = project.fullgraph(['explain', 'loop.mjs'], { cwd: folder });
      expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
      expect(stderr).toMatch(
        /error FG5004: loop\.mjs loaded no TensorFlow\.js\n {2}fix: .*npm install @tensorflow\/tfjs\n$/,
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('a program that fails before it loads TensorFlow.js keeps its exit code', () => {
    project.write('usage.cjs', `console.error('usage: ...'); process.exit(7); require('@tensorflow/tfjs');`);
    const { status, stdout } = project.fullgraph(['explain', 'usage.cjs']);
    expect(status).toBe(7);
    expect(stdout).toContain('The program ended with exit code 7; the program ran no TensorFlow.js op.');
  });

  test('CUDA without its libraries', () => {
    const { status, stderr } = project.fullgraph(['run', '--device', 'cuda', 'loop.mjs']);
    // A machine that has them runs the program.
    if (status !== 0) {
      expect(stderr).toMatch(/^error FG3204: device cuda is not available: .*\n {2}fix: .*cuda12/);
      expect(status).toBe(3);
    }
  });
});

test('a full disk ends the trace, not the program', () => {
  const outcome = project.fullgraph(['run', '--trace-out', '/dev/full', 'loop.mjs']);
  expect(outcome).toMatchObject({ status: 0, stdout: project.node(['loop.mjs']).stdout });
  expect(outcome.stderr).toMatch(/^fullgraph: the trace \/dev\/full ends early: ENOSPC.*\n$/);
});

test('without instrumentation, breaks keep their lines and lose only names', () => {
  const report = (...flags: string[]): { readonly breaks: readonly Record<string, unknown>[] } => {
    const { stdout } = project.fullgraph(['explain', 'loop.mjs', '--json', ...flags]);
    return JSON.parse(stdout) as { breaks: Record<string, unknown>[] };
  };
  const [named] = report().breaks;
  const [bare] = report('--no-instrument').breaks;
  const column = loopProgram.split('\n')[5]!.indexOf('dataSync') + 1;
  const site = { file: 'loop.mjs', line: 6, column };
  expect(named).toMatchObject({ id: 'FG1004', site, tensor: 'score', branch: 'value > 3', occurrences: 5 });
  expect(bare).toMatchObject({ site, tensor: null, branch: null, occurrences: 5 });
});

test('the trace holds the whole run', () => {
  project.fullgraph(['run', '--trace-out', 'deep/er/t.jsonl', 'loop.mjs']);
  const kinds = readFileSync(join(project.folder, 'deep/er/t.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { kind: string }).kind);
  expect(kinds[0]).toBe('header');
  expect(kinds.at(-1)).toBe('end');
});
