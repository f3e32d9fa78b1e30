/** Segments written by hand, as lowerings write them, and run on onnxruntime. */
import { createOrtSession, type OrtArray } from '../../src/compile/backends/onnxruntime.ts';
import { buildModel } from '../../src/compile/build-model.ts';
import { Pen, type PenMethods } from '../../src/compile/lowering-pen.ts';
import type { OnnxValue } from '../../src/compile/ops/define-op.ts';
import type { Segment } from '../../src/compile/segment.ts';
import { fixedGenerality } from '../../src/compile/skeleton.ts';
import { elementCount } from '../../src/ir/tensor-type.ts';
import { encodeModel } from '../../src/onnx/index.ts';

/**
 * A float32 segment.
 * @param write returns the outputs with their sizes.
 */
export function makeSegment(
  inputs: Readonly<Record<string, readonly number[]>>,
  write: (pen: PenMethods) => Readonly<Record<OnnxValue, readonly number[]>>,
): Segment {
  const pen = new Pen('n');
  const outputs = write(pen);
  return {
    inputs: Object.entries(inputs).map(([name, dims]) => ({ name, type: 'float32', dims })),
    constants: pen.constants,
    nodes: pen.nodes,
    outputs: Object.entries(outputs).map(([name, dims]) => ({ name, type: 'float32', dims })),
  };
}

/** Operators of a segment, in order. */
export function operators(segment: Segment): string[] {
  return segment.nodes.map((node) => node.op);
}

/** Outputs of a segment for inputs that depend on their position only. */
export function runSegment(segment: Segment): readonly OrtArray[] {
  const session = createOrtSession(encodeModel(buildModel(segment, fixedGenerality(segment))), {
    threads: 1,
  });
  try {
    const feeds = segment.inputs.map((input, position) =>
      Float32Array.from({ length: elementCount(input.dims) }, (_, index) => Math.sin(index * 1.7 + position)),
    );
    return session.runArrays(
      feeds,
      segment.inputs.map((input) => input.dims),
    );
  } finally {
    session.dispose();
  }
}
