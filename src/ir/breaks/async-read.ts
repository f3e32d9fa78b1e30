import { defineBreak, type BreakReason } from '../break.ts';
import { adviseRead } from './read-advice.ts';
import { subject } from './subject.ts';

const hints = [
  'Read after the last op that belongs to the same step.',
  'Collect several reads in one `Promise.all`: they share one graph.',
  'Keep the value a tensor where a tf op can consume it.',
];

/** Asynchronous read. */
export const asyncReadBreak: BreakReason = defineBreak({
  id: 'FG1002',
  slug: 'async-read',
  title: 'Asynchronous read',
  explain: (context) =>
    `\`await ${context.api ?? 'data'}()\` asks for the numbers of ${subject(context)}. Everything it depends on is compiled and run at this point; ops after the \`await\` start a new graph.`,
  hints,
  advise: (context) => adviseRead(context, hints),
  isFixable: true,
  whenRepeated: 'FG1004',
  bad: 'const x = tf.tensor1d([1, 2, 3]);\nconst [largest] = await x.max().data();\nreturn x.div(largest);',
  good: 'const x = tf.tensor1d([1, 2, 3]);\nreturn x.div(x.max());',
});
