/**
 * Appends records to a trace file. Lines are buffered and written synchronously, so that a program that dies leaves all but
 * the last moment, and a reader always finds whole lines before the end; what stands before native code that may take the
 * process down is written at once. A full disk stops the trace, not the program.
 */
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { UserError } from '../ir/errors.ts';
import { encodeRecord, type TraceRecord } from '../ir/record.ts';

export interface TraceWriter {
  write(record: TraceRecord): void;
  /** Writes out what is buffered. */
  flush(): void;
  close(): void;
}

const bufferLimitChars = 1 << 16;
const flushEveryMs = 250;

/** The header, and each graph before it is compiled and run for the first time. */
const urgentKinds: ReadonlySet<TraceRecord['kind']> = new Set(['header', 'graph', 'compile']);

/**
 * @param warn called at most once, with the reason why the rest of the trace is missing.
 * @throws FG5003 when the file cannot be created.
 */
export function openTraceWriter(file: string, now: () => number, warn: (text: string) => void): TraceWriter {
  let descriptor: number | undefined;
  try {
    mkdirSync(dirname(file), { recursive: true });
    descriptor = openSync(file, 'w');
  } catch (cause) {
    throw new UserError(`cannot write the trace file ${file}: ${(cause as Error).message}`, {
      code: 'FG5003',
      hint: 'Name a writable place with --trace-out.',
      cause,
    });
  }
  let lines: string[] = [];
  let size = 0;
  let flushedAt = now();

  function flush(): void {
    if (descriptor === undefined || lines.length === 0) return;
    const bytes = Buffer.from(lines.join(''));
    lines = [];
    size = 0;
    flushedAt = now();
    try {
      for (let offset = 0; offset < bytes.length;) offset += writeSync(descriptor, bytes, offset);
    } catch (cause) {
      warn(`the trace ${file} ends early: ${(cause as Error).message}`);
      descriptor = undefined;
    }
  }

  return {
    write(record) {
      if (descriptor === undefined) return;
      const line = encodeRecord(record);
      lines.push(line);
      size += line.length;
      const isDue = size > bufferLimitChars || now() - flushedAt > flushEveryMs;
      if (isDue || urgentKinds.has(record.kind)) flush();
    },
    flush,
    close() {
      flush();
      if (descriptor !== undefined) closeSync(descriptor);
      descriptor = undefined;
    },
  };
}
