/** Choice between tensors, and sums of many: Select, AddN. */
import { defineOp, type LoweringContext, type OnnxValue, type OpDefinition } from './define-op.ts';
import { convert, dtypeOf, input, where } from './numbers.ts';
import { hasComplex, present, sameShape, upcastType, type NativeDtype } from './rules.ts';
import { bool, f32, floats, i32 } from './samples.ts';

/** onnxruntime's Where does not take bools. */
function chooseBool(
  context: LoweringContext,
  condition: OnnxValue,
  whenTrue: OnnxValue,
  whenFalse: OnnxValue,
): OnnxValue {
  return context.op('Or', [
    context.op('And', [condition, whenTrue]),
    context.op('And', [context.op('Not', [condition]), whenFalse]),
  ]);
}

export const selectOps: readonly OpDefinition[] = [
  defineOp({
    kernel: 'Select',
    inputs: ['condition', 't', 'e'],
    isHostFoldable: true,
    infer(types) {
      const [condition, t, e] = present(types);
      const dtype = hasComplex(condition, t, e) ? undefined : upcastType(t!.dtype, e!.dtype);
      return dtype && [{ dtype, shape: t!.shape }];
    },
    lower(context) {
      const [condition, t, e] = present(context.inputTypes);
      // tf.where broadcasts all three first. With other shapes, eager reads elements in an order of its own.
      const isUniform = sameShape(condition!.shape, t!.shape) && sameShape(t!.shape, e!.shape);
      if (!isUniform || condition!.dtype !== 'bool') return undefined;
      const dtype = context.outputTypes[0]!.dtype as NativeDtype;
      const branch = (index: number): string =>
        convert(context, input(context, index), dtypeOf(context, index), dtype);
      const choice = [input(context, 0), branch(1), branch(2)] as const;
      return [dtype === 'bool' ? chooseBool(context, ...choice) : where(context, ...choice)];
    },
    samples: [
      { inputs: [bool([2, 3]), f32([2, 3]), f32([2, 3])] },
      { inputs: [bool([2], [1, 0]), floats(Number.NaN, 1), floats(1, Infinity)] },
      { inputs: [bool([3]), i32([3]), f32([3])], about: 'upcasts' },
      { inputs: [bool([3]), bool([3]), i32([3])] },
      { inputs: [bool([4], [0, 0, 1, 1]), bool([4], [0, 1, 0, 1]), bool([4], [1, 0, 0, 1])] },
      { inputs: [bool([]), f32([]), f32([])] },
      { inputs: [bool([0]), f32([0]), f32([0])] },
    ],
  }),
  defineOp({
    kernel: 'AddN',
    inputs: 'variadic',
    isHostFoldable: true,
    infer(types) {
      const [first] = present(types);
      const isUniform = present(types).every((type) => sameShape(type.shape, first!.shape));
      return hasComplex(...types) || !isUniform ? undefined : [first!];
    },
    lower(context) {
      const values = context.inputs.map((_, index) => input(context, index));
      const dtype = dtypeOf(context);
      if (dtype === 'bool' || context.inputTypes.some((type) => type!.dtype !== dtype)) return undefined;
      if (dtype === 'float32' && values.length > 2) return [context.op('Sum', values)];
      return [values.reduce((sum, value) => context.op('Add', [sum, value]))];
    },
    samples: [
      { inputs: [f32([2, 3]), f32([2, 3])] },
      { inputs: [f32([2, 3]), f32([2, 3]), f32([2, 3]), f32([2, 3])] },
      { inputs: [floats(Number.NaN, Infinity, 1), floats(1, -Infinity, 2)] },
      { inputs: [i32([3]), i32([3]), i32([3])] },
      { inputs: [f32([2])] },
      { inputs: [f32([]), f32([])] },
      { inputs: [f32([0]), f32([0]), f32([0])] },
    ],
  }),
];
