/**
 * Shape and dtype rules that many tfjs kernels share. Arguments that eager's kernels reject give `undefined`: `infer`
 * passes that on, the call goes to the eager kernel, and the program sees eager's own error.
 */
import type { Attributes, AttributeValue } from '../../ir/graph.ts';
import type { ConcreteType } from '../../ir/op-signature.ts';
import { broadcastShapes, elementCount, type Dtype } from '../../ir/tensor-type.ts';

export { broadcastShapes, elementCount };

/** The dtypes that have an ONNX form. */
export type NativeDtype = 'float32' | 'int32' | 'bool';

export type MaybeTypes = readonly (ConcreteType | undefined)[];

/** Inputs of a kernel without optional inputs. */
export function present(inputs: MaybeTypes): readonly ConcreteType[] {
  return inputs as readonly ConcreteType[];
}

/** Whether any of these is complex64, which most kernels reject. */
export function hasComplex(...types: MaybeTypes): boolean {
  return types.some((type) => type?.dtype === 'complex64');
}

export function isNative(type: ConcreteType | undefined): boolean {
  return type?.dtype === 'float32' || type?.dtype === 'int32' || type?.dtype === 'bool';
}

export function isEmpty(type: ConcreteType): boolean {
  return elementCount(type.shape) === 0;
}

export function sameShape(left: readonly number[], right: readonly number[]): boolean {
  return left.length === right.length && left.every((size, axis) => size === right[axis]);
}

/** Axes counted from the front, in the order given; all axes when the attribute is absent. */
export function parseAxes(axis: AttributeValue, rank: number): number[] | undefined {
  if (axis === undefined || axis === null) return Array.from({ length: rank }, (_, index) => index);
  const axes = (Array.isArray(axis) ? axis : [axis]) as readonly AttributeValue[];
  const parsed: number[] = [];
  for (const value of axes) {
    if (typeof value !== 'number' || !Number.isInteger(value) || value < -rank || value >= rank)
      return undefined;
    parsed.push(value < 0 ? value + rank : value);
  }
  return parsed;
}

/** Sizes left after reducing over `axes`; reduced axes stay as 1 with `keepDims`. */
export function reducedShape(shape: readonly number[], axes: readonly number[], keepDims: boolean): number[] {
  if (keepDims) return shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  return shape.filter((_, axis) => !axes.includes(axis));
}

const dtypeOrder: readonly Dtype[] = ['bool', 'int32', 'float32', 'complex64'];

/** The wider of two dtypes; `undefined` for a string and a number. */
export function upcastType(left: Dtype, right: Dtype): Dtype | undefined {
  if (left === 'string' || right === 'string') return left === right ? left : undefined;
  return dtypeOrder[Math.max(dtypeOrder.indexOf(left), dtypeOrder.indexOf(right))];
}

/** Dtype of sums and products. */
export function sumType(dtype: Dtype): Dtype | undefined {
  return upcastType(dtype, 'int32');
}

/** Reads an attribute that is a list of number lists, as paddings are; `undefined` when it is something else. */
export function numberLists(
  attributes: Attributes,
  name: string,
): readonly (readonly number[])[] | undefined {
  const value = attributes[name] as readonly (readonly number[])[];
  return Array.isArray(value) && value.every((row) => Array.isArray(row)) ? value : undefined;
}

/** Fills in the one `-1` of a shape, by tfjs's rules. */
export function inferImplicitShape(shape: readonly number[], size: number): number[] | undefined {
  const implicit = shape.indexOf(-1);
  const known = elementCount(shape.filter((_, axis) => axis !== implicit));
  if (shape.some((dim, axis) => axis !== implicit && !(dim >= 0))) return undefined;
  if (implicit === -1) return known === size ? [...shape] : undefined;
  if (known === 0 || size % known !== 0) return undefined;
  return shape.map((dim, axis) => (axis === implicit ? size / known : dim));
}
