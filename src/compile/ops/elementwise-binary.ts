/**
 * Kernels of two tensors `a` and `b`, element by element with numpy's broadcasting. Eager's kernels give the result
 * `a`'s dtype; tf's ops cast both to one dtype first, so mixed dtypes are rare and run eagerly where no entry says
 * otherwise. Only Add, Sub and Multiply take complex64.
 */
import {
  defineOp,
  type LoweringContext,
  type OnnxValue,
  type OpDefinition,
  type OpSample,
} from './define-op.ts';
import { dtypeOf, input, toInt32, where } from './numbers.ts';
import { broadcastShapes, hasComplex, present, type NativeDtype } from './rules.ts';
import { bool, f32, floats, i32, ints } from './samples.ts';

type LowerBinary = (context: LoweringContext, a: OnnxValue, b: OnnxValue) => OnnxValue;

interface BinaryEntry {
  readonly kernel: string;
  readonly result?: 'bool' | 'int32' | 'float32';
  readonly takesComplex?: boolean;
  readonly lower: Readonly<Partial<Record<NativeDtype, LowerBinary>>>;
  readonly isHostFoldable?: boolean;
  readonly inputs?: readonly [string, string];
  readonly samples?: readonly OpSample[];
}

const nan = Number.NaN;
const left = floats(
  nan,
  1,
  Infinity,
  -Infinity,
  Infinity,
  0,
  -0,
  5.5,
  -5.5,
  5.5,
  -5.5,
  3,
  3,
  0,
  1e-20,
  6,
  -6,
);
const right = floats(1, nan, Infinity, Infinity, 2, 0, 3, 2, 2, -2, -2, 3, 0, -2, 1e-20, 3, 3);
const leftInts = ints(7, -7, 7, -7, 0, 5, 2147483647, -2147483648, 6, -6, 3);
const rightInts = ints(2, 2, -2, -2, 3, 0, 1, -1, 3, 3, -5);
const smallInts = ints(7, -7, 7, -7, 0, 5, 30000, -30000, 6, -6, 3);

function floatSamples(): OpSample[] {
  return [
    { inputs: [left, right] },
    { inputs: [f32([2, 3]), f32([3])] },
    { inputs: [f32([4, 1, 3]), f32([2, 1])] },
    { inputs: [f32([]), f32([2, 2])] },
    { inputs: [f32([]), f32([])] },
    { inputs: [f32([0, 3]), f32([1, 3])] },
  ];
}

function intSamples(): OpSample[] {
  return [
    { inputs: [leftInts, rightInts] },
    { inputs: [i32([2, 1]), i32([3])] },
    { inputs: [i32([0]), i32([])] },
  ];
}

function boolSamples(): OpSample[] {
  return [
    { inputs: [bool([4], [0, 0, 1, 1]), bool([4], [0, 1, 0, 1])] },
    { inputs: [bool([2, 1]), bool([3])] },
    { inputs: [bool([]), bool([0])] },
  ];
}

function binary(entry: BinaryEntry): OpDefinition {
  const { lower } = entry;
  return defineOp({
    kernel: entry.kernel,
    inputs: entry.inputs ?? ['a', 'b'],
    infer(types) {
      const [a, b] = present(types);
      const shape = broadcastShapes(a!.shape, b!.shape);
      if (shape === undefined) return undefined;
      if (!hasComplex(a, b)) return [{ dtype: entry.result ?? a!.dtype, shape }];
      return entry.takesComplex ? [{ dtype: 'complex64', shape }] : undefined;
    },
    lower(context) {
      const dtype = dtypeOf(context, 0);
      if (dtype !== dtypeOf(context, 1)) return undefined;
      const lowerDtype = lower[dtype];
      return lowerDtype && [lowerDtype(context, input(context, 0), input(context, 1))];
    },
    samples: entry.samples ?? [
      ...(lower.float32 ? floatSamples() : []),
      ...(lower.int32 ? intSamples() : []),
      ...(lower.bool ? boolSamples() : []),
    ],
    ...(entry.isHostFoldable && { isHostFoldable: true }),
  });
}

function direct(op: string): LowerBinary {
  return (context, a, b) => context.op(op, [a, b]);
}

