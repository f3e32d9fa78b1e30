/** Elementwise kernels as expressions: the formulas of tfjs's cpu kernels, in double, stored by the result's array. */
import type { Attributes } from '../../ir/graph.ts';
import { attribute } from '../ops/define-op.ts';
import { sameShape } from '../ops/rules.ts';
import { sequence, type ClosureCall, type MakeClosure } from './closure.ts';
import { elementwise } from './loops.ts';

/** Numbers `p` and `q` of an expression. */
type Parameters = (attributes: Attributes) => readonly [number, number?];

function formula(expression: string, parameters?: Parameters): MakeClosure {
  return (call) => {
    const [p, q] = parameters?.(call.attributes) ?? [];
    return elementwise(expression, call.inputs as ClosureCall['outputs'], call.outputs[0]!, p, q);
  };
}

/** `a` and `b` of one dtype: with others, tfjs's kernels have rules of their own. */
function ofOneDtype(expression: string): MakeClosure {
  const make = formula(expression);
  return (call) => (call.inputs[0]!.dtype === call.inputs[1]!.dtype ? make(call) : undefined);
}

/** Of integers, eager keeps the result as float32 on its way. */
function throughFloat(expression: string): MakeClosure {
  const [ofFloats, ofIntegers] = [formula(expression), formula(`Math.fround(${expression})`)];
  return (call) => (call.inputs[0]!.dtype === 'float32' ? ofFloats : ofIntegers)(call);
}

const alpha: Parameters = (attributes) => [attribute.number(attributes, 'alpha', 0)];

/** Abramowitz and Stegun, 7.1.26. */
const erfTail = ((t) =>
  `((((1.061405429 * ${t} - 1.453152027) * ${t} + 1.421413741) * ${t} - 0.284496736) * ${t} + 0.254829592) * ${t} * Math.exp(-a * a)`)(
  '(1 / (1 + 0.3275911 * Math.abs(a)))',
);

const roundHalfToEven = ((floor) =>
  `a - ${floor} < 0.5 ? ${floor} : a - ${floor} > 0.5 ? Math.ceil(a) : ${floor} % 2 === 0 ? ${floor} : ${floor} + 1`)(
  'Math.floor(a)',
);

/** Below, softplus(x) is exp(x) to within float32's epsilon; above its negative, x. */
const softplusEdge = Math.log(1.1920928955078125e-7) + 2;

const unary = {
  Abs: 'Math.abs(a)',
  Acos: 'Math.acos(a)',
  Acosh: 'Math.acosh(a)',
  Asin: 'Math.asin(a)',
  Asinh: 'Math.asinh(a)',
  Atan: 'Math.atan(a)',
  Atanh: 'Math.atanh(a)',
  Ceil: 'Math.ceil(a)',
  Cos: 'Math.cos(a)',
  Cosh: 'Math.cosh(a)',
  Elu: 'a >= 0 ? a : Math.exp(a) - 1',
  Erf: `Math.sign(a) * (1 - ${erfTail})`,
  Exp: 'Math.exp(a)',
  Expm1: 'Math.expm1(a)',
  Floor: 'Math.floor(a)',
  IsFinite: 'Number.isFinite(a) ? 1 : 0',
  IsInf: 'Math.abs(a) === Infinity ? 1 : 0',
  IsNan: 'Number.isNaN(a) ? 1 : 0',
  Log: 'Math.log(a)',
  Log1p: 'Math.log1p(a)',
  LogicalNot: 'a ? 0 : 1',
  Reciprocal: '1 / a',
  Relu: 'Math.max(0, a)',
  Relu6: 'Math.min(Math.max(0, a), 6)',
  Round: roundHalfToEven,
  Rsqrt: '1 / Math.sqrt(a)',
  Selu: 'a >= 0 ? 1.0507009873554805 * a : 1.7580993408473768 * (Math.exp(a) - 1)',
  Sigmoid: '1 / (1 + Math.exp(-a))',
  Sign: 'a < 0 ? -1 : a > 0 ? 1 : 0',
  Sin: 'Math.sin(a)',
  Sinh: 'Math.sinh(a)',
  Softplus: `a < ${softplusEdge} ? Math.exp(a) : a > ${-softplusEdge} ? a : Math.log(1 + Math.exp(a))`,
  Sqrt: 'Math.sqrt(a)',
  Square: 'a * a',
  Tan: 'Math.tan(a)',
  Tanh: 'Math.tanh(a)',
} satisfies Readonly<Record<string, string>>;

