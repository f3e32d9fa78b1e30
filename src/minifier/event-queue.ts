/** Events as they happen, for one reader: what is pushed before it asks is kept. */
export interface EventQueue<E> extends AsyncIterable<E> {
  push(event: E): void;
  /** No more events; with an error, the reader gets it. */
  end(error?: unknown): void;
}

export function createEventQueue<E>(): EventQueue<E> {
  const events: E[] = [];
  let wake: () => void = () => {};
  let isOver = false;
  let failure: { readonly error: unknown } | undefined;
  return {
    push: (event) => {
      events.push(event);
      wake();
    },
    end: (error) => {
      isOver = true;
      if (error !== undefined) failure = { error };
      wake();
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        while (events.length > 0) yield events.shift()!;
        if (isOver) break;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      if (failure) throw failure.error;
    },
  };
}
