import { defineBreak, type BreakReason } from '../break.ts';

/** Values needed by tfjs itself. */
export const strictMemoryBreak: BreakReason = defineBreak({
  id: 'FG1012',
  slug: 'strict-memory',
  title: 'Values needed by tfjs itself',
  explain: () =>
    "`tf.time`, `tf.profile` and tfjs's debug mode measure or inspect each op as it runs, which needs each op's result at once: no graph can be longer than one op.",
  hints: ['Use `fullgraph explain` instead of `tf.profile`, `tf.time` or debug mode to measure.'],
  isFixable: true,
  bad: 'const x = tf.tensor1d([1, 2]);\nawait tf.time(() => x.square());\nreturn x.add(1);',
  good: 'const x = tf.tensor1d([1, 2]);\nx.square();\nreturn x.add(1);',
});
