/** The frames in the README are what the installed command draws in a terminal, on the trace of a real run. */
import { readFileSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { cli, openPty, root, type PtySession } from './support/pty.ts';

/** `fullgraph run --trace-out digits.jsonl fixtures/programs/digits/train.ts`, with the folder of the checkout renamed. */
const trace = 'fixtures/traces/digits.jsonl.gz';
const frames = [...readFileSync(`${root}README.md`, 'utf8').matchAll(/```text\n([\s\S]*?)\n```/g)]
  .map((match) => match[1]!)
  .filter((text) => text.includes('1 Summary'));

let session: PtySession | undefined;
afterEach(() => session?.close());

test('there are two', () => {
  expect(frames).toHaveLength(2);
});

test.each(
  [
    { title: 'the summary', keys: '', shows: '2/18' },
    { title: 'the breaks', keys: '2', shows: '1/4' },
  ].map((frame, index) => ({ ...frame, frame: frames[index] })),
)('$title', async ({ keys, shows, frame }) => {
  session = openPty(process.execPath, [cli, 'inspect', trace], { columns: 80, rows: 24 });
  await session.until('[1 Summary]');
  session.send(keys);
  await session.until(shows);
  const shown = session.rows().map((row) => row.trimEnd());
  expect(shown.join('\n')).toBe(frame);
});
