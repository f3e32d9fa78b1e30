/**
 * How two runs of one model differ, as numbers. An element is wrong when it is off by more than the absolute plus the relative
 * tolerance; the absolute one grows with the tensor's largest value, so that cancellation is not reported.
 */
import type { OnnxDataType } from '../../onnx/index.ts';
import type { Difference, Tolerance, TrialTensor } from './trial-messages.ts';

function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const bfloatBits = new Uint32Array(1);
const bfloatValue = new Float32Array(bfloatBits.buffer);

function bfloatToNumber(bits: number): number {
  bfloatBits[0] = bits << 16;
  return bfloatValue[0]!;
}

type Reader = (index: number) => number;

/** Reads elements as numbers; strings by identity, which is all that comparing needs. */
export function numberReader(tensor: TrialTensor): Reader {
  const { data, type } = tensor;
  if (Array.isArray(data)) return () => NaN;
  const numbers = data as Exclude<TrialTensor['data'], readonly unknown[]>;
  switch (type as OnnxDataType) {
    case 'float16':
      return (index) => halfToNumber(Number(numbers[index]));
    case 'bfloat16':
      return (index) => bfloatToNumber(Number(numbers[index]));
    default:
      return (index) => Number(numbers[index]);
  }
}

const isFloat: ReadonlySet<string> = new Set(['float32', 'float64', 'float16', 'bfloat16']);

function stringDifference(expected: TrialTensor, actual: TrialTensor): Difference | undefined {
  const index = [...expected.data].findIndex((value, at) => value !== actual.data[at]);
  if (index < 0) return undefined;
  const elements = expected.data.length;
  return { ...unknownNumbers(expected.name, elements), kind: 'diverge', index, differing: 1 };
}

function unknownNumbers(output: string, elements: number): Omit<Difference, 'kind'> {
  const no = NaN;
  return {
    output,
    excess: no,
    maxError: no,
    index: 0,
    expected: no,
    actual: no,
    differing: elements,
    elements,
  };
}

/** How one output differs; undefined when it is within tolerance. */
export function tensorDifference(
  expected: TrialTensor,
  actual: TrialTensor,
  tolerance: Tolerance,
): Difference | undefined {
  const elements = expected.data.length;
  if (expected.type !== actual.type || expected.dims.join() !== actual.dims.join())
    return { kind: 'shape', ...unknownNumbers(expected.name, elements) };
  if (Array.isArray(expected.data)) return stringDifference(expected, actual);
  const left = numberReader(expected);
  const right = numberReader(actual);
  let scale = 0;
  for (let index = 0; index < elements; index++) {
    const value = Math.abs(left(index));
    if (value > scale && value < Infinity) scale = value;
  }
  const absolute = isFloat.has(expected.type) ? tolerance.absolute * Math.max(1, scale) : 0;
  const relative = isFloat.has(expected.type) ? tolerance.relative : 0;
  let worst: Difference | undefined;
  let differing = 0;
  for (let index = 0; index < elements; index++) {
    const want = left(index);
    const got = right(index);
    if (want === got || (Number.isNaN(want) && Number.isNaN(got))) continue;
    const error = Math.abs(want - got);
    const excess = error / (absolute + relative * Math.abs(want));
    if (excess <= 1) continue;
    differing++;
    const isNan = Number.isFinite(want) && Number.isNaN(got);
    const isWorse = worst === undefined || (isNan ? worst.kind !== 'nan' : excess > worst.excess);
    if (!isWorse) continue;
    worst = {
      kind: isNan ? 'nan' : 'diverge',
      output: expected.name,
      excess,
      maxError: error,
      index,
      expected: want,
      actual: got,
      differing,
      elements,
    };
  }
  return worst === undefined ? undefined : { ...worst, differing };
}

const rank: Readonly<Record<Difference['kind'], number>> = { nan: 2, shape: 1, diverge: 0 };

/** The worst difference between two runs: NaN before a wrong shape before the largest error. */
export function outputsDifference(
  expected: readonly TrialTensor[],
  actual: readonly TrialTensor[],
  tolerance: Tolerance,
): Difference | undefined {
  let worst: Difference | undefined;
  for (const tensor of expected) {
    const other = actual.find(({ name }) => name === tensor.name);
    if (other === undefined) continue;
    const difference = tensorDifference(tensor, other, tolerance);
    if (difference === undefined) continue;
    const step = worst === undefined ? 1 : rank[difference.kind] - rank[worst.kind];
    if (step > 0 || (step === 0 && difference.excess > worst!.excess)) worst = difference;
  }
  return worst;
}

/** Largest error of each common output, relative to its largest value; for judging rounding against double precision. */
export function relativeError(exact: readonly TrialTensor[], tensor: TrialTensor): number {
  const other = exact.find(({ name }) => name === tensor.name);
  if (other === undefined || other.data.length !== tensor.data.length) return NaN;
  const want = numberReader(other);
  const got = numberReader(tensor);
  let scale = 0;
  let error = 0;
  for (let index = 0; index < tensor.data.length; index++) {
    scale = Math.max(scale, Math.abs(want(index)));
    error = Math.max(error, Math.abs(want(index) - got(index)));
  }
  return scale === 0 ? error : error / scale;
}
