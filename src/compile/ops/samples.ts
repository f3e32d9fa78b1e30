/** Short forms for writing conformance samples. */
import type { SampleTensor } from './define-op.ts';

export function f32(shape: readonly number[], values?: readonly number[]): SampleTensor {
  return { dtype: 'float32', shape, ...(values && { values }) };
}

export function i32(shape: readonly number[], values?: readonly number[]): SampleTensor {
  return { dtype: 'int32', shape, ...(values && { values }) };
}

export function bool(shape: readonly number[], values?: readonly number[]): SampleTensor {
  return { dtype: 'bool', shape, ...(values && { values }) };
}

/** A float vector of these values. */
export function floats(...values: readonly number[]): SampleTensor {
  return f32([values.length], values);
}

/** An int32 vector of these values. */
export function ints(...values: readonly number[]): SampleTensor {
  return i32([values.length], values);
}

/** The values on which float kernels go wrong. */
export const special: SampleTensor = floats(
  Number.NaN,
  Infinity,
  -Infinity,
  0,
  -0,
  1,
  -1,
  0.5,
  -0.5,
  1.5,
  2.5,
  -2.5,
  1e-5,
  -1e-5,
  7.25,
  -7.25,
  30,
  -30,
);

/** The values on which int32 kernels go wrong. No larger ones: eager squares int32 in float32. */
export const specialInts: SampleTensor = ints(0, 1, -1, 2, -2, 7, -7, 100, -100, 2000, -2000);
