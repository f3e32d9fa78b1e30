import { defineBreak, type BreakReason } from '../break.ts';

/** Output shape depends on data. */
export const dynamicShapeBreak: BreakReason = defineBreak({
  id: 'FG1005',
  slug: 'dynamic-shape',
  title: 'Output shape depends on data',
  explain: (context) =>
    `The size of the result of \`${context.kernel ?? 'where'}\` is known only when its input's numbers are, so the graph has to run up to here before the next op can be recorded.`,
  hints: [
    'Use a form with a fixed size: `tf.where(condition, a, b)` or multiplication by a mask instead of `tf.booleanMaskAsync` and `tf.whereAsync`.',
    'Use `tf.image.nonMaxSuppressionPaddedAsync` or `tf.topk`, whose results have a fixed size.',
    'Move the op to the end of the computation.',
  ],
  isFixable: true,
  bad: 'const x = tf.tensor1d([1, -2, 3]);\nconst {values} = tf.unique(x.relu());\nreturn values.sum();',
  good: 'const x = tf.tensor1d([1, -2, 3]);\nreturn x.relu().sum();',
});
