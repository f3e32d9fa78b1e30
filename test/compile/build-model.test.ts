import { expect, test } from 'vitest';
import { buildModel } from '../../src/compile/build-model.ts';
import type { PenMethods } from '../../src/compile/lowering-pen.ts';
import { fixedGenerality } from '../../src/compile/skeleton.ts';
import { makeSegment } from '../support/segments.ts';

const floats = (pen: PenMethods, dims: readonly number[], ...values: readonly number[]): string =>
  pen.tensor(Float32Array.from(values), dims);

test('small constants that are equal bit by bit are one initializer', () => {
  const segment = makeSegment({ x: [2] }, (pen) => {
    const constants = [
      floats(pen, [], 0),
      floats(pen, [], 0),
      floats(pen, [], -0),
      floats(pen, [1], 0),
      pen.tensor(Int32Array.of(0), []),
      floats(pen, [], 0),
    ];
    let sum = 'x';
    for (const constant of constants) sum = pen.op('Add', [sum, constant]);
    return { [sum]: [2] };
  });
  const names = segment.constants.map(({ name }) => name);
  const { graph } = buildModel(segment, fixedGenerality(segment));
  expect(graph.initializers.map(({ name }) => name)).toEqual([names[0], names[2], names[3], names[4]]);
  expect(graph.nodes.map(({ inputs }) => inputs[1])).toEqual([
    names[0],
    names[0],
    names[2],
    names[3],
    names[4],
    names[0],
  ]);
});

test('constants that are fed stay apart, and so do large ones', () => {
  const weights = Array.from({ length: 100 }, () => 1);
  const segment = makeSegment({ x: [100] }, (pen) => {
    const sums = pen.op('Add', [pen.op('Add', ['x', floats(pen, [], 1)]), floats(pen, [], 1)]);
    const all = [floats(pen, [100], ...weights), floats(pen, [100], ...weights)];
    return { [pen.op('Sum', [sums, ...all])]: [100] };
  });
  const generality = { ...fixedGenerality(segment), freeConstants: [true, false, false, false] };
  const { graph } = buildModel(segment, generality);
  expect(graph.inputs.map(({ name }) => name)).toEqual(['x', segment.constants[0]!.name]);
  expect(graph.initializers).toHaveLength(3);
  expect(graph.nodes.map(({ inputs }) => inputs)).toEqual(segment.nodes.map(({ inputs }) => inputs));
});
