/** Stands in for `src/session.ts`: cpu's kernels under another name, except that Tan kills the process and Sinh is wrong. */
import type * as tfjs from '@tensorflow/tfjs-core';
import type { Fullgraph } from '../../../bench/support/fullgraph.ts';

export function install(tf: typeof tfjs): Fullgraph {
  const backendName = 'fragile';
  tf.registerBackend(backendName, tf.findBackendFactory('cpu'));
  tf.copyRegisteredKernels('cpu', backendName);
  const calls = { compiled: 0, fallback: 0 };
  const wrap = (kernelName: string, before: () => void): void => {
    const kernel = tf.getKernel(kernelName, backendName);
    tf.unregisterKernel(kernelName, backendName);
    tf.registerKernel({
      ...kernel,
      kernelFunc: (call) => {
        before();
        calls.compiled++;
        return kernel.kernelFunc(call);
      },
    });
  };
  wrap('Tan', () => process.kill(process.pid, 'SIGKILL'));
  wrap('Sinh', () => {
    throw new Error('Sinh is broken.');
  });
  wrap('Sign', () => {});
  return {
    backendName,
    stats: () => ({
      kernelCalls: calls,
      fallbackKernels: {},
      loweredKernels: ['Sign', 'Tan', 'Sinh'],
      compiles: 1,
      recompiles: 0,
      diskCacheHits: 0,
      firstRunCalls: 0,
      runs: 1,
      tracedCalls: 1,
      traceMs: 0,
      compileMs: 0,
      runMs: 0,
      installMs: 0,
      liveSessions: 0,
    }),
    dispose: () => {},
  };
}
