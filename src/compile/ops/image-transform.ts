/**
 * Transform: projective warps. Coordinates are computed in doubles, operation for operation as cpu's kernel does. That
 * kernel returns from inside its loop over images, so only the first image is warped; programs see that, and so do we.
 */
import { attribute, defineOp, type LoweringContext, type OnnxValue, type OpDefinition } from './define-op.ts';
import { doublesOf, type Doubles } from './image-doubles.ts';
import { transformSamples } from './image-samples.ts';
import { filled, reshape, where } from './numbers.ts';
import { isEmpty } from './rules.ts';

type MapCoordinate = (doubles: Doubles, coordinate: OnnxValue, size: number) => OnnxValue;

/** Picks by where the coordinate lies: before the image, behind it, or on it. */
function bySide(
  doubles: Doubles,
  coordinate: OnnxValue,
  size: number,
  before: OnnxValue,
  behind: OnnxValue,
): OnnxValue {
  const isBehind = doubles.less(doubles.constant(size - 1), coordinate);
  const inner = doubles.where(isBehind, behind, coordinate);
  const mapped = doubles.where(doubles.less(coordinate, doubles.constant(0)), before, inner);
  return doubles.clamp(mapped, 0, size - 1);
}

const fillModes: Readonly<Record<string, MapCoordinate>> = {
  constant: (_, coordinate) => coordinate,
  nearest: (doubles, coordinate, size) => doubles.clamp(coordinate, 0, size - 1),
  reflect(doubles, coordinate, size) {
    const { add, subtract, multiply, divide, constant, trunc, less } = doubles;
    const period = constant(2 * size);
    const negated = subtract(constant(0), coordinate);
    const raised = add(multiply(period, trunc(divide(negated, period))), coordinate);
    const before = doubles.where(
      less(raised, constant(-size)),
      add(raised, period),
      subtract(subtract(constant(0), raised), constant(1)),
    );
    const lowered = subtract(coordinate, multiply(period, trunc(divide(coordinate, period))));
    const behind = doubles.where(
      less(lowered, constant(size)),
      lowered,
      subtract(subtract(period, lowered), constant(1)),
    );
    return bySide(doubles, coordinate, size, before, behind);
  },
  wrap(doubles, coordinate, size) {
    const { add, subtract, multiply, divide, constant, trunc } = doubles;
    const last = constant(size - 1);
    const turns = add(trunc(divide(subtract(constant(0), coordinate), last)), constant(1));
    const before = add(coordinate, multiply(constant(size), turns));
    const behind = subtract(coordinate, multiply(constant(size), trunc(divide(coordinate, last))));
    return bySide(doubles, coordinate, size, before, behind);
  },
};

/** Any mode but `constant` puts all coordinates on an image of one pixel. */
function mapCoordinate(doubles: Doubles, mode: string, coordinate: OnnxValue, size: number): OnnxValue {
  const map = fillModes[mode] ?? fillModes['constant']!;
  if (size > 1) return map(doubles, coordinate, size);
  return map === fillModes['constant'] ? coordinate : doubles.clamp(coordinate, 0, 0);
}

/** Where each output pixel comes from on the first image: `[height, width]` doubles. */
function sourceCoordinates(
  context: LoweringContext,
  doubles: Doubles,
  height: number,
  width: number,
): { readonly x: OnnxValue; readonly y: OnnxValue; readonly isFinite: OnnxValue } {
  const first = context.op('Slice', [
    context.inputs[1]!,
    context.ints([0]),
    context.ints([1]),
    context.ints([0]),
  ]);
  const t = context.ops('Split', [context.cast(first, 'float64')], 8, { axis: 1, num_outputs: 8 });
  const { add, multiply, divide, constant } = doubles;
  const columns = doubles.row(Array.from({ length: width }, (_, column) => column));
  const rows = reshape(context, doubles.row(Array.from({ length: height }, (_, row) => row)), [height, 1]);
  const plane = (a: OnnxValue, b: OnnxValue, c: OnnxValue): OnnxValue =>
    add(add(multiply(a, columns), multiply(b, rows)), c);
  const projection = plane(t[6]!, t[7]!, constant(1));
  return {
    x: divide(plane(t[0]!, t[1]!, t[2]!), projection),
    y: divide(plane(t[3]!, t[4]!, t[5]!), projection),
    isFinite: context.op('Not', [context.op('Equal', [projection, constant(0)])]),
  };
}

