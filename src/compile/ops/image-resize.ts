/**
 * ResizeBilinear, ResizeNearestNeighbor and their gradients. Where each output row and column comes from is computed
 * here, in doubles as cpu's kernels do: ONNX's Resize works with float coordinates, which is as good for powers of two
 * only. Forward: gathers along rows, then columns. Gradients: products with the (transposed)
 * interpolation matrices.
 */
import type { Attributes } from '../../ir/graph.ts';
import type { ConcreteType } from '../../ir/op-signature.ts';
import { resizeSamples, resizeGradientSamples, nearestGradientSamples } from './image-samples.ts';
import { attribute, defineOp, type LoweringContext, type OnnxValue, type OpDefinition } from './define-op.ts';
import { reshape } from './numbers.ts';
import { hasComplex, isEmpty } from './rules.ts';

/**
 * Whether float coordinates, which ONNX's Resize works with, are exact: the scale is a power of two, as upsampling
 * layers have it. Resize is two to three times faster than gathers.
 */
function isExactInFloats({ input, output, alignCorners }: Scaling): boolean {
  return !alignCorners && Number.isInteger(Math.log2(output / input));
}

/** Where one output position comes from: two inputs, and the weight of the second. */
interface Source {
  readonly low: number;
  readonly high: number;
  readonly fraction: number;
}

interface Scaling {
  readonly input: number;
  readonly output: number;
  readonly alignCorners: boolean;
  readonly halfPixelCenters: boolean;
}

function ratioOf({ input, output, alignCorners }: Scaling): number {
  return alignCorners && output > 1 ? (input - 1) / (output - 1) : input / output;
}

function bilinearSources(scaling: Scaling): Source[] {
  const ratio = ratioOf(scaling);
  return Array.from({ length: scaling.output }, (_, position) => {
    const source = scaling.halfPixelCenters ? ratio * (position + 0.5) - 0.5 : ratio * position;
    const low = Math.max(0, Math.floor(source));
    return { low, high: Math.max(0, Math.min(scaling.input - 1, Math.ceil(source))), fraction: source - low };
  });
}

function nearestSource(scaling: Scaling, position: number): number {
  const ratio = ratioOf(scaling);
  const source = scaling.halfPixelCenters ? ratio * (position + 0.5) : ratio * position;
  const nearest = scaling.alignCorners ? Math.round(source) : Math.floor(source);
  return Math.max(0, Math.min(scaling.input - 1, nearest));
}

function scalings(
  input: readonly number[],
  output: readonly number[],
  attributes: Attributes,
  isGradient: boolean,
): [Scaling, Scaling] {
  const alignCorners = attribute.boolean(attributes, 'alignCorners', false);
  // cpu's gradients know nothing of half-pixel centres.
  const halfPixelCenters = !isGradient && attribute.boolean(attributes, 'halfPixelCenters', false);
  const along = (axis: number): Scaling => ({
    input: input[axis]!,
    output: output[axis]!,
    alignCorners,
    halfPixelCenters,
  });
  return [along(1), along(2)];
}

function inferResize(dtypeOf: (images: ConcreteType) => ConcreteType['dtype']): OpDefinition['infer'] {
  return ([images], attributes) => {
    if (!images || images.shape.length !== 4 || hasComplex(images)) return undefined;
    const [height, width] = attribute.numbers(attributes, 'size') as [number, number];
    const [batch, , , channels] = images.shape as [number, number, number, number];
    return [{ dtype: dtypeOf(images), shape: [batch, height, width, channels] }];
  };
}

function gather(
  context: LoweringContext,
  value: OnnxValue,
  indices: readonly number[],
  axis: number,
): OnnxValue {
  const positions = context.tensor(BigInt64Array.from(indices, BigInt), [indices.length]);
  return context.op('Gather', [value, positions], { axis });
}

