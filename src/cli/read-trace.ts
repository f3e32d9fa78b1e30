/**
 * A trace as batches of lines, whatever wrote it: our JSONL (plain or gzipped, also while it is being written) or
 * PyTorch's logs. Never more than a chunk in memory.
 */
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { constants, createGunzip } from 'node:zlib';
import { readRecordLine, type ReadLine } from '../explain/check-record.ts';
import { UserError } from '../ir/errors.ts';
import { recordSchemaVersion } from '../ir/record.ts';
import { readTorchTrace } from '../torch/index.ts';
import { fileBytes, type Input } from './input.ts';

/** @param bytes read so far; `totalBytes` is 0 when it cannot be known. */
export type OnProgress = (bytes: number, totalBytes: number) => void;

/** Characters; a text of more than half a gigabyte is more than V8 can hold. */
const maxLineLength = 256 * 1024 * 1024;

export type TraceInput = Extract<Input, { kind: 'trace' | 'torch' }>;

async function* gunzipped(head: Buffer, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Buffer> {
  async function* all(): AsyncGenerator<Buffer> {
    yield head;
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) {
      yield Buffer.from(next.value);
    }
  }
  // A cut archive still gives up what was whole.
  const unzip = createGunzip({ finishFlush: constants.Z_SYNC_FLUSH });
  const source = Readable.from(all(), { objectMode: false });
  source.on('error', (error) => unzip.destroy(error));
  for await (const chunk of source.pipe(unzip)) yield chunk as Buffer;
}

/** Decompresses when the first bytes say so. */
async function* plainBytes(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const iterator = bytes[Symbol.asyncIterator]();
  const first = await iterator.next();
  if (first.done === true) return;
  const head = Buffer.from(first.value);
  if (head[0] === 0x1f && head[1] === 0x8b) {
    yield* gunzipped(head, iterator);
    return;
  }
  yield head;
  for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
}

async function* readJsonl(
  bytes: AsyncIterable<Uint8Array>,
  totalBytes: number,
  onProgress: OnProgress | undefined,
): AsyncGenerator<readonly ReadLine[]> {
  const decoder = new StringDecoder('utf8');
  let read = 0;
  // Pieces of a line that spans chunks are joined once, at its end: a line may be as long as the file.
  let pieces: string[] = [];
  let piecesLength = 0;
  const chunks = plainBytes(bytes)[Symbol.asyncIterator]();
  for (;;) {
    const next = await chunks.next().catch((cause: unknown) => {
      // A damaged archive: what came before it is worth a report.
      if (read === 0) throw cause;
      return undefined;
    });
    if (next === undefined) yield [{ kind: 'damaged' }];
    if (next === undefined || next.done === true) break;
    const chunk = next.value;
    read += chunk.length;
    onProgress?.(read, totalBytes);
    const text = decoder.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    const lines = text.split('\n');
    const last = lines.pop()!;
    if (lines.length > 0) {
      lines[0] = pieces.join('') + lines[0]!;
      pieces = [];
      piecesLength = 0;
      yield lines.map((line) => readRecordLine(line));
    }
    // What is that long is no record; its head makes it count as damage.
    if (piecesLength < maxLineLength) pieces.push(last);
    piecesLength += last.length;
  }
  yield [readRecordLine(pieces.join('') + decoder.end())];
}

/** The first line may carry a byte order mark, which JSON does not know. */
async function* withoutMark(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let isFirst = true;
  for await (const chunk of bytes) {
    const hasMark = isFirst && chunk[0] === 0xef && chunk[1] === 0xbb && chunk[2] === 0xbf;
    isFirst = false;
    yield hasMark ? chunk.subarray(3) : chunk;
  }
}

async function* readTorch(
  input: Extract<Input, { kind: 'torch' }>,
  onProgress: OnProgress | undefined,
): AsyncGenerator<readonly ReadLine[]> {
  const records = readTorchTrace(input.paths, {
    ...(input.bytes === undefined ? {} : { stdin: input.bytes }),
    ...(onProgress === undefined
      ? {}
      : { onProgress: ({ bytes, totalBytes }) => onProgress(bytes, totalBytes) }),
  });
  for await (const record of records) {
    yield [
      { kind: 'record', record: record.kind === 'header' ? { ...record, program: input.name } : record },
    ];
  }
}

/** @throws FG5013 when the trace is of a format that came later. */
function checkVersion(lines: readonly ReadLine[], path: string): readonly ReadLine[] {
  for (const line of lines) {
    if (line.kind !== 'record' || line.record.kind !== 'header') continue;
    const { schemaVersion } = line.record;
    if (schemaVersion <= recordSchemaVersion) continue;
    throw new UserError(
      `${path} was written by a newer fullgraph (trace format ${schemaVersion}, this one reads ${recordSchemaVersion})`,
      { code: 'FG5013', hint: 'Update fullgraph: npm install --save-dev fullgraph@latest' },
    );
  }
  return lines;
}

/**
 * Lines of a trace, in batches.
 * @throws FG5013 when the file vanishes, cannot be read, or is of a format that came later; damage inside is data.
 */
export async function* readTrace(
  input: TraceInput,
  onProgress?: OnProgress,
): AsyncGenerator<readonly ReadLine[]> {
  if (input.kind === 'torch') {
    yield* readTorch(input, onProgress);
    return;
  }
  try {
    const size = input.bytes === undefined ? (await stat(input.path)).size : 0;
    const batches = readJsonl(withoutMark(input.bytes ?? fileBytes(input.path)), size, onProgress);
    for await (const lines of batches) yield checkVersion(lines, input.path);
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    throw new UserError(`cannot read ${input.path}: ${(cause as Error).message}`, {
      code: 'FG5013',
      hint: 'Check the path, and whether the file is still there.',
      cause,
    });
  }
}
