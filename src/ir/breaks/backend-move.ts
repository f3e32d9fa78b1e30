import { defineBreak, type BreakReason } from '../break.ts';
import { subject } from './subject.ts';

/** Tensor moved to another backend. */
export const backendMoveBreak: BreakReason = defineBreak({
  id: 'FG1009',
  slug: 'backend-move',
  title: 'Tensor moved to another backend',
  explain: (context) =>
    `${subject(context)} was used on another tfjs backend (\`${context.detail ?? 'tf.setBackend'}\`), which needs its numbers in that backend's memory.`,
  hints: [
    'Stay on one backend for the whole computation.',
    'Drop `tf.setBackend`: fullgraph replaces the backend anyway.',
  ],
  isFixable: true,
  bad: "const x = tf.tensor1d([1, 2]).square();\nawait tf.setBackend('fullgraph-eager');\nreturn x.add(1);",
  good: 'const x = tf.tensor1d([1, 2]).square();\nreturn x.add(1);',
});
