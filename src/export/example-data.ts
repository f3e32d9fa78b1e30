/** Example values of an input, brought to another shape by repeating them along each axis. */
import { elementCount, type HostArray } from '../ir/tensor-type.ts';

type NumericHostArray = Exclude<HostArray, readonly Uint8Array[]>;

/** `data` of shape `from` as a tensor of shape `to`, which has the same rank: index modulo size, axis by axis. */
export function repeatTo(
  data: NumericHostArray,
  from: readonly number[],
  to: readonly number[],
): NumericHostArray {
  const result = new (data.constructor as new (length: number) => NumericHostArray)(elementCount(to));
  const strides = from.map((_, axis) => elementCount(from.slice(axis + 1)));
  const position = to.map(() => 0);
  for (let index = 0; index < result.length; index++) {
    let source = 0;
    for (let axis = 0; axis < to.length; axis++) source += (position[axis]! % from[axis]!) * strides[axis]!;
    result[index] = data[source]!;
    for (let axis = to.length - 1; axis >= 0; axis--) {
      position[axis]!++;
      if (position[axis]! < to[axis]!) break;
      position[axis] = 0;
    }
  }
  return result;
}
