/** The UI on things that happen while it is open: a program that runs, a trace that grows, a search of the minifier. */
import { execFile } from 'node:child_process';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';
import { buggyModel, onnxBugs } from '../../bench/onnx-bugs.ts';
import { decodeModel, encodeModel, writeModelFile } from '../../src/onnx/index.ts';
import { cli, keys, openCli, root, type PtyOptions, type PtySession } from './support/pty.ts';

const training = `${root}fixtures/traces/training.jsonl`;
const sessions: PtySession[] = [];
const folders: string[] = [];

function start(args: readonly string[], options: PtyOptions = {}): PtySession {
  const session = openCli(args, { columns: 120, rows: 30, ...options });
  sessions.push(session);
  return session;
}

function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'fullgraph-ui-'));
  folders.push(folder);
  return folder;
}

afterEach(async () => {
  for (const session of sessions.splice(0)) await session.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

describe('a program', () => {
  test.each([['inspect'], ['explain', '-i']])('is looked at while it runs: %s', async (...command) => {
    const session = start([...command, `${root}fixtures/programs/digits/train.ts`]);
    await session.until('[1 Summary]');
    await session.until('running');
    await session.until('9 Output');
    session.send('9');
    await session.until('epoch 3: best loss');
    await session.until(/ ended ─$/m, 60_000);
    session.send('2');
    await session.until(/FG1002[\s\S]*train\.ts:86/);
    session.send('q');
    expect((await session.exited).exitCode).toBe(0);
    expect(session.text()).toContain('15 breaks at 4 lines');
    expect(session.isAlternate()).toBe(false);
  });

  test.each([
    ['a program', `${root}fixtures/programs/digits/train.ts`, 4],
    ['a trace', training, 3],
  ])('that is over its budget says so when the UI is closed: %s', async (_kind, input, breaks) => {
    const session = start(['explain', '-i', input, '--max-breaks', '1']);
    await session.until('[1 Summary]');
    if (input !== training) await session.until(/ ended ─$/m, 60_000);
    session.send('q');
    expect((await session.exited).exitCode).toBe(1);
    expect(session.text().replaceAll('\n', '')).toContain(`${breaks} distinct breaks, 1 break allowed`);
  });

  test('that fails hands on its exit code, and keeps its trace when asked to', async () => {
    const folder = temporary();
    writeFileSync(join(folder, 'fails.mjs'), 'console.error("so it goes"); process.exit(3);');
    const trace = join(folder, 'kept.jsonl');
    const session = start(['inspect', join(folder, 'fails.mjs'), '--trace-out', trace]);
    await session.until('ended with 3');
    session.send('9');
    await session.until('! so it goes');
    session.send('q');
    expect((await session.exited).exitCode).toBe(3);
    expect(readFileSync(trace, 'utf8')).toContain('the program loaded no TensorFlow.js');
  });

  test('is ended when the UI is', async () => {
    const folder = temporary();
    const program = join(folder, 'runs.mjs');
    writeFileSync(program, 'console.log(`pid ${process.pid};`); setInterval(() => {}, 1000);');
    const session = start(['inspect', program]);
    await session.until('9 Output');
    session.send('9');
    await session.until(/pid \d+;/);
    const pid = Number(/pid (\d+);/.exec(session.text())![1]);
    session.send('q');
    await session.exited;
    expect(session.text()).toContain('stopped before its end');
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });
});

describe('a trace', () => {
  const lines = readFileSync(training, 'utf8').trimEnd().split('\n');

  test('that grows is followed, also when a line arrives in two pieces', async () => {
    const file = join(temporary(), 'run.jsonl');
    const breaks = lines.findIndex((line) => line.includes('"kind":"break"'));
    writeFileSync(file, `${lines.slice(0, breaks).join('\n')}\n`);
    const session = start(['inspect', '--follow', file]);
    await session.until(/following/);
    session.send('2');
    await session.until('no graph break');
    const rest = `${lines.slice(breaks).join('\n')}\n`;
    const cut = Math.floor(rest.length / 2);
    appendFileSync(file, rest.slice(0, cut));
    await session.until(/FG1004\s+\d+/);
    appendFileSync(file, rest.slice(cut));
    await session.until(/FG1004\s+50[\s\S]*FG1003\s+5[\s\S]*FG1002\s+5/);
    await session.until('the program has ended');
    session.send('q');
    expect((await session.exited).exitCode).toBe(0);
  });

  test('that is cut and damaged opens with what is readable, and says what is missing', async () => {
    const file = join(temporary(), 'run.jsonl');
    const some = lines.slice(0, -3);
    some.splice(5, 0, '{"kind":"brea', '\u0000\u0001 no json');
    writeFileSync(file, `${some.join('\n')}\n{"kind":"run","gra`);
    const session = start(['inspect', file]);
    await session.until('[1 Summary]');
    await session.until('3 damaged lines, the end is missing');
    session.send('2');
    await session.until(/FG1004/);
  });

  test('that is no trace at all is an error, not a UI', async () => {
    const file = join(temporary(), 'run.jsonl');
    writeFileSync(file, 'nothing\n');
    const session = start(['inspect', file]);
    expect((await session.exited).exitCode).toBe(2);
    expect(session.raw()).not.toContain('\u001b[?1049h');
    expect(session.text()).toContain('holds no record of a trace');
  });
});

test('a graph of a trace is exported as a model', async () => {
  const folder = temporary();
  const trace = join(folder, 'run.jsonl');
  const program = `${root}fixtures/programs/digits/train.ts`;
  await promisify(execFile)(process.execPath, [cli, 'run', '--trace-out', trace, program]);
  const session = start(['inspect', trace], { cwd: folder });
  await session.until('[1 Summary]');
  session.send('3');
  await session.until(/\[3 Graphs\][\s\S]*g1\s+clip/);
  session.send('e');
  await session.until('wrote g1.onnx', 60_000);
  expect(decodeModel(readFileSync(join(folder, 'g1.onnx'))).graph.nodes.length).toBeGreaterThan(10);
});

describe('a model', () => {
  function writeModel(folder: string): string {
    const tensor = { kind: 'tensor' as const, dataType: 'float32' as const, dims: [2, 'n'] };
    const node = (opType: string, input: string, output: string): object => ({
      opType,
      domain: '',
      name: `/block/${opType}`,
      inputs: [input],
      outputs: [output],
      attributes: {},
    });
    const file = join(folder, 'model.onnx');
    const bytes = encodeModel({
      irVersion: 10,
      opsets: [{ domain: '', version: 21 }],
      graph: {
        name: 'tiny',
        nodes: [node('Relu', 'x', 'positive'), node('Sqrt', 'positive', 'root')] as never,
        inputs: [{ name: 'x', type: tensor }],
        outputs: [{ name: 'root', type: tensor }],
        initializers: [],
      },
    });
    writeFileSync(file, bytes);
    return file;
  }

  test('is a graph to walk through', async () => {
    const session = start(['inspect', writeModel(temporary())]);
    await session.until(/\[3 Graphs\][\s\S]*tiny/);
    await session.until('opset 21');
    session.send(keys.enter);
    await session.until(/block\s[\s\S]*positive\s+Relu[\s\S]*root\s+Sqrt\s+float32\[2,n\]/);
    session.send('e');
    session.send('q');
    expect((await session.exited).exitCode).toBe(0);
  });

  test('that onnxruntime gets wrong is minified from the UI, down to the pass to blame', async () => {
    const folder = temporary();
    const bug = onnxBugs.find(({ name }) => name === 'pad-maxpool')!;
    writeModelFile(join(folder, 'pad.onnx'), buggyModel(bug, 20, 3).model);
    const session = start(['inspect', 'pad.onnx'], { cwd: folder });
    await session.until('[3 Graphs]');
    session.send('m');
    await session.until('minifying pad.onnx: 7 shows it');
    session.send('7');
    await session.until('introduced by: onnxruntime PadFusion', 90_000);
    await session.until(/→ 2 nodes[\s\S]*= Pad\([\s\S]*= MaxPool\(/);
    session.send('q');
    expect((await session.exited).exitCode).toBe(0);
  });

  test('is text where there is no terminal', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [cli, 'inspect', writeModel(temporary())]);
    expect(stdout).toContain('Sqrt');
    expect(stdout).not.toContain('\u001b');
  });
});

describe('a search of the minifier', () => {
  const args = [
    'minify',
    '-i',
    `${root}fixtures/failing/gesture-clips/program.mjs`,
    '--backend=wasm',
    '--reference=cpu',
  ];

  test('is watched to its end, and what it found is printed', async () => {
    const output = join(temporary(), 'repro');
    const session = start([...args, `--output=${output}`, `--state=${join(output, '..', 'state')}`]);
    await session.until(/\[7 Minify\][\s\S]*finding out how it fails/);
    await session.until('diverge: MaxPool3D: value', 60_000);
    await session.until('introduced by: wasm kernel MaxPool3D', 90_000);
    await session.until(/best so far: \d\d tokens/);
    session.send('q');
    expect((await session.exited).exitCode).toBe(0);
    expect(session.text()).toContain('it fails the same way from there in a fresh process');
    expect(existsSync(join(output, 'repro.mjs'))).toBe(true);
  });

  test('pauses, goes on, and stops with the best so far', async () => {
    const output = join(temporary(), 'repro');
    const session = start([...args, `--output=${output}`, `--state=${join(output, '..', 'state')}`]);
    await session.until('diverge: MaxPool3D: value', 60_000);
    session.send('p');
    await session.until('paused (p goes on)');
    session.send('p');
    await session.until('shrinking');
    await session.until(/[1-9]\d* accepted/, 60_000);
    session.send('S');
    await session.until(/writing the best so far|introduced by/);
    await session.until('introduced by', 60_000);
    session.send('q');
    expect((await session.exited).exitCode).toBe(0);
    expect(existsSync(join(output, 'repro.mjs'))).toBe(true);
  });

  test('that is left before it knows how the program fails ends like any other', async () => {
    const output = join(temporary(), 'repro');
    const session = start([...args, `--output=${output}`, `--state=${join(output, '..', 'state')}`]);
    await session.until('finding out how it fails');
    session.send('q');
    await session.until('ending the search');
    expect([0, 1]).toContain((await session.exited).exitCode);
    expect(session.text()).not.toContain('bug of fullgraph');
  });

  test('that cannot begin says why', async () => {
    const program = join(temporary(), 'fine.mjs');
    writeFileSync(program, 'export {};');
    const session = start(['minify', '-i', program]);
    await session.until(/failed[\s\S]*error FG4/, 60_000);
    session.send('q');
    expect((await session.exited).exitCode).not.toBe(0);
  });
});
