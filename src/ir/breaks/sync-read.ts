import { defineBreak, type BreakReason } from '../break.ts';
import { adviseRead } from './read-advice.ts';
import { subject } from './subject.ts';

const hints = [
  'Read once, after the loop or at the end, instead of in the middle of the computation.',
  'Keep the value a tensor: most uses of the number (scaling, comparing, selecting) have a tf op (`tf.where`, `tf.maximum`, `mul`).',
  'Read several tensors at one place: stack them first, or read them right after each other with no op in between.',
];

/** Synchronous read. */
export const syncReadBreak: BreakReason = defineBreak({
  id: 'FG1001',
  slug: 'sync-read',
  title: 'Synchronous read',
  explain: (context) =>
    `\`${context.api ?? 'dataSync'}()\` asks for the numbers of ${subject(context)} now, so everything it depends on has to be compiled and run before the program can go on. Ops after this line start a new graph.`,
  hints,
  advise: (context) => adviseRead(context, hints),
  isFixable: true,
  whenRepeated: 'FG1004',
  bad: 'const x = tf.tensor1d([1, 2, 3]);\nconst largest = x.max().dataSync()[0];\nreturn x.div(largest);',
  good: 'const x = tf.tensor1d([1, 2, 3]);\nconst largest = x.max();\nreturn x.div(largest);',
});
