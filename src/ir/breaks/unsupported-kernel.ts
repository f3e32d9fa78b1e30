import { defineBreak, type BreakReason } from '../break.ts';

/** Kernel without a lowering. */
export const unsupportedKernelBreak: BreakReason = defineBreak({
  id: 'FG1006',
  slug: 'unsupported-kernel',
  title: 'Kernel without a lowering',
  explain: (context) =>
    `fullgraph knows neither the result's shape nor a lowering of \`${context.kernel ?? 'this kernel'}\`, so it ran on tfjs's own kernel, on computed values, outside any graph.`,
  hints: [
    'Express it with tf ops that have a lowering (docs/support.md lists them).',
    'Move it to the start or the end of the computation, where it splits no graph.',
  ],
  isFixable: false,
  bad: "tf.registerKernel({ kernelName: 'Twice', backendName: tf.getBackend(), kernelFunc: ({ inputs, backend }) => {\n  const values = backend.readSync(inputs.x.dataId).map((value) => value * 2);\n  return { dataId: backend.write(values, inputs.x.shape, 'float32'), shape: inputs.x.shape, dtype: 'float32' };\n} });\nconst x = tf.tensor1d([1, 2]).square();\nreturn tf.engine().runKernel('Twice', { x });",
});
