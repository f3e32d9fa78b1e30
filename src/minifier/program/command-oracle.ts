/** The oracle for any other failure of a program: a shell command judges its files, see `process/command-runner.ts`. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Profiler } from 'node:inspector';
import type { JudgeOptions, Oracle } from '../oracle.ts';
import { CommandRunner, type CommandRunnerOptions } from '../process/command-runner.ts';
import { scratchFolder } from '../process/worker-process.ts';
import type { SourceTree } from '../source/source-tree.ts';
import type { Verdict } from '../verdict.ts';
import { flattenRanges } from './coverage.ts';
import type { Coverage, ObservedSite } from './messages.ts';

function filesOf({ files }: SourceTree): Record<string, string> {
  return Object.fromEntries(files.map(({ path, text }) => [path, text]));
}

export class CommandOracle implements Oracle<SourceTree> {
  readonly #runner: CommandRunner;

  constructor(options: CommandRunnerOptions) {
    this.#runner = new CommandRunner(options);
  }

  /** Longest time that a trial may take. */
  get timeLimitMs(): number {
    return this.#runner.timeLimitMs;
  }

  set timeLimitMs(limitMs: number) {
    this.#runner.timeLimitMs = limitMs;
  }

  async judge(tree: SourceTree, { signal }: JudgeOptions = {}): Promise<Verdict> {
    return this.#runner.judge(filesOf(tree), signal);
  }

  /** Coverage of a run, if the command runs the files with Node. */
  async coverage(tree: SourceTree): Promise<Coverage[] | undefined> {
    const output = mkdtempSync(join(scratchFolder(), 'coverage-'));
    try {
      return await this.#runner.run(filesOf(tree), { NODE_V8_COVERAGE: output }, ({ kind }, folder) =>
        kind === 'custom' ? readCoverage(output, folder) : undefined,
      );
    } finally {
      rmSync(output, { recursive: true, force: true });
    }
  }

  /** What an instrumented program reported, if the command ran it with Node; see `observe.ts`. */
  async observations(tree: SourceTree, report: string): Promise<readonly ObservedSite[] | undefined> {
    return this.#runner.run(filesOf(tree), {}, ({ kind }) => {
      if (kind !== 'custom') return undefined;
      try {
        return JSON.parse(readFileSync(report, 'utf8')) as ObservedSite[];
      } catch {
        return undefined;
      } finally {
        rmSync(report, { force: true });
      }
    });
  }

  async close(): Promise<void> {
    this.#runner.close();
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
