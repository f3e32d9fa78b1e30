/**
 * Between tfjs's layouts (channels last, filters as `[...spatial, in, out]`) and ONNX's (channels first, filters as
 * `[out, in, ...spatial]`). Lowerings transpose around each operator; `passes/` removes what cancels.
 */
import type { LoweringContext, OnnxValue } from './define-op.ts';
import { padAxes, transpose } from './numbers.ts';
import type { WindowAxis } from './conv-window.ts';

/** `[0, rank-1, 1, 2, ...]`: channels last to channels first. */
export function channelsFirstPermutation(rank: number): number[] {
  return [0, rank - 1, ...Array.from({ length: rank - 2 }, (_, axis) => axis + 1)];
}

/** `[0, 2, 3, ..., 1]`: channels first to channels last. */
export function channelsLastPermutation(rank: number): number[] {
  return [0, ...Array.from({ length: rank - 2 }, (_, axis) => axis + 2), 1];
}

export function toChannelsFirst(context: LoweringContext, value: OnnxValue, rank: number): OnnxValue {
  return transpose(context, value, channelsFirstPermutation(rank));
}

export function toChannelsLast(context: LoweringContext, value: OnnxValue, rank: number): OnnxValue {
  return transpose(context, value, channelsLastPermutation(rank));
}

/** Filter `[...spatial, in, out]` → `[out, in, ...spatial]`. Conv and ConvTranspose read the same form. */
export function toConvFilter(context: LoweringContext, filter: OnnxValue, rank: number): OnnxValue {
  return transpose(context, filter, [
    rank - 1,
    rank - 2,
    ...Array.from({ length: rank - 2 }, (_, axis) => axis),
  ]);
}

/** Attributes of Conv, MaxPool and AveragePool for a window without negative padding. */
export function windowAttributes(axes: readonly WindowAxis[]): {
  readonly kernel_shape: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly pads: readonly number[];
} {
  return {
    kernel_shape: axes.map((axis) => axis.kernel),
    strides: axes.map((axis) => axis.stride),
    dilations: axes.map((axis) => axis.dilation),
    pads: [...axes.map((axis) => axis.padBegin), ...axes.map((axis) => axis.padEnd)],
  };
}

/** Drops what windows with negative padding skip in front of a channels-first image. */
export function cropFront(
  context: LoweringContext,
  image: OnnxValue,
  axes: readonly WindowAxis[],
): OnnxValue {
  if (axes.every((axis) => axis.padBegin >= 0)) return image;
  return context.op('Slice', [
    image,
    context.ints(axes.map((axis) => Math.max(0, -axis.padBegin))),
    context.ints(axes.map((axis) => axis.input)),
    context.ints(axes.map((_, index) => index + 2)),
  ]);
}

/** The window as it lies over the image that {@link cropFront} gives. */
export function withoutNegativePadding(axes: readonly WindowAxis[]): readonly WindowAxis[] {
  return axes.map((axis) =>
    axis.padBegin >= 0 ? axis : { ...axis, input: axis.input + axis.padBegin, padBegin: 0 },
  );
}

/** Puts back, as zeros, what {@link cropFront} drops. */
export function uncropFront(
  context: LoweringContext,
  image: OnnxValue,
  axes: readonly WindowAxis[],
): OnnxValue {
  if (axes.every((axis) => axis.padBegin >= 0)) return image;
  const pads = axes.map(({ padBegin }, index) => ({
    axis: index + 2,
    before: Math.max(0, -padBegin),
    after: 0,
  }));
  return padAxes(context, image, axes.length + 2, pads);
}
