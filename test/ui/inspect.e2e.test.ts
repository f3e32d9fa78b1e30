/** `fullgraph inspect` in a real terminal: what keys do, and that the terminal is as before however it ends. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';
import { cli, keys, openCli, openPty, root, type PtyOptions, type PtySession } from './support/pty.ts';

const trace = `${root}fixtures/traces/training.jsonl`;
/** The source line of a break, lit in its detail. */
const lit10 = /▸\s+10 │\s+total \+= loss.dataSync\(\)\[0\];/;
const lit14 = /▸\s+14 │\s+model.confusion\(\).print\(\);/;
const sessions: PtySession[] = [];

function inspect(options: PtyOptions = {}): PtySession {
  const session = openCli(['inspect', trace], options);
  sessions.push(session);
  return session;
}

function start(command: string, args: readonly string[], options: PtyOptions = {}): PtySession {
  const session = openPty(command, args, options);
  sessions.push(session);
  return session;
}

/** The breaks view, drawn to its end: the summary may show the same line. */
async function openBreaks(session: PtySession): Promise<void> {
  session.send('2');
  await session.until((text) => text.includes('[2 Breaks]') && lit10.test(text) && /\d\/3\s*$/.test(text));
}

afterEach(async () => {
  for (const session of sessions.splice(0)) await session.close();
});

function expectRestored(session: PtySession): void {
  expect(session.isAlternate()).toBe(false);
  expect(session.isCursorHidden()).toBe(false);
  // Mouse, paste and wrapping are back as well.
  for (const mode of ['1000l', '1006l', '2004l', '7h']) expect(session.raw()).toContain(`\u001b[?${mode}`);
}

describe('keys', () => {
  test('open views, move, filter, sort, open a detail, ask for help, quit', async () => {
    const session = inspect();
    await session.until('[1 Summary]');
    expect(session.isAlternate()).toBe(true);
    expect(session.isCursorHidden()).toBe(true);

    session.send('2');
    await session.until(/\[2 Breaks\][\s\S]*FG1004[\s\S]*FG1003[\s\S]*FG1002/);
    await session.until(lit10);
    session.send('j');
    await session.until(lit14);

    session.send('s');
    await session.until('sort: count');

    session.send('/print');
    await session.until((text) => !text.includes('FG1004  ') && text.includes('/print'));
    session.send(keys.escape);
    await session.until('FG1004  ');

    session.send('?');
    await session.until(/Keys[\s\S]*one row up/);
    session.send(keys.escape);
    await session.until('[2 Breaks]');

    session.send('q');
    expect((await session.exited).exitCode).toBe(0);
    expectRestored(session);
  });

  test('go to the graphs and through one, edge by edge', async () => {
    const session = inspect({ columns: 120, rows: 40 });
    await session.until('[1 Summary]');
    session.send('3');
    await session.until('[3 Graphs]');
    session.send(keys.enter);
    await session.until(/g1 trainEpoch[\s\S]*matmul\s+BatchMatMul/);
    session.send(keys.enter);
    await session.until(/g1 trainEpoch › x[\s\S]*read by[\s\S]*matmul\s+BatchMatMul/);
    session.send(keys.enter);
    await session.until('g1 trainEpoch › x › matmul');
    session.send(keys.escape);
    await session.until((text) => text.includes('› x') && !text.includes('› matmul'));
  });

  test('copy through the terminal', async () => {
    const session = inspect();
    await session.until('[1 Summary]');
    await openBreaks(session);
    session.send('y');
    await session.until('copied');
    const copied = session.raw().split('\u001b]52;c;')[1]!.split('\u0007')[0]!;
    expect(Buffer.from(copied, 'base64').toString()).toContain('src/train.ts:10');
  });

  test('arrive from the mouse too', async () => {
    const session = inspect();
    await session.until('[1 Summary]');
    await openBreaks(session);
    // SGR: left button, column 5, row 5: the second break.
    session.send('\u001b[<0;5;5M\u001b[<0;5;5m');
    await session.until(lit14);
    // The wheel over the detail scrolls the detail; the cursor stays on the second break.
    session.send('\u001b[<65;5;25M');
    await session.until((text) => !/^ ?FG1003 Tensor printed$/m.test(text));
    expect(session.text()).toContain('2/3');
    session.send('\u001b[<64;5;25M');
    await session.until(/^ ?FG1003 Tensor printed$/m);
    // Over the list it moves the cursor.
    session.send('\u001b[<64;5;5M');
    await session.until('1/3');
    // A tab opens its view; the row under the cursor opens.
    const tab = session.rows()[0]!.indexOf('3 Graphs') + 1;
    session.send(`\u001b[<0;${tab};1M\u001b[<0;${tab};1m`);
    await session.until('[3 Graphs]');
    session.send('\u001b[<0;5;4M\u001b[<0;5;4m');
    await session.until('matmul');
  });

  test('that are pasted are no commands', async () => {
    const session = inspect();
    await session.until('[1 Summary]');
    session.send('\u001b[200~q2\u001b[201~');
    session.send('3');
    await session.until('[3 Graphs]');
  });
});

