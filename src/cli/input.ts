/** What the user named: a program, a trace of ours, a PyTorch trace, a model, a JSON report. Told by looking, not guessing. */
import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { constants, gunzipSync } from 'node:zlib';
import { UserError } from '../ir/errors.ts';
import type { Context } from './command.ts';

export type Input =
  | { readonly kind: 'script'; readonly file: string; readonly arguments: readonly string[] }
  /** `bytes` when it comes from standard input. */
  | { readonly kind: 'trace'; readonly path: string; readonly bytes?: AsyncIterable<Uint8Array> }
  /** `name`: as the user typed it. */
  | {
      readonly kind: 'torch';
      readonly name: string;
      readonly paths: readonly string[];
      readonly bytes?: AsyncIterable<Uint8Array>;
    }
  | { readonly kind: 'model'; readonly path: string }
  | { readonly kind: 'report'; readonly path: string };

const scriptName = /\.[mc]?[jt]sx?$/i;
const traceName = /\.(?:jsonl|ndjson)(?:\.gz)?$/i;
const modelName = /\.onnx$/i;

/** Whether a word names a model, as far as its ending tells. */
export function isModelName(word: string): boolean {
  return modelName.test(word);
}

function inputError(message: string, hint: string, cause?: unknown): UserError {
  return new UserError(message, { code: 'FG5012', hint, cause });
}

const accepted =
  'Name a program (.ts, .js, .mjs, ...), a trace (.jsonl), a PyTorch trace directory or log, or - for standard input.';

async function* chain(head: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield head;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}

/** The first characters, decompressed when need be; damage shows later, to the reader. */
function textOf(head: Buffer): string {
  let plain = head;
  if (head[0] === 0x1f && head[1] === 0x8b) {
    try {
      plain = gunzipSync(head, { finishFlush: constants.Z_SYNC_FLUSH });
    } catch {
      // Not that kind of file after all.
    }
  }
  return plain
    .toString('utf8')
    .replace(/^\uFEFF/, '')
    .trimStart();
}

/** Ours begin with `{`; PyTorch's with a log line. */
async function standardInput(context: Context): Promise<Input> {
  const iterator = (context.stdin as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
  const first = await iterator.next();
  if (first.done === true) {
    throw inputError('standard input is empty', 'Pipe a trace into it: fullgraph explain - < run.jsonl');
  }
  const head = Buffer.from(first.value);
  const bytes = chain(head, iterator);
  return textOf(head).startsWith('{')
    ? { kind: 'trace', path: '-', bytes }
    : { kind: 'torch', name: 'standard input', paths: ['-'], bytes };
}

/** First non-blank characters of a plain file. */
async function headOf(path: string): Promise<string> {
  const handle = await open(path, 'r');
  try {
    const buffer = Buffer.alloc(4096);
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
    return textOf(buffer.subarray(0, bytesRead));
  } finally {
    await handle.close();
  }
}

/** The reader of such traces is loaded for what is neither a program nor a trace of ours. */
async function isTorch(path: string): Promise<boolean> {
  const { isTorchTrace } = await import('../torch/index.ts');
  return isTorchTrace(path);
}

async function classifyFile(
  word: string,
  path: string,
): Promise<'script' | 'trace' | 'torch' | 'report' | undefined> {
  if (traceName.test(path)) return 'trace';
  if (await isTorch(path)) return 'torch';
  const head = await headOf(path).catch((cause: unknown) => {
    throw inputError(`cannot read ${word}: ${(cause as Error).message}`, 'Make the file readable.', cause);
  });
  if (head.startsWith('{"kind":')) return 'trace';
  if (/^#!.*\bnode\b/.test(head)) return 'script';
  return /^\{\s*"schemaVersion":/.test(head) ? 'report' : undefined;
}

function torchInput(words: readonly string[], context: Context): Input {
  return { kind: 'torch', name: words.join(' '), paths: words.map((word) => resolve(context.cwd, word)) };
}

/**
 * @param words the command's positionals: one input, or several torch logs, or a script and its arguments.
 * @throws FG5012 when there is no such file, or it is nothing that fullgraph reads.
 */
export async function findInput(
  words: readonly string[],
  rest: readonly string[],
  context: Context,
): Promise<Input> {
  const [word, ...more] = words;
  if (word === undefined) throw inputError('the input is missing', accepted);
  if (word === '-') return standardInput(context);
  const path = resolve(context.cwd, word);
  const stats = await stat(path).catch((cause: unknown) => {
    const { code } = cause as NodeJS.ErrnoException;
    const reason = code === 'ENOENT' ? 'does not exist' : `cannot be read: ${(cause as Error).message}`;
    throw inputError(`${word} ${reason}`, accepted, cause);
  });
  if (stats.isDirectory()) {
    if (await isTorch(path)) return torchInput(words, context);
    throw inputError(
      `the directory ${word} holds no PyTorch trace`,
      'Run the Python program with TORCH_TRACE set to an empty directory, or name a program or a trace file.',
    );
  }
  if (scriptName.test(path)) return { kind: 'script', file: path, arguments: [...more, ...rest] };
  if (modelName.test(path)) return { kind: 'model', path };
  const kind = await classifyFile(word, path);
  if (kind === 'torch') return torchInput(words, context);
  if (kind === 'script') return { kind, file: path, arguments: [...more, ...rest] };
  if (kind !== undefined) return { kind, path };
  throw inputError(`${word} is neither a program nor a trace`, accepted);
}

/** Bytes of a file. */
export function fileBytes(path: string): AsyncIterable<Uint8Array> {
  return createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Uint8Array>;
}
