/**
 * onnxruntime's Sigmoid is right to 1e-7 and gives 0 below -18, where tfjs's cpu kernel has seven digits of e^x. Who takes
 * its logarithm or divides by it gets infinities instead of -20. Such sigmoids, and those that the program reads, are
 * written as 1 / (1 + e^-x), which costs the same. Gates of recurrent networks stay: products with weights end the walk.
 */
import { Pen } from '../lowering-pen.ts';
import type { OnnxValue } from '../ops/define-op.ts';
import type { LoweredConstant, LoweredNode, Segment } from '../segment.ts';

/** Results are the numbers of the first input, some of them. */
const selections: ReadonlySet<string> = new Set(
  'Clip Expand Flatten Gather Identity Reshape Slice Squeeze Tile Transpose Unsqueeze'.split(' '),
);

/** Results can be as small as an input is. */
const mixtures: ReadonlySet<string> = new Set(
  'Abs Add Concat Div Max Min Mul Neg Pow ReduceMax ReduceMean ReduceMin ReduceSum Sqrt Sub Where'.split(' '),
);

/** Values of which all digits count, however small they are: they are read, divided by, or their logarithm is taken. */
function valuesWithDigits(segment: Segment): ReadonlySet<OnnxValue> {
  const exact = new Set(segment.outputs.map((output) => output.name));
  /** What a logarithm is taken of, or is mixed into that. */
  const logged = new Set<OnnxValue>();
  for (const { op, inputs, outputs } of segment.nodes.toReversed()) {
    const [first, second] = inputs as readonly [OnnxValue, OnnxValue | undefined];
    const [result] = outputs as readonly [OnnxValue];
    if (op === 'Log') logged.add(first);
    if (op === 'Reciprocal') exact.add(first);
    if (op === 'Div') exact.add(second!);
    if (selections.has(op)) {
      if (exact.has(result)) exact.add(first);
      if (logged.has(result)) logged.add(first);
    }
    if (mixtures.has(op) && logged.has(result)) for (const input of inputs) logged.add(input);
  }
  for (const value of logged) exact.add(value);
  return exact;
}

/** Segment in which sigmoids are exact where that can be seen. */
export function exactSigmoids(segment: Segment): Segment {
  if (!segment.nodes.some((node) => node.op === 'Sigmoid')) return segment;
  const exact = valuesWithDigits(segment);
  const constants: LoweredConstant[] = [];
  const nodes = segment.nodes.flatMap((node): LoweredNode[] => {
    if (node.op !== 'Sigmoid' || !exact.has(node.outputs[0]!)) return [node];
    const pen = new Pen(node.name);
    const power = pen.op('Exp', [pen.op('Neg', node.inputs)]);
    const sum = pen.op('Add', [power, pen.scalar(1, 'float32')]);
    constants.push(...pen.constants);
    return [...pen.nodes, { ...node, op: 'Reciprocal', inputs: [sum], attributes: {} }];
  });
  if (constants.length === 0) return segment;
  return { ...segment, nodes, constants: [...segment.constants, ...constants] };
}
