/**
 * A trace that is still being written: each poll reads what was appended, whole lines become records, the rest of the
 * last line waits for its end. A file that became shorter was written anew and is read from its start.
 */
import { open, type FileHandle } from 'node:fs/promises';
import { StringDecoder } from 'node:string_decoder';
import { readRecordLine } from '../../explain/check-record.ts';
import { createReportBuilder, type ReportBuilder } from '../../explain/report-builder.ts';
import type { Report } from '../../explain/report.ts';

export interface TraceFollower {
  /** Reads what is new. @returns whether there was anything. */
  poll(): Promise<boolean>;
  /** Nothing more will come: what is left of the last line is a line. */
  finish(): Promise<void>;
  report(): Report;
}

const chunkBytes = 1 << 20;

/** @param path may not exist yet. */
export function followTrace(path: string): TraceFollower {
  let builder: ReportBuilder = createReportBuilder();
  let decoder = new StringDecoder('utf8');
  let offset = 0;
  let rest: string[] = [];

  function restart(): void {
    builder = createReportBuilder();
    decoder = new StringDecoder('utf8');
    offset = 0;
    rest = [];
  }

  function take(text: string): void {
    const lines = text.split('\n');
    const last = lines.pop()!;
    if (lines.length > 0) {
      lines[0] = rest.join('') + lines[0]!;
      rest = [];
      for (const line of lines) builder.addLine(readRecordLine(line));
    }
    if (last !== '') rest.push(last);
  }

  async function readNew(handle: FileHandle): Promise<boolean> {
    const { size } = await handle.stat();
    const isNew = size !== offset;
    if (size < offset) restart();
    const buffer = Buffer.alloc(Math.min(chunkBytes, Math.max(1, size - offset)));
    while (offset < size) {
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, offset);
      if (bytesRead === 0) break;
      offset += bytesRead;
      take(decoder.write(buffer.subarray(0, bytesRead)));
    }
    return isNew;
  }

  async function poll(): Promise<boolean> {
    const handle = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (handle === undefined) return false;
    try {
      return await readNew(handle);
    } finally {
      await handle.close();
    }
  }

  return {
    poll,
    async finish() {
      await poll();
      const last = rest.join('') + decoder.end();
      rest = [];
      if (last.trim() !== '') builder.addLine(readRecordLine(last));
    },
    report: () => builder.report(),
  };
}

const pollMs = 200;
/** Making reports takes at most this part of the time. */
const busyShare = 0.2;

/**
 * Polls until told to stop; a report follows each growth, less often the longer reports take to make.
 * @param onTick also called when nothing is new, for clocks.
 */
export async function watchTrace(
  follower: TraceFollower,
  signal: AbortSignal,
  onTick: (report: Report | undefined) => void,
): Promise<void> {
  let pauseMs = pollMs;
  while (!signal.aborted) {
    const isNew = await follower.poll();
    if (signal.aborted) return;
    const startedMs = performance.now();
    onTick(isNew ? follower.report() : undefined);
    pauseMs = Math.max(pollMs, (performance.now() - startedMs) / busyShare);
    await new Promise<void>((done) => {
      const timer = setTimeout(finish, pauseMs);
      signal.addEventListener('abort', finish, { once: true });
      function finish(): void {
        clearTimeout(timer);
        signal.removeEventListener('abort', finish);
        done();
      }
    });
  }
}