const leakyRelu = 'a < 0 ? p * a : a';

/** Activations that matrix products have fused in, by tfjs's names. */
export const activationFormulas: Readonly<Record<string, string>> = {
  relu: unary.Relu,
  relu6: unary.Relu6,
  elu: unary.Elu,
  sigmoid: unary.Sigmoid,
  leakyrelu: leakyRelu,
};

const binary: Readonly<Record<string, string>> = {
  Add: 'a + b',
  Atan2: 'Math.atan2(a, b)',
  Equal: 'a === b ? 1 : 0',
  FloorDiv: 'Math.floor(a / b)',
  Greater: 'a > b ? 1 : 0',
  GreaterEqual: 'a >= b ? 1 : 0',
  Less: 'a < b ? 1 : 0',
  LessEqual: 'a <= b ? 1 : 0',
  LogicalAnd: 'a && b',
  LogicalOr: 'a || b',
  Maximum: 'Math.max(a, b)',
  Minimum: 'Math.min(a, b)',
  Mod: '(a < 0 && b < 0) || (a >= 0 && b >= 0) ? a % b : ((a % b) + b) % b',
  Multiply: 'a * b',
  NotEqual: 'a !== b ? 1 : 0',
  Pow: 'Math.pow(a, b)',
  RealDiv: 'a / b',
  SquaredDifference: '(a - b) * (a - b)',
  Sub: 'a - b',
};

function table(
  texts: Readonly<Record<string, string>>,
  make: (text: string) => MakeClosure,
): Record<string, MakeClosure> {
  return Object.fromEntries(Object.entries(texts).map(([kernel, text]) => [kernel, make(text)]));
}

const addN: MakeClosure = ({ inputs, outputs }) => {
  const [first, ...others] = inputs;
  const [out] = outputs;
  if (inputs.some((input) => input!.dtype !== first!.dtype)) return undefined;
  if (others.length === 0) return elementwise('a', [first!], out!);
  return sequence(
    others.map((other, index) => elementwise('a + b', [index === 0 ? first! : out!, other!], out!)),
  );
};

/** tf.where broadcasts all three first. With other shapes, eager reads elements in an order of its own. */
const select: MakeClosure = ({ inputs, outputs }) => {
  const [condition, t, e] = inputs;
  if (!sameShape(condition!.shape, t!.shape) || !sameShape(t!.shape, e!.shape)) return undefined;
  return elementwise('a === 1 ? b : c', [condition!, t!, e!], outputs[0]!);
};

export const elementwiseClosures: Readonly<Record<string, MakeClosure>> = {
  ...table(unary, formula),
  ...table(binary, ofOneDtype),
  Abs: throughFloat(unary.Abs),
  AddN: addN,
  Cast: (call) => {
    const isTruth = call.outputs[0]!.dtype === 'bool' && call.inputs[0]!.dtype !== 'bool';
    return formula(isTruth ? 'a !== 0 ? 1 : 0' : 'a')(call);
  },
  ClipByValue: formula('a > q ? q : a < p ? p : a', (attributes) => [
    attribute.number(attributes, 'clipValueMin'),
    attribute.number(attributes, 'clipValueMax'),
  ]),
  EluGrad: formula('b >= 0 ? a : a * (b + 1)'),
  LeakyRelu: formula(leakyRelu, alpha),
  // Eager multiplies by -1 of the dtype: bools by 255.
  Neg: (call) => (call.outputs[0]!.dtype === 'bool' ? undefined : formula('-a')(call)),
  Prelu: formula('a < 0 ? b * a : a'),
  Select: select,
  Square: throughFloat(unary.Square),
  Step: formula('a > 0 ? 1 : a !== a ? a : p', alpha),
};
