/**
 * Python stacks: from records (file names interned per process, outermost first) and from traceback text. Out go
 * frames innermost first, each with whose code it is, so that framework frames can be folded.
 */
import type { StackFrame } from '../ir/span.ts';
import { asFields, asList, asNumber, asText } from './json.ts';

/** A program's own launcher wraps: nobody's call path. */
const runtimeFile = /^<frozen |\/lib\/python3\.\d+\/(?!site-packages\/|dist-packages\/)/;
const torchFile =
  /(?:^|\/)(?:site-packages|dist-packages)\/(?:torch|functorch|triton)\/|(?:^|\/)torch\/(?:_dynamo|_inductor|_functorch|_compile|_ops|_logging|_subclasses|fx|nn|autograd|jit|export|utils|distributed|optim|ao|amp|cuda|_library|_higher_order_ops|_decomp|_prims|_refs|overrides|_tensor)\b/;
const libraryFile = /\/(?:site-packages|dist-packages)\//;

/** Whose code a Python file is. */
export function originOf(file: string): StackFrame['origin'] {
  if (torchFile.test(file)) return 'framework';
  if (libraryFile.test(file)) return 'library';
  return runtimeFile.test(file) ? 'runtime' : 'user';
}

/** Build systems put sources behind long generated prefixes (Buck link trees, xar mounts); nobody reads them. */
export function shortenPath(file: string): string {
  return file
    .replace(/^.*#link-tree\//, '')
    .replace(/^\/mnt\/xarfuse\/[^/]*\/[^/]*-seed-nspid\d+[^/]*\//, '');
}

function makeFrame(file: string, line: number, name: string, code: string | undefined): StackFrame {
  const short = shortenPath(file);
  const frame = { file: short, line, column: 1, function: name, origin: originOf(short) };
  return code === undefined ? frame : { ...frame, code };
}

/** Frames inside Dynamo's own entry point, which older records have at their inner end. */
const dynamoEntry = /(?:^|\/)torch\/_dynamo\/convert_frame\.py$/;

/** A record's `stack` list, innermost first, without Dynamo's own entry frames. Damaged frames are left out. */
export function framesOfRecord(stack: unknown, fileName: (id: string) => string | undefined): StackFrame[] {
  const frames: StackFrame[] = [];
  for (const item of asList(stack)) {
    const fields = asFields(item);
    const line = asNumber(fields?.['line']);
    const name = fields?.['name'];
    const file = fields?.['filename'];
    if (line === undefined || typeof name !== 'string') continue;
    const path =
      typeof file === 'number' ? (fileName(String(file)) ?? '') : typeof file === 'string' ? file : '';
    frames.push(makeFrame(path, line, name, asText(fields?.['loc'])?.trim()));
  }
  frames.reverse();
  const first = frames.findIndex((frame) => !dynamoEntry.test(frame.file));
  return first === -1 ? frames : frames.slice(first);
}

const fileLine = /^\s*File "(.*)", line (\d+)(?:, in (.*))?$/;

/** Frames in traceback text, innermost first, with their source lines; caret lines are dropped. */
export function framesOfText(lines: readonly string[]): StackFrame[] {
  const frames: StackFrame[] = [];
  lines.forEach((line, index) => {
    const match = fileLine.exec(line);
    if (match === null) return;
    const next = lines[index + 1];
    const hasCode = next !== undefined && next.trim() !== '' && !fileLine.test(next);
    const code = hasCode && /^\s{4,}/.test(next) && !/^[\s^~]*$/.test(next) ? next.trim() : undefined;
    frames.push(makeFrame(match[1]!, Number(match[2]), match[3] ?? '', code));
  });
  return frames.reverse();
}

/** The function that a resume function continues, and the line of the break in front of it. */
export function resumedFrom(
  functionName: string,
): { readonly name: string; readonly line: number } | undefined {
  const match = /^(?:torch_dynamo|__torch_dynamo)_resume_in_(.*)_at_(\d+)$/.exec(functionName);
  return match === null ? undefined : { name: match[1]!, line: Number(match[2]) };
}