/** `low + (high - low) * fraction` along one axis, the formula of cpu's kernel. */
function interpolate(
  context: LoweringContext,
  value: OnnxValue,
  sources: readonly Source[],
  axis: number,
): OnnxValue {
  const low = gather(
    context,
    value,
    sources.map((source) => source.low),
    axis,
  );
  const high = gather(
    context,
    value,
    sources.map((source) => source.high),
    axis,
  );
  const shape = [1, 1, 1, 1].map((size, index) => (index === axis ? sources.length : size));
  const fractions = context.tensor(
    Float32Array.from(sources, (source) => source.fraction),
    shape,
  );
  const step = context.op('Mul', [context.op('Sub', [high, low]), fractions]);
  return context.op('Add', [low, step]);
}

const resizeBilinear: OpDefinition = defineOp({
  kernel: 'ResizeBilinear',
  inputs: ['images'],
  infer: inferResize(() => 'float32'),
  lower(context) {
    const images = context.inputTypes[0]!;
    const shape = context.outputTypes[0]!.shape;
    if (images.dtype === 'bool' || isEmpty(images) || isEmpty(context.outputTypes[0]!)) return undefined;
    const [rows, columns] = scalings(images.shape, shape, context.attributes, false);
    const x = context.inputs[0]!;
    const floats = images.dtype === 'float32' ? x : context.cast(x, 'float32');
    if (isExactInFloats(rows) && isExactInFloats(columns)) {
      return [
        context.op(
          'Resize',
          [
            floats,
            undefined,
            context.tensor(
              Float32Array.of(1, rows.output / rows.input, columns.output / columns.input, 1),
              [4],
            ),
          ],
          {
            mode: 'linear',
            coordinate_transformation_mode: rows.halfPixelCenters ? 'half_pixel' : 'asymmetric',
          },
        ),
      ];
    }
    const tall = interpolate(context, floats, bilinearSources(rows), 1);
    return [interpolate(context, tall, bilinearSources(columns), 2)];
  },
  samples: resizeSamples,
});

const resizeNearest: OpDefinition = defineOp({
  kernel: 'ResizeNearestNeighbor',
  inputs: ['images'],
  infer: inferResize((images) => images.dtype),
  lower(context) {
    const images = context.inputTypes[0]!;
    const shape = context.outputTypes[0]!.shape;
    if (images.dtype === 'bool' || isEmpty(images) || isEmpty(context.outputTypes[0]!)) return undefined;
    const [rows, columns] = scalings(images.shape, shape, context.attributes, false);
    const sources = (scaling: Scaling): number[] =>
      Array.from({ length: scaling.output }, (_, position) => nearestSource(scaling, position));
    const tall = gather(context, context.inputs[0]!, sources(rows), 1);
    return [gather(context, tall, sources(columns), 2)];
  },
  samples: resizeSamples,
});

/** Multiplies rows and columns of a channels-last image by `[newHeight, height]` and `[newWidth, width]` matrices. */
function multiplyAxes(
  context: LoweringContext,
  image: OnnxValue,
  shape: readonly number[],
  rows: Float32Array,
  columns: Float32Array,
): OnnxValue {
  const [batch, height, width, channels] = shape as [number, number, number, number];
  const newHeight = rows.length / height;
  const newWidth = columns.length / width;
  const tall = context.op('MatMul', [
    context.tensor(rows, [newHeight, height]),
    reshape(context, image, [batch, height, width * channels]),
  ]);
  return context.op('MatMul', [
    context.tensor(columns, [newWidth, width]),
    reshape(context, tall, [batch * newHeight, width, channels]),
  ]);
}

/** `[input, output]`: how much of each output position's gradient goes to each input position. */
function gradientMatrix(
  scaling: Scaling,
  add: (position: number, give: (source: number, weight: number) => void) => void,
): Float32Array {
  const matrix = new Float32Array(scaling.input * scaling.output);
  for (let position = 0; position < scaling.output; position++) {
    add(position, (source, weight) => {
      const index = source * scaling.output + position;
      matrix[index] = matrix[index]! + weight;
    });
  }
  return matrix;
}

