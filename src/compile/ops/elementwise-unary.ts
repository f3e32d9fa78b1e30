/**
 * Kernels of one tensor, element by element: `x` in, a tensor of the same shape out. An entry lists a lowering per
 * input dtype; dtypes without one run eagerly (transcendental functions of int32, which eager computes in double and
 * truncates).
 */
import {
  attribute,
  defineOp,
  type LoweringContext,
  type OnnxValue,
  type OpDefinition,
  type SampleTensor,
} from './define-op.ts';
import { convert, dtypeOf, filled, input, shapeOf, where } from './numbers.ts';
import { hasComplex, present, type NativeDtype } from './rules.ts';
import { bool, f32, i32, special, specialInts } from './samples.ts';

type LowerUnary = (context: LoweringContext, x: OnnxValue) => OnnxValue;

interface UnaryEntry {
  readonly kernel: string;
  /** dtype of the result when it is not the input's. */
  readonly result?: 'float32' | 'bool';
  readonly lower: Readonly<Partial<Record<NativeDtype, LowerUnary>>>;
  readonly attributes?: readonly OpDefinition['samples'][number]['attributes'][];
  readonly isHostFoldable?: boolean;
  readonly tolerance?: NonNullable<OpDefinition['tolerance']>;
}

function unary(entry: UnaryEntry): OpDefinition {
  const inputs: SampleTensor[] = [];
  if (entry.lower.float32) inputs.push(special, f32([2, 3]), f32([]), f32([0, 3]));
  if (entry.lower.int32) inputs.push(specialInts, i32([]));
  if (entry.lower.bool) inputs.push(bool([2, 2]), bool([]), bool([0, 2]));
  return defineOp({
    kernel: entry.kernel,
    inputs: ['x'],
    infer(types) {
      const [x] = present(types);
      return hasComplex(x) ? undefined : [{ dtype: entry.result ?? x!.dtype, shape: x!.shape }];
    },
    lower(context) {
      const lower = entry.lower[dtypeOf(context)];
      return lower && [lower(context, input(context))];
    },
    samples: (entry.attributes ?? [undefined]).flatMap((attributes) =>
      inputs.map((x) => ({ inputs: [x], ...(attributes && { attributes }) })),
    ),
    ...(entry.isHostFoldable && { isHostFoldable: true }),
    ...(entry.tolerance && { tolerance: entry.tolerance }),
  });
}

/** One ONNX operator. */
function direct(op: string): LowerUnary {
  return (context, x) => context.op(op, [x]);
}

const keep: LowerUnary = (_, x) => x;

/** A kernel that is one ONNX operator of float32 and stays float32. */
function floatFunction(kernel: string, op: string = kernel): OpDefinition {
  return unary({ kernel, lower: { float32: direct(op) } });
}

function constantBool(value: number): LowerUnary {
  return (context) => filled(context, value, 'bool', shapeOf(context));
}

/** `f` computed in double and rounded to float32 once, as eager does: where float32 loses too much on the way. */
function inDouble(f: (context: LoweringContext, x: OnnxValue, one: OnnxValue) => OnnxValue): LowerUnary {
  return (context, x) => {
    const one = context.tensor(Float64Array.of(1), []);
    return context.cast(f(context, context.cast(x, 'float64'), one), 'float32');
  };
}

const isInfinite: LowerUnary = (context, x) =>
  context.op('Equal', [context.op('Abs', [x]), context.scalar(Infinity, 'float32')]);

const isFinite: LowerUnary = (context, x) =>
  context.op('Less', [context.op('Abs', [x]), context.scalar(Infinity, 'float32')]);

/** tfjs's sign of NaN is 0. */
const signOfFloat: LowerUnary = (context, x) =>
  where(context, context.op('IsNaN', [x]), context.scalar(0, 'float32'), context.op('Sign', [x]));

/** 1 above zero, `alpha` elsewhere, NaN for NaN. */
function stepOf(dtype: 'float32' | 'int32'): LowerUnary {
  return (context, x) => {
    const alpha = attribute.number(context.attributes, 'alpha', 0);
    const level = dtype === 'int32' ? Math.trunc(alpha) : alpha;
    if (level === 0) return context.op('Relu', [context.op('Sign', [x])]);
    const isAbove = context.op('Greater', [x, context.scalar(0, dtype)]);
    const step = where(context, isAbove, context.scalar(1, dtype), context.scalar(level, dtype));
    return dtype === 'int32' ? step : where(context, context.op('IsNaN', [x]), x, step);
  };
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}

/** Bounds of an int32 tensor are stored as int32: truncated. */
function clipTo(dtype: 'float32' | 'int32', low: number, high: number): LowerUnary {
  const bound = (value: number): number =>
    dtype === 'float32' ? value : clamp(Math.trunc(value), -(2 ** 31), 2 ** 31 - 1);
  return (context, x) =>
    context.op('Clip', [x, context.scalar(bound(low), dtype), context.scalar(bound(high), dtype)]);
}

