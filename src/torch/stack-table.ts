/** Stacks interned by value: the first use of a stack yields its record, with readable names, later ones only its id. */
import type { StackRecord } from '../ir/record.ts';
import type { StackFrame } from '../ir/span.ts';
import { readableFunction } from './naming.ts';

export class StackTable {
  readonly #ids = new Map<string, number>();
  #fresh: StackRecord[] = [];

  /** The id of a stack; `undefined` for an empty one. */
  id(frames: readonly StackFrame[]): number | undefined {
    if (frames.length === 0) return undefined;
    const key = frames
      .map((frame) => `${frame.file}:${frame.line}:${frame.function}:${frame.origin}`)
      .join('\n');
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    const id = this.#ids.size;
    this.#ids.set(key, id);
    const readable = frames.map((frame) => ({ ...frame, function: readableFunction(frame.function) }));
    this.#fresh.push({ kind: 'stack', id, frames: readable });
    return id;
  }

  /** Records of stacks that were not handed out before. They must come before the records that use them. */
  takeFresh(): StackRecord[] {
    const fresh = this.#fresh;
    this.#fresh = [];
    return fresh;
  }
}
