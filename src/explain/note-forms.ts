/**
 * Places where graph after graph of other ops ends: each is compiled for the first time, so that none is a recompile, and
 * the time goes all the same. JavaScript that unrolls a loop of varying length is like that.
 */
import { formatSite } from './stacks.ts';
import type { GraphReport, NoteReport } from './report.ts';
import { pushTo } from './counter.ts';
import { formatCount, formatDuration } from './units.ts';

/** A line that is reached in one way has a few graphs for good reasons: `fit` makes weights, steps and sums. */
const usualForms = 8;

function callPath({ stack = [] }: GraphReport): string {
  const own = stack.filter((frame) => frame.origin === 'user');
  return own.map((frame) => formatSite(frame, true)).join(' ');
}

export function noteForms(graphs: readonly GraphReport[]): NoteReport[] {
  const byPath = new Map<string, GraphReport[]>();
  for (const graph of graphs) if (graph.site !== undefined) pushTo(byPath, callPath(graph), graph);
  return [...byPath.values()].flatMap((group): NoteReport[] => {
    const forms = new Set(group.map((graph) => graph.family)).size;
    const { site } = group[0]!;
    if (forms <= usualForms || site === undefined) return [];
    const compileMs = group.reduce((sum, graph) => sum + graph.compileMs, 0);
    return [
      {
        severity: 'warning',
        code: 'FG2003',
        text: `${formatCount(forms)} graphs of different ops end here, compiled in ${formatDuration(compileMs)}: a loop of another length or another branch makes other ops. Give it a fixed number of ops (pad, mask, \`tf.where\`), or read inside of the loop that varies`,
        site,
        count: 1,
      },
    ];
  });
}
