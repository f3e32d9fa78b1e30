/**
 * Selection of boxes. Only NonMaxSuppressionV4 with padding has results of known size; it becomes ONNX's
 * NonMaxSuppression, padded with zeros. The others run eagerly at once.
 */
import type { Attributes } from '../../ir/graph.ts';
import { attribute, defineOp, type LoweringContext, type OnnxValue, type OpDefinition } from './define-op.ts';
import { dtypeOf, filled, input, reshape, shapeOf } from './numbers.ts';
import { hasComplex, present } from './rules.ts';
import { f32, floats } from './samples.ts';

/** The largest float32 below a positive one. */
function floatBelow(value: number): number {
  const float = Float32Array.of(value);
  new Int32Array(float.buffer)[0]! -= 1;
  return float[0]!;
}

/** Eager suppresses at an overlap of the threshold and above, ONNX above it only. */
function overlapLimit(attributes: Attributes): number {
  return floatBelow(attribute.number(attributes, 'iouThreshold'));
}

function lowerPadded(context: LoweringContext): OnnxValue[] {
  const { attributes } = context;
  const [boxCount] = shapeOf(context, 0);
  const limit = attribute.number(attributes, 'maxOutputSize');
  const selected = context.op('NonMaxSuppression', [
    reshape(context, input(context, 0), [1, boxCount!, 4]),
    reshape(context, input(context, 1), [1, 1, boxCount!]),
    context.ints([limit]),
    context.tensor(Float32Array.of(overlapLimit(attributes)), [1]),
    context.tensor(Float32Array.of(attribute.number(attributes, 'scoreThreshold')), [1]),
  ]);
  // Rows of (batch, class, box).
  const boxes = context.cast(
    context.op('Gather', [selected, context.scalar(2, 'int32')], { axis: 1 }),
    'int32',
  );
  const padded = context.op('Concat', [boxes, filled(context, 0, 'int32', [limit])], { axis: 0 });
  const indices = context.op('Slice', [padded, context.ints([0]), context.ints([limit])]);
  const count = context.cast(context.op('Size', [boxes]), 'int32');
  return [indices, count];
}

const boxes = f32([4, 4], [0, 0, 1, 1, 0, 0.1, 1, 1.1, 0, 2, 1, 3, 1, 3.1, 0, 2.1]);
const scores = floats(0.7, 0.9, 0.8, 0.8);
const padded = { padToMaxOutputSize: true, scoreThreshold: 0.1 };

export const detectionOps: readonly OpDefinition[] = [
  ...['NonMaxSuppressionV3', 'NonMaxSuppressionV5'].map((kernel) =>
    defineOp({ kernel, inputs: ['boxes', 'scores'], isEager: true, infer: () => undefined, samples: [] }),
  ),
  defineOp({
    kernel: 'NonMaxSuppressionV4',
    inputs: ['boxes', 'scores'],
    infer(types, attributes) {
      const isKnown = attribute.boolean(attributes, 'padToMaxOutputSize', false);
      if (!isKnown || hasComplex(...present(types))) return undefined;
      return [
        { dtype: 'int32', shape: [attribute.number(attributes, 'maxOutputSize')] },
        { dtype: 'int32', shape: [] },
      ];
    },
    lower(context) {
      const isLowerable = attribute.number(context.attributes, 'iouThreshold') > 0;
      const areFloats = dtypeOf(context, 0) === 'float32' && dtypeOf(context, 1) === 'float32';
      return isLowerable && areFloats ? lowerPadded(context) : undefined;
    },
    samples: [
      { inputs: [boxes, scores], attributes: { maxOutputSize: 5, iouThreshold: 0.5, ...padded } },
      { inputs: [boxes, scores], attributes: { maxOutputSize: 1, iouThreshold: 0.5, ...padded } },
      { inputs: [boxes, scores], attributes: { maxOutputSize: 3, iouThreshold: 1, ...padded } },
      {
        inputs: [f32([2, 4], [0, 0, 1, 1, 0, 0, 1, 1]), floats(0.5, 0.5)],
        attributes: { maxOutputSize: 3, iouThreshold: 1, ...padded },
        about: 'equal boxes overlap by exactly the threshold',
      },
      {
        inputs: [boxes, scores],
        attributes: { maxOutputSize: 3, iouThreshold: 0.5, padToMaxOutputSize: true, scoreThreshold: 1 },
        about: 'nothing is selected',
      },
      {
        inputs: [f32([2, 4], [0, 0, 0, 1, 0, 0, 0, 1]), floats(0.5, 0.6)],
        attributes: { maxOutputSize: 3, iouThreshold: 0.5, ...padded },
        about: 'boxes without area',
      },
    ],
  }),
];
