import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { followTrace, watchTrace } from '../../../src/cli/interactive/follow-trace.ts';
import { missingParts } from '../../../src/cli/interactive/trace-status.ts';
import { toJsonReport } from '../../../src/explain/json-report.ts';
import type { Report } from '../../../src/explain/report.ts';

const bytes = readFileSync(new URL('../../../fixtures/traces/training.jsonl', import.meta.url));
const folders: string[] = [];

function newFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'fullgraph-follow-'));
  folders.push(folder);
  return join(folder, 'run.jsonl');
}

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

async function wholeReport(): Promise<Report> {
  const file = newFile();
  writeFileSync(file, bytes);
  const follower = followTrace(file);
  await follower.finish();
  return follower.report();
}

test('a trace that arrives in any pieces gives the report of the whole', async () => {
  const whole = toJsonReport(await wholeReport());
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(bytes.length), { maxLength: 8 }), async (cuts) => {
      const file = newFile();
      const follower = followTrace(file);
      expect(await follower.poll()).toBe(false);
      const places = [0, ...cuts, bytes.length].sort((left, right) => left - right);
      for (const [index, end] of places.slice(1).entries()) {
        appendFileSync(file, bytes.subarray(places[index], end));
        await follower.poll();
      }
      await follower.finish();
      expect(toJsonReport(follower.report())).toEqual(whole);
    }),
    { numRuns: 15 },
  );
});

test('a file that was written anew is read from its start', async () => {
  const file = newFile();
  writeFileSync(file, Buffer.concat([bytes, bytes]));
  const follower = followTrace(file);
  await follower.poll();
  writeFileSync(file, bytes);
  expect(await follower.poll()).toBe(true);
  expect(toJsonReport(follower.report())).toEqual(toJsonReport(await wholeReport()));
});

test('a line without its end counts only when nothing more can come', async () => {
  const file = newFile();
  writeFileSync(file, bytes.subarray(0, bytes.length - 20));
  const follower = followTrace(file);
  await follower.poll();
  expect(follower.report().damage.lines).toBe(0);
  expect(missingParts(follower.report())).toBe('the end is missing');
  await follower.finish();
  expect(missingParts(follower.report())).toBe('1 damaged line, the end is missing');
});

test('watching reports growth, and ends when it is told to', async () => {
  const file = newFile();
  writeFileSync(file, bytes);
  const stop = new AbortController();
  const seen: (Report | undefined)[] = [];
  await watchTrace(followTrace(file), stop.signal, (report) => {
    seen.push(report);
    if (seen.length === 2) stop.abort();
  });
  expect(seen.map((report) => report?.breaks.length)).toEqual([3, undefined]);
});
