/**
 * The same model in an older opset. For each node onnxruntime goes through the kernels that it has for all versions and
 * types of the operator, twice, oldest first, and writes a text about each that does not fit: it loads a product in 12 us in
 * opset 21, in 9 in opset 13, in 5.5 in opset 12.
 */
import type { OnnxModel, OnnxNode } from '../onnx/model.ts';
import { onnxElementType } from './lowering-pen.ts';
import type { ElementType } from './segment.ts';

/** Comparisons that include equality, and extrema of integers, are not older. */
export const oldestOpset = 12;

/** Operators that mean the same in all opsets from the oldest one on, as we write them (Softmax: along the last axis). */
const unchanged: ReadonlySet<string> = new Set(
  `Abs Acos Acosh Add And ArgMax ArgMin Asin Asinh Atan Atanh BatchNormalization Cast Ceil Clip Concat Conv
   ConvTranspose Cos Cosh CumSum Div Elu Equal Erf Exp Expand Floor Gather GatherND Gemm Greater GreaterOrEqual
   HardSigmoid Identity IsNaN LRN LeakyRelu Less LessOrEqual Log MatMul Max MaxPool Min Mod Mul Neg NonMaxSuppression Not
   Or PRelu Pow Reciprocal Relu Round Selu Sigmoid Sign Sin Sinh Size Slice Softplus Sqrt Sub Sum Tan Tanh Tile TopK
   Transpose Where Xor`.split(/\s+/),
);

/** Operators whose axes were an attribute. */
const axesReaders: ReadonlySet<string> = new Set(
  `ReduceL2 ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Squeeze
   Unsqueeze`.split(/\s+/),
);

/** Operators whose results are truth values. */
const truthMakers: ReadonlySet<string> = new Set(
  'And Equal Greater GreaterOrEqual IsNaN Less LessOrEqual Not Or'.split(' '),
);

/** Operators whose results have the type of an input, by its position. */
const carriers: ReadonlyMap<string, number> = new Map([
  ...`Concat Expand Gather Identity Pad ReduceMax ReduceMin Reshape Slice Split Squeeze Tile Transpose
      Unsqueeze`
    .split(/\s+/)
    .map((op) => [op, 0] as const),
  ['Where', 1],
]);

/** Operators that learnt to take truth values later. */
const withoutTruth: ReadonlySet<string> = new Set(['Pad', 'ReduceMax', 'ReduceMin']);

interface Known {
  /** Values of constants. */
  readonly integers: ReadonlyMap<string, readonly number[]>;
  /** Values so far that are truth values. */
  readonly bools: ReadonlySet<string>;
}

/** The node with its second input, whose values are known, as an attribute. */
function withAttribute(node: OnnxNode, name: string, value: readonly number[]): OnnxNode {
  return {
    ...node,
    inputs: node.inputs.slice(0, 1),
    attributes: { ...node.attributes, [name]: { kind: 'ints', value } },
  };
}

function hasOnly(node: OnnxNode, ...attributes: readonly string[]): boolean {
  return Object.keys(node.attributes).every((name) => attributes.includes(name));
}

function givesBools({ opType, inputs, attributes }: OnnxNode, bools: ReadonlySet<string>): boolean {
  const { to } = attributes;
  if (opType === 'Cast') return to?.kind === 'int' && to.value === onnxElementType.bool;
  const carried = carriers.get(opType);
  return truthMakers.has(opType) || (carried !== undefined && bools.has(inputs[carried]!));
}

/** The node without dilations that are none; undefined where they are some. The kernel without is up to 3x as fast. */
function withoutDilations(node: OnnxNode): OnnxNode | undefined {
  const { dilations, ...attributes } = node.attributes;
  if (dilations?.kind === 'ints' && dilations.value.some((by) => Number(by) !== 1)) return undefined;
  return { ...node, attributes };
}

/** The node in the oldest opset; undefined where it has no such form. */
function olderNode(node: OnnxNode, { integers, bools }: Known): OnnxNode | undefined {
  const { opType, domain, inputs, attributes } = node;
  if (domain !== '' || unchanged.has(opType)) return node;
  if (withoutTruth.has(opType) && bools.has(inputs[0]!)) return undefined;
  const values = integers.get(inputs[1] ?? '');
  switch (opType) {
    case 'AveragePool':
      return withoutDilations(node);
    case 'Reshape':
      // Where no size is 0, there is nothing to allow.
      return hasOnly(node, 'allowzero') && values?.includes(0) === false
        ? { ...node, attributes: {} }
        : undefined;
    case 'Pad':
      return inputs.length <= 3 && hasOnly(node, 'mode') ? node : undefined;
    case 'Softmax':
      return attributes['axis']?.kind === 'int' && attributes['axis'].value === -1 ? node : undefined;
    case 'ScatterElements':
    case 'ScatterND':
      // What to do with what is there already is asked since opset 16.
      return hasOnly(node, 'axis') ? node : undefined;
    case 'Split':
      return values && hasOnly(node, 'axis') ? withAttribute(node, 'split', values) : undefined;
    default:
      if (!axesReaders.has(opType) || !hasOnly(node, 'keepdims')) return undefined;
      return inputs.length < 2 ? node : values && withAttribute(node, 'axes', values);
  }
}

/**
 * The model in the oldest opset; the model itself where a node has no form in it.
 * @param typeOf element types of results, where they are known.
 */
export function inOldestOpset(
  model: OnnxModel,
  typeOf: (result: string) => ElementType | undefined,
): OnnxModel {
  const { graph } = model;
  const integers = new Map<string, readonly number[]>();
  const bools = new Set<string>();
  for (const { name, data, dataType } of graph.initializers) {
    if (data instanceof BigInt64Array) integers.set(name, Array.from(data, Number));
    if (dataType === 'bool') bools.add(name);
  }
  for (const { name, type } of graph.inputs) {
    if (type?.kind === 'tensor' && type.dataType === 'bool') bools.add(name);
  }
  const known: Known = { integers, bools };
  const nodes: OnnxNode[] = [];
  for (const node of graph.nodes) {
    // Integers are rectified since opset 14.
    if (node.opType === 'Relu' && typeOf(node.outputs[0]!) === 'int32') return model;
    const older = olderNode(node, known);
    if (older === undefined) return model;
    nodes.push(older);
    if (givesBools(node, bools)) for (const output of node.outputs) bools.add(output);
  }
  const opsets = model.opsets.map((opset) =>
    opset.domain === '' ? { ...opset, version: oldestOpset } : opset,
  );
  return { ...model, opsets, graph: { ...graph, nodes } };
}
