/** Conformance cases of the gradients of convolutions. */
import type { Attributes } from '../../ir/graph.ts';
import type { OpSample } from './define-op.ts';
import { f32 } from './samples.ts';

interface Case {
  readonly x: readonly number[];
  readonly filter: readonly number[];
  readonly dy: readonly number[];
  readonly attributes: Attributes;
  readonly about?: string;
}

const plain = { strides: [1, 1], dataFormat: 'NHWC' } as const;
const same = { ...plain, pad: 'same' } as const;
const valid = { ...plain, pad: 'valid' } as const;

const conv2D: readonly Case[] = [
  { x: [2, 5, 6, 3], filter: [3, 3, 3, 4], dy: [2, 5, 6, 4], attributes: same },
  { x: [1, 6, 5, 2], filter: [2, 4, 2, 3], dy: [1, 6, 5, 3], attributes: same },
  { x: [2, 6, 5, 2], filter: [3, 2, 2, 3], dy: [2, 4, 4, 3], attributes: valid },
  { x: [2, 4, 3, 3], filter: [1, 1, 3, 5], dy: [2, 4, 3, 5], attributes: same },
  { x: [1, 7, 8, 3], filter: [3, 3, 3, 2], dy: [1, 4, 4, 2], attributes: { ...same, strides: [2, 2] } },
  {
    x: [1, 8, 8, 2],
    filter: [3, 3, 2, 2],
    dy: [1, 3, 3, 2],
    attributes: { ...valid, strides: [2, 2] },
    about: 'input that no window reads',
  },
  { x: [1, 8, 7, 2], filter: [1, 1, 2, 3], dy: [1, 3, 3, 3], attributes: { ...valid, strides: [3, 3] } },
  { x: [1, 5, 5, 2], filter: [3, 3, 2, 2], dy: [1, 7, 7, 2], attributes: { ...valid, pad: 2 } },
  {
    x: [1, 5, 6, 2],
    filter: [3, 3, 2, 2],
    dy: [1, 3, 4, 2],
    attributes: { ...valid, pad: 1, strides: [2, 2], dimRoundingMode: 'ceil' },
  },
  {
    x: [1, 5, 6, 2],
    filter: [3, 3, 2, 3],
    dy: [1, 6, 7, 3],
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
  { x: [2, 3, 5, 6], filter: [3, 3, 3, 4], dy: [2, 4, 5, 6], attributes: { ...same, dataFormat: 'NCHW' } },
  { x: [1, 5, 4, 256], filter: [3, 3, 256, 2], dy: [1, 5, 4, 2], attributes: same, about: 'many channels' },
  {
    x: [1, 5, 6, 64],
    filter: [2, 3, 64, 3],
    dy: [1, 3, 3, 3],
    attributes: { ...same, strides: [2, 2] },
    about: 'many channels',
  },
  { x: [2, 5, 4, 32], filter: [2, 3, 32, 3], dy: [2, 5, 4, 3], attributes: same, about: 'flipped filter' },
  { x: [1, 7, 8, 3], filter: [1, 1, 3, 2], dy: [1, 4, 3, 2], attributes: { ...valid, strides: [2, 3] } },
  { x: [0, 5, 5, 2], filter: [3, 3, 2, 2], dy: [0, 5, 5, 2], attributes: same, about: 'batch 0' },
];

const plain3D = { strides: [1, 1, 1] } as const;

const conv3D: readonly Case[] = [
  {
    x: [2, 4, 5, 3, 2],
    filter: [2, 3, 2, 2, 3],
    dy: [2, 4, 5, 3, 3],
    attributes: { ...plain3D, pad: 'same' },
  },
  {
    x: [1, 4, 5, 6, 2],
    filter: [3, 2, 3, 2, 2],
    dy: [1, 2, 4, 4, 2],
    attributes: { ...plain3D, pad: 'valid' },
  },
  {
    x: [1, 5, 5, 4, 1],
    filter: [3, 3, 2, 1, 2],
    dy: [1, 3, 3, 4, 2],
    attributes: { strides: [2, 2, 1], pad: 'same' },
  },
  {
    x: [1, 6, 4, 4, 2],
    filter: [1, 1, 1, 2, 3],
    dy: [1, 3, 2, 2, 3],
    attributes: { strides: [2, 2, 2], pad: 'same' },
    about: 'windows start inside the image',
  },
];

const plainDepthwise = { ...plain, dilations: [1, 1] } as const;

const depthwise: readonly Case[] = [
  {
    x: [2, 5, 6, 3],
    filter: [3, 3, 3, 1],
    dy: [2, 5, 6, 3],
    attributes: { ...plainDepthwise, pad: 'same' },
  },
  {
    x: [2, 6, 5, 2],
    filter: [2, 3, 2, 3],
    dy: [2, 5, 3, 6],
    attributes: { ...plainDepthwise, pad: 'valid' },
    about: 'channel multiplier 3',
  },
  {
    x: [1, 8, 7, 4],
    filter: [3, 3, 4, 1],
    dy: [1, 4, 4, 4],
    attributes: { ...plainDepthwise, strides: [2, 2], pad: 'same' },
  },
  {
    x: [1, 7, 7, 2],
    filter: [3, 3, 2, 1],
    dy: [1, 3, 3, 2],
    attributes: { ...plainDepthwise, dilations: [2, 2], pad: 'valid' },
    about: 'cpu ignores the dilation here',
  },
];

const inputSample = ({ x, filter, dy, attributes, about }: Case): OpSample => ({
  inputs: [f32(dy), f32(filter)],
  attributes: { ...attributes, inputShape: x },
  ...(about === undefined ? {} : { about }),
});

const filterSample = ({ x, filter, dy, attributes, about }: Case): OpSample => ({
  inputs: [f32(x), f32(dy)],
  attributes: { ...attributes, filterShape: filter },
  ...(about === undefined ? {} : { about }),
});

export const convInputGradientSamples: readonly OpSample[] = conv2D.map(inputSample);
export const convFilterGradientSamples: readonly OpSample[] = conv2D.map(filterSample);
export const conv3DInputGradientSamples: readonly OpSample[] = conv3D.map(inputSample);
export const conv3DFilterGradientSamples: readonly OpSample[] = conv3D.map(filterSample);
export const depthwiseInputGradientSamples: readonly OpSample[] = depthwise.map(inputSample);
export const depthwiseFilterGradientSamples: readonly OpSample[] = depthwise.map(filterSample);
