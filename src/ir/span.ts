/**
 * Where in the user's source something happened. Lines and columns count from 1. Frames run innermost first, after
 * source maps were applied.
 */

export interface Span {
  /** Absolute path, or a path relative to the program's folder in scrubbed traces. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export interface StackFrame extends Span {
  /** Function, method or layer name; empty at module level. */
  readonly function: string;
  /** `user`: the program; `library`: its node_modules other than tfjs; `framework`: tfjs or torch; `runtime`: Node. */
  readonly origin: 'user' | 'library' | 'framework' | 'runtime';
  /** The source line, trimmed, where known. */
  readonly code?: string;
}

/** Innermost frame of the program itself, else of a library, else none. */
export function userFrame(frames: readonly StackFrame[]): StackFrame | undefined {
  return (
    frames.find((frame) => frame.origin === 'user') ?? frames.find((frame) => frame.origin === 'library')
  );
}

/** `train.ts:12:7`. */
export function formatSpan(span: Span): string {
  return `${span.file}:${span.line}:${span.column}`;
}
