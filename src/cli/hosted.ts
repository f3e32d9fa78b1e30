/**
 * Runs a user's program in a child Node with fullgraph's hook loaded first. The program gets its own cwd, arguments,
 * environment and standard input; signals reach it, and its exit code comes back.
 */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { EnvironmentError } from '../ir/errors.ts';
import { optionsVariable, type HostOptions } from '../host/options.ts';
import { ownModule } from '../own-files.ts';
import type { Context } from './command.ts';

export interface HostedResult {
  /** 128 plus the signal's number when a signal ended it, as shells say it. */
  readonly exitCode: number;
  readonly signal?: NodeJS.Signals;
}

const forwarded = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;

/** What to run. */
export interface HostedProgram {
  readonly file: string;
  readonly arguments: readonly string[];
  readonly options: HostOptions;
}

/** Words behind `node`, and the environment, that run a program under the hook. */
export function hostedStart(
  program: HostedProgram,
  context: Context,
): { readonly args: readonly string[]; readonly env: NodeJS.ProcessEnv } {
  return {
    args: [...process.execArgv, '--import', ownModule('register').href, program.file, ...program.arguments],
    env: { ...context.env, [optionsVariable]: JSON.stringify(program.options) },
  };
}

/**
 * @param stdout `stderr` sends what the program prints to our standard error, so that ours stays clean.
 * @throws FG5014 when Node cannot be started.
 */
export function runHosted(
  program: HostedProgram & { readonly stdout: 'inherit' | 'stderr' },
  context: Context,
): Promise<HostedResult> {
  return new Promise((resolve, reject) => {
    const { args, env } = hostedStart(program, context);
    const child = spawn(process.execPath, args, {
      cwd: context.cwd,
      env,
      stdio: ['inherit', program.stdout === 'inherit' ? 'inherit' : 2, 'inherit'],
    });
    // A terminal sends Ctrl-C to the child as well: passing it on would make it two.
    const handlers = forwarded.map((signal) => {
      const isFromTerminal = process.stdin.isTTY && (signal === 'SIGINT' || signal === 'SIGQUIT');
      const handler = (): void => {
        if (!isFromTerminal) child.kill(signal);
      };
      process.on(signal, handler);
      return { signal, handler };
    });
    const restore = (): void => {
      for (const { signal, handler } of handlers) process.removeListener(signal, handler);
    };
    child.once('error', (cause) => {
      restore();
      reject(
        new EnvironmentError(`cannot start Node for ${program.file}: ${cause.message}`, {
          code: 'FG5014',
          hint: 'Check the working directory and the memory limits of this shell.',
          cause,
        }),
      );
    });
    child.once('exit', (code, signal) => {
      restore();
      if (signal === null) resolve({ exitCode: code ?? 0 });
      else resolve({ exitCode: 128 + constants.signals[signal], signal });
    });
  });
}