/** One ONNX operator for float32 and int32. */
function arithmetic(kernel: string, op: string, extra: Partial<BinaryEntry> = {}): OpDefinition {
  return binary({
    kernel,
    lower: { float32: direct(op), int32: direct(op) },
    isHostFoldable: true,
    ...extra,
  });
}

const inDouble =
  (f: LowerBinary): LowerBinary =>
  (context, a, b) =>
    toInt32(context, f(context, context.cast(a, 'float64'), context.cast(b, 'float64')), 'float64');

const floorOfQuotient: LowerBinary = (context, a, b) => context.op('Floor', [context.op('Div', [a, b])]);

const squaredDifference: LowerBinary = (context, a, b) => {
  const difference = context.op('Sub', [a, b]);
  return context.op('Mul', [difference, difference]);
};

/**
 * Remainder with the sign of `b`, by tfjs's formula `(a % b + b) % b` where the signs differ; in double, as there: in
 * float32, `a % b + b` is `b` for a small negative `a`, and the remainder 0.
 */
const modOfFloats: LowerBinary = (context, a, b) => {
  const [dividend, divisor] = [context.cast(a, 'float64'), context.cast(b, 'float64')];
  const remainder = context.op('Mod', [dividend, divisor], { fmod: 1 });
  const zero = context.tensor(Float64Array.of(0), []);
  const differs = context.op('Less', [context.op('Mul', [remainder, divisor]), zero]);
  const shifted = context.op('Mod', [context.op('Add', [remainder, divisor]), divisor], { fmod: 1 });
  return context.cast(context.op('Where', [differs, shifted, remainder]), 'float32');
};

/** Divisors 0 and -1 give 0 and trap on x86: 0, and -1 below the smallest int32. Modulo 1 gives 0 as well. */
const modOfInts: LowerBinary = (context, a, b) => {
  const one = context.scalar(1, 'int32');
  const traps = context.op('Or', [
    context.op('Equal', [b, context.scalar(0, 'int32')]),
    context.op('Equal', [b, context.scalar(-1, 'int32')]),
  ]);
  return context.op('Mod', [a, where(context, traps, one, b)]);
};

/** Whether the sign bit is set where `value` is 0: 1 / -0 is -Infinity. */
function isNegativeZero(context: LoweringContext, value: OnnxValue): OnnxValue {
  const inverse = context.op('Reciprocal', [value]);
  return context.op('Equal', [inverse, context.scalar(-Infinity, 'float32')]);
}

/** The angle of (b, a) from the arc tangent of a / b; clipping makes infinite sides equal finite ones. */
const atan2: LowerBinary = (context, a, b) => {
  const number = (value: number): OnnxValue => context.scalar(value, 'float32');
  const largest = 3.4028234663852886e38;
  const clip = (value: OnnxValue): OnnxValue =>
    context.op('Clip', [value, number(-largest), number(largest)]);
  const isZero = context.op('Equal', [b, number(0)]);
  // 1.4e-45, the smallest float32: a / b is then 0 for a = 0, and huge with the right sign otherwise.
  const divisor = where(context, isZero, number(1.401298464324817e-45), clip(b));
  const angle = context.op('Atan', [context.op('Div', [clip(a), divisor])]);
  // To the left of 0, half a turn is missing, and the sign of a zero says in which direction.
  const isOrigin = context.op('And', [context.op('Equal', [a, number(0)]), isNegativeZero(context, b)]);
  const isLeft = context.op('Or', [context.op('Less', [b, number(0)]), isOrigin]);
  const isBelow = context.op('Or', [context.op('Less', [a, number(0)]), isNegativeZero(context, a)]);
  const halfTurn = where(context, isBelow, number(-Math.PI), number(Math.PI));
  return context.op('Add', [angle, where(context, isLeft, halfTurn, number(0))]);
};

const floorDiv = inDouble(floorOfQuotient);

/** ONNX orders no booleans. */
function comparison(kernel: string, op: string): OpDefinition {
  return binary({
    kernel,
    result: 'bool',
    lower: {
      float32: direct(op),
      int32: direct(op),
      bool: (context, a, b) => context.op(op, [context.cast(a, 'int32'), context.cast(b, 'int32')]),
    },
    isHostFoldable: true,
  });
}

