/** Operators that work on each element for itself, in double precision. */
import { dataTypeOfCode } from '../../../onnx/data-type.ts';
import { broadcastDims, broadcastPositions, cells, isInteger, Unsupported, type Cells } from './cells.ts';
import type { Evaluate, Operation } from './operation.ts';

/** The error function: a power series near zero, a continued fraction further out. */
export function erf(x: number): number {
  const size = Math.abs(x);
  if (size > 6) return Math.sign(x);
  if (size < 2.5) {
    let term = size;
    let sum = size;
    for (let n = 1; Math.abs(term) > 1e-17 * sum; n++) {
      term *= -(size * size) / n;
      sum += term / (2 * n + 1);
    }
    return (Math.sign(x) * 2 * sum) / Math.sqrt(Math.PI);
  }
  let fraction = size;
  for (let k = 60; k > 0; k--) fraction = size + k / 2 / fraction;
  return Math.sign(x) * (1 - Math.exp(-size * size) / (fraction * Math.sqrt(Math.PI)));
}

function roundEven(x: number): number {
  const rounded = Math.round(x);
  return Math.abs(x - Math.trunc(x)) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

type Unary = (x: number, operation: Operation) => number;

const unary: Readonly<Record<string, Unary>> = {
  Abs: Math.abs,
  Acos: Math.acos,
  Acosh: Math.acosh,
  Asin: Math.asin,
  Asinh: Math.asinh,
  Atan: Math.atan,
  Atanh: Math.atanh,
  Ceil: Math.ceil,
  Cos: Math.cos,
  Cosh: Math.cosh,
  Erf: erf,
  Exp: Math.exp,
  Floor: Math.floor,
  HardSigmoid: (x, op) => Math.max(0, Math.min(1, op.float('alpha', 0.2) * x + op.float('beta', 0.5))),
  HardSwish: (x) => x * Math.max(0, Math.min(1, x / 6 + 0.5)),
  Identity: (x) => x,
  LeakyRelu: (x, op) => (x < 0 ? op.float('alpha', 0.01) * x : x),
  Log: Math.log,
  Neg: (x) => -x,
  Not: (x) => (x === 0 ? 1 : 0),
  Reciprocal: (x) => 1 / x,
  Relu: (x) => (x < 0 ? 0 : x),
  Round: roundEven,
  Selu: (x, op) =>
    op.float('gamma', 1.0507009873554805) *
    (x > 0 ? x : op.float('alpha', 1.6732632423543772) * Math.expm1(x)),
  Sigmoid: sigmoid,
  Sign: Math.sign,
  Sin: Math.sin,
  Sinh: Math.sinh,
  Softplus: softplus,
  Softsign: (x) => x / (1 + Math.abs(x)),
  Sqrt: Math.sqrt,
  Tan: Math.tan,
  Tanh: Math.tanh,
};

type Binary = (left: number, right: number, isWhole: boolean) => number;

const arithmetic: Readonly<Record<string, Binary>> = {
  Add: (left, right) => left + right,
  Sub: (left, right) => left - right,
  Mul: (left, right) => left * right,
  Div: (left, right, isWhole) => (isWhole ? Math.trunc(left / right) : left / right),
  Pow: (left, right) => left ** right,
  PRelu: (left, right) => (left < 0 ? left * right : left),
};

const logic: Readonly<Record<string, Binary>> = {
  And: (left, right) => Number(left !== 0 && right !== 0),
  Or: (left, right) => Number(left !== 0 || right !== 0),
  Xor: (left, right) => Number((left !== 0) !== (right !== 0)),
  Equal: (left, right) => Number(left === right),
  Greater: (left, right) => Number(left > right),
  GreaterOrEqual: (left, right) => Number(left >= right),
  Less: (left, right) => Number(left < right),
  LessOrEqual: (left, right) => Number(left <= right),
};

const variadic: Readonly<Record<string, Binary>> = {
  Max: (left, right) => Math.max(left, right),
  Mean: (left, right) => left + right,
  Min: (left, right) => Math.min(left, right),
  Sum: (left, right) => left + right,
};

function combine(left: Cells, right: Cells, dataType: Cells['dataType'], apply: Binary): Cells {
  const dims = broadcastDims([left.dims, right.dims]);
  const [from, with_] = [broadcastPositions(left.dims, dims), broadcastPositions(right.dims, dims)];
  const isWhole = isInteger(left.dataType);
  const data = Float64Array.from(from, (position, index) =>
    apply(left.data[position]!, right.data[with_[index]!]!, isWhole),
  );
  return cells(dataType, dims, data);
}

function mapped(
  value: Cells,
  apply: (x: number) => number,
  dataType: Cells['dataType'] = value.dataType,
): Cells {
  return cells(dataType, value.dims, value.data.map(apply));
}

const clip: Evaluate = (op) => {
  const low = op.optional(1)?.data[0] ?? op.float('min', -Infinity);
  const high = op.optional(2)?.data[0] ?? op.float('max', Infinity);
  return [mapped(op.at(0), (x) => Math.min(Math.max(x, low), high))];
};

const cast: Evaluate = (op) => {
  const type = dataTypeOfCode(op.int('to', 0));
  const value = op.at(0);
  if (type === undefined || type === 'string') throw new Unsupported('Cast to this type');
  if (type === 'bool') return [mapped(value, (x) => Number(x !== 0), type)];
  if (!isInteger(type)) return [{ ...value, dataType: type }];
  const isFine = value.data.every((x) => Number.isFinite(x) && Math.abs(x) < 2 ** 31);
  if (!isFine || type.startsWith('u') || type.endsWith('8') || type.endsWith('16')) {
    if (value.data.some((x) => !(x >= 0 && x < 128))) throw new Unsupported('Cast that overflows');
  }
  return [mapped(value, Math.trunc, type)];
};

const where: Evaluate = (op) => {
  const [condition, left, right] = [op.at(0), op.at(1), op.at(2)];
  const dims = broadcastDims([condition.dims, left.dims, right.dims]);
  const [at, from, other] = [condition, left, right].map((value) => broadcastPositions(value.dims, dims));
  const data = Float64Array.from(at!, (position, index) =>
    condition.data[position] === 0 ? right.data[other![index]!]! : left.data[from![index]!]!,
  );
  return [cells(left.dataType, dims, data)];
};

const gelu: Evaluate = (op) => {
  const isTanh = op.text('approximate') === 'tanh';
  const tanhForm = (x: number): number =>
    0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
  return [mapped(op.at(0), isTanh ? tanhForm : (x) => 0.5 * x * (1 + erf(x / Math.SQRT2)))];
};

const elu: Evaluate = (op) => [mapped(op.at(0), (x) => (x > 0 ? x : op.float('alpha', 1) * Math.expm1(x)))];

const quantize: Evaluate = (op) => {
  const [value, scale, zero] = [op.at(0), op.at(1), op.optional(2)];
  const type = zero?.dataType ?? 'uint8';
  if (scale.data.length !== 1 || (type !== 'uint8' && type !== 'int8'))
    throw new Unsupported('this quantization');
  const [low, high] = type === 'uint8' ? [0, 255] : [-128, 127];
  const quantized = (x: number): number => roundEven(x / scale.data[0]!) + (zero?.data[0] ?? 0);
  return [mapped(value, (x) => Math.min(Math.max(quantized(x), low), high), type)];
};

const dequantize: Evaluate = (op) => {
  const [value, scale, zero] = [op.at(0), op.at(1), op.optional(2)];
  if (scale.data.length !== 1) throw new Unsupported('this quantization');
  return [mapped(value, (x) => (x - (zero?.data[0] ?? 0)) * scale.data[0]!, scale.dataType)];
};

function entries(
  table: Readonly<Record<string, Binary>>,
  evaluate: (apply: Binary) => Evaluate,
): [string, Evaluate][] {
  return Object.entries(table).map(([name, apply]) => [name, evaluate(apply)]);
}

export const elementwise: Readonly<Record<string, Evaluate>> = {
  ...Object.fromEntries(
    Object.entries(unary).map(([name, apply]): [string, Evaluate] => [
      name,
      (op) => [mapped(op.at(0), (x) => apply(x, op))],
    ]),
  ),
  ...Object.fromEntries(
    entries(arithmetic, (apply) => (op) => [combine(op.at(0), op.at(1), op.at(0).dataType, apply)]),
  ),
  ...Object.fromEntries(entries(logic, (apply) => (op) => [combine(op.at(0), op.at(1), 'bool', apply)])),
  ...Object.fromEntries(
    entries(variadic, (apply) => (op) => {
      let result = op.at(0);
      for (let index = 1; index < op.count; index++) {
        result = combine(result, op.at(index), result.dataType, apply);
      }
      return [op.node.opType === 'Mean' ? mapped(result, (x) => x / op.count) : result];
    }),
  ),
  Cast: cast,
  Clip: clip,
  DequantizeLinear: dequantize,
  Dropout: (op) => [op.at(0)],
  Elu: elu,
  Gelu: gelu,
  QuantizeLinear: quantize,
  Where: where,
};
