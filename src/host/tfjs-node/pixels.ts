/**
 * Image bytes ↔ pixels, by one well-kept decoder a format. All are loaded when first used and work synchronously, as
 * `tf.node.decodeImage` does.
 */
import { createRequire } from 'node:module';
import { UserError } from '../../ir/errors.ts';

const require = createRequire(import.meta.url);

/** Interleaved 8-bit samples, row-major `[frames, height, width, 4]`. */
export interface Pixels {
  readonly frames: number;
  readonly height: number;
  readonly width: number;
  /** Red, green, blue, alpha. */
  readonly rgba: Uint8Array;
  /** Channels that the file holds: 1 grey, 2 grey and alpha, 3 colour, 4 colour and alpha. */
  readonly channels: 1 | 2 | 3 | 4;
}

export type ImageFormat = 'jpeg' | 'png' | 'gif' | 'bmp';

const magicNumbers: readonly (readonly [ImageFormat, readonly number[]])[] = [
  ['jpeg', [0xff, 0xd8, 0xff]],
  ['png', [0x89, 0x50, 0x4e, 0x47]],
  ['gif', [0x47, 0x49, 0x46, 0x38]],
  ['bmp', [0x42, 0x4d]],
];

/** Format by the file's first bytes. @throws Error with tfjs-node's message for other files. */
export function imageFormat(bytes: Uint8Array): ImageFormat {
  const found = magicNumbers.find(([, magic]) => magic.every((byte, index) => bytes[index] === byte));
  if (found === undefined)
    throw new Error('Expected image (BMP, JPEG, PNG, or GIF), but got unsupported image type');
  return found[0];
}

function decodeJpeg(bytes: Uint8Array): Pixels {
  const { decode } = require('jpeg-js') as typeof import('jpeg-js');
  const image = decode(bytes, {
    useTArray: true,
    formatAsRGBA: true,
    maxMemoryUsageInMB: 4096,
    maxResolutionInMP: 1000,
  });
  return {
    frames: 1,
    height: image.height,
    width: image.width,
    rgba: image.data,
    channels: jpegComponents(bytes),
  };
}

/** Components named by the start-of-frame marker: 1 for grey pictures. */
function jpegComponents(bytes: Uint8Array): 1 | 3 {
  for (let offset = 2; offset + 9 < bytes.length;) {
    const marker = bytes[offset + 1]!;
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) return bytes[offset + 9] === 1 ? 1 : 3;
    offset += 2 + bytes[offset + 2]! * 256 + bytes[offset + 3]!;
  }
  return 3;
}

/** Channels by PNG colour type; a palette counts as colour. */
const pngChannels: Readonly<Record<number, 1 | 2 | 3 | 4>> = { 0: 1, 2: 3, 3: 3, 4: 2, 6: 4 };
const pngColorTypeOffset = 25;

function decodePng(bytes: Uint8Array): Pixels {
  const { PNG } = require('pngjs') as typeof import('pngjs');
  const image = PNG.sync.read(Buffer.from(bytes));
  const channels = pngChannels[bytes[pngColorTypeOffset]!] ?? 4;
  return { frames: 1, height: image.height, width: image.width, rgba: image.data, channels };
}

interface GifReader {
  readonly width: number;
  readonly height: number;
  numFrames(): number;
  decodeAndBlitFrameRGBA(frame: number, pixels: Uint8Array): void;
}

function decodeGif(bytes: Uint8Array): Pixels {
  const { GifReader: Reader } = require('omggif') as { GifReader: new (bytes: Uint8Array) => GifReader };
  const reader = new Reader(bytes);
  const frames = reader.numFrames();
  const frameSize = reader.width * reader.height * 4;
  const rgba = new Uint8Array(frames * frameSize);
  const canvas = new Uint8Array(frameSize);
  for (let frame = 0; frame < frames; frame++) {
    // Frames are painted over each other.
    reader.decodeAndBlitFrameRGBA(frame, canvas);
    rgba.set(canvas, frame * frameSize);
  }
  return { frames, height: reader.height, width: reader.width, rgba, channels: 3 };
}

