/** Tensor data in files beside the model: read by location, offset and length; laid out for mapping into memory. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { isAbsolute, join, normalize, sep } from 'node:path';
import { UserError } from '../ir/errors.ts';
import type { LoadExternal } from './wire.ts';

/** Bytes per read call: Node refuses 2 GiB at once. */
const readBytes = 2 ** 30;

function damaged(message: string, cause?: unknown): UserError {
  return new UserError(message, {
    code: 'FG3104',
    hint: 'Put the data files that belong to the model into its folder.',
    ...(cause === undefined ? {} : { cause }),
  });
}

/** Reads external tensors from files in `folder`; a location outside of it is refused. */
export function externalDataReader(folder: string): LoadExternal {
  return (entries, tensorName) => {
    const location = normalize(entries.get('location') ?? '');
    if (location === '.' || isAbsolute(location) || location === '..' || location.startsWith(`..${sep}`))
      throw damaged(
        `tensor ${tensorName}: external location "${entries.get('location')}" is not inside the folder of the model`,
      );
    let file: number;
    try {
      file = openSync(join(folder, location), 'r');
    } catch (cause) {
      throw damaged(`tensor ${tensorName}: cannot open ${join(folder, location)}`, cause);
    }
    try {
      const sizeBytes = fstatSync(file).size;
      const offset = Number(entries.get('offset') ?? 0);
      const length = Number(entries.get('length') ?? sizeBytes - offset);
      if (!(offset >= 0 && length >= 0 && offset + length <= sizeBytes))
        throw damaged(
          `tensor ${tensorName}: bytes ${offset}+${length} are not in ${location}, which has ${sizeBytes}`,
        );
      const bytes = new Uint8Array(length);
      for (let done = 0; done < length;) {
        const count = readSync(file, bytes, done, Math.min(readBytes, length - done), offset + done);
        if (count === 0) throw damaged(`tensor ${tensorName}: ${location} ended early`);
        done += count;
      }
      return bytes;
    } finally {
      closeSync(file);
    }
  };
}
