/** The folder of a repro, whichever kind of search found it: what it may replace, how it is written and run. */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { UserError } from '../../ir/errors.ts';
import { makeFolder } from '../../make-folder.ts';
import { residentMb } from '../process/worker-process.ts';

const code = 'FG4006';

/**
 * Makes sure that the folder can be made, or holds an earlier repro, which may be replaced.
 * @throws UserError FG4006
 */
export function refuseForeignFolder(directory: string): void {
  if (!existsSync(directory)) {
    tryToMake(directory);
    return;
  }
  if (existsSync(join(directory, 'repro.mjs'))) return;
  if (statSync(directory).isDirectory() && readdirSync(directory).length === 0) return;
  throw new UserError(`minify: ${directory} is there already and holds no repro`, {
    code,
    hint: 'Name a new folder with --output <folder>; --resume keeps what was found.',
  });
}

/** Makes the folder and leaves nothing behind. */
function tryToMake(directory: string): void {
  let first = directory;
  while (!existsSync(dirname(first))) first = dirname(first);
  try {
    makeFolder(directory);
  } catch (cause) {
    throw unwritable(directory, cause);
  } finally {
    if (existsSync(first)) rmSync(first, { recursive: true });
  }
}

/**
 * Writes files into the folder.
 * @throws UserError FG4006 when that fails.
 */
export function writeInto(directory: string, files: Readonly<Record<string, string | Uint8Array>>): void {
  try {
    for (const [path, contents] of Object.entries(files)) {
      makeFolder(dirname(join(directory, path)));
      writeFileSync(join(directory, path), contents);
    }
  } catch (cause) {
    throw unwritable(directory, cause);
  }
}

/**
 * Writes files, replacing the folder of an earlier repro.
 * @throws UserError FG4006 when it cannot be written, or holds something else.
 */
export function writeFolder(directory: string, files: Readonly<Record<string, string | Uint8Array>>): void {
  refuseForeignFolder(directory);
  try {
    rmSync(directory, { recursive: true, force: true });
  } catch (cause) {
    throw unwritable(directory, cause);
  }
  writeInto(directory, files);
}

function unwritable(directory: string, cause: unknown): UserError {
  const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
  return new UserError(`minify: cannot write the repro to ${directory} (${reason})`, {
    code,
    hint: 'Name another folder with --output <folder>; --resume keeps what was found.',
    cause,
  });
}

const pollMs = 200;
/** Beyond this, a repro is ended before it takes the machine down. */
const memoryLimitMb = 8_192;

/** Runs a script of the folder in a fresh process; what it printed at last. Processes that it started end with it. */
export function runScript(
  directory: string,
  limitMs: number,
  words: readonly string[] = ['repro.mjs'],
): Promise<{ readonly exitCode: number | null; readonly output: string }> {
  return new Promise((resolve) => {
    const isGroup = process.platform !== 'win32';
    const child = spawn(process.execPath, words, {
      cwd: directory,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: isGroup,
    });
    let output = '';
    const collect = (chunk: Buffer): void => {
      output = (output + chunk.toString('utf8')).slice(-8_000);
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    const end = (): void => {
      try {
        if (isGroup && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
        else child.kill('SIGKILL');
      } catch {
        // All of them have ended by themselves.
      }
    };
    const timer = setTimeout(end, limitMs);
    const poll = setInterval(() => {
      if (residentMb(child.pid) > memoryLimitMb) end();
    }, pollMs);
    child.once('close', (exitCode) => {
      clearTimeout(timer);
      clearInterval(poll);
      resolve({ exitCode, output: output.trim() });
    });
  });
}
