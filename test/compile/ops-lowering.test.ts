import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { describe, expect, test } from 'vitest';
import { lowerGraph } from '../../src/compile/lower.ts';
import type { OpDefinition, OpSample } from '../../src/compile/ops/define-op.ts';
import { opTable } from '../../src/compile/ops/index.ts';
import { bool, f32, i32 } from '../../src/compile/ops/samples.ts';
import { skeletonOf } from '../../src/compile/skeleton.ts';
import { sampleGraph } from '../support/op-samples.ts';

const lowered = [...opTable.values()].filter((definition) => definition.lower !== undefined);
const cpuKernels = tf.getKernelsForBackend('cpu').map(({ kernelName }) => kernelName);

function skeletons(definition: OpDefinition, sample: OpSample): string[] {
  const { steps } = lowerGraph(sampleGraph(definition, sample), opTable);
  return steps.map((step) => (step.kind === 'onnx' ? skeletonOf(step.segment) : `eager ${step.node.kernel}`));
}

describe('the op table', () => {
  test('knows every kernel of the cpu backend', () => {
    expect(cpuKernels.filter((kernel) => !opTable.has(kernel))).toEqual([]);
  });

  test('lowers at least 150 of them', () => {
    const names = new Set(lowered.map(({ kernel }) => kernel));
    expect(cpuKernels.filter((kernel) => names.has(kernel)).length).toBeGreaterThanOrEqual(150);
  });

  test.each(lowered)('has samples for $kernel', ({ samples }) => {
    expect(samples.length).toBeGreaterThan(0);
  });
});

describe('a lowering', () => {
  test('leaves few samples to the eager kernel', () => {
    const left: Record<string, number> = {};
    for (const definition of lowered) {
      const eager = definition.samples.filter((sample) =>
        skeletons(definition, sample).some((text) => text.startsWith('eager')),
      );
      if (eager.length > 0) left[definition.kernel] = eager.length;
    }
    expect(left).toMatchInlineSnapshot(`
      {
        "AvgPool": 1,
        "Conv2D": 3,
        "Conv2DBackpropFilter": 1,
        "Conv2DBackpropInput": 1,
        "Conv3D": 1,
        "DepthwiseConv2dNativeBackpropFilter": 1,
        "DepthwiseConv2dNativeBackpropInput": 1,
        "MaxPool": 2,
        "MaxPool3DGrad": 1,
        "MaxPoolGrad": 2,
        "ResizeNearestNeighborGrad": 4,
        "TopK": 1,
      }
    `);
  });

  test.each(lowered)('of $kernel writes the same nodes each time', (definition) => {
    for (const sample of definition.samples)
      expect(skeletons(definition, sample)).toEqual(skeletons(definition, sample));
  });

  /** The same call at two sizes. */
  const resized: readonly {
    readonly kernel: string;
    readonly small: OpSample;
    readonly large: OpSample;
  }[] = [
    {
      kernel: '_FusedMatMul',
      small: {
        inputs: [f32([7, 3]), f32([3, 4]), f32([4])],
        attributes: { transposeA: false, transposeB: false, activation: 'relu' },
      },
      large: {
        inputs: [f32([32, 3]), f32([3, 4]), f32([4])],
        attributes: { transposeA: false, transposeB: false, activation: 'relu' },
      },
    },
    {
      kernel: 'BatchMatMul',
      small: {
        inputs: [f32([2, 3, 4]), f32([2, 5, 4])],
        attributes: { transposeA: false, transposeB: true },
      },
      large: {
        inputs: [f32([8, 9, 4]), f32([8, 9, 4])],
        attributes: { transposeA: false, transposeB: true },
      },
    },
    {
      kernel: 'Einsum',
      small: { inputs: [f32([2, 3, 4]), f32([4, 2, 3])], attributes: { equation: 'abc,cde->abde' } },
      large: { inputs: [f32([5, 9, 4]), f32([4, 2, 3])], attributes: { equation: 'abc,cde->abde' } },
    },
    {
      kernel: 'Slice',
      small: { inputs: [f32([4, 3])], attributes: { begin: [0, 0], size: [2, 3] } },
      large: { inputs: [f32([9, 3])], attributes: { begin: [3, 1], size: [6, 2] } },
    },
    {
      kernel: 'Reshape',
      small: { inputs: [f32([2, 6])], attributes: { shape: [2, 2, 3] } },
      large: { inputs: [f32([5, 6])], attributes: { shape: [5, 2, 3] } },
    },
    {
      kernel: 'Sum',
      small: { inputs: [f32([7, 3])], attributes: { axis: [0], keepDims: false } },
      large: { inputs: [f32([32, 3])], attributes: { axis: [0], keepDims: false } },
    },
    {
      kernel: 'ArgMax',
      small: { inputs: [f32([7, 3])], attributes: { axis: 1 } },
      large: { inputs: [f32([32, 10])], attributes: { axis: 1 } },
    },
    {
      kernel: 'Tile',
      small: { inputs: [f32([1, 3])], attributes: { reps: [7, 1] } },
      large: { inputs: [f32([1, 3])], attributes: { reps: [32, 1] } },
    },
    {
      kernel: 'PadV2',
      small: { inputs: [i32([2])], attributes: { paddings: [[0, 5]], constantValue: 0 } },
      large: { inputs: [i32([4])], attributes: { paddings: [[1, 2]], constantValue: 3 } },
    },
    {
      kernel: 'OneHot',
      small: { inputs: [i32([7])], attributes: { depth: 3, onValue: 1, offValue: 0, dtype: 'float32' } },
      large: { inputs: [i32([32])], attributes: { depth: 10, onValue: 1, offValue: 0, dtype: 'float32' } },
    },
    {
      kernel: 'UnsortedSegmentSum',
      small: { inputs: [f32([7, 3]), i32([7])], attributes: { numSegments: 4 } },
      large: { inputs: [f32([32, 3]), i32([32])], attributes: { numSegments: 9 } },
    },
    {
      kernel: 'SplitV',
      small: { inputs: [bool([4])], attributes: { numOrSizeSplits: 2, axis: 0 } },
      large: { inputs: [bool([10])], attributes: { numOrSizeSplits: [3, 7], axis: 0 } },
    },
    {
      kernel: 'ClipByValue',
      small: { inputs: [f32([7])], attributes: { clipValueMin: 0, clipValueMax: 1 } },
      large: { inputs: [f32([32])], attributes: { clipValueMin: -1, clipValueMax: 3 } },
    },
    {
      kernel: 'Multinomial',
      small: { inputs: [f32([2, 3])], attributes: { numSamples: 1, seed: 1, normalized: false } },
      large: { inputs: [f32([4, 5])], attributes: { numSamples: 6, seed: 0.7, normalized: false } },
    },
  ];

  test.each(resized)('of $kernel writes the same nodes for other sizes', ({ kernel, small, large }) => {
    const definition = opTable.get(kernel)!;
    expect(skeletons(definition, large)).toEqual(skeletons(definition, small));
  });
});
