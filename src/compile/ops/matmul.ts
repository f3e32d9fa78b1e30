/**
 * Matrix products: BatchMatMul, and _FusedMatMul with bias and activation. `a` [...batch, rows, inner], `b` [...batch,
 * inner, columns], either transposed; matrices become one Gemm, whose bias and activation ONNX Runtime fuses.
 */
import type { Attributes } from '../../ir/graph.ts';
import type { ConcreteType } from '../../ir/op-signature.ts';
import { activatedType, lowerActivation } from './activation.ts';
import {
  attribute,
  defineOp,
  type LoweringContext,
  type OnnxValue,
  type OpDefinition,
  type OpSample,
} from './define-op.ts';
import { dtypeOf, filled, input, transpose } from './numbers.ts';
import {
  broadcastShapes,
  elementCount,
  hasComplex,
  present,
  sameShape,
  type MaybeTypes,
  type NativeDtype,
} from './rules.ts';
import { f32, floats, i32 } from './samples.ts';

interface Flags {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

function readFlags(attributes: Attributes): Flags {
  return {
    transposeA: attribute.boolean(attributes, 'transposeA', false),
    transposeB: attribute.boolean(attributes, 'transposeB', false),
  };
}

/** Type of the product; `undefined` where eager raises an error. */
function productType(types: MaybeTypes, attributes: Attributes): ConcreteType | undefined {
  const [a, b] = present(types);
  const { transposeA, transposeB } = readFlags(attributes);
  if (hasComplex(a, b) || a!.shape.length < 2 || b!.shape.length < 2) return undefined;
  const [rows, innerA] = transposeA ? a!.shape.slice(-2).toReversed() : a!.shape.slice(-2);
  const [innerB, columns] = transposeB ? b!.shape.slice(-2).toReversed() : b!.shape.slice(-2);
  const [batchA, batchB] = [a!.shape.slice(0, -2), b!.shape.slice(0, -2)];
  const batch = broadcastShapes(batchA, batchB);
  if (batch === undefined || innerA !== innerB) return undefined;
  // Here eager's result has more numbers than its shape says.
  const isOdd = elementCount(batch) === 0 && elementCount(batchA) + elementCount(batchB) > 0;
  if (isOdd) return undefined;
  return { dtype: a!.dtype, shape: [...batch, rows!, columns!] };
}

function transposeMatrices(context: LoweringContext, index: number): OnnxValue {
  const rank = context.inputTypes[index]!.shape.length;
  const order = Array.from({ length: rank }, (_, axis) => axis);
  return transpose(context, input(context, index), [...order.slice(0, -2), rank - 1, rank - 2]);
}

function lowerProduct(
  context: LoweringContext,
  product: ConcreteType,
  flags: Flags,
  bias?: OnnxValue,
): OnnxValue {
  const [a, b] = present(context.inputTypes);
  const dtype = product.dtype as NativeDtype;
  if (elementCount(a!.shape) === 0 || elementCount(b!.shape) === 0) {
    const zeros = filled(context, 0, dtype, product.shape);
    return bias === undefined ? zeros : context.op('Add', [zeros, bias]);
  }
  if (dtype === 'float32' && a!.shape.length === 2 && b!.shape.length === 2) {
    const attributes = { transA: flags.transposeA ? 1 : 0, transB: flags.transposeB ? 1 : 0 };
    return context.op('Gemm', [input(context, 0), input(context, 1), bias], attributes);
  }
  const left = flags.transposeA ? transposeMatrices(context, 0) : input(context, 0);
  const right = flags.transposeB ? transposeMatrices(context, 1) : input(context, 1);
  const value = context.op('MatMul', [left, right]);
  return bias === undefined ? value : context.op('Add', [value, bias]);
}

function isMultipliable(context: LoweringContext): boolean {
  return dtypeOf(context, 0) === dtypeOf(context, 1) && dtypeOf(context, 0) !== 'bool';
}

/** Product, product plus bias, and the result, as types. */
interface FusedTypes {
  readonly product: ConcreteType;
  readonly biased: ConcreteType;
  readonly result: ConcreteType;
}

function fusedTypes(types: MaybeTypes, attributes: Attributes): FusedTypes | undefined {
  const product = productType(types, attributes);
  const [, , bias, slope] = types;
  if (product === undefined || hasComplex(bias, slope)) return undefined;
  const shape = bias === undefined ? product.shape : broadcastShapes(product.shape, bias.shape);
  if (shape === undefined) return undefined;
  const biased = { dtype: product.dtype, shape };
  const result = activatedType(biased, attribute.string(attributes, 'activation', 'linear'), slope);
  return result && { product, biased, result };
}

/** Adds a bias of the product's dtype; inside the product where its shape allows. */
function lowerBiased(context: LoweringContext, { product, biased }: FusedTypes, flags: Flags): OnnxValue {
  const bias = context.inputs[2];
  if (bias === undefined) return lowerProduct(context, product, flags);
  if (sameShape(product.shape, biased.shape)) return lowerProduct(context, product, flags, bias);
  return context.op('Add', [lowerProduct(context, product, flags), bias]);
}

function lowerFused(context: LoweringContext): OnnxValue | undefined {
  const types = fusedTypes(context.inputTypes, context.attributes)!;
  const flags = readFlags(context.attributes);
  const activation = attribute.string(context.attributes, 'activation', 'linear');
  const slope = context.inputs[3];
  const isPlain = activation === 'linear';
  if (!isMultipliable(context) || (!isPlain && dtypeOf(context, 0) !== 'float32')) return undefined;
  if (context.inputTypes[2] !== undefined && dtypeOf(context, 2) !== dtypeOf(context, 0)) return undefined;
  if (slope !== undefined && dtypeOf(context, 3) !== 'float32') return undefined;
  const value = lowerBiased(context, types, flags);
  return lowerActivation(context, value, types.biased, {
    activation,
    ...(slope !== undefined && { slope: { value: slope, type: context.inputTypes[3]! } }),
    alpha: attribute.number(context.attributes, 'leakyreluAlpha', 0.2),
  });
}

const plain = { transposeA: false, transposeB: false };

function productSamples(): OpSample[] {
  return [
    { inputs: [f32([2, 3]), f32([3, 4])], attributes: plain },
    { inputs: [f32([3, 2]), f32([3, 4])], attributes: { transposeA: true, transposeB: false } },
    { inputs: [f32([2, 3]), f32([4, 3])], attributes: { transposeA: false, transposeB: true } },
    { inputs: [f32([3, 2]), f32([4, 3])], attributes: { transposeA: true, transposeB: true } },
    { inputs: [f32([2, 2, 3]), f32([2, 3, 4])], attributes: plain },
    { inputs: [f32([2, 3, 2]), f32([2, 4, 3])], attributes: { transposeA: true, transposeB: true } },
    { inputs: [f32([1, 2, 3]), f32([5, 3, 4])], attributes: plain },
    { inputs: [f32([2, 3, 2, 3]), f32([2, 3, 3, 1])], attributes: plain },
    { inputs: [f32([2, 2, 3]), f32([3, 4])], attributes: plain },
    { inputs: [f32([1, 3], [Number.NaN, 1, Infinity]), f32([3, 2])], attributes: plain },
    { inputs: [i32([2, 3]), i32([3, 2])], attributes: plain },
    { inputs: [f32([2, 0]), f32([0, 3])], attributes: plain, about: 'sums of nothing' },
    { inputs: [f32([0, 3]), f32([3, 2])], attributes: plain },
    { inputs: [f32([0, 2, 3]), f32([0, 3, 2])], attributes: plain },
  ];
}

function fusedSamples(): OpSample[] {
  const a = f32([3, 4]);
  const b = f32([4, 5]);
  const activations = ['linear', 'relu', 'relu6', 'elu', 'sigmoid'];
  return [
    ...productSamples().map(({ inputs, attributes }) => ({
      inputs,
      attributes: { ...attributes, activation: 'linear' },
    })),
    ...activations.map((activation) => ({ inputs: [a, b, f32([5])], attributes: { ...plain, activation } })),
    ...activations.map((activation) => ({ inputs: [a, b], attributes: { ...plain, activation } })),
    { inputs: [a, b, f32([5]), f32([5])], attributes: { ...plain, activation: 'prelu' } },
    { inputs: [a, b, undefined, f32([], [0.3])], attributes: { ...plain, activation: 'prelu' } },
    { inputs: [a, b, f32([5])], attributes: { ...plain, activation: 'leakyrelu', leakyreluAlpha: 0.3 } },
    { inputs: [a, b, f32([])], attributes: { ...plain, activation: 'relu' }, about: 'a scalar bias' },
    { inputs: [a, b, f32([3, 1])], attributes: { ...plain, activation: 'relu' } },
    { inputs: [a, b, f32([1, 1, 5])], attributes: { ...plain, activation: 'relu' } },
    { inputs: [f32([2, 3, 4]), f32([1, 4, 5]), f32([5])], attributes: { ...plain, activation: 'relu' } },
    { inputs: [i32([2, 2]), i32([2, 2]), i32([2])], attributes: { ...plain, activation: 'linear' } },
    { inputs: [f32([2, 0]), f32([0, 3]), floats(1, -2, 3)], attributes: { ...plain, activation: 'relu' } },
  ];
}

export const matmulOps: readonly OpDefinition[] = [
  defineOp({
    kernel: 'BatchMatMul',
    inputs: ['a', 'b'],
    infer(types, attributes) {
      const product = productType(types, attributes);
      return product && [product];
    },
    lower: (context) =>
      isMultipliable(context)
        ? [lowerProduct(context, context.outputTypes[0]!, readFlags(context.attributes))]
        : undefined,
    samples: productSamples(),
  }),
  defineOp({
    kernel: '_FusedMatMul',
    inputs: ['a', 'b', 'bias', 'preluActivationWeights'],
    infer(types, attributes) {
      const fused = fusedTypes(types, attributes);
      return fused && [fused.result];
    },
    lower(context) {
      const value = lowerFused(context);
      return value === undefined ? undefined : [value];
    },
    samples: fusedSamples(),
  }),
];
