/** The difference between two short programs as lines, by the `diff` package: how a fix is shown. */
import { diffLines as compareLines } from 'diff';
import { span, type Line } from '../lines.ts';

const marks = { added: '+', removed: '-', equal: ' ' } as const;

export function diffLines(before: string, after: string): Line[] {
  return compareLines(before, after, { newlineIsToken: false }).flatMap((change) => {
    const mark = change.added ? 'added' : change.removed ? 'removed' : 'equal';
    const role = mark === 'equal' ? 'code' : mark;
    return change.value
      .replace(/\n$/, '')
      .split('\n')
      .map((text): Line => [span(`${marks[mark]} ${text}`, role)]);
  });
}
