import { defineBreak, type BreakReason } from '../break.ts';

/** Graph-size limit. */
export const graphSizeBreak: BreakReason = defineBreak({
  id: 'FG1008',
  slug: 'graph-size',
  title: 'Graph-size limit',
  explain: (context) =>
    `${context.detail ?? 'The recorded graph reached the node limit'} without a read, so it was cut and run. Nothing is wrong with the program; a graph without end would hold all its inputs in memory.`,
  hints: [
    'Nothing to do in most programs.',
    'Raise the limit with `--max-nodes` when one step of your program has more nodes than that.',
  ],
  isFixable: false,
  bad: 'let x = tf.scalar(1);\nfor (let i = 0; i < 6000; i++) x = x.add(1);\nreturn x;',
});
