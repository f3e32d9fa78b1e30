/**
 * `npm run bench:ui`: the installed `fullgraph inspect` on a large trace, through a real pseudo-terminal. Times are taken
 * where a user would feel them: from a key going in to the end of the frame that came out.
 */
import { spawn, type IPty } from '@lydell/node-pty';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { writeUiTrace } from './support/ui-trace.ts';

const usage = `Usage: npm run build && npm run bench:ui -- [options]
  --megabytes N   size of the trace (default 100)
  --keys N        keys per row of the table (default 200)
  --columns N --rows N   size of the terminal (default 200x50)`;

const frameEnd = '\u001b[?2026l';
const enterScreen = '\u001b[?1049h';
const nodes = 10_000;
const breaks = 5_000;
/** A key that changes nothing paints nothing. */
const noFrameMs = 1_500;
/** More than a collection takes. */
const collectMs = 1_000;
/** Scrolling that must not cost memory. */
const memoryRounds = 6;
const memoryKeys = 1_000;

const root = fileURLToPath(new URL('..', import.meta.url));

interface Session {
  readonly pty: IPty;
  /** Everything that came, with the time it came. */
  readonly chunks: { readonly atMs: number; readonly text: string }[];
  /** Sends keys and waits for the end of the next frame. @returns milliseconds; undefined when none came. */
  press(keys: string): Promise<number | undefined>;
  /** Resident memory after a collection. */
  rssMiB(): Promise<number>;
}

