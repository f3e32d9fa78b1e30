/** Conversions between what tfjs programs and kernels hand over and the array types that tensors are made of. */
import type { Dtype, HostArray } from '../ir/tensor-type.ts';

/**
 * `values` in the array type of `dtype`: the same array when it is of that type. Kernels may hand over plain arrays and
 * strings.
 */
export function toHostArray(values: unknown, dtype: Dtype): HostArray {
  switch (dtype) {
    case 'string':
      return toByteStrings(values as readonly unknown[]);
    case 'int32':
      return values instanceof Int32Array ? values : Int32Array.from(values as ArrayLike<number>);
    case 'bool':
      return values instanceof Uint8Array && !(values instanceof Uint8ClampedArray)
        ? values
        : Uint8Array.from(values as ArrayLike<number>);
    default:
      return values instanceof Float32Array ? values : Float32Array.from(values as ArrayLike<number>);
  }
}

function toByteStrings(values: readonly unknown[]): readonly Uint8Array[] {
  if (typeof values[0] !== 'string') return values as readonly Uint8Array[];
  const encoder = new TextEncoder();
  return (values as readonly string[]).map((text) => encoder.encode(text));
}

/** A copy that the program may write into. */
export function copyHostArray<T extends HostArray>(values: T): T {
  return (values as Float32Array).slice() as unknown as T;
}

/** Zeros; empty strings. */
export function emptyHostArray(dtype: Dtype, size: number): HostArray {
  switch (dtype) {
    case 'int32':
      return new Int32Array(size);
    case 'bool':
      return new Uint8Array(size);
    case 'string':
      return Array.from({ length: size }, () => new Uint8Array());
    default:
      return new Float32Array(size);
  }
}

/** Real and imaginary parts side by side, as tfjs reads complex tensors. */
export function interleave(real: Float32Array, imaginary: Float32Array): Float32Array {
  const result = new Float32Array(real.length * 2);
  for (let index = 0; index < real.length; index++) {
    result[2 * index] = real[index]!;
    result[2 * index + 1] = imaginary[index]!;
  }
  return result;
}

export function deinterleave(values: ArrayLike<number>): { real: Float32Array; imaginary: Float32Array } {
  const size = values.length / 2;
  const real = new Float32Array(size);
  const imaginary = new Float32Array(size);
  for (let index = 0; index < size; index++) {
    real[index] = values[2 * index]!;
    imaginary[index] = values[2 * index + 1]!;
  }
  return { real, imaginary };
}

/** Bit for bit equal contents. */
export function sameBytes(left: Float32Array | Int32Array, right: Float32Array | Int32Array): boolean {
  if (left.length <= 16) {
    if (left.length !== right.length) return false;
    for (let index = 0; index < left.length; index++) if (!Object.is(left[index], right[index])) return false;
    return true;
  }
  return bytesOf(left).equals(bytesOf(right));
}

function bytesOf(array: Float32Array | Int32Array): Buffer {
  return Buffer.from(array.buffer as ArrayBuffer, array.byteOffset, array.byteLength);
}
