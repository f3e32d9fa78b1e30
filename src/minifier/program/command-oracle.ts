/**
 * The oracle for anything else: a shell command that exits with 0 while the failure is there (the convention of
 * creduce and git bisect). It runs in a fresh folder that holds the candidate's files under their own names.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Profiler } from 'node:inspector';
import { writing } from '../journal.ts';
import type { JudgeOptions, Oracle } from '../oracle.ts';
import { Pool } from '../process/pool.ts';
import { scratchFolder } from '../process/worker-process.ts';
import type { SourceTree } from '../source/source-tree.ts';
import { passed, type Verdict } from '../verdict.ts';
import { flattenRanges } from './coverage.ts';
import type { Coverage, ObservedSite } from './messages.ts';

export interface CommandOracleOptions {
  readonly command: string;
  readonly jobs: number;
  readonly timeLimitMs: number;
}

/** The verdict that the command gives while the failure is there. */
export const commandFailure: Verdict = {
  kind: 'custom',
  signature: { kind: 'custom', name: 'command', message: '', where: '' },
  message: 'the command says that it fails',
};

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

export class CommandOracle implements Oracle<SourceTree> {
  readonly #options: CommandOracleOptions;
  readonly #pool: Pool<Slot>;
  /** Longest time that a trial may take. */
  timeLimitMs: number;

  constructor(options: CommandOracleOptions) {
    this.#options = options;
    this.timeLimitMs = options.timeLimitMs;
    this.#pool = new Pool(options.jobs, () => {
      const slot: Slot = {
        child: undefined,
        kill: () => {
          killGroup(slot.child);
        },
      };
      return slot;
    });
  }

  async judge(tree: SourceTree, { signal }: JudgeOptions = {}): Promise<Verdict> {
    return this.#pool.use(signal, async (slot) => {
      const verdict = await this.#inFolder(tree, (folder) => this.#run(slot, folder, {}));
      // Killed from outside because nobody waited.
      signal?.throwIfAborted();
      return verdict;
    });
  }

  /** Coverage of a run, if the command runs the files with Node. */
  async coverage(tree: SourceTree): Promise<Coverage[] | undefined> {
    return this.#pool.use(undefined, (slot) =>
      this.#inFolder(tree, async (folder) => {
        const output = mkdtempSync(join(scratchFolder(), 'coverage-'));
        try {
          const verdict = await this.#run(slot, folder, { NODE_V8_COVERAGE: output });
          return verdict.kind === 'custom' ? readCoverage(output, folder) : undefined;
        } finally {
          rmSync(output, { recursive: true, force: true });
        }
      }),
    );
  }

  /** What an instrumented program reported, if the command ran it with Node; see `observe.ts`. */
  async observations(tree: SourceTree, report: string): Promise<readonly ObservedSite[] | undefined> {
    return this.#pool.use(undefined, (slot) =>
      this.#inFolder(tree, async (folder) => {
        const verdict = await this.#run(slot, folder, {});
        if (verdict.kind !== 'custom') return undefined;
        try {
          return JSON.parse(readFileSync(report, 'utf8')) as ObservedSite[];
        } catch {
          return undefined;
        } finally {
          rmSync(report, { force: true });
        }
      }),
    );
  }

  async close(): Promise<void> {
    this.#pool.close();
  }

  async #inFolder<R>(tree: SourceTree, action: (folder: string) => Promise<R>): Promise<R> {
    const folder = realpathSync(mkdtempSync(join(scratchFolder(), 'candidate-')));
    try {
      writing(folder, () => {
        for (const { path, text } of tree.files) {
          mkdirSync(dirname(join(folder, path)), { recursive: true });
          writeFileSync(join(folder, path), text);
        }
      });
      return await action(folder);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  #run(slot: Slot, folder: string, environment: Readonly<Record<string, string>>): Promise<Verdict> {
    const { command } = this.#options;
    return new Promise((resolve) => {
      const child = spawn(command, {
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

function readCoverage(output: string, folder: string): Coverage[] {
  const found: Coverage[] = [];
  for (const name of readdirSync(output)) {
    for (const { url, functions } of readScripts(join(output, name))) {
      if (!url.startsWith('file:')) continue;
      const path = relative(folder, fileURLToPath(url));
      if (!path.startsWith('..')) found.push({ path, ranges: flattenRanges(functions) });
    }
  }
  return found;
}

/** Nothing for a file that is torn: its process was killed, or the disk is full. */
function readScripts(file: string): readonly Profiler.ScriptCoverage[] {
  try {
    return (JSON.parse(readFileSync(file, 'utf8')) as { result: Profiler.ScriptCoverage[] }).result;
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}
