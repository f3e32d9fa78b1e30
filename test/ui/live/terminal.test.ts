import { PassThrough } from 'node:stream';
import { afterEach, expect, test } from 'vitest';
import { openTerminal, type Terminal } from '../../../src/ui/live/terminal.ts';

let terminal: Terminal | undefined;
afterEach(() => terminal?.close());

interface Opened {
  readonly terminal: Terminal;
  readonly ends: readonly NodeJS.Signals[];
  /** What the terminal does at a signal. */
  signal(name: NodeJS.Signals): void;
  written(): string;
}

/** A terminal on streams; only its own listeners hear of signals. */
function open(): Opened {
  const stdin = Object.assign(new PassThrough(), { setRawMode: () => stdin, isTTY: true });
  const stdout = Object.assign(new PassThrough(), { columns: 80, rows: 24, isTTY: true });
  let written = '';
  stdout.on('data', (bytes: Buffer) => (written += bytes.toString()));
  const ends: NodeJS.Signals[] = [];
  const before = new Set(process.listeners('SIGINT'));
  terminal = openTerminal(stdin as unknown as NodeJS.ReadStream, stdout as unknown as NodeJS.WriteStream, {
    onInput() {},
    onResize() {},
    onReturn() {},
    onEnd: (name) => void ends.push(name),
  });
  const own = process.listeners('SIGINT').filter((listener) => !before.has(listener));
  return {
    terminal,
    ends,
    signal: (name) => own.forEach((listener) => listener(name)),
    written: () => written,
  };
}

/** Later than everything that promises can do without an event. */
async function afterMicrotasks(work: () => void): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
  work();
}

test('a Ctrl-C that arrives together with the end of an editor was the editor’s', async () => {
  const { terminal: lent, ends, signal } = open();
  const lending = lent.lend(() => Promise.resolve());
  await afterMicrotasks(() => signal('SIGINT'));
  await lending;
  expect(ends).toEqual([]);
  signal('SIGINT');
  expect(ends).toEqual(['SIGINT']);
});

test('the screen is left while another program has the terminal, and entered again', async () => {
  const { terminal: lent, written } = open();
  await lent.lend(async () => {
    await new Promise((done) => setImmediate(done));
    expect(written().endsWith('\u001b[?1049l')).toBe(true);
    lent.write('lost');
  });
  await new Promise((done) => setImmediate(done));
  expect(written().split('\u001b[?1049h')).toHaveLength(3);
  expect(written()).not.toContain('lost');
});
