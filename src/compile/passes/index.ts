/**
 * The ONNX-level passes, in order. Each is pure: a segment in, an equivalent segment out, with the same inputs and
 * outputs. onnxruntime optimizes again; a pass is here when it does what that cannot do while weights are inputs.
 */
import type { Segment } from '../segment.ts';
import { dropDead } from './drop-dead.ts';
import { exactSigmoids } from './exact-sigmoids.ts';
import { flatProducts } from './flat-products.ts';
import { foldBias } from './fold-bias.ts';
import { foldPads } from './fold-pads.ts';
import { hardSigmoids } from './hard-sigmoids.ts';
import { mergeEqual } from './merge-equal.ts';
import { reluMasks } from './relu-masks.ts';
import { sinkTransposes } from './sink-transposes.ts';
import { spreadScalars } from './spread-scalars.ts';

type SegmentPass = (segment: Segment) => Segment;

/** All passes by name, in the order in which they run. */
export const segmentPasses: Readonly<Record<string, SegmentPass>> = {
  exactSigmoids,
  mergeEqual,
  flatProducts,
  hardSigmoids,
  reluMasks,
  spreadScalars,
  sinkTransposes,
  foldPads,
  foldBias,
  dropDead,
};

/** Applies every pass, but for those named in `disabled`. */
export function optimizeSegment(segment: Segment, disabled: readonly string[] = []): Segment {
  let optimized = segment;
  for (const [name, pass] of Object.entries(segmentPasses)) {
    if (!disabled.includes(name)) optimized = pass(optimized);
  }
  return optimized;
}
