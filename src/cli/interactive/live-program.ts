/** A program under capture beside the UI: what it prints is kept, not shown on the terminal, and it has no input. */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { EnvironmentError } from '../../ir/errors.ts';
import type { OutputLine } from '../../ui/live/output-model.ts';
import type { Context } from '../command.ts';
import { hostedStart, type HostedProgram, type HostedResult } from '../hosted.ts';

export interface LiveProgram {
  /** @throws FG5014 when Node cannot be started. */
  readonly ended: Promise<HostedResult>;
  isRunning(): boolean;
  /** Asks it to end, insists after a while, and waits. */
  stop(): Promise<void>;
}

/** Time for the program to close its books. */
const stopGraceMs = 3000;

/** @param onOutput gets pieces of text as they come. */
export function startProgram(
  program: HostedProgram,
  context: Context,
  onOutput: (stream: OutputLine['stream'], text: string) => void,
): LiveProgram {
  const { args, env } = hostedStart(program, context);
  const child = spawn(process.execPath, args, {
    cwd: context.cwd,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let isRunning = true;
  child.stdout.setEncoding('utf8').on('data', (text: string) => onOutput('out', text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => onOutput('err', text));
  const ended = new Promise<HostedResult>((resolve, reject) => {
    child.once('error', (cause) => {
      isRunning = false;
      reject(
        new EnvironmentError(`cannot start Node for ${program.file}: ${cause.message}`, {
          code: 'FG5014',
          hint: 'Check the working directory and the memory limits of this shell.',
          cause,
        }),
      );
    });
    // Not `exit`: the pipes may still hold what it printed last.
    child.once('close', (code, signal) => {
      isRunning = false;
      if (signal === null) resolve({ exitCode: code ?? 0 });
      else resolve({ exitCode: 128 + constants.signals[signal], signal });
    });
  });
  return {
    ended,
    isRunning: () => isRunning,
    async stop() {
      if (!isRunning) return;
      child.kill('SIGTERM');
      const insist = setTimeout(() => child.kill('SIGKILL'), stopGraceMs);
      await ended.catch(() => undefined);
      clearTimeout(insist);
    },
  };
}
