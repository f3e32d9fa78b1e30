/**
 * A program in a real pseudo-terminal, and what its screen shows: node-pty gives the terminal, xterm's own parser reads
 * what arrives. Tests wait for what they expect to see; nothing sleeps.
 */
import { spawn, type IPty } from '@lydell/node-pty';
import xterm from '@xterm/headless';
import { fileURLToPath } from 'node:url';

export const root: string = fileURLToPath(new URL('../../..', import.meta.url));
/** The command as it is installed; the e2e project builds it first. */
export const cli: string = `${root}dist/cli/main.js`;

export interface PtyOptions {
  readonly columns?: number;
  readonly rows?: number;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface Exit {
  readonly exitCode: number;
  readonly signal: number;
}

export interface PtySession {
  readonly pid: number;
  /** Rows of the screen, without blanks at their ends. */
  rows(): readonly string[];
  text(): string;
  /** All bytes that came from the program so far. */
  raw(): string;
  isAlternate(): boolean;
  isCursorHidden(): boolean;
  send(keys: string): void;
  resize(columns: number, rows: number): void;
  /** Waits until the screen fits. @throws with the screen when it does not within the time. */
  until(fits: string | RegExp | ((text: string) => boolean), timeoutMs?: number): Promise<void>;
  readonly exited: Promise<Exit>;
  isRunning(): boolean;
  kill(signal: NodeJS.Signals): void;
  /** Ends the program if it still runs. */
  close(): Promise<void>;
}

export const keys = {
  enter: '\r',
  escape: '\u001b',
  tab: '\t',
  up: '\u001b[A',
  down: '\u001b[B',
  right: '\u001b[C',
  left: '\u001b[D',
  pageDown: '\u001b[6~',
  ctrlC: '\u0003',
  ctrlZ: '\u001a',
} as const;

const defaultTimeoutMs = 20_000;

function cleanEnvironment(extra: Readonly<Record<string, string>>): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined && !/^(?:CI|NO_COLOR|FORCE_COLOR|VITEST.*|NODE_ENV|NODE_OPTIONS)$/.test(name))
      environment[name] = value;
  }
  return { ...environment, TERM: 'xterm-256color', ...extra };
}

/** Starts a program in a terminal of its own. */
export function openPty(command: string, args: readonly string[], options: PtyOptions = {}): PtySession {
  const { columns = 100, rows: height = 30, cwd = root, env = {} } = options;
  const terminal = new xterm.Terminal({
    cols: columns,
    rows: height,
    allowProposedApi: true,
    scrollback: 1000,
  });
  const pieces: string[] = [];
  const listeners = new Set<() => void>();
  let isCursorHidden = false;
  const pty: IPty = spawn(command, [...args], {
    name: 'xterm-256color',
    cols: columns,
    rows: height,
    cwd,
    env: cleanEnvironment(env),
  });
  const notify = (): void => {
    for (const listener of listeners) listener();
  };
  pty.onData((data) => {
    pieces.push(data);
    const last = data.lastIndexOf('\u001b[?25');
    if (last >= 0) isCursorHidden = data[last + 5] === 'l';
    terminal.write(data, notify);
  });
  let ended: Exit | undefined;
  const exited = new Promise<Exit>((resolve) => {
    pty.onExit(({ exitCode, signal }) => {
      ended = { exitCode, signal: signal ?? 0 };
      // What was written before the end is parsed first.
      terminal.write('', () => {
        notify();
        resolve(ended!);
      });
    });
  });

  const rows = (): string[] =>
    Array.from({ length: terminal.rows }, (_, row) =>
      terminal.buffer.active.getLine(terminal.buffer.active.viewportY + row)!.translateToString(true),
    );
  const text = (): string => rows().join('\n');

  function until(
    fits: string | RegExp | ((text: string) => boolean),
    timeoutMs = defaultTimeoutMs,
  ): Promise<void> {
    const isFit = (): boolean => {
      const shown = text();
      if (typeof fits === 'function') return fits(shown);
      return typeof fits === 'string' ? shown.includes(fits) : fits.test(shown);
    };
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        clearTimeout(timer);
        listeners.delete(check);
      };
      const check = (): void => {
        if (!isFit()) return;
        stop();
        resolve();
      };
      const timer = setTimeout(() => {
        stop();
        const state = ended === undefined ? 'running' : `ended with ${ended.exitCode}`;
        reject(new Error(`the screen never fitted ${String(fits)} (${state}):\n${text()}`));
      }, timeoutMs);
      listeners.add(check);
      check();
    });
  }

  return {
    pid: pty.pid,
    rows,
    text,
    raw: () => pieces.join(''),
    isAlternate: () => terminal.buffer.active.type === 'alternate',
    isCursorHidden: () => isCursorHidden,
    send: (data) => pty.write(data),
    resize(nextColumns, nextRows) {
      terminal.resize(nextColumns, nextRows);
      pty.resize(nextColumns, nextRows);
    },
    until,
    exited,
    isRunning: () => ended === undefined,
    kill: (signal) => process.kill(pty.pid, signal),
    async close() {
      if (ended === undefined) pty.kill('SIGKILL');
      await exited;
      terminal.dispose();
    },
  };
}

/** The fullgraph command in a terminal. */
export function openCli(args: readonly string[], options: PtyOptions = {}): PtySession {
  return openPty(process.execPath, [cli, ...args], options);
}
