/**
 * The memory of a reduction on disk: one JSON line per verdict, appended as it arrives, and the best test case so far,
 * replaced atomically. Resuming is replaying: passes are deterministic, so with the old verdicts in the cache the
 * reduction walks the same path without asking the oracle, and goes on where it was killed.
 */
import { appendFileSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { UserError } from '../ir/errors.ts';
import { makeFolder } from '../make-folder.ts';
import type { Verdict } from './verdict.ts';

export interface JournalEntry {
  readonly hash: string;
  readonly verdict: Verdict;
  readonly ms: number;
  /** Hash of the best test case that the candidate was made from. */
  readonly parent: string;
  readonly pass: string;
  /** Times the candidate ran for this verdict. */
  readonly runs: number;
  readonly cold?: boolean;
}

export interface Journal {
  /** Verdicts of an earlier run, in order. */
  readonly replayed: readonly JournalEntry[];
  append(entry: JournalEntry): void;
  /** Replaces the files of the best test case, keyed by path relative to `best/`. */
  saveBest(files: Readonly<Record<string, string | Uint8Array>>): void;
}

/** Forgets everything; for library use without a folder. */
export const nullJournal: Journal = { replayed: [], append: () => {}, saveBest: () => {} };

function readEntries(file: string, key: string): JournalEntry[] | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
  const [header, ...lines] = text.split('\n');
  if (header !== key) return undefined;
  const entries: JournalEntry[] = [];
  for (const line of lines) {
    try {
      entries.push(JSON.parse(line) as JournalEntry);
    } catch {
      // A torn line: the process died while writing it. The verdict is asked for again.
    }
  }
  return entries;
}

/**
 * What the action gives.
 * @throws UserError FG4003, naming the folder, when the action throws.
 */
export function writing<R>(directory: string, action: () => R): R {
  try {
    return action();
  } catch (cause) {
    const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
    throw new UserError(`minify: cannot write to ${directory} (${reason})`, {
      code: 'FG4003',
      hint: 'Free some space or name another folder with --state <folder>; nothing is lost, --resume goes on.',
      cause,
    });
  }
}

/**
 * A journal in `directory`. With `resume`, verdicts found there are replayed if they were made for the same `identity`
 * (input, oracle and versions); otherwise the folder's old journal is set aside.
 * @throws UserError FG4003 when the folder cannot be written.
 */
export function openJournal(directory: string, identity: string, resume: boolean): Journal {
  const file = join(directory, 'journal.jsonl');
  const key = JSON.stringify({ version: 1, identity });
  const replayed = resume ? readEntries(file, key) : undefined;
  writing(directory, () => {
    makeFolder(directory);
    if (replayed !== undefined) {
      // Ends a torn line, if there is one.
      appendFileSync(file, '\n');
      return;
    }
    try {
      renameSync(file, `${file}.old`);
    } catch {
      // There was none.
    }
    writeFileSync(file, `${key}\n`);
  });
  return {
    replayed: replayed ?? [],
    append: (entry) => {
      writing(directory, () => {
        appendFileSync(file, `${JSON.stringify(entry)}\n`);
      });
    },
    saveBest: (files) => {
      writing(directory, () => {
        saveFolder(join(directory, 'best'), files);
      });
    },
  };
}

/** Replaces a folder so that a reader sees the old or the new one, never half of one. */
function saveFolder(folder: string, files: Readonly<Record<string, string | Uint8Array>>): void {
  const next = `${folder}.next`;
  const old = `${folder}.old`;
  rmSync(next, { recursive: true, force: true });
  for (const [path, contents] of Object.entries(files)) {
    mkdirSync(dirname(join(next, path)), { recursive: true });
    writeFileSync(join(next, path), contents);
  }
  rmSync(old, { recursive: true, force: true });
  try {
    renameSync(folder, old);
  } catch {
    // The first time there is no old one.
  }
  renameSync(next, folder);
  rmSync(old, { recursive: true, force: true });
}
