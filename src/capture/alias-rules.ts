/**
 * Which calls return their input's memory instead of new memory. tfjs counts references and buffers by it, so capture
 * must share memory exactly where the cpu backend does for `tf.memory()` to answer the same.
 */
import type { Attributes } from '../ir/graph.ts';
import type { OpSignature } from '../ir/op-signature.ts';
import { keepsArray } from '../ir/tensor-type.ts';
import type { InternedType } from './type-table.ts';
import { sameShape } from './type-table.ts';

type Types = readonly (InternedType | undefined)[];

/** Index of the shared input, or -1. */
type AliasRule = (inputs: Types, attributes: Attributes, output: InternedType) => number;

const castRule: AliasRule = ([x], _attributes, output) =>
  x !== undefined && keepsArray(x.dtype, output.dtype) ? 0 : -1;

/** A window of one element at stride one reads nothing but its own element. */
const poolRule: AliasRule = ([x], attributes, output) => {
  const filter = attributes['filterSize'];
  const isPoint = filter === 1 || (Array.isArray(filter) && filter.every((size) => size === 1));
  return x !== undefined && isPoint && sameShape(x.shape, output.shape) ? 0 : -1;
};

/** Concatenation with empty tensors only. */
const concatRule: AliasRule = (inputs) => {
  const filled = inputs.flatMap((type, index) => (type !== undefined && type.size > 0 ? [index] : []));
  return filled.length === 1 ? filled[0]! : -1;
};

const scalarRule: AliasRule = ([x]) => (x?.shape.length === 0 ? 0 : -1);

/** A slice that leaves nothing out, at stride one. */
const stridedSliceRule: AliasRule = ([x], attributes, output) => {
  const strides = attributes['strides'];
  const isDense = !Array.isArray(strides) || strides.every((stride) => stride === 1);
  if (x === undefined || !isDense) return -1;
  const isWhole = x.size > 0 ? x.size === output.size : sameShape(x.shape, output.shape);
  return isWhole ? 0 : -1;
};

const rules: ReadonlyMap<string, AliasRule> = new Map([
  ['Cast', castRule],
  ['MaxPool', poolRule],
  ['AvgPool', poolRule],
  ['Concat', concatRule],
  ['Pack', concatRule],
  ['Reverse', scalarRule],
  ['StridedSlice', stridedSliceRule],
]);

/** Index of the input whose memory the single result shares, or -1 when the result has memory of its own. */
export function isAliasOfInput(
  op: OpSignature,
  inputs: Types,
  attributes: Attributes,
  outputs: readonly InternedType[],
): number {
  if (op.isAlias === true) return 0;
  const [output] = outputs;
  return output === undefined ? -1 : (rules.get(op.kernel)?.(inputs, attributes, output) ?? -1);
}
