import { defineBreak, type BreakReason } from '../break.ts';

/** End of program. */
export const programEndBreak: BreakReason = defineBreak({
  id: 'FG1010',
  slug: 'program-end',
  title: 'End of program',
  explain: () =>
    'The program ended, or returned its result, with ops recorded but never read. They were dropped without being run, as nothing can observe them.',
  hints: ['Remove the computation if its result is not needed.'],
  isFixable: true,
  bad: 'tf.tensor1d([1, 2]).square();\nreturn undefined;',
  good: 'return tf.tensor1d([1, 2]).square();',
});
