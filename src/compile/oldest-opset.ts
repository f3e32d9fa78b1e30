/**
 * The same model in an older opset. For each node onnxruntime goes through the kernels that it has for all versions and
 * types of the operator, twice, oldest first, and writes a text about each that does not fit: it loads a product in 13 us in
 * opset 21, in 9 in opset 13.
 */
import type { OnnxModel, OnnxNode } from '../onnx/model.ts';
import type { ElementType } from './segment.ts';

/** Of this version on, small integers say what later versions say in other words. */
export const oldestOpset = 13;

/** Operators that mean the same in all opsets from the oldest one on, as we write them. */
const unchanged: ReadonlySet<string> = new Set(
  `Abs Add And ArgMax ArgMin Atan BatchNormalization Cast Ceil Clip Concat Conv ConvTranspose Cos Div Equal Erf Exp Expand
   Floor Gather Gemm Greater GreaterOrEqual HardSigmoid Identity IsNaN LeakyRelu Less LessOrEqual Log MatMul Max MaxPool Min
   Mul Neg Not Or PRelu Pow Reciprocal ReduceSum Relu Sigmoid Sign Sin Slice Softmax Softplus Split Sqrt Squeeze Sub Sum
   Tanh Tile Transpose Unsqueeze Where`.split(/\s+/),
);

/** Reductions whose axes were an attribute. */
const reductions: ReadonlySet<string> = new Set(
  'ReduceL2 ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSumSquare'.split(' '),
);

/** Types that operators learnt later. */
const laterTypes: Readonly<Record<string, ElementType>> = {
  Relu: 'int32',
  ReduceMax: 'bool',
  ReduceMin: 'bool',
};

type Integers = ReadonlyMap<string, readonly number[]>;

function hasOnly(node: OnnxNode, ...attributes: readonly string[]): boolean {
  return Object.keys(node.attributes).every((name) => attributes.includes(name));
}

/** The node in the oldest opset; undefined where it has no such form. */
function olderNode(node: OnnxNode, integers: Integers): OnnxNode | undefined {
  const { opType, domain, inputs, attributes } = node;
  if (domain !== '' || unchanged.has(opType)) return node;
  const values = integers.get(inputs[1] ?? '');
  switch (opType) {
    case 'Reshape':
      // Where no size is 0, there is nothing to allow.
      return hasOnly(node, 'allowzero') && values?.includes(0) === false
        ? { ...node, attributes: {} }
        : undefined;
    case 'Pad':
      return inputs.length <= 3 && hasOnly(node, 'mode') ? node : undefined;
    default:
      if (!reductions.has(opType) || !hasOnly(node, 'keepdims')) return undefined;
      if (inputs.length < 2) return node;
      return (
        values && {
          ...node,
          inputs: inputs.slice(0, 1),
          attributes: { ...attributes, axes: { kind: 'ints', value: values } },
        }
      );
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
  for (const { name, data } of graph.initializers) {
    if (data instanceof BigInt64Array) integers.set(name, Array.from(data, Number));
  }
  const nodes: OnnxNode[] = [];
  for (const node of graph.nodes) {
    const later = laterTypes[node.opType];
    if (later !== undefined && typeOf(node.outputs[0]!) === later) return model;
    const older = olderNode(node, integers);
    if (older === undefined) return model;
    nodes.push(older);
  }
  const opsets = model.opsets.map((opset) =>
    opset.domain === '' ? { ...opset, version: oldestOpset } : opset,
  );
  return { ...model, opsets, graph: { ...graph, nodes } };
}