function bilinearMatrix(scaling: Scaling): Float32Array {
  const sources = bilinearSources(scaling);
  return gradientMatrix(scaling, (position, give) => {
    const { low, high, fraction } = sources[position]!;
    give(low, 1 - fraction);
    give(high, fraction);
  });
}

/** cpu's kernel looks for contributions in a window around each input; what lies outside is lost. */
function nearestMatrix(scaling: Scaling): Float32Array {
  const inverse = 1 / ratioOf(scaling);
  const windowSize = Math.ceil(inverse) * 2 + 2;
  return gradientMatrix(scaling, (position, give) => {
    const source = nearestSource(scaling, position);
    const start = Math.floor(Math.floor(source * inverse) - windowSize / 2);
    if (position >= start && position < start + windowSize) give(source, 1);
  });
}

/**
 * cpu's nearest gradient finds image `n` of `dy` at `n` times the size of an *input* image. Programs see that, so this
 * gives `dy` as cpu reads it; `undefined` where cpu reads past its end.
 */
function dyAsCpuReadsIt(context: LoweringContext): OnnxValue | undefined {
  const [images, dy] = context.inputTypes as readonly [ConcreteType, ConcreteType];
  const [batch, height, width, channels] = dy.shape as [number, number, number, number];
  const value = context.inputs[1]!;
  const [inputPixels, pixels] = [images.shape[1]! * images.shape[2]!, height * width];
  if (batch === 1 || inputPixels === pixels) return value;
  if (inputPixels > pixels) return undefined;
  const rows = Array.from(
    { length: batch * pixels },
    (_, row) => Math.floor(row / pixels) * inputPixels + (row % pixels),
  );
  const read = gather(context, reshape(context, value, [batch * pixels, channels]), rows, 0);
  return reshape(context, read, dy.shape);
}

function gradientOp(
  kernel: string,
  matrixOf: (scaling: Scaling) => Float32Array,
  dyOf: (context: LoweringContext) => OnnxValue | undefined,
  resultType: (images: ConcreteType) => ConcreteType,
  samples: OpDefinition['samples'],
): OpDefinition {
  return defineOp({
    kernel,
    inputs: ['images', 'dy'],
    infer(inputs) {
      const [images, dy] = inputs;
      if (images?.shape.length !== 4 || dy?.shape.length !== 4 || hasComplex(...inputs)) return undefined;
      return [resultType(images)];
    },
    lower(context) {
      const [images, dy] = context.inputTypes as readonly [ConcreteType, ConcreteType];
      const result = context.outputTypes[0]!;
      const isFloat = dy.dtype === 'float32' && result.dtype === 'float32';
      if (!isFloat || isEmpty(images) || isEmpty(dy)) return undefined;
      const [rows, columns] = scalings(images.shape, dy.shape, context.attributes, true);
      const read = dyOf(context);
      if (read === undefined) return undefined;
      const gradient = multiplyAxes(context, read, dy.shape, matrixOf(rows), matrixOf(columns));
      return [reshape(context, gradient, result.shape)];
    },
    samples,
  });
}

/** Resizes and their gradients. */
export const imageResizeOps: readonly OpDefinition[] = [
  resizeBilinear,
  resizeNearest,
  gradientOp(
    'ResizeBilinearGrad',
    bilinearMatrix,
    (context) => context.inputs[1],
    // cpu's kernel names the sizes of its result in the wrong order, over values in the right one.
    ({ shape: [batch, height, width, channels] }) => ({
      dtype: 'float32',
      shape: [batch!, width!, height!, channels!],
    }),
    resizeGradientSamples,
  ),
  gradientOp(
    'ResizeNearestNeighborGrad',
    nearestMatrix,
    dyAsCpuReadsIt,
    (images) => images,
    nearestGradientSamples,
  ),
];
