/** Conformance cases of image kernels. */
import type { OpSample } from './define-op.ts';
import { f32, i32 } from './samples.ts';

const modes = [
  { alignCorners: false, halfPixelCenters: false },
  { alignCorners: true, halfPixelCenters: false },
  { alignCorners: false, halfPixelCenters: true },
] as const;

const resizes: readonly (readonly [number, number, number, number])[] = [
  [3, 4, 6, 8],
  [5, 7, 3, 2],
  [4, 4, 7, 9],
  [6, 5, 1, 1],
  [1, 1, 3, 2],
  [5, 5, 5, 5],
];

export const resizeSamples: readonly OpSample[] = [
  ...modes.flatMap((mode) =>
    resizes.map(([height, width, newHeight, newWidth]) => ({
      inputs: [f32([2, height, width, 3])],
      attributes: { ...mode, size: [newHeight, newWidth] },
    })),
  ),
  { inputs: [i32([1, 3, 3, 2])], attributes: { ...modes[0], size: [4, 5] } },
];

const gradientCases = (isSquare: boolean): OpSample[] =>
  [false, true].flatMap((alignCorners) =>
    resizes
      .filter(([height, width]) => !isSquare || height === width)
      .map(([height, width, newHeight, newWidth]) => ({
        inputs: [f32([2, height, width, 3]), f32([2, newHeight, newWidth, 3])],
        attributes: { alignCorners, halfPixelCenters: false, size: [newHeight, newWidth] },
      })),
  );

export const resizeGradientSamples: readonly OpSample[] = gradientCases(false);

/** cpu's kernel does not end when an input of one row is resized with aligned corners. */
export const nearestGradientSamples: readonly OpSample[] = gradientCases(false).filter(
  ({ inputs, attributes }) => attributes?.['alignCorners'] !== true || inputs[0]!.shape[1]! > 1,
);

export const flipSamples: readonly OpSample[] = [
  { inputs: [f32([2, 3, 5, 2])] },
  { inputs: [i32([1, 2, 4, 3])] },
];

export const rotateSamples: readonly OpSample[] = [
  { inputs: [f32([2, 5, 4, 3])], attributes: { radians: 0.7, fillValue: 0.5, center: 0.5 } },
  { inputs: [f32([1, 5, 6, 4])], attributes: { radians: -2, fillValue: [1, 2, 3], center: [0.3, 0.8] } },
  { inputs: [i32([1, 4, 4, 1])], attributes: { radians: Math.PI / 2, fillValue: 7, center: 0.5 } },
];

const boxes = f32([4, 4], [0, 0, 1, 1, 0.1, 0.2, 0.7, 0.9, -0.3, 0.5, 0.6, 1.4, 0.9, 0.8, 0.2, 0.1]);

export const cropSamples: readonly OpSample[] = ['bilinear', 'nearest'].flatMap((method) => [
  {
    inputs: [f32([2, 5, 6, 3]), boxes, i32([4], [0, 1, 0, 1])],
    attributes: { method, cropSize: [3, 4], extrapolationValue: 0 },
  },
  {
    inputs: [f32([2, 5, 6, 3]), boxes, i32([4], [1, 1, 5, 0])],
    attributes: { method, cropSize: [1, 1], extrapolationValue: -1 },
    about: 'a box of an image that is not there',
  },
  {
    inputs: [i32([2, 5, 6, 3]), boxes, i32([4], [0, 1, 0, 1])],
    attributes: { method, cropSize: [4, 3], extrapolationValue: 0.5 },
    about: 'pixels in bytes',
  },
]);

const turn = [0.8, -0.6, 1, 0.6, 0.8, -1, 0, 0];
const bend = [1.2, 0.1, -0.5, 0.05, 0.9, 0.3, 0.02, -0.01];

export const transformSamples: readonly OpSample[] = ['constant', 'reflect', 'wrap', 'nearest'].flatMap(
  (fillMode) =>
    ['nearest', 'bilinear'].flatMap((interpolation) => [
      {
        inputs: [f32([1, 5, 6, 2]), f32([1, 8], turn)],
        attributes: { fillMode, interpolation, fillValue: 0.25, outputShape: [5, 6] },
      },
      {
        inputs: [f32([2, 4, 4, 1]), f32([2, 8], [...bend, ...turn])],
        attributes: { fillMode, interpolation, fillValue: 0, outputShape: [6, 3] },
        about: 'cpu warps the first image only',
      },
    ]),
);

export const depthToSpaceSamples: readonly OpSample[] = [
  { inputs: [f32([2, 2, 3, 8])], attributes: { blockSize: 2, dataFormat: 'NHWC' } },
  { inputs: [i32([1, 1, 2, 9])], attributes: { blockSize: 3, dataFormat: 'NHWC' } },
];

export const spaceToBatchSamples: readonly OpSample[] = [
  {
    inputs: [f32([2, 4, 4, 3])],
    attributes: {
      blockShape: [2, 2],
      paddings: [
        [0, 0],
        [0, 0],
      ],
    },
  },
  {
    inputs: [f32([1, 3, 5, 2])],
    attributes: {
      blockShape: [2, 3],
      paddings: [
        [1, 0],
        [0, 1],
      ],
    },
  },
  { inputs: [i32([1, 6, 2])], attributes: { blockShape: [3], paddings: [[0, 0]] } },
];

export const batchToSpaceSamples: readonly OpSample[] = [
  {
    inputs: [f32([8, 2, 2, 3])],
    attributes: {
      blockShape: [2, 2],
      crops: [
        [0, 0],
        [0, 0],
      ],
    },
  },
  {
    inputs: [f32([6, 2, 2, 2])],
    attributes: {
      blockShape: [2, 3],
      crops: [
        [1, 0],
        [0, 1],
      ],
    },
  },
];
