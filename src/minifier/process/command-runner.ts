/**
 * A shell command as the judge: it exits with 0 while the failure is there (the convention of creduce and git bisect), and
 * runs in a fresh folder that holds the candidate's files under their own names.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { writing } from '../journal.ts';
import { passed, type Verdict } from '../verdict.ts';
import { Pool } from './pool.ts';
import { scratchFolder } from './worker-process.ts';

export interface CommandRunnerOptions {
  readonly command: string;
  readonly jobs: number;
  /** Longest time that a run may take. */
  readonly timeLimitMs: number;
}

/** The verdict that the command gives while the failure is there. */
export const commandFailure: Verdict = {
  kind: 'custom',
  signature: { kind: 'custom', name: 'command', message: '', where: '' },
  message: 'the command says that it fails',
};

/** `repro.mjs` beside the files that the command judges. */
export function commandScript(command: string): string {
  return [
    "import { spawnSync } from 'node:child_process';",
    '',
    '// Exits with 0 while the failure is there.',
    `const command = ${JSON.stringify(command)};`,
    "const { status } = spawnSync(command, { shell: true, cwd: import.meta.dirname, stdio: 'ignore' });",
    "console.log(status === 0 ? 'FAIL' : 'PASS');",
    'process.exitCode = status === 0 ? 1 : 0;',
    '',
  ].join('\n');
}

interface Slot {
  child: ChildProcess | undefined;
  kill(): void;
}

function killGroup(child: ChildProcess | undefined): void {
  if (child?.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It ended in between.
  }
}

export class CommandRunner {
  readonly #command: string;
  readonly #pool: Pool<Slot>;
  timeLimitMs: number;

  constructor({ command, jobs, timeLimitMs }: CommandRunnerOptions) {
    this.#command = command;
    this.timeLimitMs = timeLimitMs;
    this.#pool = new Pool(jobs, () => {
      const slot: Slot = {
        child: undefined,
        kill: () => {
          killGroup(slot.child);
        },
      };
      return slot;
    });
  }

  /**
   * What the command says of the files.
   * @throws the signal's reason when it was aborted first.
   */
  async judge(
    files: Readonly<Record<string, string | Uint8Array>>,
    signal: AbortSignal | undefined,
  ): Promise<Verdict> {
    const verdict = await this.run(files, {}, (found) => found, signal);
    // Killed from outside because nobody waited.
    signal?.throwIfAborted();
    return verdict;
  }

  /** Runs it on the files; `look` sees the folder before it goes. */
  async run<R>(
    files: Readonly<Record<string, string | Uint8Array>>,
    environment: Readonly<Record<string, string>>,
    look: (verdict: Verdict, folder: string) => R,
    signal?: AbortSignal,
  ): Promise<R> {
    return this.#pool.use(signal, async (slot) => {
      const folder = realpathSync(mkdtempSync(join(scratchFolder(), 'candidate-')));
      try {
        writing(folder, () => {
          for (const [path, contents] of Object.entries(files)) {
            mkdirSync(dirname(join(folder, path)), { recursive: true });
            writeFileSync(join(folder, path), contents);
          }
        });
        return look(await this.#spawn(slot, folder, environment), folder);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    });
  }

  close(): void {
    this.#pool.close();
  }

  #spawn(slot: Slot, folder: string, environment: Readonly<Record<string, string>>): Promise<Verdict> {
    return new Promise((resolve) => {
      const child = spawn(this.#command, {
        shell: true,
        cwd: folder,
        detached: true,
        stdio: 'ignore',
        env: { ...process.env, ...environment },
      });
      slot.child = child;
      const timer = setTimeout(() => {
        killGroup(child);
      }, this.timeLimitMs);
      child.once('error', (error) => {
        clearTimeout(timer);
        resolve({ kind: 'harness', message: error.message });
      });
      child.once('exit', (code) => {
        clearTimeout(timer);
        // What the command left running must not meet the next candidate.
        killGroup(child);
        resolve(code === 0 ? commandFailure : passed);
      });
    });
  }
}
