import { backend_util } from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { opTable } from '../../../src/compile/ops/index.ts';
import { slidingWindow } from '../../../src/compile/ops/conv-window.ts';

const size = fc.integer({ min: 1, max: 12 });
const small = fc.integer({ min: 1, max: 4 });
const pad = fc.oneof(
  fc.constantFrom('same' as const, 'valid' as const),
  fc.integer({ min: 0, max: 3 }),
  fc
    .tuple(fc.nat(2), fc.nat(2), fc.nat(2), fc.nat(2))
    .map(([top, bottom, left, right]) => ({ top, bottom, left, right })),
);
const rounding = fc.constantFrom('floor' as const, 'ceil' as const, 'round' as const, undefined);

describe('slidingWindow', () => {
  test('places windows over images as tfjs does', () => {
    fc.assert(
      fc.property(
        fc.record({
          height: size,
          width: size,
          kernel: fc.tuple(small, small),
          stride: fc.tuple(small, small),
        }),
        fc.record({ dilation: fc.tuple(small, small), pad, rounding, isLast: fc.boolean() }),
        ({ height, width, kernel, stride }, { dilation, pad, rounding, isLast }) => {
          const spatialPads =
            typeof pad === 'object'
              ? [
                  [pad.top, pad.bottom],
                  [pad.left, pad.right],
                ]
              : [];
          const none = [0, 0];
          const pads =
            typeof pad === 'object'
              ? isLast
                ? [none, ...spatialPads, none]
                : [none, none, ...spatialPads]
              : pad;
          const inputShape = isLast ? [2, height, width, 3] : [2, 3, height, width];
          const expected = backend_util.computeConv2DInfo(
            inputShape as [number, number, number, number],
            [...kernel, 3, 5],
            stride,
            dilation,
            pads as 'same',
            rounding,
            false,
            isLast ? 'channelsLast' : 'channelsFirst',
          );
          const window = slidingWindow({
            inputShape,
            kernel,
            outChannels: 5,
            strides: stride,
            dilations: dilation,
            pad: pads,
            roundingMode: rounding,
            isChannelsLast: isLast,
          });
          // A window larger than the padded image: eager says so when it allocates the result.
          if (expected.outShape.some((dim) => dim < 0)) {
            expect(window).toBeUndefined();
            return;
          }
          expect(window?.outputShape.map((dim) => dim + 0)).toEqual(expected.outShape.map((dim) => dim + 0));
          expect(window?.axes.map((axis) => axis.padBegin)).toEqual([
            expected.padInfo.top,
            expected.padInfo.left,
          ]);
        },
      ),
      { numRuns: 500, seed: 3 },
    );
  });

  test('places windows over volumes as tfjs does', () => {
    fc.assert(
      fc.property(
        fc.tuple(size, size, size),
        fc.tuple(small, small, small),
        fc.tuple(small, small, small),
        fc.oneof(fc.constantFrom('same' as const, 'valid' as const), fc.nat(2)),
        (image, kernel, stride, pad) => {
          const inputShape = [1, ...image, 2];
          const expected = backend_util.computeConv3DInfo(
            inputShape as [number, number, number, number, number],
            [...kernel, 2, 4],
            stride,
            1,
            pad,
          );
          const window = slidingWindow({ inputShape, kernel, outChannels: 4, strides: stride, pad });
          expect(window?.outputShape).toEqual(expected.outShape);
          expect(window?.axes.map((axis) => axis.padBegin)).toEqual([
            expected.padInfo.front,
            expected.padInfo.top,
            expected.padInfo.left,
          ]);
        },
      ),
      { numRuns: 300, seed: 4 },
    );
  });
});

describe('infer leaves to eager what eager rejects', () => {
  const image = { dtype: 'float32', shape: [1, 4, 4, 2] } as const;
  const filter = { dtype: 'float32', shape: [3, 3, 2, 4] } as const;
  const plain = { strides: [1, 1], pad: 'same', dilations: [1, 1], dataFormat: 'NHWC' };

  test.each([
    ['Conv2D', 'an unknown padding', { ...plain, pad: 'full' }],
    ['Conv2D', 'an unknown format', { ...plain, dataFormat: 'NHCW' }],
    ['Conv2D', 'an unknown rounding', { ...plain, pad: 1, dimRoundingMode: 'up' }],
    ['Conv2D', 'a window beyond the image', { ...plain, pad: 'valid', dilations: [4, 4] }],
    ['DepthwiseConv2dNative', 'strides with dilations', { ...plain, strides: [2, 2], dilations: [2, 2] }],
    ['FusedConv2D', 'an unknown activation', { ...plain, activation: 'swish' }],
  ])('%s with %s', (kernel, _, attributes) => {
    expect(opTable.get(kernel)!.infer([image, filter], attributes)).toBeUndefined();
    expect(opTable.get(kernel)!.infer([image, filter], { ...plain, activation: 'relu' })).toBeDefined();
  });

  test('complex images', () => {
    const complex = { dtype: 'complex64', shape: image.shape } as const;
    expect(opTable.get('Conv2D')!.infer([complex, filter], plain)).toBeUndefined();
  });
});
