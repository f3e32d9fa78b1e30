/**
 * Activations: the kernels with a slope or a gradient of their own (Prelu, EluGrad, Softmax), and the activation that
 * tfjs fuses into matMul and convolutions.
 */
import type { ConcreteType } from '../../ir/op-signature.ts';
import { attribute, defineOp, type LoweringContext, type OnnxValue, type OpDefinition } from './define-op.ts';
import { convert, dtypeOf, input, shapeOf, where } from './numbers.ts';
import { broadcastShapes, hasComplex, isNative, present, sameShape } from './rules.ts';
import { f32, floats, i32 } from './samples.ts';

/** `x < 0 ? slope * x : x` in float32. ONNX's PRelu broadcasts the slope to x only. */
function prelu(context: LoweringContext, x: OnnxValue, slope: OnnxValue, broadcastsX: boolean): OnnxValue {
  if (!broadcastsX) return context.op('PRelu', [x, slope]);
  const isNegative = context.op('Less', [x, context.scalar(0, 'float32')]);
  return where(context, isNegative, context.op('Mul', [x, slope]), x);
}

const oneOperator: Readonly<Record<string, string>> = {
  relu: 'Relu',
  elu: 'Elu',
  sigmoid: 'Sigmoid',
};

/** Activations that tfjs can fuse. */
export function isKnownActivation(activation: string): boolean {
  return activation === 'linear' || activation === 'relu6' || activation === 'prelu' ||
    activation === 'leakyrelu' || activation in oneOperator; // prettier-ignore
}

export interface FusedActivation {
  readonly activation: string;
  /** Value and type of the slope of `prelu`. */
  readonly slope?: { readonly value: OnnxValue; readonly type: ConcreteType };
  /** Slope of `leakyrelu`. */
  readonly alpha?: number;
}

/** Writes a fused activation of a float32 value of type `type`. @returns the value, of `activatedType`. */
export function lowerActivation(
  context: LoweringContext,
  value: OnnxValue,
  type: ConcreteType,
  { activation, slope, alpha }: FusedActivation,
): OnnxValue {
  if (activation === 'linear') return value;
  if (activation === 'prelu') {
    const shape = broadcastShapes(type.shape, slope!.type.shape)!;
    return prelu(context, value, slope!.value, !sameShape(shape, type.shape));
  }
  if (activation === 'relu6') {
    return context.op('Clip', [value, context.scalar(0, 'float32'), context.scalar(6, 'float32')]);
  }
  if (activation === 'leakyrelu') return context.op('LeakyRelu', [value], { alpha: { float: alpha ?? 0.2 } });
  return context.op(oneOperator[activation]!, [value]);
}

/** Type behind a fused activation; `undefined` when eager rejects it. */
export function activatedType(
  type: ConcreteType,
  activation: string,
  slope: ConcreteType | undefined,
): ConcreteType | undefined {
  if (!isKnownActivation(activation)) return undefined;
  if (activation === 'leakyrelu') return { dtype: 'float32', shape: type.shape };
  if (activation !== 'prelu') return type;
  const shape = slope && broadcastShapes(type.shape, slope.shape);
  return shape && { dtype: 'float32', shape };
}

export const activationOps: readonly OpDefinition[] = [
  defineOp({
    kernel: 'Prelu',
    inputs: ['x', 'alpha'],
    infer(types) {
      const [x, alpha] = present(types);
      const shape = broadcastShapes(x!.shape, alpha!.shape);
      return shape === undefined || hasComplex(x, alpha) ? undefined : [{ dtype: 'float32', shape }];
    },
    lower(context) {
      const x = convert(context, input(context, 0), dtypeOf(context, 0), 'float32');
      const slope = convert(context, input(context, 1), dtypeOf(context, 1), 'float32');
      const broadcastsX = !sameShape(context.outputTypes[0]!.shape, shapeOf(context, 0));
      return [prelu(context, x, slope, broadcastsX)];
    },
    samples: [
      { inputs: [floats(Number.NaN, -1, 2, Infinity, -Infinity, -3), f32([], [0.25])] },
      { inputs: [f32([2, 3, 4]), f32([4])] },
      { inputs: [f32([2, 3]), f32([2, 3])] },
      { inputs: [f32([2, 1]), f32([2, 3])], about: 'the slope broadcasts x' },
      { inputs: [i32([2, 3]), f32([3])] },
      { inputs: [f32([0, 3]), f32([3])] },
    ],
  }),
  defineOp({
    kernel: 'EluGrad',
    inputs: ['dy', 'y'],
    infer(types) {
      const [dy, y] = present(types);
      return hasComplex(dy, y) ? undefined : [{ dtype: 'float32', shape: y!.shape }];
    },
    lower(context) {
      if (dtypeOf(context, 0) !== 'float32' || dtypeOf(context, 1) !== 'float32') return undefined;
      const slope = context.op('Min', [input(context, 1), context.scalar(0, 'float32')]);
      return [
        context.op('Mul', [input(context, 0), context.op('Add', [slope, context.scalar(1, 'float32')])]),
      ];
    },
    samples: [
      { inputs: [f32([6]), floats(Number.NaN, -1, 2, Infinity, -0.5, 0)] },
      { inputs: [f32([2, 3]), f32([2, 3])] },
      { inputs: [f32([0]), f32([0])] },
    ],
  }),
  defineOp({
    kernel: 'Softmax',
    inputs: ['logits'],
    infer(types, attributes) {
      const [logits] = present(types);
      const rank = logits!.shape.length;
      const dim = attribute.number(attributes, 'dim', -1);
      if (rank === 0 || hasComplex(logits) || (dim !== -1 && dim !== rank - 1)) return undefined;
      return [{ dtype: 'float32', shape: logits!.shape }];
    },
    lower(context) {
      const [given] = context.inputTypes;
      if (!isNative(given) || given?.dtype === 'bool') return undefined;
      const logits = convert(context, input(context), dtypeOf(context), 'float32');
      return [context.op('Softmax', [logits], { axis: -1 })];
    },
    samples: [
      { inputs: [f32([2, 5])], attributes: { dim: 1 } },
      { inputs: [f32([2, 3, 4])], attributes: { dim: -1 } },
      { inputs: [floats(-1000, 0, 1000)], attributes: { dim: 0 } },
      { inputs: [floats(1, Number.NaN, 2)], attributes: { dim: 0 } },
      { inputs: [floats(1, -Infinity, 2)], attributes: { dim: 0 } },
      { inputs: [i32([2, 3])], attributes: { dim: 1 } },
      { inputs: [f32([0, 3])], attributes: { dim: 1 } },
    ],
  }),
];
