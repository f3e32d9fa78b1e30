/** ONNX nodes for coordinates in doubles, the arithmetic in which cpu's image kernels find the pixels to read. */
import type { LoweringContext, OnnxValue } from './define-op.ts';

/** A coordinate along one axis of an image, safe to read at: 0 where it is outside. */
export interface AxisPlaces {
  /** Whether the coordinate lies on the image. */
  readonly isInside: OnnxValue;
  readonly low: OnnxValue;
  readonly high: OnnxValue;
  readonly nearest: OnnxValue;
  /** Distance from `low`. */
  readonly fraction: OnnxValue;
}

type Unary = (value: OnnxValue) => OnnxValue;
type Binary = (left: OnnxValue, right: OnnxValue) => OnnxValue;

/** Arithmetic of doubles, as ONNX nodes. */
export interface Doubles {
  readonly constant: (value: number) => OnnxValue;
  /** `[1, n]`. */
  readonly row: (values: readonly number[]) => OnnxValue;
  readonly add: Binary;
  readonly subtract: Binary;
  readonly multiply: Binary;
  readonly divide: Binary;
  readonly floor: Unary;
  /** JavaScript's `Math.round`: halves go up. */
  readonly round: Unary;
  /** JavaScript's `Math.trunc`. */
  readonly trunc: Unary;
  readonly less: Binary;
  /** `low <= value <= high`; false for NaN. */
  readonly between: (value: OnnxValue, low: number, high: number) => OnnxValue;
  readonly where: (condition: OnnxValue, whenTrue: OnnxValue, whenFalse: OnnxValue) => OnnxValue;
  readonly clamp: (value: OnnxValue, low: number, high: number) => OnnxValue;
  /** Where a coordinate reads an axis of `size` elements. */
  readonly axis: (coordinate: OnnxValue, size: number) => AxisPlaces;
}

/** The pen for doubles of a lowering. */
export function doublesOf(context: LoweringContext): Doubles {
  const binary =
    (type: string): Binary =>
    (left, right) =>
      context.op(type, [left, right]);
  const constant = (value: number): OnnxValue => context.tensor(Float64Array.of(value), []);
  const add = binary('Add');
  const floor = (value: OnnxValue): OnnxValue => context.op('Floor', [value]);
  const between = (value: OnnxValue, low: number, high: number): OnnxValue =>
    context.op('And', [
      context.op('GreaterOrEqual', [value, constant(low)]),
      context.op('LessOrEqual', [value, constant(high)]),
    ]);
  const where = (condition: OnnxValue, whenTrue: OnnxValue, whenFalse: OnnxValue): OnnxValue =>
    context.op('Where', [condition, whenTrue, whenFalse]);
  const subtract = binary('Sub');
  const less = binary('Less');
  return {
    constant,
    row: (values) => context.tensor(Float64Array.from(values), [1, values.length]),
    add,
    subtract,
    multiply: binary('Mul'),
    divide: binary('Div'),
    floor,
    round: (value) => floor(add(value, constant(0.5))),
    trunc: (value) => where(less(value, constant(0)), context.op('Ceil', [value]), floor(value)),
    less,
    between,
    where,
    clamp: (value, low, high) => context.op('Clip', [value, constant(low), constant(high)]),
    axis(coordinate, size) {
      const isInside = between(coordinate, 0, size - 1);
      const safe = where(isInside, coordinate, constant(0));
      const low = floor(safe);
      return {
        isInside,
        low,
        high: context.op('Ceil', [safe]),
        nearest: floor(add(safe, constant(0.5))),
        fraction: subtract(safe, low),
      };
    },
  };
}