function clipByValue(dtype: 'float32' | 'int32'): LowerUnary {
  return (context, x) => {
    const { attributes } = context;
    const low = attribute.number(attributes, 'clipValueMin');
    const high = attribute.number(attributes, 'clipValueMax');
    return clipTo(dtype, low, high)(context, x);
  };
}

const castToFloat =
  (lower: LowerUnary): LowerUnary =>
  (context, x) =>
    lower(context, convert(context, x, dtypeOf(context), 'float32'));

const leakyRelu: LowerUnary = (context, x) =>
  context.op('LeakyRelu', [x], { alpha: { float: attribute.number(context.attributes, 'alpha') } });

/** A power, which ONNX Runtime looks for when it fuses a layer normalization, and computes as a product. */
const squareOfFloat: LowerUnary = (context, x) => context.op('Pow', [x, context.scalar(2, 'float32')]);

const squareOfInt: LowerUnary = (context, x) => context.op('Mul', [x, x]);

export const unaryOps: readonly OpDefinition[] = [
  ...['Acos', 'Acosh', 'Asin', 'Asinh', 'Atan', 'Atanh', 'Cos', 'Cosh', 'Sin', 'Sinh', 'Tanh'].map((kernel) =>
    floatFunction(kernel),
  ),
  ...['Elu', 'Log', 'Reciprocal', 'Selu', 'Sigmoid', 'Softplus', 'Sqrt'].map((kernel) =>
    floatFunction(kernel),
  ),
  unary({
    kernel: 'Erf',
    lower: { float32: direct('Erf') },
    tolerance: {
      relative: 1e-4,
      absolute: 1e-6,
      reason: "eager's polynomial is off by up to 1.5e-7, ONNX Runtime's is not",
    },
  }),
  unary({
    kernel: 'Exp',
    result: 'float32',
    lower: { float32: direct('Exp'), int32: inDouble(direct('Exp')), bool: inDouble(direct('Exp')) },
  }),
  unary({
    kernel: 'Expm1',
    lower: {
      float32: inDouble((context, x, one) => context.op('Sub', [context.op('Exp', [x]), one])),
    },
  }),
  unary({
    kernel: 'Tan',
    lower: {
      float32: inDouble((context, x) => context.op('Div', [context.op('Sin', [x]), context.op('Cos', [x])])),
    },
  }),
  unary({
    kernel: 'Log1p',
    lower: {
      float32: inDouble((context, x, one) => context.op('Log', [context.op('Add', [x, one])])),
    },
  }),
  unary({
    kernel: 'Rsqrt',
    lower: { float32: (context, x) => context.op('Reciprocal', [context.op('Sqrt', [x])]) },
  }),
  unary({ kernel: 'Abs', lower: { float32: direct('Abs'), int32: direct('Abs') }, isHostFoldable: true }),
  unary({ kernel: 'Neg', lower: { float32: direct('Neg'), int32: direct('Neg') }, isHostFoldable: true }),
  unary({ kernel: 'Sign', lower: { float32: signOfFloat, int32: direct('Sign') }, isHostFoldable: true }),
  unary({ kernel: 'Square', lower: { float32: squareOfFloat, int32: squareOfInt }, isHostFoldable: true }),
  unary({ kernel: 'Ceil', lower: { float32: direct('Ceil'), int32: keep } }),
  unary({ kernel: 'Floor', lower: { float32: direct('Floor'), int32: keep } }),
  unary({ kernel: 'Round', lower: { float32: direct('Round'), int32: keep } }),
  unary({ kernel: 'Relu', lower: { float32: direct('Relu'), int32: direct('Relu'), bool: keep } }),
  unary({
    kernel: 'Relu6',
    lower: { float32: clipTo('float32', 0, 6), int32: clipTo('int32', 0, 6), bool: keep },
  }),
  unary({
    kernel: 'LeakyRelu',
    result: 'float32',
    lower: { float32: leakyRelu, int32: castToFloat(leakyRelu) },
    attributes: [{ alpha: 0.2 }, { alpha: -1.5 }],
  }),
  unary({
    kernel: 'Step',
    lower: { float32: stepOf('float32'), int32: stepOf('int32') },
    attributes: [{ alpha: 0 }, { alpha: 0.5 }, { alpha: -3 }],
  }),
  unary({
    kernel: 'ClipByValue',
    lower: { float32: clipByValue('float32'), int32: clipByValue('int32') },
    attributes: [
      { clipValueMin: -1, clipValueMax: 1 },
      { clipValueMin: -1.5, clipValueMax: Infinity },
      { clipValueMin: -Infinity, clipValueMax: -0.5 },
    ],
  }),
  unary({
    kernel: 'IsNan',
    result: 'bool',
    lower: { float32: direct('IsNaN'), int32: constantBool(0), bool: constantBool(0) },
  }),
  unary({
    kernel: 'IsInf',
    result: 'bool',
    lower: { float32: isInfinite, int32: constantBool(0), bool: constantBool(0) },
  }),
  unary({
    kernel: 'IsFinite',
    result: 'bool',
    lower: { float32: isFinite, int32: constantBool(1), bool: constantBool(1) },
  }),
  unary({ kernel: 'LogicalNot', result: 'bool', lower: { bool: direct('Not') }, isHostFoldable: true }),
];
