/** The ONNX-level passes, in order. */
import type { Segment } from '../segment.ts';

type SegmentPass = (segment: Segment) => Segment;

const passes: readonly SegmentPass[] = [];

export function optimizeSegment(segment: Segment): Segment {
  return passes.reduce((current, pass) => pass(current), segment);
}
