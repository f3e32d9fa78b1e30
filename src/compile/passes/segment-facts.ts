/** What passes ask about a segment: who produces and reads a value, its sizes, the numbers of a constant. */
import { broadcastShapes } from '../../ir/tensor-type.ts';
import type { OnnxValue } from '../ops/define-op.ts';
import type { ElementType, LoweredNode, Segment, ValueType } from '../segment.ts';

export interface SegmentFacts {
  /** Sizes of a value where they are known: borders, results of kernel calls, and what follows from those. */
  readonly dims: (value: OnnxValue) => readonly number[] | undefined;
  /** Element type, where it is known without looking at operators: borders and results of kernel calls. */
  readonly type: (value: OnnxValue) => ElementType | undefined;
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

/** What a function gives, made when it is first asked for. */
function lazy<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}

function producersOf({ nodes }: Segment): ReadonlyMap<OnnxValue, LoweredNode> {
  const producers = new Map<OnnxValue, LoweredNode>();
  for (const node of nodes) for (const output of node.outputs) producers.set(output, node);
  return producers;
}

function readersOf({ nodes }: Segment): ReadonlyMap<OnnxValue, readonly LoweredNode[]> {
  const readers = new Map<OnnxValue, LoweredNode[]>();
  for (const node of nodes) {
    for (const input of node.inputs) {
      const list = readers.get(input);
      if (list === undefined) readers.set(input, [node]);
      else if (list.at(-1) !== node) list.push(node);
    }
  }
  return readers;
}

/**
 * Facts of a segment, found out when they are asked for: there are many passes, and each asks about little. Sizes of values
 * inside a lowering follow from few operators only.
 */
export function factsOf(segment: Segment): SegmentFacts {
  const constants = new Map(segment.constants.map((constant) => [constant.name, constant]));
  const borders = new Map<OnnxValue, ValueType>(constants);
  for (const value of [...segment.inputs, ...segment.outputs]) borders.set(value.name, value);
  const outputs = new Set(segment.outputs.map((output) => output.name));
  const producers = lazy(() => producersOf(segment));
  const readers = lazy(() => readersOf(segment));
  const inferred = new Map<OnnxValue, readonly number[] | undefined>();

  const ints = (value: OnnxValue): readonly number[] | undefined => {
    const data = constants.get(value)?.data;
    return data instanceof BigInt64Array ? Array.from(data, Number) : undefined;
  };
  const typeOf = (value: OnnxValue): ValueType | undefined =>
    borders.get(value) ?? segment.results?.get(value);
  const dims = (value: OnnxValue): readonly number[] | undefined => {
    const type = typeOf(value);
    if (type !== undefined) return type.dims;
    if (inferred.has(value)) return inferred.get(value);
    const node = producers().get(value);
    const found = node?.outputs[0] === value ? inferDims(node, dims, ints) : undefined;
    inferred.set(value, found);
    return found;
  };
  return {
    dims,
    type: (value) => typeOf(value)?.type,
    ints,
    isConstant: (value) => constants.has(value),
    isOutput: (value) => outputs.has(value),
    producer: (value) => producers().get(value),
    readers: (value) => readers().get(value) ?? noReaders,
  };
}

function inferDims(
  node: LoweredNode,
  dimsOf: SegmentFacts['dims'],
  ints: (value: OnnxValue) => readonly number[] | undefined,
): readonly number[] | undefined {
  const first = dimsOf(node.inputs[0]!);
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
    const operand = dimsOf(input);
    dims = dims && operand && broadcastShapes(dims, operand);
  }
  return dims;
}
