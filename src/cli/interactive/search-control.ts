/**
 * The minifier's side of a search that a UI watches: pause, resume and stop arrive as messages of the parent process. A
 * clock that stands still meanwhile keeps pauses out of times and budgets. Without a parent nothing ever waits.
 */
import type { SearchMessage } from './minify-search.ts';

export interface SearchControl {
  /** Trials wait for it. */
  readonly gate: () => Promise<void>;
  /** Milliseconds, without pauses. */
  readonly now: () => number;
  close(): void;
}

/** @param interruption aborted when the UI says stop, or is gone. */
export function controlSearch(interruption: AbortController): SearchControl {
  let pausedMs = 0;
  let pausedSince: number | undefined;
  let wake: () => void = () => {};
  let opened: Promise<void> = Promise.resolve();

  function resume(): void {
    if (pausedSince === undefined) return;
    pausedMs += performance.now() - pausedSince;
    pausedSince = undefined;
    wake();
  }

  function onMessage(message: SearchMessage): void {
    if (message === 'pause' && pausedSince === undefined) {
      pausedSince = performance.now();
      opened = new Promise((resolve) => {
        wake = resolve;
      });
    } else if (message === 'resume') resume();
    else if (message === 'stop') {
      interruption.abort();
      resume();
    }
  }

  const onDisconnect = (): void => onMessage('stop');
  process.on('message', onMessage);
  process.on('disconnect', onDisconnect);
  // A listener would keep the process alive after its work.
  process.channel?.unref();
  return {
    gate: () => opened,
    now: () => (pausedSince ?? performance.now()) - pausedMs,
    close() {
      process.off('message', onMessage);
      process.off('disconnect', onDisconnect);
    },
  };
}
