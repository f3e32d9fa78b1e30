import { expect, test } from 'vitest';
import { controlSearch } from '../../../src/cli/interactive/search-control.ts';
import type { SearchMessage } from '../../../src/cli/interactive/minify-search.ts';

function tell(message: SearchMessage): void {
  process.emit('message', message, undefined);
}

async function isOpen(gate: () => Promise<void>): Promise<boolean> {
  return Promise.race([gate().then(() => true), new Promise<boolean>((done) => setImmediate(done, false))]);
}

test('a search waits while it is paused, and its clock stands still', async () => {
  const { gate, now, close } = controlSearch(new AbortController());
  expect(await isOpen(gate)).toBe(true);
  tell('pause');
  const pausedAt = now();
  expect(await isOpen(gate)).toBe(false);
  expect(now()).toBe(pausedAt);
  tell('resume');
  expect(await isOpen(gate)).toBe(true);
  expect(now() - pausedAt).toBeLessThan(performance.now());
  close();
});

test('a paused search that is stopped does not wait any longer', async () => {
  const interruption = new AbortController();
  const { gate, close } = controlSearch(interruption);
  tell('pause');
  const waiting = gate();
  tell('stop');
  await waiting;
  expect(interruption.signal.aborted).toBe(true);
  close();
});

test('nobody is listened to after the end', () => {
  const interruption = new AbortController();
  controlSearch(interruption).close();
  const before = process.listenerCount('message');
  tell('stop');
  expect(interruption.signal.aborted).toBe(false);
  expect(process.listenerCount('message')).toBe(before);
});
