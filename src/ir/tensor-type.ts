/**
 * Tensor types: dtype plus shape, as tfjs and PyTorch both understand them. A dimension is a number, or the name of a
 * symbolic dimension once a graph was generalised over it.
 */

export type Dtype = 'float32' | 'int32' | 'bool' | 'complex64' | 'string';

/** Host memory of one tensor. `bool` is a `Uint8Array` of 0 and 1, `complex64` two interleaved floats per element. */
export type HostArray = Float32Array | Int32Array | Uint8Array | readonly Uint8Array[];

/** Bit for bit equal contents, but for the payloads of NaNs. */
export function sameContents(left: ArrayLike<unknown>, right: ArrayLike<unknown>): boolean {
  if (left === right) return true;
  if (left.length !== right.length) return false;
  for (let index = 0; index < left.length; index++) if (!Object.is(left[index], right[index])) return false;
  return true;
}

/** A concrete size, or the name of a symbolic one such as `batch`. */
export type Dim = number | string;

export interface TensorType {
  /** One of {@link Dtype} for tfjs; foreign traces may carry other names such as `bfloat16`. */
  readonly dtype: Dtype | (string & {});
  readonly shape: readonly Dim[];
}

/** Number of elements of a concrete shape; 1 for a scalar. */
export function elementCount(shape: readonly number[]): number {
  let count = 1;
  for (const size of shape) count *= size;
  return count;
}

const bytesPerElement: Readonly<Record<string, number>> = {
  float32: 4,
  int32: 4,
  bool: 1,
  complex64: 8,
  string: 8,
};

/** Bytes that tfjs accounts for a tensor; symbolic dims count as 1. */
export function byteSize(type: TensorType): number {
  const concrete = type.shape.map((dim) => (typeof dim === 'number' ? dim : 1));
  return elementCount(concrete) * (bytesPerElement[type.dtype] ?? 4);
}

/** `float32[2,3]`, `float32[batch,3]`, `float32[]` for a scalar. */
export function formatType(type: TensorType): string {
  return `${type.dtype}[${type.shape.join(',')}]`;
}

/** Row-major strides of a concrete shape, in elements. */
export function rowMajorStrides(shape: readonly number[]): number[] {
  const strides: number[] = Array.from(shape, () => 1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1]! * shape[axis + 1]!;
  return strides;
}

/**
 * Shape of an elementwise result by tfjs's (numpy's) broadcasting rule.
 * @returns `undefined` when the shapes do not agree.
 */
export function broadcastShapes(left: readonly number[], right: readonly number[]): number[] | undefined {
  const rank = Math.max(left.length, right.length);
  const shape: number[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const a = left[left.length - rank + axis] ?? 1;
    const b = right[right.length - rank + axis] ?? 1;
    if (a !== b && a !== 1 && b !== 1) return undefined;
    shape.push(a === 1 ? b : a);
  }
  return shape;
}

/** From the narrowest to the widest. */
const numberDtypes: readonly Dtype[] = ['bool', 'int32', 'float32'];

/** Whether tfjs's cpu backend casts from one dtype to the other by keeping the array, changing the tensor's dtype only. */
export function keepsArray(from: Dtype, to: Dtype): boolean {
  const [narrow, wide] = [numberDtypes.indexOf(from), numberDtypes.indexOf(to)];
  return narrow >= 0 && narrow <= wide;
}
