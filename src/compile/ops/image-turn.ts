/** Images turned and mirrored: which pixel goes where depends on attributes only and is computed here. */
import { attribute, defineOp, type OpDefinition } from './define-op.ts';
import { flipSamples, rotateSamples } from './image-samples.ts';
import { reshape, where } from './numbers.ts';
import { isEmpty } from './rules.ts';

const flipLeftRight: OpDefinition = defineOp({
  kernel: 'FlipLeftRight',
  inputs: ['image'],
  infer: ([image]) => (image?.shape.length === 4 ? [image] : undefined),
  lower(context) {
    const [image, start, end, axis, step] = [context.inputs[0]!, [-1], [-(2 ** 31)], [2], [-1]] as const;
    return [
      context.op('Slice', [
        image,
        context.ints(start),
        context.ints(end),
        context.ints(axis),
        context.ints(step),
      ]),
    ];
  },
  samples: flipSamples,
});

/** For each output pixel, the flat input pixel it shows, or -1 outside: turning does not depend on tensors. */
function rotatedPixels(
  height: number,
  width: number,
  radians: number,
  centerX: number,
  centerY: number,
): BigInt64Array {
  const sin = Math.sin(radians);
  const cos = Math.cos(radians);
  const pixels = new BigInt64Array(height * width);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const x = Math.round((column - centerX) * cos - (row - centerY) * sin + centerX);
      const y = Math.round((column - centerX) * sin + (row - centerY) * cos + centerY);
      const isInside = x >= 0 && x < width && y >= 0 && y < height;
      pixels[row * width + column] = isInside ? BigInt(y * width + x) : -1n;
    }
  }
  return pixels;
}

const rotateWithOffset: OpDefinition = defineOp({
  kernel: 'RotateWithOffset',
  inputs: ['image'],
  infer: ([image]) => (image?.shape.length === 4 ? [image] : undefined),
  lower(context) {
    const image = context.inputTypes[0]!;
    const fill = context.attributes['fillValue'];
    const [batch, height, width, channels] = image.shape as [number, number, number, number];
    const values =
      typeof fill === 'number' ? Array.from({ length: channels }, () => fill) : channelFill(fill, channels);
    if (image.dtype === 'bool' || isEmpty(image) || values === undefined) return undefined;
    const center = context.attributes['center'];
    const [x, y] = typeof center === 'number' ? [center, center] : (center as readonly [number, number]);
    const radians = attribute.number(context.attributes, 'radians');
    const pixels = rotatedPixels(height, width, radians, width * x, height * y);
    const size = height * width;
    const flat = reshape(context, context.inputs[0]!, [batch, size, channels]);
    const inside = Uint8Array.from(pixels, (pixel) => (pixel < 0n ? 0 : 1));
    const turned = context.op(
      'Gather',
      [
        flat,
        context.tensor(
          pixels.map((pixel) => (pixel < 0n ? 0n : pixel)),
          [size],
        ),
      ],
      { axis: 1 },
    );
    const fillData = image.dtype === 'int32' ? Int32Array.from(values) : Float32Array.from(values);
    const shown = where(
      context,
      context.cast(context.tensor(inside, [1, size, 1]), 'bool'),
      turned,
      context.tensor(fillData, [1, 1, channels]),
    );
    return [reshape(context, shown, image.shape)];
  },
  samples: rotateSamples,
});

/** Fill per channel; cpu makes the fourth opaque. */
function channelFill(fill: unknown, channels: number): number[] | undefined {
  if (!Array.isArray(fill)) return undefined;
  const values = Array.from({ length: channels }, (_, channel) =>
    channel === 3 ? 255 : Number(fill[channel]),
  );
  return values.every(Number.isFinite) ? values : undefined;
}

/** Warps that do not depend on tensors. */
export const imageTurnOps: readonly OpDefinition[] = [flipLeftRight, rotateWithOffset];
