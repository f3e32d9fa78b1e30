/**
 * Paths that a user typed in, trace files with their byte streams out. A TORCH_TRACE directory holds one
 * `dedicated_log_torch_trace_[rank_R_]XXXXXXXX.log` per process; anything else in it is left alone, unless there are
 * no such files. Compression is told by magic bytes, not by name.
 */
import { createReadStream, promises as fs } from 'node:fs';
import { basename, join } from 'node:path';
import { Readable } from 'node:stream';
import { constants, createGunzip } from 'node:zlib';
import { UserError } from '../ir/errors.ts';

/** One log to read. */
export interface TraceFile {
  /** Path as found; `-` for standard input. */
  readonly path: string;
  /** Rank in the file's name. Records may tell it as well. */
  readonly rank?: number;
  /** Size on disk; 0 when it cannot be known. */
  readonly sizeBytes: number;
  readonly isCompressed: boolean;
}

const dedicatedName = /^dedicated_log_torch_trace_.*\.log(\.gz)?$/;
const logName = /\.(log|txt)(\.gz)?$/;
const header = /[VIWEC]\d{4} \d\d:\d\d:\d\d.\d{6} \d+[^:]*:\d+\] \{/;
const headBytes = 64 * 1024;
const maxDepth = 4;
/** Folders that hold no traces and many files. */
const otherFolder = /^\.|^node_modules$|^site-packages$/;

/** Digits behind `rank_` in a trace's file name. */
export function rankInName(path: string): number | undefined {
  const digits = /(?:^|_)rank_(\d+)(?=[_.]|$)/.exec(basename(path))?.[1];
  return digits === undefined ? undefined : Number(digits);
}

async function readHead(path: string, length: number): Promise<Buffer> {
  const handle = await fs.open(path, 'r');
  try {
    const buffer = Buffer.alloc(length);
    const { bytesRead } = await handle.read(buffer, 0, length, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

function isGzip(head: Buffer): boolean {
  return head.length >= 2 && head[0] === 0x1f && head[1] === 0x8b;
}

async function describeFile(path: string): Promise<TraceFile> {
  const rank = rankInName(path);
  const { size } = await fs.stat(path);
  const isCompressed = isGzip(await readHead(path, 2));
  return { path, sizeBytes: size, isCompressed, ...(rank === undefined ? {} : { rank }) };
}

/** First bytes of the log itself, decompressed when needed. Damaged archives give what can be had. */
async function readLogHead(path: string): Promise<Buffer> {
  const head = await readHead(path, headBytes);
  if (!isGzip(head)) return head;
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of readTraceFile({ path, sizeBytes: 0, isCompressed: true })) {
      chunks.push(chunk);
      length += chunk.length;
      if (length >= headBytes) break;
    }
  } catch {
    // What came before the damage decides.
  }
  return Buffer.concat(chunks);
}

async function looksLikeTrace(path: string): Promise<boolean> {
  return header.test((await readLogHead(path)).toString('latin1'));
}

async function walk(directory: string, depth: number): Promise<string[]> {
  const entries = await fs.readdir(directory, { withFileTypes: true });
  entries.sort((left, right) => left.name.localeCompare(right.name, 'en', { numeric: true }));
  const nested = await Promise.all(
    entries.map(async (entry): Promise<string[]> => {
      const path = join(directory, entry.name);
      if (entry.isDirectory()) return depth > 0 && !otherFolder.test(entry.name) ? walk(path, depth - 1) : [];
      return entry.isFile() || entry.isSymbolicLink() ? [path] : [];
    }),
  );
  return nested.flat();
}

async function filesInDirectory(directory: string): Promise<string[]> {
  const all = await walk(directory, maxDepth);
  const dedicated = all.filter((path) => dedicatedName.test(basename(path)));
  if (dedicated.length > 0) return dedicated;
  const candidates = all.filter((path) => logName.test(path));
  const verdicts = await Promise.all(candidates.map(looksLikeTrace));
  return candidates.filter((_, index) => verdicts[index]);
}

async function statOf(path: string): Promise<Awaited<ReturnType<typeof fs.stat>>> {
  try {
    return await fs.stat(path);
  } catch (cause) {
    throw new UserError(`${path} cannot be read.`, {
      code: 'FG5101',
      hint: 'Name a log file or the directory that TORCH_TRACE pointed to.',
      cause,
    });
  }
}

/**
 * The trace files that the paths mean, in natural order of their names.
 * @throws FG5101 when a path does not exist, FG5102 when there is no trace in it.
 */
export async function findTraceFiles(paths: readonly string[]): Promise<TraceFile[]> {
  const files: TraceFile[] = [];
  for (const path of paths) {
    if (path === '-') {
      files.push({ path, sizeBytes: 0, isCompressed: false });
      continue;
    }
    const found = (await statOf(path)).isDirectory() ? await filesInDirectory(path) : [path];
    if (found.length === 0) {
      throw new UserError(`There is no PyTorch trace in ${path}.`, {
        code: 'FG5102',
        hint: 'Run the program with TORCH_TRACE set to an empty directory, then pass that directory.',
      });
    }
    files.push(...(await Promise.all(found.map(describeFile))));
  }
  return files;
}

/** Whether the path is a PyTorch trace: a log that has a trace header, or a directory with one. False if unreadable. */
export async function isTorchTrace(path: string): Promise<boolean> {
  try {
    const stats = await fs.stat(path);
    if (!stats.isDirectory()) return stats.isFile() && (await looksLikeTrace(path));
    return (await filesInDirectory(path)).length > 0;
  } catch {
    return false;
  }
}

/** All bytes that an archive still gives up; a cut end is no error here, the scanner sees the cut record. */
function gunzip(source: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  const unzipped = createGunzip({ chunkSize: 1 << 18, finishFlush: constants.Z_SYNC_FLUSH });
  const raw = Readable.from(source, { objectMode: false });
  raw.on('error', (error) => unzipped.destroy(error));
  return raw.pipe(unzipped) as AsyncIterable<Buffer>;
}

async function* sniffGzip(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  const iterator = source[Symbol.asyncIterator]();
  const first = await iterator.next();
  if (first.done === true) return;
  const head = Buffer.from(first.value);
  async function* all(): AsyncGenerator<Buffer> {
    yield head;
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
      yield Buffer.from(next.value);
    }
  }
  yield* isGzip(head) ? gunzip(all()) : all();
}

/**
 * The log's bytes in chunks, decompressed. `stdin` is what `-` reads.
 * @throws when the file vanishes or its archive is damaged, after the good part.
 */
export function readTraceFile(file: TraceFile, stdin?: AsyncIterable<Uint8Array>): AsyncIterable<Buffer> {
  if (file.path === '-') return sniffGzip(stdin ?? Readable.from([]));
  const raw = createReadStream(file.path, { highWaterMark: 1 << 18 }) as AsyncIterable<Buffer>;
  return file.isCompressed ? gunzip(raw) : raw;
}
