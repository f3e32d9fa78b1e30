/**
 * The reducers of the contest, each on the same check script in a process of its own: our CLI, C-Reduce, and C-Vise. One trial
 * at a time. The check counts its calls itself; a reducer that is not done at the time limit is killed and judged by
 * what it had left on disk.
 */
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, extname, join, resolve } from 'node:path';
import { tokenizer } from 'acorn';
import type { SourceCase } from './source-cases.ts';

const repository = resolve(import.meta.dirname, '../..');

export const contenders = ['fullgraph', 'creduce', 'cvise'] as const;
export type Contender = (typeof contenders)[number];

export interface Contest {
  readonly tokens: number;
  readonly calls: number;
  readonly seconds: number;
  /** Ended by the time limit. */
  readonly isCapped: boolean;
  readonly text: string;
}

/** JavaScript tokens, semicolons aside; what is not JavaScript counts by words and signs. */
export function countTokens(text: string, isModule: boolean): number {
  try {
    const tokens = [
      ...tokenizer(text, { ecmaVersion: 'latest', sourceType: isModule ? 'module' : 'script' }),
    ];
    return tokens.filter(({ type }) => type.label !== ';').length;
  } catch {
    return text.match(/[\w$]+|[^\s\w$;]/g)?.length ?? 0;
  }
}

/** Whether the reducer is installed here. */
export function isInstalled(contender: Contender): boolean {
  return contender === 'fullgraph' || spawnSync(contender, ['--version']).status === 0;
}

function commandOf(contender: Contender, check: string, file: string, folder: string): string[] {
  if (contender !== 'fullgraph') return [contender, '--not-c', '--n', '1', '--timeout', '30', check, file];
  const cli = join(repository, 'dist/cli/main.js');
  const folders = ['--state', join(folder, 'state'), '--output', join(folder, 'repro')];
  return [process.execPath, cli, 'minify', file, '--fail', `custom:${check}`, '--jobs', '1', ...folders];
}

function runLimited(command: readonly string[], cwd: string, limitMs: number): Promise<boolean> {
  return new Promise((done, fail) => {
    const child = spawn('nice', ['-n', '10', ...command], { cwd, detached: true, stdio: 'ignore' });
    let isCapped = false;
    const timer = setTimeout(() => {
      isCapped = true;
      process.kill(-child.pid!, 'SIGKILL');
    }, limitMs);
    child.once('error', fail);
    child.once('exit', () => {
      clearTimeout(timer);
      done(isCapped);
    });
  });
}

/** One reducer on one program. */
export async function compete(contender: Contender, subject: SourceCase, limitMs: number): Promise<Contest> {
  const folder = mkdtempSync(join(tmpdir(), 'reducers-'));
  try {
    const name = basename(subject.path);
    const file = join(folder, name);
    copyFileSync(join(repository, subject.path), file);
    const calls = join(folder, 'calls');
    const check = join(folder, 'check.sh');
    writeFileSync(calls, '');
    writeFileSync(check, `#!/bin/sh\nprintf . >> '${calls}'\n${subject.check(repository)}\n`);
    chmodSync(check, 0o755);
    const startedMs = performance.now();
    const isCapped = await runLimited(commandOf(contender, check, name, folder), folder, limitMs);
    const seconds = (performance.now() - startedMs) / 1000;
    const result = contender === 'fullgraph' ? join(folder, 'state', 'best', name) : file;
    const text = readFileSync(result, 'utf8');
    return {
      tokens: countTokens(text, extname(name) === '.mjs'),
      calls: statSync(calls).size,
      seconds,
      isCapped,
      text,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
