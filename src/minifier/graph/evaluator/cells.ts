/** Tensors of the reference evaluator: every number is a double, whatever its element type; helpers for walking over them. */
import type { OnnxDataType } from '../../../onnx/index.ts';

export interface Cells {
  readonly dataType: OnnxDataType;
  readonly dims: readonly number[];
  readonly data: Float64Array;
}

/** An operator, or a use of one, that the evaluator does not know. */
export class Unsupported extends Error {}

export function elementsOf(dims: readonly number[]): number {
  return dims.reduce((count, size) => count * size, 1);
}

export function cells(dataType: OnnxDataType, dims: readonly number[], data?: Float64Array): Cells {
  return { dataType, dims, data: data ?? new Float64Array(elementsOf(dims)) };
}

/** Distance between neighbours along each axis. */
export function stridesOf(dims: readonly number[]): number[] {
  const strides = dims.map(() => 1);
  for (let axis = dims.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1]! * dims[axis + 1]!;
  return strides;
}

export function axisOf(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}

/** The shape that operands broadcast to. @throws Unsupported when they do not. */
export function broadcastDims(shapes: readonly (readonly number[])[]): number[] {
  const rank = Math.max(...shapes.map((dims) => dims.length));
  return Array.from({ length: rank }, (_, axis) => {
    const sizes = shapes.map((dims) => dims[dims.length - rank + axis] ?? 1);
    const size = sizes.find((each) => each !== 1) ?? 1;
    if (sizes.some((each) => each !== 1 && each !== size)) throw new Unsupported('operands do not broadcast');
    return size;
  });
}

/** For each element of the result, the element of an operand that broadcasts to it. */
export function broadcastPositions(from: readonly number[], to: readonly number[]): Int32Array {
  const strides = stridesOf(from);
  const steps = to.map((_, axis) => {
    const own = axis - (to.length - from.length);
    return own < 0 || from[own] === 1 ? 0 : strides[own]!;
  });
  return walk(to, steps, 0);
}

/** Positions that a walk over `dims` in row-major order visits, with these steps. */
export function walk(dims: readonly number[], steps: readonly number[], start: number): Int32Array {
  const positions = new Int32Array(elementsOf(dims));
  const at = dims.map(() => 0);
  let position = start;
  for (let index = 0; index < positions.length; index++) {
    positions[index] = position;
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      position += steps[axis]!;
      if (++at[axis]! < dims[axis]!) break;
      position -= steps[axis]! * dims[axis]!;
      at[axis] = 0;
    }
  }
  return positions;
}

export function pick(value: Cells, dims: readonly number[], positions: Int32Array): Cells {
  return cells(
    value.dataType,
    dims,
    Float64Array.from(positions, (position) => value.data[position]!),
  );
}

const integers: ReadonlySet<OnnxDataType> = new Set([
  'int8',
  'int16',
  'int32',
  'int64',
  'uint8',
  'uint16',
  'uint32',
  'uint64',
]);

export function isInteger(dataType: OnnxDataType): boolean {
  return integers.has(dataType);
}
