/**
 * Sliding windows taken apart: what each filter tap sees of a channels-last image, and the way back, where the values
 * of each tap are added up at the places that the tap saw. onnxruntime has neither im2col nor its transpose for
 * channels last; strided slices, and concatenation of the phases of the stride, run at memory speed.
 */
import type { SlidingWindow, WindowAxis } from './conv-window.ts';
import type { LoweringContext, OnnxValue } from './define-op.ts';
import { filled, padAxes, reshape } from './numbers.ts';
import { elementCount } from './rules.ts';

/** From this many channels on, a matrix product per tap is as fast as onnxruntime's convolution. */
const wideChannels = 64;
/** Above this many output positions per image, a slice per tap costs more than a transposed image and filter. */
const smallImage = 1024;

/**
 * Whether a convolution with weights that change from run to run is better written as matrix products, one per filter
 * tap: channels stay last and no filter is transposed. Up to twice as fast for 1x1 filters and for many channels
 * (bench/kernels.ts); constant filters are packed for Conv when the session is made, and Conv fuses more.
 * @param filter index of the input that holds the filter.
 * @param channels from how many channels on.
 */
export function prefersProducts(
  context: LoweringContext,
  window: SlidingWindow,
  groups: number,
  filter: number,
  channels: number = wideChannels,
): boolean {
  if (groups !== 1 || !window.isChannelsLast || context.isConstant(filter)) return false;
  if (window.axes.every((axis) => axis.kernel === 1)) return true;
  const positions = elementCount(window.axes.map((axis) => axis.output));
  return window.inChannels >= channels && positions <= smallImage;
}

/** Per tap, the `[in, out]` weights of a filter `[...spatial, in, out]`. */
export function tapWeights(
  context: LoweringContext,
  filter: OnnxValue,
  shape: readonly number[],
): OnnxValue[] {
  const [inputs, outputs] = shape.slice(-2) as [number, number];
  const taps = elementCount(shape) / (inputs * outputs);
  const rows = reshape(context, filter, [taps * inputs, outputs]);
  if (taps === 1) return [rows];
  return Array.from({ length: taps }, (_, tap) =>
    context.op('Slice', [
      rows,
      context.ints([tap * inputs]),
      context.ints([(tap + 1) * inputs]),
      context.ints([0]),
    ]),
  );
}

/** First element that a tap reads, per axis, in the padded image. Taps count in row-major order. */
function tapOffsets(axes: readonly WindowAxis[], tap: number): number[] {
  const offsets: number[] = [];
  let rest = tap;
  for (const axis of axes.toReversed()) {
    offsets.unshift((rest % axis.kernel) * axis.dilation);
    rest = Math.floor(rest / axis.kernel);
  }
  return offsets;
}

/** Per tap, the part of `[batch, ...input, channels]` that it meets: `[batch, ...output, channels]`. */
export function tapViews(
  context: LoweringContext,
  image: OnnxValue,
  axes: readonly WindowAxis[],
  padWith?: OnnxValue,
): OnnxValue[] {
  const spatialAxes = context.ints(axes.map((_, index) => index + 1));
  const isPadded = axes.some((axis) => axis.padBegin > 0 || axis.padEnd > 0);
  const pads = axes.map(({ padBegin, padEnd }, index) => ({
    axis: index + 1,
    before: Math.max(0, padBegin),
    after: padEnd,
  }));
  const padded = isPadded ? padAxes(context, image, axes.length + 2, pads, padWith) : image;
  const isPoint = axes.every((axis) => axis.kernel === 1 && axis.stride === 1 && axis.padBegin >= 0);
  if (isPoint) return [padded];
  const steps = context.ints(axes.map((axis) => axis.stride));
  const taps = elementCount(axes.map((axis) => axis.kernel));
  return Array.from({ length: taps }, (_, tap) => {
    const starts = tapOffsets(axes, tap).map((offset, index) => offset - Math.min(0, axes[index]!.padBegin));
    const ends = axes.map((axis, index) => starts[index]! + (axis.output - 1) * axis.stride + 1);
    return context.op('Slice', [padded, context.ints(starts), context.ints(ends), spatialAxes, steps]);
  });
}

/** Conditions, one per value: whether it is the first of the values that equal `maximum`. NaN never is. */
export function firstMaximum(
  context: LoweringContext,
  values: readonly OnnxValue[],
  maximum: OnnxValue,
): OnnxValue[] {
  let taken: OnnxValue | undefined;
  return values.map((value) => {
    const isMaximum = context.op('Equal', [value, maximum]);
    if (taken === undefined) {
      taken = isMaximum;
      return isMaximum;
    }
    const isFirst = context.op('And', [isMaximum, context.op('Not', [taken])]);
    taken = context.op('Or', [taken, isMaximum]);
    return isFirst;
  });
}

