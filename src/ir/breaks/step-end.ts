import { defineBreak, type BreakReason } from '../break.ts';

/** Training step ended. */
export const stepEndBreak: BreakReason = defineBreak({
  id: 'FG1011',
  slug: 'step-end',
  title: 'Training step ended',
  explain: () =>
    'An optimizer updated its variables. The step is run as one graph here, so that each step has the same graph and variables hold real values.',
  hints: ['Nothing to do: this is the natural boundary of a training step.'],
  isFixable: false,
  isBoundary: true,
  bad: 'const w = tf.variable(tf.tensor1d([1, 2]));\nconst optimizer = tf.train.sgd(0.1);\noptimizer.minimize(() => w.square().sum());\nreturn w;',
});
