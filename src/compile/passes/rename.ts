/** Names that stand for others, applied to the inputs of nodes. */
import type { OnnxValue } from '../ops/define-op.ts';
import type { LoweredNode } from '../segment.ts';

/** The node with its inputs replaced; the same node when none is. */
export function renameInputs(node: LoweredNode, renamed: ReadonlyMap<OnnxValue, OnnxValue>): LoweredNode {
  if (!node.inputs.some((input) => renamed.has(input))) return node;
  return { ...node, inputs: node.inputs.map((input) => renamed.get(input) ?? input) };
}
