/** A stack as lines: the program's frames in full, runs of framework frames folded to one line. */
import { foldStack } from '../../explain/stacks.ts';
import type { StackFrame } from '../../ir/span.ts';
import { line, span, type Line } from '../lines.ts';

/** Innermost frame first. */
export function stackLines(frames: readonly StackFrame[], indent = '  '): Line[] {
  return foldStack(frames).map((folded): Line => {
    if (folded.kind === 'folded') {
      const { length } = folded.frames;
      return line(`${indent}  … ${length} ${folded.origin} ${length === 1 ? 'frame' : 'frames'}`, 'muted');
    }
    const { frame } = folded;
    return [
      span(`${indent}${frame.function === '' ? 'top level' : frame.function}`),
      span(`  ${frame.file}:${frame.line}`, 'accent'),
      span(frame.code === undefined ? '' : `  ${frame.code}`, 'muted'),
    ];
  });
}
