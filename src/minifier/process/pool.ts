/**
 * A fixed number of slots that trials run in. A trial that nobody waits for any more keeps its slot as long as
 * nobody else wants it, because its answer may be asked for later; when someone does, it is killed.
 */

/** A trial takes some milliseconds, a new process with its packages some hundred. */
const graceMs = 300;

export interface Resource {
  kill(): void;
}

interface Slot<R> {
  readonly resource: R;
  isBusy: boolean;
  isAbandoned: boolean;
}

export class Pool<R extends Resource> {
  readonly #slots: Slot<R>[];
  readonly #waiting: ((slot: Slot<R>) => void)[] = [];
  #relief: NodeJS.Timeout | undefined;

  constructor(size: number, create: () => R) {
    this.#slots = Array.from({ length: size }, () => ({
      resource: create(),
      isBusy: false,
      isAbandoned: false,
    }));
  }

  /**
   * Runs `action` in a free slot, waiting for one if need be.
   * @throws the signal's reason when it was aborted first.
   */
  async use<T>(signal: AbortSignal | undefined, action: (resource: R) => Promise<T>): Promise<T> {
    const slot = await this.#acquire();
    const abandon = (): void => {
      slot.isAbandoned = true;
      this.#relieve();
    };
    try {
      signal?.throwIfAborted();
      signal?.addEventListener('abort', abandon, { once: true });
      return await action(slot.resource);
    } finally {
      signal?.removeEventListener('abort', abandon);
      this.#release(slot);
    }
  }

  close(): void {
    clearTimeout(this.#relief);
    for (const slot of this.#slots) slot.resource.kill();
  }

  #acquire(): Promise<Slot<R>> {
    const free = this.#slots.find((slot) => !slot.isBusy);
    if (free) {
      free.isBusy = true;
      return Promise.resolve(free);
    }
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#relieve();
    });
  }

  /** Someone waits: an abandoned trial gets as long to end by itself as a new process would take to start. */
  #relieve(): void {
    if (this.#waiting.length === 0 || this.#relief !== undefined) return;
    if (!this.#slots.some((slot) => slot.isBusy && slot.isAbandoned)) return;
    this.#relief = setTimeout(() => {
      this.#relief = undefined;
      const abandoned = this.#slots.find((slot) => slot.isBusy && slot.isAbandoned);
      if (this.#waiting.length === 0 || abandoned === undefined) return;
      abandoned.isAbandoned = false;
      abandoned.resource.kill();
      this.#relieve();
    }, graceMs);
  }

  #release(slot: Slot<R>): void {
    slot.isAbandoned = false;
    const next = this.#waiting.shift();
    if (next) next(slot);
    else slot.isBusy = false;
  }
}
