/** What a search leaves behind when it is killed, interrupted, or cannot write: always enough to go on from. */
import { spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const cli = resolve('dist/cli/main.js');
const program = `const words = 'the quick brown fox jumps'.split(' ');
function unused() { return words.map((word) => word.toUpperCase()); }
if (words.length > 100) unused();
class Report { constructor(title) { this.title = title; } print(value) { console.log(this.title, value); } }
new Report('total').print(words.join('').length);
`;
const command = `node words.cjs | grep -q 'total 21'`;

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'fullgraph-robust-'));
  writeFileSync(join(folder, 'words.cjs'), program);
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function words(name: string, ...more: readonly string[]): string[] {
  const folders = ['--state', `${name}-state`, '--output', name];
  return [cli, 'minify', 'words.cjs', '--fail', `custom:${command}`, '--jobs', '1', ...folders, ...more];
}

function minify(name: string, ...more: readonly string[]): Ended {
  const { status, stdout, stderr } = spawnSync(process.execPath, words(name, ...more), {
    cwd: folder,
    encoding: 'utf8',
  });
  return { code: status, stdout, stderr };
}

function journalLength(name: string): number {
  const file = join(folder, `${name}-state`, 'journal.jsonl');
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').length : 0;
}

/** Starts a search and sends it a signal once so many verdicts are on disk. */
function stopAfter(name: string, verdicts: number, signal: NodeJS.Signals): Promise<Ended> {
  return new Promise((done) => {
    const child = spawn(process.execPath, words(name), { cwd: folder });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const poll = setInterval(() => {
      if (journalLength(name) <= verdicts) return;
      clearInterval(poll);
      child.kill(signal);
    }, 5);
    child.once('close', (code) => {
      clearInterval(poll);
      done({ code, stdout, stderr });
    });
  });
}

const resultOf = (name: string): string => readFileSync(join(folder, name, 'words.cjs'), 'utf8');
const sizes = (ended: Ended): string | undefined => /\d+ → \d+ tokens in \d+ trials/.exec(ended.stdout)?.[0];

describe('a search that does not come to its end', () => {
  let whole: Ended;
  beforeAll(() => {
    whole = minify('whole');
  }, 120_000);

  it('ends with the same result after kill -9 and --resume', async () => {
    expect(whole.code).toBe(0);
    const killed = await stopAfter('killed', 12, 'SIGKILL');
    expect(killed.code).toBeNull();
    expect(existsSync(join(folder, 'killed'))).toBe(false);
    const before = journalLength('killed');
    const resumed = minify('killed', '--resume');
    expect(resumed.code).toBe(0);
    expect(sizes(resumed)).toBe(sizes(whole));
    expect(resultOf('killed')).toBe(resultOf('whole'));
    expect(journalLength('killed') - before).toBeLessThan(journalLength('whole') - 8);
  });

  it('prints the best so far on Ctrl-C, and how to go on', async () => {
    const stopped = await stopAfter('stopped', 12, 'SIGINT');
    expect(stopped.code).toBe(0);
    expect(stopped.stdout).toContain('(interrupted)');
    expect(stopped.stdout).toContain('--resume');
    expect(stopped.stdout).toContain('console.log');
    expect(existsSync(join(folder, 'stopped', 'repro.mjs'))).toBe(true);
    const resumed = minify('stopped', '--resume');
    expect(sizes(resumed)).toBe(sizes(whole));
    expect(resumed.stdout).not.toContain('--resume');
    expect(resultOf('stopped')).toBe(resultOf('whole'));
  });

  it('says how to go on when the budget is spent, and goes on', () => {
    const spent = minify('spent', '--budget', '15 trials');
    expect(spent.stdout).toContain('(budget)');
    expect(spent.stdout).toContain('--resume');
    const resumed = minify('spent', '--resume');
    expect(sizes(resumed)).toBe(sizes(whole));
    expect(resultOf('spent')).toBe(resultOf('whole'));
  });

  it('loses nothing when the disk is full', () => {
    // Files cannot grow beyond 4 KiB: writes fail as on a full disk, without a disk of our own.
    const quoted = [process.execPath, ...words('full')].map((word) => `'${word.replaceAll("'", `'\\''`)}'`);
    const { status, stderr } = spawnSync(
      'bash',
      ['-c', `trap '' XFSZ; ulimit -f 4; exec ${quoted.join(' ')}`],
      {
        cwd: folder,
        encoding: 'utf8',
      },
    );
    expect(status).toBe(2);
    expect(stderr.match(/FG4003/g)).toHaveLength(1);
    expect(stderr).toContain('full-state');
    expect(stderr).toContain('--resume');
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(readdirSync(join(folder, 'full-state', 'best'))).toEqual(['words.cjs']);
    const resumed = minify('full', '--resume');
    expect(sizes(resumed)).toBe(sizes(whole));
    expect(resultOf('full')).toBe(resultOf('whole'));
  });
});

describe('a folder that cannot be used', () => {
  it.each(['/dev/null/state', '/proc/fullgraph/state'])(
    'is named at once when it is for the state: %s',
    (state) => {
      const ended = minify('unused', '--state', state);
      expect(ended.code).toBe(2);
      expect(ended.stderr).toContain(state);
      expect(ended.stderr).toContain('FG4003');
    },
  );

  it('is named before the search begins when it is for the repro', () => {
    const output = '/dev/null/repro';
    const ended = minify('unwritten', '--output', output);
    expect(ended.code).toBe(2);
    expect(ended.stderr).toContain(`FG4006: minify: cannot write the repro to ${output}`);
    expect(ended.stderr).not.toMatch(/^\s+at /m);
    expect(ended.stderr).not.toContain('tokens');
  });

  it('is never emptied for the repro when it holds something else', () => {
    mkdirSync(join(folder, 'mine'));
    writeFileSync(join(folder, 'mine', 'thesis.txt'), 'years of work');
    const ended = minify('mine');
    expect(ended.code).toBe(2);
    expect(ended.stderr).toContain('FG4006');
    expect(readFileSync(join(folder, 'mine', 'thesis.txt'), 'utf8')).toBe('years of work');
    expect(existsSync(join(folder, 'mine-state', 'best', 'words.cjs'))).toBe(true);
  });
});
