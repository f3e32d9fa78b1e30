/** What passes ask about a segment: who produces and reads a value, its sizes, the numbers of a constant. */
import { broadcastShapes } from '../../ir/tensor-type.ts';
import type { OnnxValue } from '../ops/define-op.ts';
import type { LoweredNode, Segment } from '../segment.ts';

export interface SegmentFacts {
  /** Sizes of a value where they are known: borders, results of kernel calls, and what follows from those. */
  readonly dims: (value: OnnxValue) => readonly number[] | undefined;
  /** Numbers of an integer constant. */
  readonly ints: (value: OnnxValue) => readonly number[] | undefined;
  readonly isConstant: (value: OnnxValue) => boolean;
  readonly isOutput: (value: OnnxValue) => boolean;
  readonly producer: (value: OnnxValue) => LoweredNode | undefined;
  readonly readers: (value: OnnxValue) => readonly LoweredNode[];
}

const noReaders: readonly LoweredNode[] = [];

/** Operators with one tensor input whose result has its sizes. */
export const unaryOperators: ReadonlySet<string> = new Set(
  `Abs Acos Acosh Asin Asinh Atan Atanh Cast Ceil Clip Cos Cosh Elu Erf Exp Floor HardSigmoid
   Identity IsInf IsNaN LeakyRelu Log Neg Not Reciprocal Relu Round Selu Sigmoid Sign Sin Sinh
   Softplus Sqrt Tan Tanh`.split(/\s+/),
);

/** Operators that broadcast all their inputs against each other. */
export const broadcastOperators: ReadonlySet<string> = new Set(
  `Add And Div Equal Greater GreaterOrEqual Less LessOrEqual Max Min Mod Mul Or PRelu Pow Sub Sum
   Where Xor`.split(/\s+/),
);

/** Collects the facts of a segment. Sizes of values inside a lowering follow from few operators only. */
export function factsOf(segment: Segment): SegmentFacts {
  const constants = new Map(segment.constants.map((constant) => [constant.name, constant]));
  const outputs = new Set(segment.outputs.map((output) => output.name));
  const producers = new Map<OnnxValue, LoweredNode>();
  const readers = new Map<OnnxValue, LoweredNode[]>();
  const known = new Map<OnnxValue, readonly number[]>();
  for (const input of segment.inputs) known.set(input.name, input.dims);
  for (const constant of segment.constants) known.set(constant.name, constant.dims);
  for (const output of segment.outputs) known.set(output.name, output.dims);

  const ints = (value: OnnxValue): readonly number[] | undefined => {
    const data = constants.get(value)?.data;
    return data instanceof BigInt64Array ? Array.from(data, Number) : undefined;
  };
  for (const node of segment.nodes) {
    for (const output of node.outputs) producers.set(output, node);
    for (const input of new Set(node.inputs)) {
      const list = readers.get(input);
      if (list === undefined) readers.set(input, [node]);
      else list.push(node);
    }
    const [result] = node.outputs;
    const declared = segment.dims?.get(result!) ?? inferDims(node, known, ints);
    if (declared !== undefined) known.set(result!, declared);
  }
  return {
    dims: (value) => known.get(value),
    ints,
    isConstant: (value) => constants.has(value),
    isOutput: (value) => outputs.has(value),
    producer: (value) => producers.get(value),
    readers: (value) => readers.get(value) ?? noReaders,
  };
}

function inferDims(
  node: LoweredNode,
  known: ReadonlyMap<OnnxValue, readonly number[]>,
  ints: (value: OnnxValue) => readonly number[] | undefined,
): readonly number[] | undefined {
  const first = known.get(node.inputs[0]!);
  if (unaryOperators.has(node.op)) return first;
  if (node.op === 'Reshape') return ints(node.inputs[1]!);
  if (node.op === 'Expand') {
    const target = ints(node.inputs[1]!);
    return first && target && broadcastShapes(first, target);
  }
  if (node.op === 'Transpose' && first !== undefined) {
    return (node.attributes['perm'] as readonly number[]).map((axis) => first[axis]!);
  }
  if (!broadcastOperators.has(node.op)) return undefined;
  let dims: readonly number[] | undefined = [];
  for (const input of node.inputs) {
    const operand = known.get(input);
    dims = dims && operand && broadcastShapes(dims, operand);
  }
  return dims;
}
