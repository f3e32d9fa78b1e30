/**
 * What a program gets that asks for `@tensorflow/tfjs-node`, whose native part no longer installs: the program's own
 * tfjs, with `tf.node.*` image functions and `file://` IO. What is not there fails with a message that names it.
 */
import { UserError } from '../../ir/errors.ts';
import { fileRouter, fileSystem } from './file-system.ts';
import {
  decodePixels,
  encodeJpegPixels,
  encodePngPixels,
  imageFormat,
  toChannels,
  type ImageFormat,
} from './pixels.ts';

/** The part of tfjs that the stand-in builds on. */
export interface Tfjs {
  readonly io: Readonly<Record<string, unknown>> & {
    registerLoadRouter(router: typeof fileRouter): void;
    registerSaveRouter(router: typeof fileRouter): void;
  };
  readonly version?: Readonly<Record<string, string>>;
  tensor(values: Int32Array, shape: readonly number[], dtype: 'int32'): TensorLike;
  setBackend(name: string): Promise<boolean>;
}

export interface TensorLike {
  readonly shape: readonly number[];
  toFloat?(): TensorLike;
  data(): Promise<ArrayLike<number>>;
  dispose(): void;
  cast(dtype: string): TensorLike;
}

const missing = [
  'summaryFileWriter',
  'tensorBoard',
  'loadSavedModel',
  'getMetaGraphsFromSavedModel',
  'getNumOfSavedModels',
] as const;

function notThere(name: string): never {
  throw new UserError(`tf.node.${name} is not available: fullgraph stands in for @tensorflow/tfjs-node`, {
    code: 'FG5021',
    hint: name.includes('SavedModel')
      ? 'Convert the SavedModel with tensorflowjs_converter and load it with tf.loadGraphModel.'
      : 'Remove the call, or write the metrics yourself from the callbacks of fit.',
  });
}

function decoder(tf: Tfjs, fixed?: ImageFormat) {
  return (bytes: Uint8Array, wanted = 0, dtype = 'int32', expandAnimations = true): TensorLike => {
    const format = fixed ?? imageFormat(bytes);
    const pixels = decodePixels(bytes, format);
    const isAnimation = format === 'gif' && expandAnimations;
    const channels = format === 'gif' ? 3 : wanted === 0 ? pixels.channels : (wanted as 1 | 2 | 3 | 4);
    const frames = isAnimation ? pixels.frames : 1;
    const samples = toChannels(pixels, channels).subarray(
      0,
      frames * pixels.height * pixels.width * channels,
    );
    const shape = [pixels.height, pixels.width, channels];
    const image = tf.tensor(samples, isAnimation ? [frames, ...shape] : shape, 'int32');
    if (dtype === 'int32') return image;
    const cast = image.cast(dtype);
    image.dispose();
    return cast;
  };
}

/** `tf.node` for a tfjs. */
export function nodeNamespace(tf: Tfjs): Readonly<Record<string, unknown>> {
  const decodeImage = decoder(tf);
  return {
    decodeImage,
    decodeJpeg: decoder(tf, 'jpeg'),
    decodePng: decoder(tf, 'png'),
    decodeBmp: decoder(tf, 'bmp'),
    decodeGif: decoder(tf, 'gif'),
    encodeJpeg: async (image: TensorLike, _format = '', quality = 95): Promise<Uint8Array> =>
      encodeJpegPixels(await image.data(), image.shape, quality),
    encodePng: async (image: TensorLike, compression = 1): Promise<Uint8Array> =>
      encodePngPixels(await image.data(), image.shape, compression),
    ...Object.fromEntries(missing.map((name) => [name, () => notThere(name)])),
  };
}

const madeFor = new WeakMap<object, object>();

/** The stand-in module for a tfjs; the same object for the same tfjs. */
export function tfjsNodeStandIn(tf: Tfjs): object {
  const known = madeFor.get(tf);
  if (known !== undefined) return known;
  tf.io.registerLoadRouter(fileRouter);
  tf.io.registerSaveRouter(fileRouter);
  // Getters of the umbrella package are kept, so that what it exports later shows here too.
  const standIn = Object.create(tf, {
    io: { value: Object.freeze({ ...tf.io, fileSystem }), enumerable: true },
    node: { value: nodeNamespace(tf), enumerable: true },
    version: { value: { ...tf.version, 'tfjs-node': tf.version?.['tfjs'] }, enumerable: true },
    __esModule: { value: true },
  }) as object;
  // Programs that destructure or re-export the module need own properties.
  for (const name of Object.keys(tf)) {
    if (!Object.hasOwn(standIn, name)) {
      Object.defineProperty(standIn, name, {
        get: () => (tf as unknown as Record<string, unknown>)[name],
        enumerable: true,
      });
    }
  }
  madeFor.set(tf, standIn);
  return standIn;
}
