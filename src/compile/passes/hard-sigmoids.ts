/**
 * tfjs-layers writes `hardSigmoid`, the gate of its recurrent layers, as a product, a sum and a clip. Where nothing else reads
 * what is in between (training does), one HardSigmoid does it: a quarter of the nodes of an unrolled LSTM are gone.
 */
import type { OnnxValue } from '../ops/define-op.ts';
import type { LoweredNode, Segment } from '../segment.ts';
import { factsOf, type SegmentFacts } from './segment-facts.ts';

type Scalars = ReadonlyMap<OnnxValue, number>;

/** The scalar and the other operand of an Add or Mul that only one node reads. */
function withScalar(
  op: string,
  value: OnnxValue,
  facts: SegmentFacts,
  scalars: Scalars,
): { readonly node: LoweredNode; readonly scalar: number; readonly rest: OnnxValue } | undefined {
  const node = facts.producer(value);
  if (node?.op !== op || facts.isOutput(value) || facts.readers(value).length > 1) return undefined;
  const [left, right] = node.inputs as readonly [OnnxValue, OnnxValue];
  const scalar = scalars.get(left) ?? scalars.get(right);
  return scalar === undefined ? undefined : { node, scalar, rest: scalars.has(left) ? right : left };
}

/** Segment in which `clip(alpha * x + beta, 0, 1)` is one node. */
export function hardSigmoids(segment: Segment): Segment {
  const scalars = new Map<OnnxValue, number>();
  for (const { name, type, dims, data } of segment.constants) {
    if (type === 'float32' && dims.length === 0) scalars.set(name, Number(data[0]));
  }
  const isGate = (node: LoweredNode): boolean =>
    node.op === 'Clip' && scalars.get(node.inputs[1]!) === 0 && scalars.get(node.inputs[2]!) === 1;
  if (!segment.nodes.some(isGate)) return segment;
  const facts = factsOf(segment);
  const dropped = new Set<LoweredNode>();
  const gates = new Map<LoweredNode, LoweredNode>();
  for (const node of segment.nodes) {
    if (!isGate(node)) continue;
    const sum = withScalar('Add', node.inputs[0]!, facts, scalars);
    const product = sum && withScalar('Mul', sum.rest, facts, scalars);
    if (sum === undefined || product === undefined) continue;
    dropped.add(sum.node).add(product.node);
    const attributes = { alpha: { float: product.scalar }, beta: { float: sum.scalar } };
    gates.set(node, { ...node, op: 'HardSigmoid', inputs: [product.rest], attributes });
  }
  if (gates.size === 0) return segment;
  const nodes = segment.nodes.filter((node) => !dropped.has(node)).map((node) => gates.get(node) ?? node);
  return { ...segment, nodes };
}
