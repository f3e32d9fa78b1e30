/** fullgraph's own commands in child processes: the UI starts them as the user would. */
import { spawn, type ChildProcess } from 'node:child_process';
import type { Context } from '../command.ts';

/** Starts `fullgraph <words>` with piped output and a channel for messages. */
export function startOwnCommand(words: readonly string[], context: Context): ChildProcess {
  return spawn(process.execPath, [...process.execArgv, process.argv[1]!, ...words], {
    cwd: context.cwd,
    env: { ...context.env, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
}

export interface OwnResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `fullgraph <words>` to its end. */
export function runOwnCommand(words: readonly string[], context: Context): Promise<OwnResult> {
  const child = startOwnCommand(words, context);
  return new Promise((resolve, reject) => {
    let stdout = '';
    let stderr = '';
    child.stdout!.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.once('error', reject);
    child.once('close', (code) => resolve({ exitCode: code ?? 1, stdout, stderr }));
  });
}

/** What a command said when it failed, as one line: the error, and what to do. */
export function complaintOf(stderr: string): string {
  const lines = stderr
    .split('\n')
    .map((each) => each.trim())
    .filter((each) => each !== '');
  const at = lines.findIndex((each) => each.startsWith('error '));
  const told = at < 0 ? lines.slice(-1) : lines.slice(at, at + 2);
  return told.join(' · ');
}
