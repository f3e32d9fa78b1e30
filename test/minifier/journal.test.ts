import { appendFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openJournal, type JournalEntry } from '../../src/minifier/journal.ts';
import { failing } from './support.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fullgraph-journal-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const entry = (hash: string): JournalEntry => ({
  hash,
  verdict: failing,
  ms: 3,
  parent: 'p',
  pass: 'delete-statements',
  runs: 1,
});

describe('openJournal', () => {
  it('replays what was appended', () => {
    const first = openJournal(folder, 'x', false);
    first.append(entry('a'));
    first.append(entry('b'));
    expect(openJournal(folder, 'x', true).replayed.map(({ hash }) => hash)).toEqual(['a', 'b']);
  });

  it('drops a torn last line and goes on after it', () => {
    openJournal(folder, 'x', false).append(entry('a'));
    appendFileSync(join(folder, 'journal.jsonl'), '{"hash":"b","verd');
    openJournal(folder, 'x', true).append(entry('c'));
    expect(openJournal(folder, 'x', true).replayed.map(({ hash }) => hash)).toEqual(['a', 'c']);
  });

  it('does not replay verdicts of another program or set-up, and keeps the old file', () => {
    openJournal(folder, 'x', false).append(entry('a'));
    expect(openJournal(folder, 'y', true).replayed).toEqual([]);
    expect(existsSync(join(folder, 'journal.jsonl.old'))).toBe(true);
  });

  it('starts anew without resume', () => {
    openJournal(folder, 'x', false).append(entry('a'));
    expect(openJournal(folder, 'x', false).replayed).toEqual([]);
  });

  it('replaces the best test case as a whole', () => {
    const journal = openJournal(folder, 'x', false);
    journal.saveBest({ 'a.mjs': 'one', 'lib/b.mjs': 'two' });
    journal.saveBest({ 'a.mjs': 'three' });
    expect(readFileSync(join(folder, 'best', 'a.mjs'), 'utf8')).toBe('three');
    expect(readdirSync(join(folder, 'best'))).toEqual(['a.mjs']);
    expect(readdirSync(folder).sort()).toEqual(['best', 'journal.jsonl']);
  });

  it('says which folder cannot be written, and what to do', () => {
    const path = join('/dev/null', 'state');
    expect(() => openJournal(path, 'x', false)).toThrow(
      expect.objectContaining({
        code: 'FG4003',
        message: expect.stringContaining(path),
        hint: expect.stringContaining('--state'),
      }),
    );
  });
});
