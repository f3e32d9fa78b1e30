/**
 * The stream that ink draws to: in its debug mode ink writes each frame whole, and this hands it on. It is no terminal in
 * ink's eyes, so nothing but frames comes out of it.
 */
import { Writable } from 'node:stream';
import type { Size } from './store.ts';

/** @param onFrame gets each frame, lines apart by newlines. */
export function createFrameStream(size: () => Size, onFrame: (frame: string) => void): NodeJS.WriteStream {
  const stream = new Writable({
    decodeStrings: false,
    write(frame: string, _encoding, done) {
      onFrame(frame);
      done();
    },
  });
  Object.defineProperties(stream, {
    columns: { get: () => size().width },
    rows: { get: () => size().height },
  });
  return stream as NodeJS.WriteStream;
}
