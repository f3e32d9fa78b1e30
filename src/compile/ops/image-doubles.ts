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

export interface Doubles {
  constant(value: number): OnnxValue;
  /** `[1, n]`. */
  row(values: readonly number[]): OnnxValue;
  add(left: OnnxValue, right: OnnxValue): OnnxValue;
  subtract(left: OnnxValue, right: OnnxValue): OnnxValue;
  multiply(left: OnnxValue, right: OnnxValue): OnnxValue;
  divide(left: OnnxValue, right: OnnxValue): OnnxValue;
  floor(value: OnnxValue): OnnxValue;
  /** JavaScript's `Math.round`: halves go up. */
  round(value: OnnxValue): OnnxValue;
  /** JavaScript's `Math.trunc`. */
  trunc(value: OnnxValue): OnnxValue;
  less(left: OnnxValue, right: OnnxValue): OnnxValue;
  /** `low <= value <= high`; false for NaN. */
  between(value: OnnxValue, low: number, high: number): OnnxValue;
  where(condition: OnnxValue, whenTrue: OnnxValue, whenFalse: OnnxValue): OnnxValue;
  clamp(value: OnnxValue, low: number, high: number): OnnxValue;
  /** Where a coordinate reads an axis of `size` elements. */
  axis(coordinate: OnnxValue, size: number): AxisPlaces;
}

export function doublesOf(context: LoweringContext): Doubles {
  const binary = (type: string) => (left: OnnxValue, right: OnnxValue) => context.op(type, [left, right]);
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
