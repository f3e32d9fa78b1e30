/**
 * Optimized models and plans on disk, one file per key. Files appear whole or not at all (temporary name, then rename), are never
 * written into (another process may have them mapped), and the least recently used go when the folder grows too large.
 * A cache that cannot be used is no error: compiling works without it.
 */
import { readdirSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder } from '../make-folder.ts';

/** Keys are names of files with the ending of what they hold. */
export interface DiskCache {
  /** Path of the entry, if there is one. */
  find(key: string): string | undefined;
  /** Lets `write` produce a new entry at the path it is given. Returns whether it is in place. */
  store(key: string, write: (path: string) => void): boolean;
  /** Forgets an entry that turned out to be damaged. */
  discard(key: string): void;
}

/** onnxruntime's models, plans, and V8's code. */
const endings: readonly string[] = ['.ort', '.plan', '.code'];
const limitBytes = 2 * 1024 ** 3;

interface Entry {
  readonly path: string;
  readonly sizeBytes: number;
  readonly usedMs: number;
}

function entriesOf(directory: string): Entry[] {
  return readdirSync(directory).flatMap((name) => {
    if (!endings.some((ending) => name.endsWith(ending))) return [];
    try {
      const path = join(directory, name);
      const { size, mtimeMs } = statSync(path);
      return [{ path, sizeBytes: size, usedMs: mtimeMs }];
    } catch {
      // Another process removed it meanwhile.
      return [];
    }
  });
}

function prune(directory: string): void {
  const entries = entriesOf(directory).toSorted((left, right) => left.usedMs - right.usedMs);
  let total = entries.reduce((sum, entry) => sum + entry.sizeBytes, 0);
  for (const entry of entries) {
    if (total <= limitBytes) return;
    remove(entry.path);
    total -= entry.sizeBytes;
  }
}

/** Removes a file; a folder that cannot even be looked into has none. */
function remove(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // A cache that cannot be used is no error.
  }
}

export function openDiskCache(directory: string): DiskCache {
  const pathOf = (key: string): string => join(directory, key);
  return {
    find(key) {
      const path = pathOf(key);
      try {
        const now = new Date();
        utimesSync(path, now, now);
        return path;
      } catch {
        return undefined;
      }
    },
    store(key, write) {
      const temporary = join(directory, `${process.pid}.tmp.${key}`);
      try {
        makeFolder(directory);
        write(temporary);
        renameSync(temporary, pathOf(key));
        prune(directory);
        return true;
      } catch {
        remove(temporary);
        return false;
      }
    },
    discard(key) {
      remove(pathOf(key));
    },
  };
}
