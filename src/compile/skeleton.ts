/**
 * Comparison of segments for dynamic shapes (ADR 0003). The skeleton of a segment is its structure without names, dims
 * and constant values. Segments of one skeleton can share a session in which all that differs between them is dynamic.
 */
import type { OnnxValue } from './ops/define-op.ts';
import type { ElementArray, LoweredConstant, Segment } from './segment.ts';

/** Text that two segments share exactly when they differ in names, dims and constant values only. */
export function skeletonOf(segment: Segment): string {
  const numbers = new Map<OnnxValue, number>();
  const number = (name: OnnxValue): number => {
    const known = numbers.get(name);
    if (known !== undefined) return known;
    numbers.set(name, numbers.size);
    return numbers.size - 1;
  };
  const parts: string[] = [];
  for (const input of segment.inputs) parts.push(`i${number(input.name)}${input.type}${input.dims.length}`);
  for (const constant of segment.constants) {
    parts.push(`c${number(constant.name)}${constant.type}${constant.dims.length}`);
  }
  for (const node of segment.nodes) {
    const inputs = node.inputs.map((name) => (name === '' ? '_' : number(name)));
    const outputs = node.outputs.map(number);
    parts.push(`${node.op}(${inputs.join()})${outputs.join()}${JSON.stringify(node.attributes)}`);
  }
  for (const output of segment.outputs) parts.push(`o${number(output.name)}`);
  return parts.join(';');
}

function sameData(left: ElementArray, right: ElementArray): boolean {
  if (left === right) return true;
  if (left.length !== right.length) return false;
  for (let index = 0; index < left.length; index++) if (!Object.is(left[index], right[index])) return false;
  return true;
}

function sameConstant(left: LoweredConstant, right: LoweredConstant): boolean {
  return (
    left.dims.length === right.dims.length &&
    left.dims.every((dim, axis) => dim === right.dims[axis]) &&
    sameData(left.data, right.data)
  );
}

/** What a session fixed and what it left open, for segments of its skeleton. */
export interface Generality {
  /** Per constant of the segment: whether it is fed at each run. */
  readonly freeConstants: readonly boolean[];
  /** Per input: its dims, `undefined` where dynamic. */
  readonly dims: readonly (readonly (number | undefined)[])[];
}

/** The most special form: everything fixed. */
export function fixedGenerality(segment: Segment): Generality {
  return {
    freeConstants: segment.constants.map(() => false),
    dims: segment.inputs.map((input) => input.dims),
  };
}

/** Whether a session made for `made` with this generality is valid for `segment` (of the same skeleton). */
export function covers(generality: Generality, made: Segment, segment: Segment): boolean {
  return (
    generality.dims.every((dims, input) =>
      dims.every((dim, axis) => dim === undefined || dim === segment.inputs[input]!.dims[axis]),
    ) &&
    generality.freeConstants.every(
      (isFree, index) => isFree || sameConstant(made.constants[index]!, segment.constants[index]!),
    )
  );
}

/** The least generality that is at least as open as `generality` and covers both segments. */
export function generalize(generality: Generality, made: Segment, segment: Segment): Generality {
  return {
    freeConstants: generality.freeConstants.map(
      (isFree, index) => isFree || !sameConstant(made.constants[index]!, segment.constants[index]!),
    ),
    dims: generality.dims.map((dims, input) =>
      dims.map((dim, axis) => (dim === segment.inputs[input]!.dims[axis] ? dim : undefined)),
    ),
  };
}

/** What is open in either. Both belong to segments that agree where neither is open. */
export function mergeGenerality(left: Generality, right: Generality): Generality {
  return {
    freeConstants: left.freeConstants.map((isFree, index) => isFree || right.freeConstants[index]!),
    dims: left.dims.map((dims, input) =>
      dims.map((dim, axis) => (right.dims[input]![axis] === undefined ? undefined : dim)),
    ),
  };
}

/** Sizes above this are weights, which stay constants however often shapes change. */
export const smallConstantLimit = 64;

/** Whether two segments of one skeleton have the same weights compiled in: others are another model's. */
export function haveSameWeights(left: Segment, right: Segment): boolean {
  return left.constants.every(
    (constant, index) =>
      constant.leaf === undefined ||
      constant.data.length <= smallConstantLimit ||
      sameConstant(constant, right.constants[index]!),
  );
}

/** Opens every dim and every small constant: the last resort of a skeleton that keeps meeting new shapes. */
export function openUp(generality: Generality, segment: Segment): Generality {
  return {
    freeConstants: generality.freeConstants.map(
      (isFree, index) =>
        isFree ||
        (segment.constants[index]!.data.length <= smallConstantLimit &&
          segment.constants[index]!.leaf === undefined),
    ),
    dims: generality.dims.map((dims) => dims.map(() => undefined)),
  };
}
