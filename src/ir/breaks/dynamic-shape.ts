import { defineBreak, type BreakReason } from '../break.ts';

const last = 'Move the op to the end of the computation.';

const masking =
  'Use a form with a fixed size: `tf.where(condition, a, b)` or multiplication by a mask instead of `tf.booleanMaskAsync` and `tf.whereAsync`.';

const suppressing =
  'Use `tf.image.nonMaxSuppressionPadded` (not its `Async` form, which reads): its result has a fixed size, and the number of valid boxes stays a tensor.';

/** Output shape depends on data. */
export const dynamicShapeBreak: BreakReason = defineBreak({
  id: 'FG1005',
  slug: 'dynamic-shape',
  title: 'Output shape depends on data',
  explain: (context) =>
    `The size of the result of \`${context.kernel ?? 'where'}\` is known only when its input's numbers are, so the graph has to run up to here before the next op can be recorded.`,
  hints: [
    masking,
    suppressing,
    'Use `tf.topk`, whose result has a fixed size, where the best few are wanted.',
    last,
  ],
  advise({ kernel = '' }) {
    if (/nonMaxSuppression/i.test(kernel)) return [suppressing, last];
    return /^(?:where|booleanMask)/i.test(kernel) ? [masking, last] : undefined;
  },
  isFixable: true,
  bad: 'const x = tf.tensor1d([1, -2, 3]);\nconst {values} = tf.unique(x.relu());\nreturn values.sum();',
  good: 'const x = tf.tensor1d([1, -2, 3]);\nreturn x.relu().sum();',
});
