/**
 * Kernels without an ONNX form. Where the types of the results follow from the call, the call waits in the graph and
 * runs on the eager kernel inside the executable; where sizes follow from data, it runs at once.
 */
import type { ConcreteType } from '../../ir/op-signature.ts';
import { defineOp, type OpDefinition, type OpSample } from './define-op.ts';
import { present } from './rules.ts';
import { f32, i32, ints } from './samples.ts';

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
  ...sparseOps,
  ...stringOps,
  dataDependent('Unique', ['x'], [{ inputs: [ints(1, 1, 2)], attributes: { axis: 0 } }]),
  dataDependent('Draw', ['image']),
];