function warpFirstImage(context: LoweringContext, fill: OnnxValue): OnnxValue {
  const [, imageHeight, imageWidth, channels] = context.inputTypes[0]!.shape as [
    number,
    number,
    number,
    number,
  ];
  const [, height, width] = context.outputTypes[0]!.shape as [number, number, number, number];
  const doubles = doublesOf(context);
  const mode = attribute.string(context.attributes, 'fillMode');
  const source = sourceCoordinates(context, doubles, height, width);
  const x = mapCoordinate(doubles, mode, source.x, imageWidth);
  const y = mapCoordinate(doubles, mode, source.y, imageHeight);
  const first = context.op('Gather', [context.inputs[0]!, context.tensor(BigInt64Array.of(0n), [])], {
    axis: 0,
  });
  const grid = [height, width, 1];
  const read = (row: OnnxValue, column: OnnxValue): OnnxValue => {
    const isInside = context.op('And', [
      doubles.between(row, 0, imageHeight - 1),
      doubles.between(column, 0, imageWidth - 1),
    ]);
    const index = (value: OnnxValue): OnnxValue =>
      reshape(context, context.cast(doubles.where(isInside, value, doubles.constant(0)), 'int64'), grid);
    const pixels = context.op('GatherND', [
      first,
      context.op('Concat', [index(row), index(column)], { axis: 2 }),
    ]);
    return where(context, reshape(context, isInside, grid), pixels, fill);
  };
  let shown: OnnxValue;
  if (attribute.string(context.attributes, 'interpolation') === 'nearest') {
    shown = read(doubles.round(y), doubles.round(x));
  } else {
    const low = { x: doubles.floor(x), y: doubles.floor(y) };
    const high = { x: doubles.add(low.x, doubles.constant(1)), y: doubles.add(low.y, doubles.constant(1)) };
    const weight = (end: OnnxValue, start: OnnxValue): OnnxValue =>
      reshape(context, context.cast(doubles.subtract(end, start), 'float32'), grid);
    const blend = (a: OnnxValue, aWeight: OnnxValue, b: OnnxValue, bWeight: OnnxValue): OnnxValue =>
      context.op('Add', [context.op('Mul', [aWeight, a]), context.op('Mul', [bWeight, b])]);
    const [left, right] = [weight(high.x, x), weight(x, low.x)];
    const top = blend(read(low.y, low.x), left, read(low.y, high.x), right);
    const bottom = blend(read(high.y, low.x), left, read(high.y, high.x), right);
    shown = blend(top, weight(high.y, y), bottom, weight(y, low.y));
  }
  const isFinite = reshape(context, source.isFinite, grid);
  return reshape(context, where(context, isFinite, shown, fill), [1, height, width, channels]);
}

/** Transform. */
export const transformOp: OpDefinition = defineOp({
  kernel: 'Transform',
  inputs: ['image', 'transforms'],
  infer([image, transforms], attributes) {
    if (image?.shape.length !== 4 || transforms?.shape.length !== 2 || image.shape[0] === 0) return undefined;
    if (!['nearest', 'bilinear'].includes(attribute.string(attributes, 'interpolation'))) return undefined;
    const [batch, height, width, channels] = image.shape as [number, number, number, number];
    const size = attributes['outputShape'] ?? [height, width];
    const [newHeight, newWidth] = size as readonly [number, number];
    return [{ dtype: image.dtype, shape: [batch, newHeight, newWidth, channels] }];
  },
  lower(context) {
    const [image, transforms] = context.inputTypes;
    const result = context.outputTypes[0]!;
    if (image!.dtype !== 'float32' || transforms!.dtype !== 'float32') return undefined;
    if (isEmpty(image!) || isEmpty(result)) return undefined;
    const value = attribute.number(context.attributes, 'fillValue', 0);
    const warped = warpFirstImage(context, context.scalar(value, 'float32'));
    const [batch, ...rest] = result.shape as [number, ...number[]];
    if (batch === 1) return [warped];
    const others = filled(context, value, 'float32', [batch - 1, ...rest]);
    return [context.op('Concat', [warped, others], { axis: 0 })];
  },
  samples: transformSamples,
});
