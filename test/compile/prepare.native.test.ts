import { expect, test } from 'vitest';
import {
  isOnnxruntimeReady,
  liveOrtSessions,
  prepareOnnxruntime,
} from '../../src/compile/backends/onnxruntime.ts';
import { createOnnxBackend, type OnnxBackendOptions } from '../../src/compile/onnx-backend.ts';
import { opTable } from '../../src/compile/ops/index.ts';

function createAndDispose(options: Partial<OnnxBackendOptions>): void {
  const runKernel = (): never => {
    throw new Error('no fallback expected');
  };
  createOnnxBackend({ table: opTable, runKernel, threads: 1, ...options }).dispose();
}

// One test, as the process is prepared once.
test('onnxruntime sets itself up where the backend is made, unless the backend is lazy', () => {
  createAndDispose({ isLazy: true });
  expect(isOnnxruntimeReady()).toBe(false);
  createAndDispose({});
  expect(isOnnxruntimeReady()).toBe(true);
  prepareOnnxruntime();
  expect(liveOrtSessions()).toBe(0);
});
