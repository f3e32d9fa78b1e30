import fc from 'fast-check';
import { expect, test } from 'vitest';
import { optimizeSegment, segmentPasses } from '../../../src/compile/passes/index.ts';
import type { PenMethods } from '../../../src/compile/lowering-pen.ts';
import type { Segment } from '../../../src/compile/segment.ts';
import { makeSegment, runSegment } from '../../support/segments.ts';

interface Value {
  readonly name: string;
  readonly dims: readonly number[];
}

interface Step {
  readonly kind: number;
  readonly left: number;
  readonly right: number;
  readonly choice: number;
}

const permutations = [
  [0, 3, 1, 2],
  [0, 2, 3, 1],
  [0, 2, 1, 3],
  [3, 2, 1, 0],
] as const;

function pick<T>(items: readonly T[], index: number): T {
  return items[index % items.length]!;
}

/** Applies a drawn step to the values so far; every step is legal for whatever it meets. */
function applyStep(pen: PenMethods, values: Value[], step: Step): Value {
  const left = pick(values, step.left);
  const sameSize = values.filter((value) => value.dims.join() === left.dims.join());
  const right = pick(sameSize, step.right);
  const axis = step.choice % 4;
  switch (step.kind) {
    case 0:
    case 1: {
      const perm = pick(permutations, step.choice);
      return { name: pen.op('Transpose', [left.name], { perm }), dims: perm.map((from) => left.dims[from]!) };
    }
    case 2:
      return {
        name: pen.op(pick(['Relu', 'Neg', 'Sign', 'Sigmoid'], step.choice), [left.name]),
        dims: left.dims,
      };
    case 3:
      return {
        name: pen.op(pick(['Add', 'Mul', 'Max'], step.choice), [left.name, right.name]),
        dims: left.dims,
      };
    case 4: {
      const vector = pen.tensor(
        Float32Array.from({ length: left.dims[3]! }, (_, index) => index - 1),
        [left.dims[3]!],
      );
      return { name: pen.op('Add', [left.name, vector]), dims: left.dims };
    }
    case 5: {
      const row = pen.op('ReduceSum', [left.name, pen.ints([axis, (axis + 1) % 4])], { keepdims: 1 });
      return { name: pen.op('Sub', [left.name, row]), dims: left.dims };
    }
    case 6: {
      const dims = left.dims.map((size, index) => (index === axis ? size * 2 : size));
      return { name: pen.op('Concat', [left.name, right.name], { axis }), dims };
    }
    case 7: {
      const pads = Array.from({ length: 8 }, (_, index) => (index === axis ? 1 : 0));
      const dims = left.dims.map((size, index) => (index === axis ? size + 1 : size));
      return { name: pen.op('Pad', [left.name, pen.ints(pads)]), dims };
    }
    case 8: {
      const product = pen.op('Mul', [pen.scalar(step.choice / 10, 'float32'), left.name]);
      const sum = pen.op('Add', [product, pen.scalar(0.5, 'float32')]);
      const bounds = [0, 1].map((bound) => pen.scalar(bound, 'float32'));
      return { name: pen.op('Clip', [sum, ...bounds]), dims: left.dims };
    }
    default: {
      const sums = pen.op('ReduceSum', [left.name, pen.ints([axis])], { keepdims: 0 });
      const kept = left.dims.map((size, index) => (index === axis ? 1 : size));
      return {
        name: pen.op('Add', [left.name, pen.op('Reshape', [sums, pen.ints(kept)])]),
        dims: left.dims,
      };
    }
  }
}

const steps = fc.array(
  fc.record({ kind: fc.nat(9), left: fc.nat(20), right: fc.nat(20), choice: fc.nat(20) }),
  { minLength: 3, maxLength: 14 },
);

function drawnSegment(drawn: readonly Step[]): Segment {
  const dims = [2, 3, 3, 4];
  return makeSegment({ x: dims, y: dims }, (pen) => {
    const values: Value[] = [
      { name: 'x', dims },
      { name: 'y', dims },
    ];
    for (const step of drawn) {
      const next = applyStep(pen, values, step);
      // Concat doubles sizes: keep the drawn programs small.
      if (next.dims.reduce((product, size) => product * size) < 4000) values.push(next);
    }
    const outputs = values.slice(2).filter((_, index, all) => index % 3 === 0 || index === all.length - 1);
    return Object.fromEntries(outputs.map((value) => [value.name, value.dims]));
  });
}

