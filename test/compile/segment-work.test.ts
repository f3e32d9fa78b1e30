import { describe, expect, test } from 'vitest';
import { isLight } from '../../src/compile/segment-work.ts';
import type { LoweredNode, Segment } from '../../src/compile/segment.ts';

function node(op: string, inputs: readonly string[], output: string): LoweredNode {
  return { op, name: output, inputs, outputs: [output], attributes: {} };
}

/** A segment of float inputs of the given sizes; what `results` does not name has no known size. */
function segmentOf(
  inputs: Readonly<Record<string, readonly number[]>>,
  nodes: readonly LoweredNode[],
  results: Readonly<Record<string, readonly number[]>> = {},
): Segment {
  return {
    inputs: Object.entries(inputs).map(([name, dims]) => ({ name, type: 'float32', dims })),
    constants: [],
    nodes,
    outputs: [],
    results: new Map(Object.entries(results).map(([name, dims]) => [name, { type: 'float32', dims }])),
  };
}

describe('a segment is light', () => {
  test('when its products are small', () => {
    const product = [node('MatMul', ['a', 'b'], 'c')];
    expect(isLight(segmentOf({ a: [32, 100], b: [100, 50] }, product, { c: [32, 50] }))).toBe(true);
    expect(isLight(segmentOf({ a: [256, 256], b: [256, 256] }, product, { c: [256, 256] }))).toBe(false);
  });

  test('when it has many nodes that one thread computes anyway', () => {
    const chain = Array.from({ length: 1000 }, (_, index) =>
      node('Add', [`v${index}`, 'v0'], `v${index + 1}`),
    );
    const dims = Object.fromEntries(chain.map((each) => [each.outputs[0]!, [64, 64]]));
    expect(isLight(segmentOf({ v0: [64, 64] }, chain, dims))).toBe(true);
  });

  test('unless large elementwise nodes add up', () => {
    const chain = (length: number): readonly LoweredNode[] =>
      Array.from({ length }, (_, index) => node('Exp', [`v${index}`], `v${index + 1}`));
    expect(isLight(segmentOf({ v0: [256, 256] }, chain(4)))).toBe(true);
    expect(isLight(segmentOf({ v0: [256, 256] }, chain(12)))).toBe(false);
  });

  test('not when a convolution between transposes of unknown size is large', () => {
    const nodes = [
      node('Transpose', ['x'], 'x/nchw'),
      node('Transpose', ['w'], 'w/oihw'),
      node('Conv', ['x/nchw', 'w/oihw'], 'y/nchw'),
      node('Transpose', ['y/nchw'], 'y'),
    ];
    const dims = { x: [1, 56, 56, 64], w: [3, 3, 64, 64] };
    expect(isLight(segmentOf(dims, nodes, { y: [1, 56, 56, 64] }))).toBe(false);
    expect(isLight(segmentOf({ x: [1, 8, 8, 4], w: [3, 3, 4, 4] }, nodes, { y: [1, 8, 8, 4] }))).toBe(true);
  });
});
