/** A scalar that is spread to a size which the other operands have anyway need not be: `where(mask, dy, zerosLike(dy))`. */
import { broadcastShapes } from '../../ir/tensor-type.ts';
import type { OnnxValue } from '../ops/define-op.ts';
import type { LoweredNode, Segment } from '../segment.ts';
import { renameInputs } from './rename.ts';
import { broadcastOperators, factsOf, type SegmentFacts } from './segment-facts.ts';

/** Sizes that all inputs but one broadcast to. */
function dimsWithout(
  facts: SegmentFacts,
  node: LoweredNode,
  spread: OnnxValue,
): readonly number[] | undefined {
  let dims: readonly number[] | undefined = [];
  for (const input of node.inputs) {
    if (input === spread) continue;
    const operand = facts.dims(input);
    dims = dims && operand && broadcastShapes(dims, operand);
  }
  return dims;
}

/** Segment in which operators that broadcast read the scalars themselves. */
export function spreadScalars(segment: Segment): Segment {
  const spreads = new Map<OnnxValue, LoweredNode>();
  for (const node of segment.nodes) if (node.op === 'Expand') spreads.set(node.outputs[0]!, node);
  if (spreads.size === 0) return segment;
  const facts = factsOf(segment);
  const isNeedless = (node: LoweredNode, input: OnnxValue): boolean => {
    const spread = spreads.get(input);
    if (spread === undefined || facts.dims(spread.inputs[0]!)?.length !== 0) return false;
    const dims = facts.dims(input);
    return dims !== undefined && dimsWithout(facts, node, input)?.join() === dims.join();
  };
  let isChanged = false;
  const nodes = segment.nodes.map((node): LoweredNode => {
    if (!broadcastOperators.has(node.op)) return node;
    // One at a time: of two that are spread, one must keep its size.
    const spread = node.inputs.find((input) => isNeedless(node, input));
    if (spread === undefined) return node;
    isChanged = true;
    return renameInputs(node, new Map([[spread, spreads.get(spread)!.inputs[0]!]]));
  });
  return isChanged ? { ...segment, nodes } : segment;
}
