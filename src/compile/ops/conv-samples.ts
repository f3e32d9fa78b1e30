/** Conformance cases of the convolutions and of their gradients. */
import type { Attributes } from '../../ir/graph.ts';
import type { OpSample } from './define-op.ts';
import { f32 } from './samples.ts';

const plain = { strides: [1, 1], dilations: [1, 1], dataFormat: 'NHWC' } as const;

const same: Attributes = { ...plain, pad: 'same' };
const valid: Attributes = { ...plain, pad: 'valid' };

export const convSamples: readonly OpSample[] = [
  { inputs: [f32([2, 5, 7, 3]), f32([3, 3, 3, 4])], attributes: same },
  { inputs: [f32([1, 6, 5, 2]), f32([2, 4, 2, 3])], attributes: same, about: 'even kernel: uneven padding' },
  { inputs: [f32([1, 6, 5, 2]), f32([3, 2, 2, 3])], attributes: valid },
  { inputs: [f32([2, 4, 4, 3]), f32([1, 1, 3, 5])], attributes: same, about: '1x1' },
  { inputs: [f32([1, 7, 8, 3]), f32([3, 3, 3, 2])], attributes: { ...same, strides: [2, 2] } },
  { inputs: [f32([1, 8, 7, 3]), f32([2, 3, 3, 2])], attributes: { ...same, strides: [3, 2] } },
  {
    inputs: [f32([1, 7, 7, 1]), f32([1, 1, 1, 2])],
    attributes: { ...same, strides: 2 },
    about: 'stride above kernel',
  },
  { inputs: [f32([1, 9, 9, 2]), f32([3, 3, 2, 2])], attributes: { ...same, dilations: [2, 2] } },
  { inputs: [f32([1, 9, 8, 2]), f32([2, 3, 2, 2])], attributes: { ...valid, dilations: [3, 2] } },
  { inputs: [f32([1, 5, 5, 2]), f32([3, 3, 2, 2])], attributes: { ...valid, pad: 2 } },
  { inputs: [f32([1, 6, 5, 2]), f32([3, 3, 2, 2])], attributes: { ...valid, pad: 1, strides: [2, 2] } },
  {
    inputs: [f32([1, 8, 8, 2]), f32([2, 3, 2, 2])],
    attributes: { ...valid, pad: 1, strides: [2, 1] },
    about: "tfjs counts columns with the rows' numbers",
  },
  {
    inputs: [f32([1, 8, 8, 2]), f32([3, 2, 2, 2])],
    attributes: { ...valid, pad: 1, strides: [1, 2] },
    about: "tfjs counts columns with the rows' numbers",
  },
  {
    inputs: [f32([1, 5, 6, 2]), f32([3, 3, 2, 2])],
    attributes: { ...valid, pad: 1, strides: [2, 2], dimRoundingMode: 'ceil' },
    about: 'windows past the padding',
  },
  {
    inputs: [f32([1, 5, 6, 2]), f32([3, 3, 2, 2])],
    attributes: { ...valid, pad: 1, strides: [2, 2], dimRoundingMode: 'round' },
  },
  {
    inputs: [f32([1, 5, 6, 2]), f32([3, 3, 2, 2])],
    attributes: {
      ...valid,
      pad: [
        [0, 0],
        [1, 2],
        [0, 3],
        [0, 0],
      ],
    },
  },
  { inputs: [f32([2, 3, 5, 6]), f32([3, 3, 3, 4])], attributes: { ...same, dataFormat: 'NCHW' } },
  {
    inputs: [f32([1, 2, 6, 5]), f32([3, 2, 2, 2])],
    attributes: {
      ...valid,
      dataFormat: 'NCHW',
      strides: [2, 1],
      pad: [
        [0, 0],
        [0, 0],
        [1, 0],
        [2, 1],
      ],
    },
  },
  { inputs: [f32([2, 4, 5, 64]), f32([3, 3, 64, 3])], attributes: same, about: 'many channels' },
  {
    inputs: [f32([1, 5, 6, 64]), f32([2, 3, 64, 3])],
    attributes: { ...same, strides: [2, 2] },
    about: 'many channels',
  },
  {
    inputs: [f32([1, 7, 8, 3]), f32([1, 1, 3, 2])],
    attributes: { ...valid, strides: [2, 3] },
    about: '1x1 with a stride',
  },
  { inputs: [f32([0, 5, 5, 2]), f32([3, 3, 2, 2])], attributes: same, about: 'batch 0' },
  { inputs: [f32([1, 2, 2, 2]), f32([3, 3, 2, 2])], attributes: valid, about: 'no output' },
];

