/** Removes nodes whose results nobody reads, and constants that nobody reads. */
import type { OnnxValue } from '../ops/define-op.ts';
import type { Segment } from '../segment.ts';

/** Segment without dead nodes and constants; inputs stay, because runs feed them. */
export function dropDead(segment: Segment): Segment {
  const read = new Set<OnnxValue>(segment.outputs.map((output) => output.name));
  const nodes = segment.nodes
    .toReversed()
    .filter((node) => {
      if (!node.outputs.some((output) => read.has(output))) return false;
      for (const input of node.inputs) read.add(input);
      return true;
    })
    .toReversed();
  return { ...segment, nodes, constants: segment.constants.filter((constant) => read.has(constant.name)) };
}