function decodeBmp(bytes: Uint8Array): Pixels {
  const { decode } = require('bmp-ts') as {
    readonly decode: (
      bytes: Buffer,
      options: { toRGBA: boolean },
    ) => {
      readonly width: number;
      readonly height: number;
      readonly data: Uint8Array;
      readonly bitPP: number;
    };
  };
  const image = decode(Buffer.from(bytes), { toRGBA: true });
  const channels = image.bitPP === 32 ? 4 : 3;
  return { frames: 1, height: image.height, width: image.width, rgba: image.data, channels };
}

const decoders: Readonly<Record<ImageFormat, (bytes: Uint8Array) => Pixels>> = {
  jpeg: decodeJpeg,
  png: decodePng,
  gif: decodeGif,
  bmp: decodeBmp,
};

/** @throws UserError FG5020 when the file is damaged. */
export function decodePixels(bytes: Uint8Array, format: ImageFormat): Pixels {
  try {
    return decoders[format](bytes);
  } catch (cause) {
    throw new UserError(`the ${format} image cannot be decoded: ${(cause as Error).message}`, {
      code: 'FG5020',
      cause,
    });
  }
}

/** Samples with another number of channels: grey is the luma of ITU-R BT.601, as in TensorFlow. */
export function toChannels(pixels: Pixels, channels: 1 | 2 | 3 | 4): Int32Array {
  const count = pixels.frames * pixels.height * pixels.width;
  const samples = new Int32Array(count * channels);
  for (let pixel = 0; pixel < count; pixel++) {
    const [red, green, blue, alpha] = pixels.rgba.subarray(pixel * 4, pixel * 4 + 4) as unknown as [
      number,
      number,
      number,
      number,
    ];
    const target = pixel * channels;
    if (channels >= 3) {
      samples[target] = red;
      samples[target + 1] = green;
      samples[target + 2] = blue;
      if (channels === 4) samples[target + 3] = alpha;
    } else {
      samples[target] = pixels.channels <= 2 ? red : Math.round(0.299 * red + 0.587 * green + 0.114 * blue);
      if (channels === 2) samples[target + 1] = alpha;
    }
  }
  return samples;
}

/** Interleaved samples `[height, width, channels]` → RGBA bytes. */
function toRgba(samples: ArrayLike<number>, channels: number): Buffer {
  const count = samples.length / channels;
  const rgba = Buffer.alloc(count * 4, 255);
  for (let pixel = 0; pixel < count; pixel++) {
    for (let channel = 0; channel < 3; channel++) {
      rgba[pixel * 4 + channel] = samples[pixel * channels + (channels >= 3 ? channel : 0)]!;
    }
    if (channels === 4 || channels === 2) rgba[pixel * 4 + 3] = samples[pixel * channels + channels - 1]!;
  }
  return rgba;
}

/** @param quality from 0 to 100. */
export function encodeJpegPixels(
  samples: ArrayLike<number>,
  shape: readonly number[],
  quality: number,
): Uint8Array {
  const { encode } = require('jpeg-js') as typeof import('jpeg-js');
  const [height, width, channels] = shape as [number, number, number];
  return new Uint8Array(encode({ data: toRgba(samples, channels), width, height }, quality).data);
}

/** @param compression deflate level from 0 to 9. */
export function encodePngPixels(
  samples: ArrayLike<number>,
  shape: readonly number[],
  compression: number,
): Uint8Array {
  const { PNG } = require('pngjs') as typeof import('pngjs');
  const [height, width, channels] = shape as [number, number, number];
  const image = new PNG({ width, height });
  image.data = toRgba(samples, channels);
  const colorType = ({ 1: 0, 2: 4, 3: 2, 4: 6 } as const)[channels as 1 | 2 | 3 | 4];
  return new Uint8Array(PNG.sync.write(image, { deflateLevel: compression, colorType }));
}