/** One axis of a value on which taps are added up. */
export interface TapAxis {
  /** Position in the shape. */
  readonly at: number;
  readonly window: WindowAxis;
}

/** All combinations of `0..limit-1` per axis, in row-major order. */
function combinations(limits: readonly number[]): number[][] {
  let found: number[][] = [[]];
  for (const limit of limits) {
    found = found.flatMap((prefix) => Array.from({ length: limit }, (_, next) => [...prefix, next]));
  }
  return found;
}

/** Blocks of one stride each that hold all that the taps write and all of the input. */
function blockCount({ output, kernel, dilation, stride, input, padBegin }: WindowAxis): number {
  const written = output + Math.floor(((kernel - 1) * dilation) / stride);
  return Math.max(written, Math.ceil((input + padBegin) / stride));
}

/**
 * Adds up tap values at the places that the taps saw: the transpose of {@link tapViews}.
 * @param shape of every tap value; on the tap axes it has the windows' output sizes.
 * @param gradients one per tap of `axes`, in row-major order.
 * @returns a value of `shape` with the windows' input sizes on the tap axes.
 */
export function addTaps(
  context: LoweringContext,
  shape: readonly number[],
  axes: readonly TapAxis[],
  gradients: readonly OnnxValue[],
): OnnxValue {
  const windows = axes.map((axis) => axis.window);
  const blocks = windows.map(blockCount);
  const blockShape = replaced(shape, axes, blocks);

  // A tap writes every stride-th element: all taps with one remainder of the stride make one phase of the result.
  const phases = combinations(windows.map((window) => window.stride)).map((phase) => {
    const parts = gradients.flatMap((gradient, tap) => {
      const offsets = tapOffsets(windows, tap);
      if (offsets.some((offset, index) => offset % windows[index]!.stride !== phase[index])) return [];
      const shifts = offsets.map((offset, index) => Math.floor(offset / windows[index]!.stride));
      const behind = shifts.map((shift, index) => blocks[index]! - windows[index]!.output - shift);
      if ([...shifts, ...behind].every((amount) => amount === 0)) return [gradient];
      return [padAxes(context, gradient, shape.length, padsOf(axes, shifts, behind))];
    });
    if (parts.length === 0) return filled(context, 0, 'float32', blockShape);
    return parts.length === 1 ? parts[0]! : context.op('Sum', parts);
  });

  const strides = windows.map((window) => window.stride);
  const whole = interleave(context, blockShape, axes, strides, phases);
  const before = windows.map((window) => -window.padBegin);
  const after = windows.map(
    (window, index) => window.input + window.padBegin - blocks[index]! * window.stride,
  );
  if ([...before, ...after].every((amount) => amount === 0)) return whole;
  return padAxes(context, whole, shape.length, padsOf(axes, before, after));
}

function padsOf(
  axes: readonly TapAxis[],
  before: readonly number[],
  after: readonly number[],
): { readonly axis: number; readonly before: number; readonly after: number }[] {
  return axes.map(({ at }, index) => ({ axis: at, before: before[index]!, after: after[index]! }));
}

function replaced(shape: readonly number[], axes: readonly TapAxis[], sizes: readonly number[]): number[] {
  const result = [...shape];
  for (const [index, axis] of axes.entries()) result[axis.at] = sizes[index]!;
  return result;
}

/** Weaves the phases of a stride together: element `b` of phase `p` becomes element `b * stride + p`. */
function interleave(
  context: LoweringContext,
  shape: readonly number[],
  axes: readonly TapAxis[],
  strides: readonly number[],
  phases: readonly OnnxValue[],
): OnnxValue {
  if (phases.length === 1) return phases[0]!;
  const woven = shape.flatMap((size, at) => (axes.some((axis) => axis.at === at) ? [size, 1] : [size]));
  let values = phases.map((phase) => reshape(context, phase, woven));
  for (let index = axes.length - 1; index >= 0; index--) {
    const stride = strides[index]!;
    const axis = axes[index]!.at + index + 1;
    values = Array.from({ length: values.length / stride }, (_, group) => {
      const members = values.slice(group * stride, (group + 1) * stride);
      return members.length === 1 ? members[0]! : context.op('Concat', members, { axis });
    });
  }
  const sizes = axes.map((axis, index) => shape[axis.at]! * strides[index]!);
  return reshape(context, values[0]!, replaced(shape, axes, sizes));
}