export const fusedConvSamples: readonly OpSample[] = [
  { inputs: [f32([2, 5, 5, 3]), f32([3, 3, 3, 4])], attributes: { ...same, activation: 'linear' } },
  { inputs: [f32([2, 5, 5, 3]), f32([3, 3, 3, 4]), f32([4])], attributes: { ...same, activation: 'relu' } },
  { inputs: [f32([2, 5, 5, 3]), f32([3, 3, 3, 4]), f32([4])], attributes: { ...same, activation: 'relu6' } },
  { inputs: [f32([1, 5, 5, 3]), f32([3, 3, 3, 4]), f32([4])], attributes: { ...valid, activation: 'elu' } },
  {
    inputs: [f32([1, 5, 5, 3]), f32([3, 3, 3, 4]), f32([])],
    attributes: { ...valid, activation: 'sigmoid' },
  },
  {
    inputs: [f32([1, 5, 5, 3]), f32([3, 3, 3, 4]), f32([1])],
    attributes: { ...valid, activation: 'leakyrelu', leakyreluAlpha: 0.3 },
  },
  {
    inputs: [f32([1, 5, 5, 3]), f32([3, 3, 3, 4]), f32([4]), f32([4])],
    attributes: { ...valid, activation: 'prelu' },
  },
  {
    inputs: [f32([1, 5, 5, 3]), f32([3, 3, 3, 4]), undefined, f32([1, 1, 4])],
    attributes: { ...valid, activation: 'prelu' },
  },
  {
    inputs: [f32([1, 5, 4, 3]), f32([3, 3, 3, 4]), f32([4]), f32([3, 2, 4])],
    attributes: { ...valid, activation: 'prelu' },
  },
  {
    inputs: [f32([1, 5, 5, 3]), f32([3, 3, 3, 4]), f32([3, 3, 4])],
    attributes: { ...valid, activation: 'relu' },
    about: 'bias of the size of the image',
  },
  {
    inputs: [f32([1, 3, 5, 5]), f32([3, 3, 3, 4]), f32([4]), f32([4])],
    attributes: { ...same, dataFormat: 'NCHW', activation: 'prelu' },
  },
  {
    inputs: [f32([1, 3, 5, 5]), f32([3, 3, 3, 4]), f32([])],
    attributes: { ...same, dataFormat: 'NCHW', activation: 'relu' },
  },
];

const wide = [f32([1, 4, 5, 64]), f32([3, 3, 64, 4])] as const;

export const wideFusedConvSamples: readonly OpSample[] = [
  { inputs: [...wide, f32([4])], attributes: { ...same, activation: 'relu' } },
  { inputs: [...wide, f32([1])], attributes: { ...same, activation: 'elu' } },
  { inputs: [...wide, undefined, f32([4, 5, 4])], attributes: { ...same, activation: 'prelu' } },
  { inputs: [f32([1, 4, 5, 3]), f32([1, 1, 3, 4]), f32([4])], attributes: { ...same, activation: 'relu6' } },
];

export const depthwiseSamples: readonly OpSample[] = [
  { inputs: [f32([2, 5, 7, 3]), f32([3, 3, 3, 1])], attributes: same },
  { inputs: [f32([1, 6, 5, 2]), f32([2, 3, 2, 3])], attributes: valid, about: 'channel multiplier 3' },
  { inputs: [f32([1, 8, 7, 4]), f32([3, 3, 4, 1])], attributes: { ...same, strides: [2, 2] } },
  { inputs: [f32([1, 9, 9, 2]), f32([3, 3, 2, 2])], attributes: { ...same, dilations: [2, 2] } },
  { inputs: [f32([1, 5, 5, 1]), f32([3, 3, 1, 2])], attributes: { ...valid, pad: 1 } },
  {
    inputs: [f32([1, 5, 5, 2]), f32([3, 3, 2, 1])],
    attributes: {
      ...valid,
      pad: [
        [0, 0],
        [1, 0],
        [0, 2],
        [0, 0],
      ],
    },
  },
];

export const fusedDepthwiseSamples: readonly OpSample[] = [
  { inputs: [f32([2, 5, 5, 3]), f32([3, 3, 3, 2]), f32([6])], attributes: { ...same, activation: 'relu6' } },
  {
    inputs: [f32([2, 5, 5, 3]), f32([3, 3, 3, 1])],
    attributes: { ...same, strides: [2, 2], activation: 'relu' },
  },
  {
    inputs: [f32([1, 5, 5, 3]), f32([3, 3, 3, 1]), f32([3]), f32([3])],
    attributes: { ...valid, activation: 'prelu' },
  },
  { inputs: [f32([1, 5, 5, 3]), f32([3, 3, 3, 1]), f32([])], attributes: { ...valid, activation: 'linear' } },
];

const plain3D = { strides: [1, 1, 1], dilations: [1, 1, 1], dataFormat: 'NDHWC' } as const;

export const conv3DSamples: readonly OpSample[] = [
  { inputs: [f32([2, 4, 5, 3, 2]), f32([2, 3, 2, 2, 3])], attributes: { ...plain3D, pad: 'same' } },
  { inputs: [f32([1, 4, 5, 6, 2]), f32([3, 2, 3, 2, 2])], attributes: { ...plain3D, pad: 'valid' } },
  {
    inputs: [f32([1, 5, 5, 4, 1]), f32([3, 3, 2, 1, 2])],
    attributes: { ...plain3D, strides: [2, 2, 1], pad: 'same' },
  },
  {
    inputs: [f32([1, 6, 4, 4, 2]), f32([1, 1, 1, 2, 3])],
    attributes: { ...plain3D, strides: [2, 2, 2], pad: 'same' },
    about: 'tfjs starts inside the image where the stride exceeds the kernel',
  },
  {
    inputs: [f32([1, 5, 6, 5, 1]), f32([2, 2, 2, 1, 2])],
    attributes: { ...plain3D, dilations: [2, 2, 2], pad: 'valid' },
  },
  {
    inputs: [f32([1, 2, 2, 2, 1]), f32([3, 3, 3, 1, 2])],
    attributes: { ...plain3D, pad: 'valid' },
    about: 'no output',
  },
];
