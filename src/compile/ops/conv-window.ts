/**
 * How a sliding window lies over an image: the arithmetic that convolutions and pools of any number of spatial axes
 * share, with tfjs's rules for padding and rounding. Attributes and shapes in, a {@link SlidingWindow} out.
 * Arguments that eager's kernels reject give `undefined`, so that the call goes to eager, which raises its own error.
 */
import type { Attributes, AttributeValue } from '../../ir/graph.ts';

/** One spatial axis, sizes in elements. */
export interface WindowAxis {
  readonly input: number;
  readonly output: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  /** Zeros before the input; negative when eager skips elements instead. */
  readonly padBegin: number;
  /** Zeros behind the input that the last window needs; 0 when it ends before the input does. */
  readonly padEnd: number;
}

export interface SlidingWindow {
  readonly axes: readonly WindowAxis[];
  readonly isChannelsLast: boolean;
  /** Whether the windows end where the padded image ends; tfjs's sizes for a numeric padding may stop before. */
  readonly isRegular: boolean;
  readonly batch: number;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly outputShape: readonly number[];
}

export interface WindowRequest {
  readonly inputShape: readonly number[];
  /** Spatial sizes of the filter or pool. */
  readonly kernel: readonly number[];
  /** Channels of the result; absent for pools, whose result has the input's. */
  readonly outChannels?: number;
  readonly strides: AttributeValue;
  readonly dilations?: AttributeValue;
  readonly pad: AttributeValue;
  readonly roundingMode?: AttributeValue;
  readonly isChannelsLast?: boolean;
}

/** tfjs's tuples: a number, or one number per axis (2-D ones may carry a third that is not used). */
export function tupleOf(value: AttributeValue, length: number): readonly number[] | undefined {
  if (typeof value === 'number') return Array.from({ length }, () => value);
  if (!Array.isArray(value) || value.length < length) return undefined;
  const numbers = value.slice(0, length) as readonly AttributeValue[];
  return numbers.every((item) => typeof item === 'number') ? numbers : undefined;
}

const roundings: Readonly<Record<string, (value: number) => number>> = {
  round: Math.round,
  ceil: Math.ceil,
  floor: Math.floor,
};

function roundingOf(mode: AttributeValue): ((value: number) => number) | undefined {
  if (mode === undefined || mode === null || mode === '') return Math.trunc;
  return typeof mode === 'string' ? roundings[mode] : undefined;
}

interface AxisRequest {
  readonly input: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly spatialRank: number;
  /** Kernel and stride from which the output size for a numeric padding follows. */
  readonly counted: { readonly kernel: number; readonly stride: number; readonly dilation: number };
}

function effectiveSize(kernel: number, dilation: number): number {
  return (kernel - 1) * dilation + 1;
}

function samePadding(axis: AxisRequest, effective: number): [number, number] {
  const output = Math.ceil(axis.input / axis.stride);
  const total = (output - 1) * axis.stride + effective - axis.input;
  // tfjs clamps in 2-D only: a 3-D 1x1x1 window with a stride may start inside the image.
  return [output, Math.floor((axis.spatialRank === 2 ? Math.max(0, total) : total) / 2)];
}

/** @returns output size and padding in front. */
function outputOf(
  pad: AttributeValue,
  spatialAxis: number,
  axis: AxisRequest,
  round: (value: number) => number,
): [number, number] | undefined {
  const effective = effectiveSize(axis.kernel, axis.dilation);
  const { input, stride, spatialRank } = axis;
  if (pad === 'same') return samePadding(axis, effective);
  if (pad === 'valid' && spatialRank === 2) return [Math.ceil((input - effective + 1) / stride), 0];
  if (pad === 'valid' || typeof pad === 'number') {
    const amount = pad === 'valid' ? 0 : pad;
    if (spatialRank === 3 && input + 2 * amount < effective) return [0, amount];
    const { counted } = axis;
    const reach = effectiveSize(counted.kernel, counted.dilation);
    return [round((input - reach + 2 * amount) / counted.stride + 1), amount];
  }
  const pair = Array.isArray(pad) && spatialRank === 2 ? (pad[spatialAxis] as AttributeValue) : undefined;
  const ends = pair === undefined ? undefined : tupleOf(pair, 2);
  if (ends === undefined) return undefined;
  const [begin, end] = ends as [number, number];
  return [round((input - effective + begin + end) / stride + 1), begin];
}

