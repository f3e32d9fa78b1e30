import { expect, test } from 'vitest';
import { parseGraph } from '../../src/ir/parse.ts';
import { printGraph } from '../../src/ir/print.ts';
import { stitchGraphs } from '../../src/ir/stitch.ts';
import { graphFaults } from '../../src/ir/verify.ts';

const first = parseGraph(`graph g1
  input x: float32[2]
  square: float32[2] = Square(x)
  sum: float32[] = Sum(square) {"axis":[0]}
  return sum, square`);
const second = parseGraph(`graph g2
  const half: float32[] = [0.5]
  input square: float32[2]
  multiply: float32[2] = Multiply(square, half)
  return multiply`);

test('values of the first graph feed the second, what it alone reads is no output', () => {
  const { graph, leaves } = stitchGraphs(first, second, new Map([[1, 1]]), (output) => output === 0);
  expect(printGraph(graph)).toMatchInlineSnapshot(`
    "graph g1+g2
      input first_x: float32[2]
      const second_half: float32[] = [0.5]
      first_square: float32[2] = Square(first_x)
      first_sum: float32[] = Sum(first_square) {"axis":[0]}
      second_multiply: float32[2] = Multiply(first_square, second_half)
      return first_sum, second_multiply
    "
  `);
  expect(leaves).toEqual([
    { graph: 'first', leaf: 0 },
    { graph: 'second', leaf: 0 },
  ]);
  expect(graphFaults(graph)).toEqual([]);
});

test('graphs that share nothing stay side by side', () => {
  const { graph, leaves } = stitchGraphs(first, second, new Map(), () => true);
  expect(graph.outputs).toHaveLength(3);
  expect(leaves).toHaveLength(3);
  expect(graphFaults(graph)).toEqual([]);
});

test('an output that is a linked leaf comes from the first graph', () => {
  const echo = parseGraph('graph g3\n input y: float32[2]\n return y');
  const { graph } = stitchGraphs(first, echo, new Map([[0, 1]]), () => false);
  expect(graph.outputs).toEqual([{ node: 'first_square', output: 0 }]);
});

test('memory that the second graph reads under another shape is reshaped', () => {
  const flat = parseGraph('graph g4\n input y: float32[1,2]\n neg: float32[1,2] = Neg(y)\n return neg');
  const { graph } = stitchGraphs(first, flat, new Map([[0, 1]]), () => false);
  expect(printGraph(graph)).toContain('second_y: float32[1,2] = Reshape(first_square) {"shape":[1,2]}');
  expect(graphFaults(graph)).toEqual([]);
});
