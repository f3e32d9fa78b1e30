/**
 * CropAndResize: boxes of images, resized. Places to read depend on tensors; ONNX nodes compute them in doubles,
 * operation for operation as cpu's kernel does, so that both fall on the same side of an edge.
 */
import { attribute, defineOp, type LoweringContext, type OnnxValue, type OpDefinition } from './define-op.ts';
import { doublesOf, type Doubles } from './image-doubles.ts';
import { cropSamples } from './image-samples.ts';
import { reshape, where } from './numbers.ts';
import { isEmpty } from './rules.ts';

/**
 * `[..., channels]`: pixels of a channels-last image at `[..., 1]` coordinates, which must lie inside.
 */
function pixelsAt(context: LoweringContext, image: OnnxValue, coordinates: readonly OnnxValue[]): OnnxValue {
  return context.op('GatherND', [image, context.op('Concat', coordinates, { axis: -1 })]);
}

/** Where boxes sample one axis of the image: `[boxes, crop]` doubles. */
function cropCoordinates(
  doubles: Doubles,
  low: OnnxValue,
  high: OnnxValue,
  imageSize: number,
  cropSize: number,
): OnnxValue {
  const last = doubles.constant(imageSize - 1);
  if (cropSize <= 1) {
    return doubles.multiply(doubles.multiply(doubles.constant(0.5), doubles.add(low, high)), last);
  }
  const scale = doubles.divide(
    doubles.multiply(doubles.subtract(high, low), last),
    doubles.constant(cropSize - 1),
  );
  const steps = doubles.row(Array.from({ length: cropSize }, (_, step) => step));
  return doubles.add(doubles.multiply(low, last), doubles.multiply(steps, scale));
}

/** `[boxes, height, width, 1]` int64 of per-axis `[boxes, size]` doubles that were clipped to the image. */
function asIndex(
  context: LoweringContext,
  value: OnnxValue,
  shape: readonly number[],
  grid: OnnxValue,
): OnnxValue {
  return context.op('Expand', [reshape(context, context.cast(value, 'int64'), shape), grid]);
}

/** CropAndResize. */
export const cropAndResizeOp: OpDefinition = defineOp({
  kernel: 'CropAndResize',
  inputs: ['image', 'boxes', 'boxInd'],
  infer([image, boxes], attributes) {
    if (image?.shape.length !== 4 || boxes === undefined) return undefined;
    const [height, width] = attribute.numbers(attributes, 'cropSize') as [number, number];
    return [{ dtype: 'float32', shape: [boxes.shape[0]!, height, width, image.shape[3]!] }];
  },
  lower(context) {
    const [image, boxes, boxIndices] = context.inputTypes;
    const result = context.outputTypes[0]!;
    const isNumeric = image?.dtype === 'float32' || image?.dtype === 'int32';
    if (!isNumeric || boxes?.dtype !== 'float32' || boxIndices?.dtype !== 'int32') return undefined;
    if (isEmpty(image) || isEmpty(result)) return undefined;
    return [cropAndResizeNodes(context)];
  },
  samples: cropSamples,
});

function cropAndResizeNodes(context: LoweringContext): OnnxValue {
  const [image, boxes, boxIndices] = context.inputs as [OnnxValue, OnnxValue, OnnxValue];
  const [batch, imageHeight, imageWidth] = context.inputTypes[0]!.shape as [number, number, number];
  const [count, cropHeight, cropWidth] = context.outputTypes[0]!.shape as [number, number, number];
  const isNearest = context.attributes['method'] !== 'bilinear';
  // Programs truncate crops of pixels in bytes to bytes again, where the last bit decides: those are mixed as cpu does.
  const mixed = context.inputTypes[0]!.dtype === 'int32' ? 'float64' : 'float32';
  const doubles = doublesOf(context);
  const [y1, x1, y2, x2] = context.ops('Split', [context.cast(boxes, 'float64')], 4, {
    axis: 1,
    num_outputs: 4,
  }) as [OnnxValue, OnnxValue, OnnxValue, OnnxValue];
  const rows = doubles.axis(cropCoordinates(doubles, y1, y2, imageHeight, cropHeight), imageHeight);
  const columns = doubles.axis(cropCoordinates(doubles, x1, x2, imageWidth, cropWidth), imageWidth);
  const rowShape = [count, cropHeight, 1, 1];
  const columnShape = [count, 1, cropWidth, 1];
  const grid = context.ints([count, cropHeight, cropWidth, 1]);
  // cpu leaves zeros where the box names an image that is not there.
  const known = context.op('Less', [boxIndices, context.scalar(batch, 'int32')]);
  const source = context.op('Clip', [
    boxIndices,
    context.scalar(0, 'int32'),
    context.scalar(batch - 1, 'int32'),
  ]);
  const sourceIndex = asIndex(context, source, [count, 1, 1, 1], grid);
  const at = (row: OnnxValue, column: OnnxValue): OnnxValue =>
    context.cast(
      pixelsAt(context, image, [
        sourceIndex,
        asIndex(context, row, rowShape, grid),
        asIndex(context, column, columnShape, grid),
      ]),
      mixed,
    );
  let shown: OnnxValue;
  if (isNearest) {
    shown = at(rows.nearest, columns.nearest);
  } else {
    const lerp = (low: OnnxValue, high: OnnxValue, fraction: OnnxValue): OnnxValue =>
      context.op('Add', [low, context.op('Mul', [context.op('Sub', [high, low]), fraction])]);
    const rowFraction = reshape(context, context.cast(rows.fraction, mixed), rowShape);
    const columnFraction = reshape(context, context.cast(columns.fraction, mixed), columnShape);
    const top = lerp(at(rows.low, columns.low), at(rows.low, columns.high), columnFraction);
    const bottom = lerp(at(rows.high, columns.low), at(rows.high, columns.high), columnFraction);
    shown = lerp(top, bottom, rowFraction);
  }
  const isInside = context.op('And', [
    reshape(context, rows.isInside, rowShape),
    reshape(context, columns.isInside, columnShape),
  ]);
  const extrapolation = attribute.number(context.attributes, 'extrapolationValue', 0);
  const pixels = context.cast(shown, 'float32');
  const extended = where(context, isInside, pixels, context.scalar(extrapolation, 'float32'));
  return where(context, reshape(context, known, [count, 1, 1, 1]), extended, context.scalar(0, 'float32'));
}
