import { defineBreak, type BreakReason } from '../break.ts';
import { adviseRead } from './read-advice.ts';
import { subject } from './subject.ts';

const hints = [
  'Collect the tensors in an array and read them once behind the loop with `tf.stack(values).dataSync()`.',
  'Decide on a tensor condition every n-th iteration only.',
  'Replace the loop by one batched op.',
];

/** Read inside a loop. */
export const loopReadBreak: BreakReason = defineBreak({
  id: 'FG1004',
  slug: 'loop-read',
  title: 'Read inside a loop',
  explain: (context) =>
    `\`${context.api ?? 'dataSync'}()\` reads ${subject(context)} in each iteration of a ${context.loop ?? 'loop'}, so that no graph can span two iterations: the cost is paid every time round.`,
  hints,
  advise: (context) => adviseRead(context, hints),
  isFixable: true,
  bad: 'const x = tf.tensor1d([1, 2, 3]);\nlet total = 0;\nfor (let i = 0; i < 2; i++) {\n  total += x.mul(i).sum().dataSync()[0];\n}\nreturn tf.scalar(total);',
  good: 'const x = tf.tensor1d([1, 2, 3]);\nconst sums = [];\nfor (let i = 0; i < 2; i++) sums.push(x.mul(i).sum());\nreturn tf.addN(sums);',
});