const notEqual: LowerBinary = (context, a, b) => context.op('Not', [context.op('Equal', [a, b])]);

const powSamples: readonly OpSample[] = [
  {
    inputs: [
      floats(nan, 2, -2, -2, 0, 0, Infinity, -Infinity, 4, 2, nan, 1.5),
      floats(2, nan, 3, 0.5, 0, -1, 2, 3, 0.5, Infinity, 0, -2),
    ],
  },
  { inputs: [f32([2, 3], [0.5, 1, 2, 3, 4, 5]), f32([3])] },
  { inputs: [f32([2, 2]), f32([], [2])] },
  { inputs: [f32([0, 3]), f32([1, 3])] },
  {
    inputs: [ints(2, -2, 2, 0, 10, 46341, 3), ints(10, 3, -1, 0, 9, 2, 0)],
    about: 'negative powers truncate to 0',
  },
  { inputs: [i32([2, 2], [1, 2, 3, 4]), i32([], [2])] },
];

export const binaryOps: readonly OpDefinition[] = [
  arithmetic('Add', 'Add', { takesComplex: true }),
  arithmetic('Sub', 'Sub', { takesComplex: true }),
  arithmetic('Multiply', 'Mul', {
    takesComplex: true,
    lower: { float32: direct('Mul'), int32: direct('Mul'), bool: direct('And') },
  }),
  arithmetic('Maximum', 'Max', {
    lower: { float32: direct('Max'), int32: direct('Max'), bool: direct('Or') },
  }),
  arithmetic('Minimum', 'Min', {
    lower: { float32: direct('Min'), int32: direct('Min'), bool: direct('And') },
  }),
  binary({
    kernel: 'RealDiv',
    lower: { float32: direct('Div'), int32: inDouble(direct('Div')) },
    isHostFoldable: true,
  }),
  binary({
    kernel: 'FloorDiv',
    result: 'int32',
    lower: { float32: floorDiv, int32: floorDiv },
    isHostFoldable: true,
  }),
  binary({
    kernel: 'Mod',
    lower: { float32: modOfFloats, int32: modOfInts },
    samples: [
      ...floatSamples(),
      { inputs: [floats(-1e-8, -1e-7, 1e-7, -1e-30, 7.5), floats(1, 2 * Math.PI, -3, 1e-20, 2.5)] },
      ...intSamples(),
    ],
    isHostFoldable: true,
  }),
  binary({
    kernel: 'Pow',
    lower: { float32: direct('Pow'), int32: inDouble(direct('Pow')) },
    samples: powSamples,
    isHostFoldable: true,
  }),
  binary({
    kernel: 'SquaredDifference',
    lower: { float32: squaredDifference, int32: squaredDifference },
    samples: [...floatSamples(), { inputs: [smallInts, rightInts] }, { inputs: [i32([0]), i32([])] }],
    isHostFoldable: true,
  }),
  binary({
    kernel: 'Atan2',
    lower: { float32: atan2 },
    samples: [
      ...floatSamples(),
      { inputs: [floats(0, -0, 0, -0, -0, 1, -1, -1), floats(-1, -1, -0, -0, 0, -0, -0, Infinity)] },
    ],
  }),
  binary({ kernel: 'BitwiseAnd', lower: { int32: direct('BitwiseAnd') }, isHostFoldable: true }),
  binary({
    kernel: 'Equal',
    result: 'bool',
    lower: { float32: direct('Equal'), int32: direct('Equal'), bool: direct('Equal') },
    isHostFoldable: true,
  }),
  binary({
    kernel: 'NotEqual',
    result: 'bool',
    lower: { float32: notEqual, int32: notEqual, bool: direct('Xor') },
    isHostFoldable: true,
  }),
  comparison('Less', 'Less'),
  comparison('LessEqual', 'LessOrEqual'),
  comparison('Greater', 'Greater'),
  comparison('GreaterEqual', 'GreaterOrEqual'),
  binary({ kernel: 'LogicalAnd', result: 'bool', lower: { bool: direct('And') }, isHostFoldable: true }),
  binary({ kernel: 'LogicalOr', result: 'bool', lower: { bool: direct('Or') }, isHostFoldable: true }),
];
