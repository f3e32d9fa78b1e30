/**
 * The stream that ink draws to: nobody. The screen is a canvas, so ink has nothing to draw, and what it would write around
 * that (cursor moves, an overview of an error) must not reach the terminal.
 */
import { Writable } from 'node:stream';
import type { Size } from './store.ts';

export function createNullStream(size: () => Size): NodeJS.WriteStream {
  const stream = new Writable({ write: (_chunk, _encoding, done) => done() });
  Object.defineProperties(stream, {
    columns: { get: () => size().width },
    rows: { get: () => size().height },
  });
  return stream as NodeJS.WriteStream;
}
