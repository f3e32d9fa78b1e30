/** Conformance cases of the pools and of their gradients. */
import type { Attributes } from '../../ir/graph.ts';
import type { OpSample } from './define-op.ts';
import { f32, i32 } from './samples.ts';

const halving = { filterSize: [2, 2], strides: [2, 2], pad: 'valid' } as const;

interface Window {
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly attributes: Attributes;
  readonly about?: string;
}

const windows2D: readonly Window[] = [
  { x: [2, 4, 6, 3], y: [2, 2, 3, 3], attributes: halving },
  { x: [1, 5, 7, 2], y: [1, 2, 3, 2], attributes: halving, about: 'input that no window reads' },
  { x: [1, 5, 7, 2], y: [1, 3, 4, 2], attributes: { ...halving, pad: 'same' } },
  { x: [2, 7, 6, 2], y: [2, 4, 3, 2], attributes: { filterSize: [3, 3], strides: [2, 2], pad: 'same' } },
  { x: [2, 7, 6, 2], y: [2, 5, 4, 2], attributes: { filterSize: [3, 3], strides: [1, 1], pad: 'valid' } },
  { x: [1, 5, 5, 2], y: [1, 5, 5, 2], attributes: { filterSize: 3, strides: 1, pad: 'same' } },
  { x: [1, 6, 5, 1], y: [1, 5, 2, 1], attributes: { filterSize: [2, 3], strides: [1, 2], pad: 'valid' } },
  { x: [1, 5, 5, 2], y: [1, 3, 3, 2], attributes: { filterSize: [3, 3], strides: [2, 2], pad: 1 } },
  { x: [1, 4, 4, 3], y: [1, 1, 1, 3], attributes: { filterSize: [4, 4], strides: [4, 4], pad: 'valid' } },
  { x: [1, 5, 5, 2], y: [1, 3, 3, 2], attributes: { filterSize: [1, 1], strides: [2, 2], pad: 'valid' } },
  { x: [1, 4, 4, 2], y: [1, 4, 4, 2], attributes: { filterSize: 1, strides: 1, pad: 'same' } },
];

const rounded: readonly Window[] = [
  {
    x: [1, 6, 5, 2],
    y: [1, 4, 4, 2],
    attributes: { filterSize: [2, 2], strides: [2, 2], pad: 1, dimRoundingMode: 'ceil' },
  },
  {
    x: [1, 6, 6, 1],
    y: [1, 3, 3, 1],
    attributes: { filterSize: [3, 3], strides: [2, 2], pad: 0, dimRoundingMode: 'round' },
  },
];

const explicit: Window = {
  x: [1, 4, 5, 2],
  y: [1, 3, 3, 2],
  attributes: {
    filterSize: [2, 3],
    strides: [2, 2],
    pad: [
      [0, 0],
      [1, 1],
      [0, 2],
      [0, 0],
    ],
  },
};

const windows3D: readonly Window[] = [
  { x: [1, 4, 4, 6, 2], y: [1, 2, 2, 3, 2], attributes: { filterSize: 2, strides: 2, pad: 'valid' } },
  {
    x: [2, 5, 4, 3, 1],
    y: [2, 3, 2, 2, 1],
    attributes: { filterSize: [3, 3, 3], strides: [2, 2, 2], pad: 'same' },
  },
  {
    x: [1, 5, 4, 3, 2],
    y: [1, 4, 3, 2, 2],
    attributes: { filterSize: [2, 2, 2], strides: [1, 1, 1], pad: 'valid' },
  },
  {
    x: [1, 4, 5, 4, 1],
    y: [1, 3, 2, 4, 1],
    attributes: { filterSize: [2, 3, 1], strides: [1, 2, 1], pad: 0, dataFormat: 'NDHWC' },
    about: 'not a cube',
  },
];

const poolSample = ({ x, attributes, about }: Window): OpSample => ({
  inputs: [f32(x)],
  attributes,
  ...(about === undefined ? {} : { about }),
});

const gradientSample = ({ x, y, attributes, about }: Window): OpSample => ({
  inputs: [f32(y), f32(x)],
  attributes,
  ...(about === undefined ? {} : { about }),
});

/** Values with many equal neighbours: which of them gets the gradient is tfjs's choice. */
function tied(shape: readonly number[]): OpSample['inputs'][number] {
  const count = shape.reduce((product, size) => product * size, 1);
  return f32(
    shape,
    Array.from({ length: count }, (_, index) => ((index * 7) % 5 < 3 ? 0 : (index * 3) % 2)),
  );
}

const maxGradientSample = (window: Window): OpSample => ({
  inputs: [f32(window.y), tied(window.x), f32(window.y)],
  attributes: window.attributes,
  about: `${window.about ?? 'pool'}, ties`,
});

const all2D: readonly Window[] = [...windows2D, ...rounded, explicit];

export const maxPoolSamples: readonly OpSample[] = [
  ...all2D.map(poolSample),
  { inputs: [i32([1, 4, 4, 2])], attributes: halving },
  { inputs: [f32([0, 4, 4, 2])], attributes: halving, about: 'batch 0' },
];
export const avgPoolSamples: readonly OpSample[] = all2D.map(poolSample);
export const maxPool3DSamples: readonly OpSample[] = [
  ...windows3D.map(poolSample),
  { inputs: [i32([1, 4, 4, 4, 1])], attributes: { filterSize: 2, strides: 2, pad: 'valid' } },
];
export const avgPool3DSamples: readonly OpSample[] = windows3D.map(poolSample);

const argmaxWindows: readonly Window[] = windows2D.slice(0, 5);
export const argmaxSamples: readonly OpSample[] = argmaxWindows.flatMap(({ x, attributes }) => [
  { inputs: [f32(x)], attributes: { ...attributes, includeBatchInIndex: false } },
  { inputs: [tied(x)], attributes: { ...attributes, includeBatchInIndex: true } },
]);

export const maxPoolGradientSamples: readonly OpSample[] = [
  ...[...all2D, ...rounded].map(maxGradientSample),
  ...windows2D.slice(0, 4).map(({ x, y, attributes }) => ({ inputs: [f32(y), f32(x), f32(y)], attributes })),
];
export const avgPoolGradientSamples: readonly OpSample[] = [...windows2D, explicit].map(gradientSample);
export const maxPool3DGradientSamples: readonly OpSample[] = [
  ...windows3D.slice(0, 3).map(maxGradientSample),
  {
    ...maxGradientSample(windows3D[3]!),
    about: "cpu's positions are wrong when the window is not a cube",
  },
];
export const avgPool3DGradientSamples: readonly OpSample[] = windows3D.map(gradientSample);