describe('the screen', () => {
  test('is drawn by its differences: a key clears nothing', async () => {
    const session = inspect();
    await session.until('[1 Summary]');
    await openBreaks(session);
    const before = session.raw().length;
    session.send('j');
    await session.until(lit14);
    const written = session.raw().slice(before);
    expect(written).not.toContain('\u001b[2J');
    expect(written).not.toContain('[2 Breaks]');
    expect(written).toContain('\u001b[?2026h');
  });

  test.each([
    [80, 24],
    [120, 40],
    [250, 60],
  ])('fills %ix%i, and follows a resize', async (columns, rows) => {
    const session = inspect({ columns: 100, rows: 30 });
    await session.until('[1 Summary]');
    await openBreaks(session);
    session.resize(columns, rows);
    await session.until((text) => {
      const lines = text.split('\n');
      return lines[1] === '─'.repeat(columns) && /q quit/.test(lines.at(-1)!);
    });
    expect(session.rows()[0]).toContain('[2 Breaks]');
    expect(session.text()).toMatch(lit10);
  });

  test('says so when it is too small, and comes back', async () => {
    const session = inspect();
    await session.until('[1 Summary]');
    session.resize(30, 8);
    await session.until('too small');
    session.resize(90, 25);
    await session.until('[1 Summary]');
  });

  test('needs no colours under NO_COLOR', async () => {
    const session = inspect({ env: { NO_COLOR: '1' } });
    await session.until('[1 Summary]');
    await openBreaks(session);
    const escapes = session
      .raw()
      .split('\u001b[')
      .map((piece) => /^[\d;]*m/.exec(piece)?.[0] ?? '');
    const colours = escapes.filter((escape) => /(?:^|;)(?:3[0-8]|4[0-8]|9\d|10\d)(?:;|m)/.test(escape));
    expect(colours).toEqual([]);
  });
});

describe('the terminal is as before', () => {
  test('after Ctrl-C', async () => {
    const session = inspect();
    await session.until('[1 Summary]');
    session.send(keys.ctrlC);
    expect((await session.exited).exitCode).toBe(0);
    expectRestored(session);
  });

  test.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
    ['SIGHUP', 129],
  ] as const)('after %s', async (signal, exitCode) => {
    const session = inspect();
    await session.until('[1 Summary]');
    session.kill(signal);
    expect((await session.exited).exitCode).toBe(exitCode);
    expectRestored(session);
  });

  test.each(['draw', 'key', 'outside'])('after a crash while it handles: %s', async (when) => {
    const session = start(process.execPath, [
      '--import',
      'tsx',
      `${root}test/ui/support/crashing-ui.ts`,
      when,
    ]);
    await session.until('[1 Calm]');
    if (when !== 'outside') session.send('2');
    expect((await session.exited).exitCode).not.toBe(0);
    expectRestored(session);
    await session.until('the view is broken');
  });

  test('while Ctrl-Z keeps it stopped, and fg brings the screen back', async () => {
    const session = start('/bin/bash', ['--norc', '--noprofile'], { env: { PS1: 'PROMPT> ' } });
    await session.until('PROMPT>');
    session.send(`'${process.execPath}' '${cli}' inspect '${trace}'\r`);
    await session.until('[1 Summary]');
    await openBreaks(session);
    session.send(keys.ctrlZ);
    await session.until('Stopped');
    expectRestored(session);
    // Meanwhile the terminal got another size: only the shell was told.
    session.resize(64, 20);
    session.send('fg\r');
    await session.until(lit10);
    await session.until((text) => text.split('\n')[1] === '─'.repeat(64));
    expect(session.isAlternate()).toBe(true);
    session.send('q');
    await session.until(/PROMPT> \s*$/);
    session.send('stty -a | grep -o -- "-*icanon"\r');
    await session.until(/^icanon$/m);
    session.send('exit\r');
    await session.exited;
  });

  test('while an editor has it', async () => {
    const session = inspect({ env: { EDITOR: 'echo edited', VISUAL: 'echo edited' } });
    await session.until('[1 Summary]');
    await openBreaks(session);
    session.send('o');
    // The editor ran on the ordinary screen, with the line and the path of the break.
    await session.until(() => session.raw().includes('\u001b[?1049ledited +10 /home/ada/mnist/src/train.ts'));
    await session.until(() => session.isAlternate());
    await session.until(lit10);
    session.send('q');
    expect((await session.exited).exitCode).toBe(0);
  });
});

test('an editor gets every key and its own Ctrl-C', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'fullgraph-editor-'));
  const editor = join(folder, 'editor.sh');
  writeFileSync(editor, '#!/bin/sh\ntrap \'\' INT\necho ready\nread line\necho "typed $line"\n', {
    mode: 0o755,
  });
  try {
    const session = inspect({ env: { EDITOR: editor, VISUAL: editor } });
    await session.until('[1 Summary]');
    await openBreaks(session);
    session.send('o');
    await session.until('ready');
    session.send(keys.ctrlC);
    session.send('q\r');
    await session.until(lit10);
    expect(session.raw()).toContain('typed q');
    expect(session.isRunning()).toBe(true);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('without a terminal there is a text report and no escape code', async () => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [cli, 'inspect', trace]);
  expect(stdout).toContain('Graph breaks');
  expect(stdout + stderr).not.toContain('\u001b');
});
