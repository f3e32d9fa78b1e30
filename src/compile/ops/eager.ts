/**
 * Kernels without an ONNX form. Where the types of the results follow from the call, the call waits in the graph and
 * runs on the eager kernel inside the executable; where sizes follow from data, it runs at once.
 */
import type { ConcreteType } from '../../ir/op-signature.ts';
import { attribute, defineOp, type OpDefinition, type OpSample } from './define-op.ts';
import { present } from './rules.ts';
import { f32, floats, i32, ints } from './samples.ts';

/** The size of a result is known only from data, or bad data must raise its error at the call. */
function dataDependent(
  kernel: string,
  inputs: OpDefinition['inputs'],
  samples: readonly OpSample[] = [],
): OpDefinition {
  return defineOp({ kernel, inputs, isEager: true, infer: () => undefined, samples });
}

/** Results with types that follow from the call. */
function known(
  kernel: string,
  inputs: OpDefinition['inputs'],
  infer: (types: readonly ConcreteType[]) => ConcreteType[] | undefined,
): OpDefinition {
  return defineOp({ kernel, inputs, isEager: true, infer: (types) => infer(present(types)), samples: [] });
}

const complexOps: readonly OpDefinition[] = [
  known('Complex', ['real', 'imag'], ([real]) => [{ dtype: 'complex64', shape: real!.shape }]),
  known('Real', ['input'], ([value]) => [{ dtype: 'float32', shape: value!.shape }]),
  known('Imag', ['input'], ([value]) => [{ dtype: 'float32', shape: value!.shape }]),
  known('ComplexAbs', ['x'], ([x]) => [{ dtype: 'float32', shape: x!.shape }]),
  ...['FFT', 'IFFT'].map((kernel) =>
    known(kernel, ['input'], ([value]) =>
      value!.dtype === 'complex64' ? [{ dtype: 'complex64', shape: value!.shape }] : undefined,
    ),
  ),
];

const boxes = f32([3, 4], [0, 0, 1, 1, 0, 0.1, 1, 1.1, 0, 2, 1, 3]);
const scores = floats(0.9, 0.8, 0.7);

const selectionOps: readonly OpDefinition[] = [
  dataDependent('NonMaxSuppressionV3', ['boxes', 'scores']),
  defineOp({
    kernel: 'NonMaxSuppressionV4',
    inputs: ['boxes', 'scores'],
    isEager: true,
    infer(_, attributes) {
      if (!attribute.boolean(attributes, 'padToMaxOutputSize', false)) return undefined;
      return [
        { dtype: 'int32', shape: [attribute.number(attributes, 'maxOutputSize')] },
        { dtype: 'int32', shape: [] },
      ];
    },
    samples: [
      {
        inputs: [boxes, scores],
        attributes: { maxOutputSize: 4, iouThreshold: 0.5, scoreThreshold: 0, padToMaxOutputSize: true },
      },
    ],
  }),
  dataDependent('NonMaxSuppressionV5', ['boxes', 'scores']),
  dataDependent('Unique', ['x'], [{ inputs: [ints(1, 1, 2)], attributes: { axis: 0 } }]),
];

const sparseOps: readonly OpDefinition[] = [
  dataDependent('SparseFillEmptyRows', ['indices', 'values', 'denseShape', 'defaultValue']),
  dataDependent('SparseReshape', ['inputIndices', 'inputShape', 'newShape']),
  dataDependent('SparseSegmentMean', ['data', 'indices', 'segmentIds']),
  dataDependent(
    'SparseSegmentSum',
    ['data', 'indices', 'segmentIds'],
    [{ inputs: [f32([3, 2]), ints(0, 1, 2), i32([3], [0, 0, 1])] }],
  ),
  dataDependent('RaggedGather', 'variadic'),
  dataDependent('RaggedRange', ['starts', 'limits', 'deltas']),
  dataDependent('RaggedTensorToTensor', 'variadic'),
];

const stringOps: readonly OpDefinition[] = [
  known('StaticRegexReplace', ['x'], ([x]) => [x!]),
  known('StringToHashBucketFast', ['input'], ([value]) => [{ dtype: 'int32', shape: value!.shape }]),
  dataDependent('StringNGrams', ['data', 'dataSplits']),
  dataDependent('StringSplit', ['input', 'delimiter']),
];

export const eagerOps: readonly OpDefinition[] = [
  ...complexOps,
  ...selectionOps,
  ...sparseOps,
  ...stringOps,
  dataDependent('Draw', ['image']),
];
