/**
 * Zeros around an image become the padding of the convolutions that read it. onnxruntime does this, too, but its pass
 * also does it to MaxPool, whose padding is no zeros (wrong numbers in 1.30), so it is off.
 */
import type { LoweredNode, Segment } from '../segment.ts';
import { factsOf, type SegmentFacts } from './segment-facts.ts';

/** Begins of all axes, then ends, of a Pad that adds zeros to spatial axes only; `undefined` for any other node. */
function spatialZeros(
  node: LoweredNode,
  facts: SegmentFacts,
  zeros: ReadonlySet<string>,
): number[] | undefined {
  const [, pads, value] = node.inputs;
  const isZero = value === undefined || value === '' || zeros.has(value);
  if (node.op !== 'Pad' || !isZero || (node.attributes['mode'] ?? 'constant') !== 'constant')
    return undefined;
  const amounts = facts.ints(pads!);
  if (amounts === undefined || amounts.some((amount) => amount < 0)) return undefined;
  const rank = amounts.length / 2;
  const outside = [amounts[0], amounts[1], amounts[rank], amounts[rank + 1]];
  if (rank < 3 || outside.some((amount) => amount !== 0)) return undefined;
  return [...amounts.slice(2, rank), ...amounts.slice(rank + 2)];
}

/** Segment in which convolutions pad for themselves. */
export function foldPads(segment: Segment): Segment {
  if (!segment.nodes.some((node) => node.op === 'Pad')) return segment;
  const facts = factsOf(segment);
  const zeros = new Set(
    segment.constants
      .filter(({ data, leaf }) => leaf === undefined && data.length === 1 && Number(data[0]) === 0)
      .map(({ name }) => name),
  );
  let isChanged = false;
  const nodes = segment.nodes.map((node) => {
    if (node.op !== 'Conv') return node;
    const [image, ...others] = node.inputs;
    const pad = facts.producer(image!);
    const added = pad && spatialZeros(pad, facts, zeros);
    if (pad === undefined || added === undefined) return node;
    isChanged = true;
    const own = (node.attributes['pads'] as readonly number[] | undefined) ?? added.map(() => 0);
    const pads = own.map((amount, side) => amount + added[side]!);
    return { ...node, inputs: [pad.inputs[0]!, ...others], attributes: { ...node.attributes, pads } };
  });
  return isChanged ? { ...segment, nodes } : segment;
}
