import { defineBreak, type BreakReason } from '../break.ts';
import { subject } from './subject.ts';

/** Tensor printed. */
export const printBreak: BreakReason = defineBreak({
  id: 'FG1003',
  slug: 'print',
  title: 'Tensor printed',
  explain: (context) =>
    `Printing ${subject(context)} (\`${context.api ?? 'print'}\`) needs its numbers, so the graph ends here.`,
  hints: [
    'Print outside the hot path, or every n-th step.',
    'Print `tensor.shape` or `tensor.dtype` instead: they are known without running anything.',
  ],
  isFixable: true,
  bad: 'const x = tf.tensor1d([1, 2, 3]).square();\nx.print();\nreturn x.add(1);',
  good: 'const x = tf.tensor1d([1, 2, 3]).square();\nconsole.log(x.shape);\nreturn x.add(1);',
});
