/**
 * Common subexpressions: of nodes with one operator, the same inputs and equal attributes, the first serves all.
 * Constants count as equal by name only: two sizes that happen to be equal in this graph must not change its skeleton.
 */
import type { OnnxValue } from '../ops/define-op.ts';
import type { LoweredNode, Segment } from '../segment.ts';
import { renameInputs } from './rename.ts';

/** Operators whose results differ from call to call. */
const random: ReadonlySet<string> = new Set(
  'Bernoulli Multinomial RandomNormal RandomNormalLike RandomUniform RandomUniformLike'.split(' '),
);

/** Segment in which equal nodes are one. */
export function mergeEqual(segment: Segment): Segment {
  const outputs = new Set(segment.outputs.map((output) => output.name));
  const renamed = new Map<OnnxValue, OnnxValue>();
  const firsts = new Map<string, LoweredNode>();
  const nodes: LoweredNode[] = [];
  for (const original of segment.nodes) {
    const node = renameInputs(original, renamed);
    const key = `${node.op}(${node.inputs.join()})${node.outputs.length}${JSON.stringify(node.attributes)}`;
    const first = firsts.get(key);
    if (first === undefined) {
      if (!random.has(node.op)) firsts.set(key, node);
      nodes.push(node);
    } else if (node.outputs.some((output) => outputs.has(output))) {
      nodes.push(node);
    } else {
      for (const [index, output] of node.outputs.entries()) renamed.set(output, first.outputs[index]!);
    }
  }
  return nodes.length === segment.nodes.length ? segment : { ...segment, nodes };
}
