/**
 * Kernels that rename or move elements without computing: reshapes, casts, transposes, repetition, padding, reversal.
 */
import type { ConcreteType } from '../../ir/op-signature.ts';
import type { Dtype } from '../../ir/tensor-type.ts';
import { attribute, defineOp, type LoweringContext, type OnnxValue, type OpDefinition } from './define-op.ts';
import { convert, dtypeOf, input, reshape, shapeOf, transpose } from './numbers.ts';
import {
  elementCount,
  hasComplex,
  inferImplicitShape,
  isEmpty,
  isNative,
  numberLists,
  parseAxes,
  present,
  sameShape,
  type NativeDtype,
} from './rules.ts';
import { bool, f32, floats, i32, ints, special } from './samples.ts';

/** The result is the input's memory under another shape. */
function view(
  kernel: string,
  inputName: string,
  shapeOfResult: (
    x: ConcreteType,
    attributes: LoweringContext['attributes'],
  ) => readonly number[] | undefined,
  samples: OpDefinition['samples'],
): OpDefinition {
  return defineOp({
    kernel,
    inputs: [inputName],
    isAlias: true,
    isHostFoldable: true,
    infer(types, attributes) {
      const [x] = present(types);
      const shape = shapeOfResult(x!, attributes);
      return shape && [{ dtype: x!.dtype, shape }];
    },
    lower(context) {
      const { shape } = context.outputTypes[0]!;
      const isSame = sameShape(shape, shapeOf(context));
      return [isSame ? input(context) : reshape(context, input(context), shape)];
    },
    samples,
  });
}

const castDtypes: readonly string[] = ['float32', 'int32', 'bool', 'complex64'];

/** Eager casts nothing to string, and to complex64 anything but a string. */
function inferCast(x: ConcreteType, dtype: string): ConcreteType[] | undefined {
  if (!castDtypes.includes(dtype) || x.dtype === 'string') return undefined;
  return [{ dtype: dtype as Dtype, shape: x.shape }];
}

/** Pairs of padding for each axis; `undefined` when they do not match the rank. */
function paddedShape(
  x: ConcreteType,
  paddings: readonly (readonly number[])[] | undefined,
): number[] | undefined {
  if (paddings?.length !== x.shape.length || hasComplex(x)) return undefined;
  const shape = x.shape.map((size, axis) => size + paddings[axis]![0]! + paddings[axis]![1]!);
  return shape.every((size) => size >= 0) ? shape : undefined;
}

/** Which index of the input each index of a mirrored axis comes from. */
function mirroredIndices(size: number, before: number, after: number, mode: string): number[] {
  // `symmetric` repeats the edge, `reflect` does not.
  const edge = mode === 'symmetric' ? 1 : 0;
  return Array.from({ length: before + size + after }, (_, index) => {
    const from = index - before;
    if (from < 0) return -from - edge;
    return from < size ? from : 2 * (size - 1) - from + edge;
  });
}

function lowerMirrorPad(context: LoweringContext): OnnxValue {
  const paddings = numberLists(context.attributes, 'paddings')!;
  const mode = attribute.string(context.attributes, 'mode');
  let value = input(context);
  for (const [axis, size] of shapeOf(context).entries()) {
    const [before, after] = paddings[axis]!;
    if (before === 0 && after === 0) continue;
    const indices = context.ints(mirroredIndices(size, before!, after!, mode));
    value = context.op('Gather', [value, indices], { axis });
  }
  return value;
}

