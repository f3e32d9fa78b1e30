/** Blocks of an image moved between space, depth and batch: reshapes around one Transpose. */
import { attribute, defineOp, type OpDefinition } from './define-op.ts';
import { batchToSpaceSamples, depthToSpaceSamples, spaceToBatchSamples } from './image-samples.ts';
import { reshape, transpose } from './numbers.ts';
import { elementCount, hasComplex, numberLists } from './rules.ts';

const depthToSpace: OpDefinition = defineOp({
  kernel: 'DepthToSpace',
  inputs: ['x'],
  infer([x], attributes) {
    if (x?.shape.length !== 4 || hasComplex(x) || attributes['dataFormat'] !== 'NHWC') return undefined;
    const block = attribute.number(attributes, 'blockSize');
    const [batch, height, width, depth] = x.shape as [number, number, number, number];
    if (depth % (block * block) !== 0) return undefined;
    return [{ dtype: x.dtype, shape: [batch, height * block, width * block, depth / (block * block)] }];
  },
  lower(context) {
    const block = attribute.number(context.attributes, 'blockSize');
    const [batch, height, width, depth] = context.inputTypes[0]!.shape as [number, number, number, number];
    const blocks = reshape(context, context.inputs[0]!, [
      batch,
      height,
      width,
      block,
      block,
      depth / (block * block),
    ]);
    const moved = transpose(context, blocks, [0, 1, 3, 2, 4, 5]);
    return [reshape(context, moved, context.outputTypes[0]!.shape)];
  },
  samples: depthToSpaceSamples,
});

function padded(shape: readonly number[], paddings: readonly (readonly number[])[]): number[] {
  return shape.map((size, axis) => {
    const [before = 0, after = 0] = paddings[axis - 1] ?? [];
    return size + before + after;
  });
}

const spaceToBatch: OpDefinition = defineOp({
  kernel: 'SpaceToBatchND',
  inputs: ['x'],
  infer([x], attributes) {
    const paddings = numberLists(attributes, 'paddings');
    if (!x || hasComplex(x) || paddings === undefined) return undefined;
    const blocks = attribute.numbers(attributes, 'blockShape');
    const shape = padded(x.shape, paddings).map((size, axis) => size / (blocks[axis - 1] ?? 1));
    shape[0] = x.shape[0]! * elementCount(blocks);
    return shape.every(Number.isInteger) ? [{ dtype: x.dtype, shape }] : undefined;
  },
  lower(context) {
    const type = context.inputTypes[0]!;
    const paddings = numberLists(context.attributes, 'paddings')!;
    const blocks = attribute.numbers(context.attributes, 'blockShape');
    const before = type.shape.map((_, axis) => paddings[axis - 1]?.[0] ?? 0);
    const after = type.shape.map((_, axis) => paddings[axis - 1]?.[1] ?? 0);
    const wide = context.op('Pad', [context.inputs[0]!, context.ints([...before, ...after])]);
    const spatial = blocks.length;
    const shape = padded(type.shape, paddings);
    const split = shape.flatMap((size, axis) => {
      const block = axis === 0 ? undefined : blocks[axis - 1];
      return block === undefined ? [size] : [size / block, block];
    });
    const blockAxes = blocks.map((_, index) => 2 * index + 2);
    const rest = Array.from(
      { length: split.length - 2 * spatial - 1 },
      (_, index) => 2 * spatial + 1 + index,
    );
    const order = [...blockAxes, 0, ...blocks.map((_, index) => 2 * index + 1), ...rest];
    const moved = transpose(context, reshape(context, wide, split), order);
    return [reshape(context, moved, context.outputTypes[0]!.shape)];
  },
  samples: spaceToBatchSamples,
});

const batchToSpace: OpDefinition = defineOp({
  kernel: 'BatchToSpaceND',
  inputs: ['x'],
  infer([x], attributes) {
    const crops = numberLists(attributes, 'crops');
    if (!x || hasComplex(x) || crops === undefined) return undefined;
    const blocks = attribute.numbers(attributes, 'blockShape');
    const shape = x.shape.map((size, axis) => {
      if (axis === 0) return size / elementCount(blocks);
      const [before = 0, after = 0] = crops[axis - 1] ?? [];
      return size * (blocks[axis - 1] ?? 1) - before - after;
    });
    return shape.every((size) => Number.isInteger(size) && size >= 0)
      ? [{ dtype: x.dtype, shape }]
      : undefined;
  },
  lower(context) {
    const { shape } = context.inputTypes[0]!;
    const crops = numberLists(context.attributes, 'crops')!;
    const blocks = attribute.numbers(context.attributes, 'blockShape');
    const spatial = blocks.length;
    const batch = shape[0]! / elementCount(blocks);
    const split = reshape(context, context.inputs[0]!, [...blocks, batch, ...shape.slice(1)]);
    const rest = shape.slice(1 + spatial).map((_, index) => 2 * spatial + 1 + index);
    const order = [spatial, ...blocks.flatMap((_, index) => [spatial + 1 + index, index]), ...rest];
    const moved = transpose(context, split, order);
    const merged = shape.map((size, axis) => (axis === 0 ? batch : size * (blocks[axis - 1] ?? 1)));
    const whole = reshape(context, moved, merged);
    const starts = blocks.map((_, index) => crops[index]?.[0] ?? 0);
    const ends = blocks.map((_, index) => merged[index + 1]! - (crops[index]?.[1] ?? 0));
    const axes = blocks.map((_, index) => index + 1);
    return [context.op('Slice', [whole, context.ints(starts), context.ints(ends), context.ints(axes)])];
  },
  samples: batchToSpaceSamples,
});

/** Reads a canvas: eager, always. */
const fromPixels: OpDefinition = defineOp({
  kernel: 'FromPixels',
  inputs: [],
  infer: () => undefined,
  isEager: true,
  samples: [],
});

/** Block moves, and the kernel that reads canvases. */
export const imageBlockOps: readonly OpDefinition[] = [depthToSpace, spaceToBatch, batchToSpace, fromPixels];
