/**
 * onnxruntime's Sigmoid is right to 1e-7 and gives 0 below -18, where tfjs's cpu kernel has seven digits of e^x. Who takes
 * its logarithm or divides by it gets infinities instead of -20. Such sigmoids, and those that the program reads, are
 * written as 1 / (1 + e^-x), which costs the same. Gates of recurrent networks stay: products with weights end the walk.
 */
import { Pen } from '../lowering-pen.ts';
import type { OnnxValue } from '../ops/define-op.ts';
import type { LoweredConstant, LoweredNode, Segment } from '../segment.ts';
import { factsOf, type SegmentFacts } from './segment-facts.ts';

/** Results are the numbers of the first input, some of them. */
const selections: ReadonlySet<string> = new Set(
  'Clip Expand Flatten Gather Identity Reshape Slice Squeeze Tile Transpose Unsqueeze'.split(' '),
);

/** Results can be as small as an input is. */
const mixtures: ReadonlySet<string> = new Set(
  'Abs Add Concat Div Max Min Mul Neg Pow ReduceMax ReduceMean ReduceMin ReduceSum Sqrt Sub Where'.split(' '),
);

/** Whether all digits of a small value count: it is read, divided by, or its logarithm is taken. */
function needsDigits(facts: SegmentFacts, sigmoid: OnnxValue): boolean {
  const mixed = new Set<OnnxValue>();
  const selected = new Set<OnnxValue>();
  const visit = (value: OnnxValue, isMixed: boolean): boolean => {
    const seen = isMixed ? mixed : selected;
    if (seen.has(value) || selected.has(value)) return false;
    seen.add(value);
    if (!isMixed && facts.isOutput(value)) return true;
    return facts.readers(value).some((reader) => {
      if (reader.op === 'Log') return true;
      const isDivisor = reader.op === 'Reciprocal' || (reader.op === 'Div' && reader.inputs[1] === value);
      if (isDivisor) return !isMixed;
      const isSelection = selections.has(reader.op) && reader.inputs[0] === value;
      return (isSelection || mixtures.has(reader.op)) && visit(reader.outputs[0]!, isMixed || !isSelection);
    });
  };
  return visit(sigmoid, false);
}

/** Segment in which sigmoids are exact where that can be seen. */
export function exactSigmoids(segment: Segment): Segment {
  if (!segment.nodes.some((node) => node.op === 'Sigmoid')) return segment;
  const facts = factsOf(segment);
  const constants: LoweredConstant[] = [];
  const nodes = segment.nodes.flatMap((node): LoweredNode[] => {
    if (node.op !== 'Sigmoid' || !needsDigits(facts, node.outputs[0]!)) return [node];
    const pen = new Pen(node.name);
    const power = pen.op('Exp', [pen.op('Neg', node.inputs)]);
    const sum = pen.op('Add', [power, pen.scalar(1, 'float32')]);
    constants.push(...pen.constants);
    return [...pen.nodes, { ...node, op: 'Reciprocal', inputs: [sum], attributes: {} }];
  });
  if (constants.length === 0) return segment;
  return { ...segment, nodes, constants: [...segment.constants, ...constants] };
}
