/**
 * A search of the minifier in a process of its own, seen through its records. The UI stays quick however busy the search
 * is; pause, resume and stop are messages to it.
 */
import { createInterface } from 'node:readline';
import { decodeRecord, type MinifyRecord } from '../../ir/record.ts';
import { createMinifyFold, type MinifyModel } from '../../ui/live/minify-model.ts';
import type { Context, ExitCode } from '../command.ts';
import { complaintOf, startOwnCommand } from './own-command.ts';

/** What the minifier's process understands. */
export type SearchMessage = 'pause' | 'resume' | 'stop';

export interface MinifySearch {
  model(): MinifyModel;
  isRunning(): boolean;
  /** Pauses, or goes on. */
  togglePause(): void;
  /** Ends it with the best so far, which it writes and verifies. */
  stop(): void;
  /** Ends it at once. */
  kill(): void;
  readonly ended: Promise<ExitCode>;
}

function isMinifyRecord(record: { readonly kind: string } | undefined): record is MinifyRecord {
  return record?.kind.startsWith('minify-') === true;
}

/** What is to be minified. */
export interface SearchRequest {
  /** As the user named it. */
  readonly input: string;
  /** Of `fullgraph minify`, without `--json`. */
  readonly words: readonly string[];
  /** On which values it runs, in words, where that is not plain. */
  readonly values?: string;
}

/** @param onChange called after each record and at the end. */
export function startSearch(
  { input, words, values }: SearchRequest,
  context: Context,
  onChange: () => void,
): MinifySearch {
  const fold = createMinifyFold(input, values);
  const child = startOwnCommand(['minify', '--json', ...words], context);
  let isRunning = true;
  let stderr = '';
  const send = (message: SearchMessage): void => {
    if (child.connected) child.send(message);
  };
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-10_000);
  });
  createInterface({ input: child.stdout! }).on('line', (text) => {
    const record = decodeRecord(text);
    if (!isMinifyRecord(record)) return;
    fold.add(record);
    onChange();
  });
  const ended = new Promise<ExitCode>((resolve) => {
    const end = (exitCode: ExitCode, why: string): void => {
      if (!isRunning) return;
      isRunning = false;
      if (fold.model().phase !== 'done') fold.fail(why);
      onChange();
      resolve(exitCode);
    };
    child.once('error', (error) => end(3, error.message));
    child.once('close', (code, signal) =>
      end(
        code ?? 1,
        complaintOf(stderr) || (signal === null ? `it ended with ${code}` : `killed by ${signal}`),
      ),
    );
  });
  return {
    model: fold.model,
    isRunning: () => isRunning,
    togglePause() {
      const isPaused = fold.model().phase === 'paused';
      send(isPaused ? 'resume' : 'pause');
      fold.setPhase(isPaused ? 'resumed' : 'paused');
      onChange();
    },
    stop() {
      send('stop');
      fold.setPhase('stopping');
      onChange();
    },
    kill: () => child.kill('SIGKILL'),
    ended,
  };
}
