/** What is missing from a trace, in the words of a status line. */
import type { Report } from '../../explain/report.ts';

function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** @returns an empty text for a whole trace. Traces of PyTorch have no end mark: there, nothing is said about it. */
export function missingParts({ damage, source }: Report): string {
  const parts = [
    damage.lines > 0 ? counted(damage.lines, 'damaged line', 'damaged lines') : '',
    damage.isHeadless ? 'the start is missing' : '',
    damage.isTruncated && source === 'fullgraph' ? 'the end is missing' : '',
    damage.dangling > 0 ? counted(damage.dangling, 'record points nowhere', 'records point nowhere') : '',
  ];
  return parts.filter((part) => part !== '').join(', ');
}