function open(trace: string, columns: number, rows: number): Session {
  const preload = ['--expose-gc', '--import', join(root, 'bench/support/collect-on-signal.mjs')];
  const pty = spawn(process.execPath, [...preload, join(root, 'dist/cli/main.js'), 'inspect', trace], {
    name: 'xterm-256color',
    cols: columns,
    rows,
    cwd: root,
    env: { ...process.env, TERM: 'xterm-256color' },
  });
  const chunks: { readonly atMs: number; readonly text: string }[] = [];
  let onFrame: (() => void) | undefined;
  let tail = '';
  pty.onData((text) => {
    chunks.push({ atMs: performance.now(), text });
    // The mark may be torn by the end of a read.
    const isEnd = (tail + text).includes(frameEnd);
    tail = text.slice(-frameEnd.length + 1);
    if (isEnd) {
      tail = '';
      onFrame?.();
    }
  });
  return {
    pty,
    chunks,
    press(keys) {
      const sentMs = performance.now();
      return new Promise((resolve) => {
        const finish = (value: number | undefined): void => {
          clearTimeout(timer);
          onFrame = undefined;
          resolve(value);
        };
        const timer = setTimeout(() => finish(undefined), noFrameMs);
        onFrame = () => finish(performance.now() - sentMs);
        pty.write(keys);
      });
    },
    async rssMiB() {
      process.kill(pty.pid, 'SIGUSR2');
      await new Promise((done) => setTimeout(done, collectMs));
      const status = readFileSync(`/proc/${pty.pid}/status`, 'utf8');
      return Number(/VmRSS:\s+(\d+)/.exec(status)![1]) / 1024;
    },
  };
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

interface Row {
  readonly what: string;
  readonly times: readonly number[];
}

function renderRow({ what, times }: Row): string {
  const sorted = times.toSorted((left, right) => left - right);
  const cells = [0.5, 0.95, 1].map((share) => `${quantile(sorted, share).toFixed(1)} ms`);
  return `| ${what} | ${sorted.length} | ${cells.join(' | ')} |`;
}

/** Presses one key many times; the first press of a series may build a list, and counts. */
async function series(session: Session, what: string, keys: readonly string[]): Promise<Row> {
  const times: number[] = [];
  for (const key of keys) {
    const time = await session.press(key);
    if (time !== undefined) times.push(time);
  }
  return { what, times };
}

function repeat(key: string, count: number): string[] {
  return Array.from({ length: count }, () => key);
}

async function firstFrame(session: Session): Promise<void> {
  for (let waitedMs = 0; waitedMs < 120_000; waitedMs += 20) {
    if (session.chunks.some((chunk) => chunk.text.includes(frameEnd))) return;
    await new Promise((done) => setTimeout(done, 20));
  }
  throw new Error(`no frame:\n${session.chunks.map((chunk) => chunk.text).join('')}`);
}

/** Reading, from the start of the process; painting, from the end of reading to the end of the first frame. */
function startTimes(
  session: Session,
  startedMs: number,
): { readMs: number; paintMs: number; updates: number; gapMs: number } {
  const { chunks } = session;
  const progress = chunks.filter((chunk) => chunk.text.includes('reading '));
  const entered = chunks.findIndex((chunk) => chunk.text.includes(enterScreen));
  // The line of progress is cleared when the last byte was read.
  const cleared = chunks
    .slice(0, entered + 1)
    .findLast((chunk) => chunk.text.startsWith('\r\u001b[2K') && !chunk.text.includes('reading '));
  const readAt = cleared?.atMs ?? progress.at(-1)?.atMs ?? startedMs;
  const painted = chunks.find((chunk) => chunk.text.includes(frameEnd))!.atMs;
  const times = [startedMs, ...progress.map((chunk) => chunk.atMs), readAt];
  const gaps = times.slice(1).map((time, index) => time - times[index]!);
  return {
    readMs: readAt - startedMs,
    paintMs: painted - readAt,
    updates: progress.length,
    gapMs: Math.max(...gaps),
  };
}

async function measure(trace: string, columns: number, rows: number, count: number): Promise<string[]> {
  const startedMs = performance.now();
  const session = open(trace, columns, rows);
  try {
    await firstFrame(session);
    await new Promise((done) => setTimeout(done, 500));
    const { readMs, paintMs, updates, gapMs } = startTimes(session, startedMs);
    const table: Row[] = [];
    const add = async (what: string, keys: readonly string[]): Promise<void> => {
      table.push(await series(session, what, keys));
    };
    await add('open each view, first time', ['2', '3', '4', '5', '6', '0', '1']);
    await session.press('2');
    const before = await session.rssMiB();
    await add(`breaks: one row down (${breaks} rows)`, repeat('j', count));
    await add('breaks: one page down', repeat('\u001b[6~', Math.min(count, 100)));
    await add(
      'breaks: last row, first row',
      Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? 'G' : 'g')),
    );
    await add('breaks: next order', repeat('s', 6));
    await add('breaks: next grouping', repeat('v', 8));
    await add('breaks: type a filter', ['/', ...Array.from('step4999'), '\u001b']);
    await session.press('3');
    await session.press('g');
    await add(`open a graph of ${nodes} nodes`, ['\r']);
    await add('graph: one row down', repeat('j', count));
    await add('graph: one page down', repeat('\u001b[6~', Math.min(count, 100)));
    await add(
      'graph: last row, first row',
      Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? 'G' : 'g')),
    );
    await add('graph: type a filter', ['/', ...Array.from('n9999'), '\u001b']);
    await add(
      'views by turns',
      Array.from({ length: 60 }, (_, index) => '2345'[index % 4]!),
    );
    await session.press('2');
    const memory: number[] = [];
    for (let round = 0; round < memoryRounds; round++) {
      memory.push(await session.rssMiB());
      await series(session, 'scroll', [...repeat('j', memoryKeys / 2), ...repeat('k', memoryKeys / 2)]);
    }
    memory.push(await session.rssMiB());
    const all = table.slice(1).flatMap((row) => row.times);
    return [
      `| size | trace read | progress | first paint after that |`,
      `| --- | --- | --- | --- |`,
      `| ${columns}x${rows} | ${(readMs / 1000).toFixed(2)} s | ${updates} updates, at most ${gapMs.toFixed(0)} ms apart | ${paintMs.toFixed(0)} ms |`,
      '',
      '| key to paint | keys | p50 | p95 | max |',
      '| --- | --- | --- | --- | --- |',
      ...table.map(renderRow),
      renderRow({ what: '**all but opening views**', times: all }),
      '',
      `Resident memory after a collection: ${before.toFixed(0)} MiB with the trace open; after the keys above, and after each ${memoryKeys} more: ${memory.map((each) => each.toFixed(0)).join(', ')} MiB.`,
    ];
  } finally {
    session.pty.kill('SIGKILL');
  }
}

const { values } = parseArgs({
  options: {
    megabytes: { type: 'string', default: '100' },
    keys: { type: 'string', default: '200' },
    columns: { type: 'string', default: '200' },
    rows: { type: 'string', default: '50' },
    help: { type: 'boolean' },
  },
});
if (values.help === true) process.stdout.write(`${usage}\n`);
else {
  const folder = mkdtempSync(join(tmpdir(), 'fullgraph-bench-ui-'));
  try {
    const trace = join(folder, 'run.jsonl');
    const { bytes, records } = writeUiTrace(trace, { bytes: Number(values.megabytes) * 1e6, nodes, breaks });
    process.stderr.write(`${(bytes / 1e6).toFixed(0)} MB, ${records} records\n`);
    const lines = await measure(trace, Number(values.columns), Number(values.rows), Number(values.keys));
    process.stdout.write(`${lines.join('\n')}\n`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
