/**
 * Tensor types as small integers: two types are equal exactly when they are the same object, so that keys of graphs are
 * lists of integers.
 */
import { elementCount, byteSize, type Dtype } from '../ir/tensor-type.ts';

export interface InternedType {
  readonly id: number;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly size: number;
  readonly sizeBytes: number;
}

const dtypeCodes: Readonly<Record<Dtype, number>> = {
  float32: 1,
  int32: 2,
  bool: 3,
  complex64: 4,
  string: 5,
};

/** A number per dtype, for hashing; 0 for names that tfjs does not have. */
export function dtypeCode(dtype: Dtype): number {
  return dtypeCodes[dtype] ?? 0;
}

/** One round of a multiplicative hash over 32-bit integers. Whoever uses it verifies what it finds. */
export function mix(hash: number, value: number): number {
  return (Math.imul(hash ^ value, 0x01000193) << 5) ^ ((hash ^ value) >>> 7);
}

export function sameIntegers(left: Int32Array, right: Int32Array): boolean {
  if (left.length !== right.length) return false;
  for (let index = 0; index < left.length; index++) if (left[index] !== right[index]) return false;
  return true;
}

export function sameShape(left: readonly number[], right: readonly number[]): boolean {
  if (left.length !== right.length) return false;
  for (let axis = 0; axis < left.length; axis++) if (left[axis] !== right[axis]) return false;
  return true;
}

export class TypeTable {
  readonly #byHash = new Map<number, InternedType[]>();
  #count = 0;

  /** The one object for this type. */
  intern(dtype: Dtype, shape: readonly number[]): InternedType {
    let hash = dtypeCode(dtype);
    for (let axis = 0; axis < shape.length; axis++) hash = mix(hash, shape[axis]!);
    let bucket = this.#byHash.get(hash);
    if (bucket === undefined) this.#byHash.set(hash, (bucket = []));
    for (const type of bucket) if (type.dtype === dtype && sameShape(type.shape, shape)) return type;
    // Not frozen: every tensor copies its shape, and copying a frozen array takes V8 ten times as long.
    const copy = [...shape];
    const type: InternedType = Object.freeze({
      id: this.#count++,
      dtype,
      shape: copy,
      size: elementCount(copy),
      sizeBytes: byteSize({ dtype, shape: copy }),
    });
    bucket.push(type);
    return type;
  }
}