export const shapeOps: readonly OpDefinition[] = [
  defineOp({
    kernel: 'Identity',
    inputs: ['x'],
    isAlias: true,
    isHostFoldable: true,
    infer: (types) => [present(types)[0]!],
    lower: (context) => [input(context)],
    samples: [
      { inputs: [special] },
      { inputs: [i32([2, 3])] },
      { inputs: [bool([])] },
      { inputs: [f32([0, 2])] },
    ],
  }),
  view(
    'Reshape',
    'x',
    (x, attributes) => inferImplicitShape(attribute.numbers(attributes, 'shape'), elementCount(x.shape)),
    [
      { inputs: [f32([2, 3])], attributes: { shape: [3, 2] } },
      { inputs: [i32([2, 3])], attributes: { shape: [-1] } },
      { inputs: [bool([4])], attributes: { shape: [2, 1, -1] } },
      { inputs: [f32([1, 1])], attributes: { shape: [] } },
      { inputs: [f32([])], attributes: { shape: [1, 1, 1] } },
      { inputs: [f32([0, 3])], attributes: { shape: [2, 0, 5] }, about: 'zero sizes are sizes' },
    ],
  ),
  view(
    'ExpandDims',
    'input',
    (x, attributes) => {
      const dim = attribute.number(attributes, 'dim');
      const rank = x.shape.length;
      if (dim < -(rank + 1)) return undefined;
      const axis = dim < 0 ? rank + dim + 1 : dim;
      return [...x.shape.slice(0, axis), 1, ...x.shape.slice(axis)];
    },
    [
      { inputs: [f32([2, 3])], attributes: { dim: 0 } },
      { inputs: [i32([2, 3])], attributes: { dim: -1 } },
      { inputs: [bool([])], attributes: { dim: 0 } },
      { inputs: [f32([2, 0])], attributes: { dim: 1 } },
    ],
  ),
  defineOp({
    kernel: 'Cast',
    inputs: ['x'],
    isHostFoldable: true,
    infer: (types, attributes) => inferCast(present(types)[0]!, attribute.string(attributes, 'dtype')),
    lower: (context) => [
      convert(context, input(context), dtypeOf(context), context.outputTypes[0]!.dtype as NativeDtype),
    ],
    samples: [
      { inputs: [special], attributes: { dtype: 'int32' } },
      { inputs: [special], attributes: { dtype: 'bool' } },
      { inputs: [special], attributes: { dtype: 'float32' } },
      {
        inputs: [floats(4294967295, 2147483648, -2147483649, 1e20, -1e20, 3e9)],
        attributes: { dtype: 'int32' },
        about: 'outside int32: modulo 2^32',
      },
      { inputs: [ints(0, 1, -3, 2147483647)], attributes: { dtype: 'bool' } },
      { inputs: [ints(0, 1, -3, 65536)], attributes: { dtype: 'float32' } },
      { inputs: [bool([2, 2])], attributes: { dtype: 'float32' } },
      { inputs: [bool([2, 2])], attributes: { dtype: 'int32' } },
      { inputs: [f32([])], attributes: { dtype: 'int32' } },
      { inputs: [f32([0, 2])], attributes: { dtype: 'bool' } },
    ],
  }),
  defineOp({
    kernel: 'Transpose',
    inputs: ['x'],
    isHostFoldable: true,
    infer(types, attributes) {
      const [x] = present(types);
      const perm = attribute.numbers(attributes, 'perm');
      const isPermutation = x!.shape.every((_, axis) => perm.includes(axis));
      if (!isPermutation || perm.length !== x!.shape.length || hasComplex(x)) return undefined;
      return [{ dtype: x!.dtype, shape: perm.map((axis) => x!.shape[axis]!) }];
    },
    lower: (context) => [transpose(context, input(context), attribute.numbers(context.attributes, 'perm'))],
    samples: [
      { inputs: [f32([2, 3, 4])], attributes: { perm: [2, 0, 1] } },
      { inputs: [i32([2, 3])], attributes: { perm: [1, 0] } },
      { inputs: [bool([2, 3])], attributes: { perm: [1, 0] } },
      { inputs: [f32([2, 3, 1, 2])], attributes: { perm: [0, 3, 1, 2] } },
      { inputs: [f32([2, 3])], attributes: { perm: [0, 1] } },
      { inputs: [f32([])], attributes: { perm: [] } },
      { inputs: [f32([0, 3])], attributes: { perm: [1, 0] } },
    ],
  }),
  defineOp({
    kernel: 'Tile',
    inputs: ['x'],
    isHostFoldable: true,
    infer(types, attributes) {
      const [x] = present(types);
      const reps = attribute.numbers(attributes, 'reps');
      if (reps.length !== x!.shape.length || hasComplex(x)) return undefined;
      return [{ dtype: x!.dtype, shape: x!.shape.map((size, axis) => size * reps[axis]!) }];
    },
    lower(context) {
      const reps = attribute.numbers(context.attributes, 'reps');
      if (reps.length === 0) return [input(context)];
      return [context.op('Tile', [input(context), context.ints(reps)])];
    },
    samples: [
      { inputs: [f32([2, 3])], attributes: { reps: [2, 1] } },
      { inputs: [f32([1, 3, 1])], attributes: { reps: [4, 1, 2] } },
      { inputs: [i32([3])], attributes: { reps: [3] } },
      { inputs: [bool([2])], attributes: { reps: [2] } },
      { inputs: [f32([])], attributes: { reps: [] } },
      { inputs: [f32([2, 3])], attributes: { reps: [0, 2] } },
      { inputs: [f32([0, 3])], attributes: { reps: [2, 2] } },
    ],
  }),
  defineOp({
    kernel: 'PadV2',
    inputs: ['x'],
    infer(types, attributes) {
      const [x] = present(types);
      const shape = paddedShape(x!, numberLists(attributes, 'paddings'));
      return shape && [{ dtype: x!.dtype, shape }];
    },
    lower(context) {
      const paddings = numberLists(context.attributes, 'paddings')!;
      if (paddings.length === 0) return [input(context)];
      const dtype = dtypeOf(context);
      const value = attribute.number(context.attributes, 'constantValue', 0);
      if (dtype === 'bool' && value !== 0 && value !== 1) return undefined;
      const pads = context.ints([...paddings.map((pair) => pair[0]!), ...paddings.map((pair) => pair[1]!)]);
      return [context.op('Pad', [input(context), pads, context.scalar(value, dtype)])];
    },
    samples: [
      { inputs: [f32([2, 3])], attributes: { paddings: [[1, 0], [0, 2]], constantValue: 0 } }, // prettier-ignore
      { inputs: [f32([3])], attributes: { paddings: [[2, 1]], constantValue: -1.5 } },
      { inputs: [f32([2])], attributes: { paddings: [[0, 1]], constantValue: Number.NaN } },
      { inputs: [i32([2, 2])], attributes: { paddings: [[1, 1], [1, 1]], constantValue: 7 } }, // prettier-ignore
      { inputs: [bool([2])], attributes: { paddings: [[1, 1]], constantValue: 1 } },
      { inputs: [f32([])], attributes: { paddings: [], constantValue: 0 } },
      { inputs: [f32([0, 2])], attributes: { paddings: [[1, 2], [0, 0]], constantValue: 3 } }, // prettier-ignore
    ],
  }),
  defineOp({
    kernel: 'MirrorPad',
    inputs: ['x'],
    infer(types, attributes) {
      const [x] = present(types);
      const shape = paddedShape(x!, numberLists(attributes, 'paddings'));
      return shape && [{ dtype: x!.dtype, shape }];
    },
    lower: (context) => (isEmpty(context.inputTypes[0]!) ? undefined : [lowerMirrorPad(context)]),
    samples: ['reflect', 'symmetric'].flatMap((mode) => [
      { inputs: [f32([3, 4])], attributes: { paddings: [[1, 2], [0, 3]], mode } }, // prettier-ignore
      { inputs: [i32([4])], attributes: { paddings: [[3, 3]], mode } },
      { inputs: [bool([3])], attributes: { paddings: [[1, 0]], mode } },
      { inputs: [f32([2, 2])], attributes: { paddings: [[0, 0], [0, 0]], mode } }, // prettier-ignore
    ]),
  }),
  defineOp({
    kernel: 'Reverse',
    inputs: ['x'],
    isHostFoldable: true,
    infer(types, attributes) {
      const [x] = present(types);
      const axes = parseAxes(attributes['dims'], x!.shape.length);
      return axes === undefined || hasComplex(x) ? undefined : [x!];
    },
    lower(context) {
      const axes = parseAxes(context.attributes['dims'], shapeOf(context).length)!;
      // An axis named twice is reversed twice.
      const odd = [...new Set(axes)].filter(
        (axis) => axes.filter((other) => other === axis).length % 2 === 1,
      );
      if (odd.length === 0) return [input(context)];
      const every = (value: number): OnnxValue => context.ints(odd.map(() => value));
      return [
        context.op('Slice', [input(context), every(-1), every(-(2 ** 31)), context.ints(odd), every(-1)]),
      ];
    },
    samples: [
      { inputs: [f32([2, 3, 4])], attributes: { dims: [1] } },
      { inputs: [f32([2, 3, 4])], attributes: { dims: [0, -1] } },
      { inputs: [f32([2, 3])], attributes: { dims: [1, 1] }, about: 'the same axis twice' },
      { inputs: [i32([5])], attributes: { dims: [0] } },
      { inputs: [bool([5])], attributes: { dims: 0 } },
      { inputs: [f32([])], attributes: { dims: [] } },
      { inputs: [f32([0, 3])], attributes: { dims: [0, 1] } },
    ],
  }),
];

/** Whether each of these has an ONNX form. */
export function areNative(types: readonly (ConcreteType | undefined)[]): boolean {
  return types.every(isNative);
}
