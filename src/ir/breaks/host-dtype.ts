import { defineBreak, type BreakReason } from '../break.ts';

/** String or complex tensor. */
export const hostDtypeBreak: BreakReason = defineBreak({
  id: 'FG1007',
  slug: 'host-dtype',
  title: 'String or complex tensor',
  explain: (context) =>
    `${context.kernel ?? 'The op'} works on ${context.type ?? 'a string or complex64 tensor'}, which has no compiled form here; it ran on tfjs's own kernel.`,
  hints: [
    'Keep strings in plain JS arrays and pass numbers to tf.',
    'Keep real and imaginary parts in two float32 tensors until the last op.',
  ],
  isFixable: true,
  bad: 'const x = tf.tensor1d([1, 2]).square();\nconst y = tf.complex(x, x);\nreturn tf.real(y);',
  good: 'const x = tf.tensor1d([1, 2]).square();\nreturn x.add(0);',
});