function expectSame(actual: Segment, expected: Segment): void {
  const found = runSegment(actual);
  for (const [index, wanted] of runSegment(expected).entries()) {
    const values = found[index] as Float32Array;
    expect(values).toHaveLength(wanted.length);
    for (const [position, value] of (wanted as Float32Array).entries()) {
      expect(Math.abs(values[position]! - value)).toBeLessThanOrEqual(1e-4 * Math.max(1, Math.abs(value)));
    }
  }
}

test.each(Object.entries(segmentPasses))('%s keeps what a segment computes', (_, pass) => {
  fc.assert(
    fc.property(steps, (drawn) => {
      const segment = drawnSegment(drawn);
      expectSame(pass(segment), segment);
    }),
    { numRuns: 40, seed: 7 },
  );
});

test('all passes together keep what a segment computes', () => {
  fc.assert(
    fc.property(steps, (drawn) => {
      const segment = drawnSegment(drawn);
      expectSame(optimizeSegment(segment), segment);
    }),
    { numRuns: 150, seed: 11 },
  );
});

test('products of matrices in a batch of one are what they were', () => {
  const shapes = fc.record({
    rows: fc.integer({ min: 1, max: 4 }),
    inner: fc.integer({ min: 1, max: 4 }),
    columns: fc.integer({ min: 1, max: 4 }),
    isLeftTransposed: fc.boolean(),
    isRightTransposed: fc.boolean(),
    isWeightBatch: fc.boolean(),
    hasBias: fc.boolean(),
  });
  fc.assert(
    fc.property(shapes, (drawn) => {
      const { rows, inner, columns, isLeftTransposed, isRightTransposed, isWeightBatch, hasBias } = drawn;
      const left = isLeftTransposed ? [inner, rows] : [rows, inner];
      const right = isRightTransposed ? [columns, inner] : [inner, columns];
      let flat = '';
      const segment = makeSegment(
        { x: left, w: isWeightBatch ? [1, ...right] : right, b: [columns] },
        (pen) => {
          const matrix = (value: string, dims: readonly number[], isTransposed: boolean): string => {
            const batch =
              value === 'w' && isWeightBatch ? value : pen.op('Reshape', [value, pen.ints([1, ...dims])]);
            return isTransposed ? pen.op('Transpose', [batch], { perm: [0, 2, 1] }) : batch;
          };
          const product = pen.op('MatMul', [
            matrix('x', left, isLeftTransposed),
            matrix('w', right, isRightTransposed),
          ]);
          flat = pen.op('Reshape', [product, pen.ints([rows, columns])]);
          return { [hasBias ? pen.op('Add', [flat, 'b']) : flat]: [rows, columns] };
        },
      );
      // As lowering does, tell the size of what the program reshaped: a bias is added to it.
      const results = new Map([[flat, { type: 'float32', dims: [rows, columns] } as const]]);
      const optimized = optimizeSegment({ ...segment, results });
      expect(optimized.nodes.filter(({ op }) => op === 'Gemm')).toHaveLength(1);
      expect(optimized.nodes.some(({ op }) => op === 'Add' || op === 'MatMul')).toBe(false);
      expectSame(optimized, segment);
    }),
    { numRuns: 60, seed: 5 },
  );
});

test('logarithms of sigmoids have the digits that they have on cpu', () => {
  const segment = makeSegment({ x: [9] }, (pen) => {
    const wide = pen.op('Mul', ['x', pen.scalar(60, 'float32')]);
    return { [pen.op('Log', [pen.op('Sigmoid', [wide])])]: [9] };
  });
  const [logarithms] = runSegment(optimizeSegment(segment));
  for (const [index, found] of (logarithms as Float32Array).entries()) {
    expect(found).toBeCloseTo(-Math.log1p(Math.exp(-60 * Math.sin(index * 1.7))), 4);
  }
});
