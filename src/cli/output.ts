/** Writing: whole files or none, and streams without losing the tail of a pipe. */
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { UserError } from '../ir/errors.ts';
import type { Context, Output } from './command.ts';

/** Resolves when the stream took the text. A reader that went away (`| head`) is no error. */
export function print(output: Output, text: string): Promise<void> {
  return new Promise((done, fail) => {
    output.write(text, (error) => {
      if (error === null || error === undefined || (error as NodeJS.ErrnoException).code === 'EPIPE') done();
      else fail(error);
    });
  });
}

/**
 * Writes a file beside its place and moves it there, so that nobody ever sees half of it.
 * @throws FG5016 when that cannot be done.
 */
export async function writeWhole(context: Context, path: string, data: string | Uint8Array): Promise<void> {
  const target = resolve(context.cwd, path);
  const temporary = `${target}.${process.pid}.tmp`;
  try {
    await mkdir(dirname(target), { recursive: true });
    await writeFile(temporary, data);
    await rename(temporary, target);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw new UserError(`cannot write ${path}: ${(cause as Error).message}`, {
      code: 'FG5016',
      hint: 'Name a writable place with room.',
      cause,
    });
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
