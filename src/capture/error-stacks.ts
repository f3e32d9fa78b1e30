/**
 * Stacks of errors that tfjs raises under capture, as they would be without it. V8 keeps the innermost ten frames only, so
 * that ours would push the line of the program out of what it prints.
 */
import { isOwnLine } from './stacks.ts';

/**
 * Takes fullgraph's frames out of the error's stack and puts the frames outside of `boundary` behind the rest.
 * @param boundary the function of ours through which the program's tfjs came in; it is running.
 * @returns the error.
 */
export function hideOwnFrames(error: unknown, boundary: (...parameters: never[]) => unknown): unknown {
  if (!(error instanceof Error)) return error;
  const inner = linesOf(error);
  const first = inner?.findIndex(isOwnLine) ?? -1;
  if (inner === undefined || first < 0) return error;
  const holder: { stack?: unknown } = {};
  Error.captureStackTrace(holder, boundary);
  const outer = linesOf(holder)?.slice(1) ?? [];
  const frames = [...inner.slice(0, first), ...outer.filter((line) => !isOwnLine(line))];
  const frameCount = frames.filter((line) => line.startsWith(frameMark)).length;
  const surplus = Math.max(0, frameCount - Error.stackTraceLimit);
  error.stack = (surplus === 0 ? frames : frames.slice(0, -surplus)).join('\n');
  return error;
}

const frameMark = '    at ';

/** Nothing where the program formats stacks in a way of its own. */
function linesOf(holder: { readonly stack?: unknown }): readonly string[] | undefined {
  return typeof holder.stack === 'string' ? holder.stack.split('\n') : undefined;
}
