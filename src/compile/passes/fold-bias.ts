/** A bias that is added to the result of a convolution or a Gemm becomes its own, weights constant or not. */
import type { LoweredNode, Segment } from '../segment.ts';
import { factsOf, type SegmentFacts } from './segment-facts.ts';

/** The vector over channels that `value` is, aligned to broadcast along axis 1; `undefined` for anything else. */
function channelVector(facts: SegmentFacts, value: string): string | undefined {
  const aligned = facts.producer(value);
  const [vector, shape] = aligned?.inputs ?? [];
  if (aligned?.op !== 'Reshape' || vector === undefined || shape === undefined) return undefined;
  const [channels, ...more] = facts.dims(vector) ?? [];
  const target = facts.ints(shape);
  if (channels === undefined || more.length > 0 || target === undefined) return undefined;
  const isAligned = target.every((size, axis) => size === (axis === 1 ? channels : 1));
  return isAligned && target.length > 2 ? vector : undefined;
}

/** `value` if it is a vector over the columns of the matrix `result`. */
function columnVector(facts: SegmentFacts, value: string, result: string): string | undefined {
  const [columns, ...more] = facts.dims(value) ?? [];
  return more.length === 0 && columns !== undefined && columns === facts.dims(result)?.[1]
    ? value
    : undefined;
}

/** Of products without a bias. */
const biasFinders: Readonly<
  Record<string, (facts: SegmentFacts, value: string, result: string) => string | undefined>
> = {
  Conv: channelVector,
  Gemm: columnVector,
};

/** Segment with biases inside convolutions and products. */
export function foldBias(segment: Segment): Segment {
  if (!segment.nodes.some((node) => node.op in biasFinders)) return segment;
  const facts = factsOf(segment);
  const position = new Map(segment.nodes.map((node, index) => [node, index]));
  const replaced = new Map<LoweredNode, LoweredNode | undefined>();
  for (const product of segment.nodes) {
    const findBias = biasFinders[product.op];
    const [result] = product.outputs as [string];
    if (findBias === undefined || product.inputs.length !== 2 || facts.isOutput(result)) continue;
    const [add, ...others] = facts.readers(result);
    if (add?.op !== 'Add' || others.length > 0 || replaced.has(add)) continue;
    const other = add.inputs.find((input) => input !== result);
    const bias = other === undefined ? undefined : findBias(facts, other, result);
    if (bias === undefined) continue;
    const made = facts.producer(bias);
    if (made !== undefined && position.get(made)! > position.get(product)!) continue;
    replaced.set(product, { ...product, inputs: [...product.inputs, bias], outputs: add.outputs });
    replaced.set(add, undefined);
  }
  if (replaced.size === 0) return segment;
  const nodes = segment.nodes.flatMap((node) => (replaced.has(node) ? (replaced.get(node) ?? []) : [node]));
  return { ...segment, nodes };
}