function isWindowAxis(axis: WindowAxis): boolean {
  return (
    Object.values(axis).every(Number.isInteger) &&
    axis.output >= 0 &&
    axis.kernel >= 1 &&
    axis.stride >= 1 &&
    axis.dilation >= 1
  );
}

function isRegularAxis(axis: WindowAxis): boolean {
  const padded = axis.input + axis.padBegin + axis.padEnd;
  const room = Math.floor((padded - effectiveSize(axis.kernel, axis.dilation)) / axis.stride) + 1;
  return Math.max(0, room) === axis.output;
}

/** The window, or `undefined` for arguments that have no meaning to tfjs. */
export function slidingWindow(request: WindowRequest): SlidingWindow | undefined {
  const { inputShape, kernel } = request;
  const spatialRank = kernel.length;
  const strides = tupleOf(request.strides, spatialRank);
  const dilations = tupleOf(request.dilations ?? 1, spatialRank);
  const round = roundingOf(request.roundingMode);
  const isChannelsLast = request.isChannelsLast ?? true;
  if (inputShape.length !== spatialRank + 2 || !strides || !dilations || !round) return undefined;
  const firstSpatial = isChannelsLast ? 1 : 2;
  const axes: WindowAxis[] = [];
  for (const [index, size] of kernel.entries()) {
    const dilation = Math.max(1, dilations[index]!);
    const axis: AxisRequest = {
      input: inputShape[firstSpatial + index]!,
      kernel: size,
      stride: strides[index]!,
      dilation,
      spatialRank,
      // In two dimensions tfjs takes the height's numbers for the width, too.
      counted:
        spatialRank === 2
          ? { kernel: kernel[0]!, stride: strides[0]!, dilation: Math.max(1, dilations[0]!) }
          : { kernel: size, stride: strides[index]!, dilation },
    };
    const found = outputOf(request.pad, firstSpatial + index, axis, round);
    if (found === undefined) return undefined;
    const [output, padBegin] = found;
    const reach = (output - 1) * axis.stride + effectiveSize(size, dilation);
    const windowAxis: WindowAxis = {
      input: axis.input,
      output: output + 0,
      kernel: size,
      stride: axis.stride,
      dilation,
      padBegin,
      padEnd: Math.max(0, reach - axis.input - padBegin),
    };
    if (!isWindowAxis(windowAxis)) return undefined;
    axes.push(windowAxis);
  }
  const batch = inputShape[0]!;
  const inChannels = isChannelsLast ? inputShape.at(-1)! : inputShape[1]!;
  const outChannels = request.outChannels ?? inChannels;
  const outputs = axes.map((axis) => axis.output);
  return {
    axes,
    isChannelsLast,
    isRegular: axes.every(isRegularAxis),
    batch,
    inChannels,
    outChannels,
    outputShape: isChannelsLast ? [batch, ...outputs, outChannels] : [batch, outChannels, ...outputs],
  };
}

/** Whether strides and dilations may be combined: tfjs allows one of them to differ from 1. */
export function stridesOrDilationsAreOne(strides: AttributeValue, dilations: AttributeValue): boolean {
  const areOne = (value: AttributeValue): boolean =>
    typeof value === 'number'
      ? value === 1
      : Array.isArray(value) && value.every((item) => item === 1) && value.length >= 2;
  return areOne(strides) || areOne(dilations);
}

/** Whether channels come last; `undefined` for a format that tfjs does not know. */
export function channelsLastOf(attributes: Attributes): boolean | undefined {
  const format = attributes['dataFormat'];
  if (format === 'NHWC') return true;
  return format === 'NCHW' ? false : undefined;
}
