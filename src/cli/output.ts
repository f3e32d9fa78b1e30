/** Writing: whole files or none, and streams without losing the tail of a pipe. */
import { access, constants, mkdir, open, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { UserError } from '../ir/errors.ts';
import type { Context, Output } from './command.ts';

function writeError(what: string, cause: unknown): UserError {
  return new UserError(`cannot write ${what}: ${(cause as Error).message}`, {
    code: 'FG5016',
    hint: 'Name a writable place with room.',
    cause,
  });
}

/**
 * Resolves when the stream took the text. A reader that went away (`| head`) is no error.
 * @throws FG5016 when nothing can be written any more: a full disk.
 */
export function print(output: Output, text: string): Promise<void> {
  return new Promise((done, fail) => {
    output.write(text, (error) => {
      if (error === null || error === undefined || (error as NodeJS.ErrnoException).code === 'EPIPE') done();
      else fail(writeError('the output', error));
    });
  });
}

/** Whether something is there that must be written to as it is: a pipe, a terminal, a device. */
async function isSpecial(target: string): Promise<boolean> {
  const stats = await stat(target).catch(() => undefined);
  return stats !== undefined && !stats.isFile() && !stats.isDirectory();
}

/** Makes the folder only when it is missing. */
async function withFolder<T>(target: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
    await mkdir(dirname(target), { recursive: true });
    return write();
  }
}

/**
 * Writes a file beside its place and moves it there, so that nobody ever sees half of it.
 * @throws FG5016 when that cannot be done.
 */
export async function writeWhole(context: Context, path: string, data: string | Uint8Array): Promise<void> {
  const target = resolve(context.cwd, path);
  const temporary = `${target}.${process.pid}.tmp`;
  try {
    if (await isSpecial(target)) await writeFile(target, data);
    else {
      await withFolder(target, () => writeFile(temporary, data));
      await rename(temporary, target);
    }
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw writeError(path, cause);
  }
}

/**
 * Says before a run of hours that its report will have no place.
 * @throws FG5016 when the path is a folder, or lies in one that cannot be written to.
 */
export async function checkTarget(context: Context, path: string | undefined): Promise<void> {
  if (path === undefined) return;
  const target = resolve(context.cwd, path);
  const stats = await stat(target).catch(() => undefined);
  if (stats?.isDirectory() === true) throw writeError(path, new Error('it is a folder'));
  const place = stats === undefined ? dirname(target) : target;
  await access(place, constants.W_OK).catch((cause: NodeJS.ErrnoException) => {
    // A folder that is missing will be made.
    if (cause.code !== 'ENOENT') throw writeError(path, cause);
  });
}

/**
 * Creates the trace file, empty, before the program starts: a run of hours must not end in nowhere.
 * @param isReadBack the report is made from it, so it must be a file.
 * @throws FG5003 when it cannot be written.
 */
export async function claimTraceFile(path: string, isReadBack: boolean): Promise<void> {
  const fail = (reason: string, cause?: unknown): never => {
    throw new UserError(`cannot write the trace file ${path}: ${reason}`, {
      code: 'FG5003',
      hint: 'Name a writable file with --trace-out.',
      cause,
    });
  };
  if (isReadBack && (await isSpecial(path))) fail('it is no regular file');
  try {
    const handle = await withFolder(path, () => open(path, 'w'));
    await handle.close();
  } catch (cause) {
    fail((cause as Error).message, cause);
  }
}

/** A line of progress that is rewritten in place; nothing where nobody watches. */
export function createProgress(output: Output): { update(text: string): void; clear(): void } {
  let shownAt = 0;
  let isShown = false;
  return {
    update(text) {
      const now = performance.now();
      if (output.isTTY !== true || now - shownAt < 100) return;
      shownAt = now;
      isShown = true;
      output.write(`\r\u001b[2K${text.slice(0, (output.columns ?? 80) - 1)}`);
    },
    clear() {
      if (isShown) output.write('\r\u001b[2K');
      isShown = false;
    },
  };
}
