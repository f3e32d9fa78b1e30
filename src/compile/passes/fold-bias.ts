/** A bias that is added to a convolution's result becomes the convolution's own, weights constant or not. */
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

/** Segment with biases inside convolutions. */
export function foldBias(segment: Segment): Segment {
  if (!segment.nodes.some((node) => node.op === 'Conv')) return segment;
  const facts = factsOf(segment);
  const position = new Map(segment.nodes.map((node, index) => [node, index]));
  const replaced = new Map<LoweredNode, LoweredNode | undefined>();
  for (const conv of segment.nodes) {
    const [result] = conv.outputs as [string];
    const [add, ...others] = facts.readers(result);
    const isPlain = conv.op === 'Conv' && conv.inputs.length === 2 && !facts.isOutput(result);
    if (!isPlain || add?.op !== 'Add' || others.length > 0 || replaced.has(add)) continue;
    const other = add.inputs.find((input) => input !== result);
    const bias = other === undefined ? undefined : channelVector(facts, other);
    if (bias === undefined) continue;
    const made = facts.producer(bias);
    if (made !== undefined && position.get(made)! > position.get(conv)!) continue;
    replaced.set(conv, { ...conv, inputs: [...conv.inputs, bias], outputs: add.outputs });
    replaced.set(add, undefined);
  }
  if (replaced.size === 0) return segment;
  const nodes = segment.nodes.flatMap((node) => (replaced.has(node) ? (replaced.get(node) ?? []) : [node]));
  return { ...segment, nodes };
}
