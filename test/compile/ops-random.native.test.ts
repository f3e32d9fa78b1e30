/** Calls with random shapes and attributes: what `infer` and the lowering answer must be what the cpu kernel does. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { OpSample, SampleTensor } from '../../src/compile/ops/define-op.ts';
import { opTable } from '../../src/compile/ops/index.ts';
import { bool, f32, i32 } from '../../src/compile/ops/samples.ts';
import type { Attributes } from '../../src/ir/graph.ts';
import { formatType } from '../../src/ir/tensor-type.ts';
import {
  firstDifference,
  runClosures,
  runEager,
  runLowered,
  sampleTypes,
  type SampleResult,
} from '../support/op-samples.ts';

const size = fc.integer({ min: 0, max: 5 });
const shape = (minRank: number, maxRank = 4): fc.Arbitrary<number[]> =>
  fc.array(size, { minLength: minRank, maxLength: maxRank });
const positiveShape = (minRank: number, maxRank = 4): fc.Arbitrary<number[]> =>
  fc.array(fc.integer({ min: 1, max: 5 }), { minLength: minRank, maxLength: maxRank });

/** Makes a tensor of one of the dtypes. */
type MakeTensor = (shape: readonly number[]) => SampleTensor;
const makeTensor: fc.Arbitrary<MakeTensor> = fc.constantFrom<MakeTensor>(f32, i32, bool);
const makeNumbers: fc.Arbitrary<MakeTensor> = fc.constantFrom<MakeTensor>(f32, i32);

function axisOf(rank: number): fc.Arbitrary<number> {
  return fc.integer({ min: -rank, max: rank - 1 });
}

/** A shape that broadcasts with `target`: leading axes dropped, others at random 1. */
function broadcastable(target: readonly number[]): fc.Arbitrary<number[]> {
  return fc
    .tuple(
      fc.integer({ min: 0, max: target.length }),
      fc.array(fc.boolean(), { minLength: target.length, maxLength: target.length }),
    )
    .map(([dropped, ones]) => target.map((dim, axis) => (ones[axis] ? 1 : dim)).slice(dropped));
}

function answerOfEager(kernel: string, sample: OpSample): readonly SampleResult[] | undefined {
  try {
    return runEager(opTable.get(kernel)!, sample);
  } catch {
    return undefined;
  }
}

/** Calls with inferred types, in the check that runs. */
let inferredCalls = 0;

/** Checks one call. Nothing may be inferred where eager raises an error; elsewhere nothing need be: eager runs. */
function agrees(kernel: string, inputs: OpSample['inputs'], attributes: Attributes = {}): void {
  const definition = opTable.get(kernel)!;
  const sample = { inputs, attributes };
  const expected = answerOfEager(kernel, sample);
  const inferred = definition.infer(sampleTypes(sample), attributes);
  if (inferred === undefined) return;
  inferredCalls++;
  if (expected === undefined) throw new Error('eager raises an error, infer does not');
  expect(inferred.map(formatType)).toEqual(expected.map(formatType));
  const answers = [
    runLowered(definition, sample, 'fixed'),
    runLowered(definition, sample, 'open'),
    runClosures(definition, sample),
  ];
  for (const actual of answers) {
    if (actual === undefined) continue;
    expect(actual.map(formatType)).toEqual(expected.map(formatType));
    for (const [output, result] of actual.entries())
      expect(firstDifference(result, expected[output]!, definition.tolerance)).toBeUndefined();
  }
}

function check<T>(arbitrary: fc.Arbitrary<T>, property: (value: T) => void): void {
  inferredCalls = 0;
  const numRuns = 60;
  fc.assert(fc.property(arbitrary, property), { numRuns, seed: 7 });
  expect(inferredCalls).toBeGreaterThan(numRuns / 4);
}

describe('random calls', () => {
  test.each(['Add', 'Multiply', 'Maximum', 'Mod', 'FloorDiv', 'Less', 'Equal', 'SquaredDifference'])(
    'of %s broadcast as eager does',
    (kernel) => {
      const pairs = shape(0).chain((target) =>
        fc.tuple(makeNumbers, broadcastable(target), broadcastable(target), fc.boolean()),
      );
      check(pairs, ([make, left, right, isSwapped]) => {
        const [a, b] = isSwapped ? [right, left] : [left, right];
        agrees(kernel, [make(a), make(b)]);
      });
    },
  );

  test.each(['Sum', 'Mean', 'Prod', 'Max', 'Min'])('of %s reduce as eager does', (kernel) => {
    const calls = shape(1).chain((dims) =>
      fc.tuple(
        makeNumbers,
        fc.constant(dims),
        fc.uniqueArray(axisOf(dims.length), {
          selector: (axis) => (axis + dims.length) % dims.length,
        }),
        fc.boolean(),
      ),
    );
    check(calls, ([make, dims, axes, keepDims]) => {
      agrees(kernel, [make(dims)], {
        [kernel === 'Max' ? 'reductionIndices' : 'axis']: axes,
        keepDims,
      });
    });
  });

  test.each(['Cumsum', 'Cumprod'])('of %s run along an axis as eager does', (kernel) => {
    const calls = positiveShape(1, 3).chain((dims) =>
      fc.tuple(makeTensor, fc.constant(dims), fc.nat(dims.length - 1), fc.boolean(), fc.boolean()),
    );
    check(calls, ([make, dims, axis, exclusive, reverse]) => {
      agrees(kernel, [make(dims)], { axis, exclusive, reverse });
    });
  });

  test('of Slice cut as eager does, or leave the error to it', () => {
    const calls = positiveShape(1).chain((dims) => {
      const list = (min: number): fc.Arbitrary<number[]> =>
        fc.array(fc.integer({ min, max: 2 }), { minLength: 1, maxLength: dims.length });
      return fc.tuple(makeTensor, fc.constant(dims), list(0), list(-1));
    });
    check(calls, ([make, dims, begin, length]) => {
      agrees('Slice', [make(dims)], { begin, size: length });
    });
  });

  test('of StridedSlice cut as eager does, or leave the error to it', () => {
    const mask = fc.integer({ min: 0, max: 15 });
    const calls = shape(1).chain((dims) => {
      const length = { minLength: 1, maxLength: dims.length };
      const item = fc.record({
        begin: fc.integer({ min: -6, max: 6 }),
        end: fc.integer({ min: -6, max: 6 }),
        stride: fc.constantFrom(1, 1, 2, 3, -1, -2),
      });
      const masks = fc.record({
        beginMask: mask,
        endMask: mask,
        ellipsisMask: fc.constantFrom(0, 0, 1, 2, 4),
        newAxisMask: fc.constantFrom(0, 0, 1, 2),
        shrinkAxisMask: fc.constantFrom(0, 0, 1, 2, 4),
      });
      return fc.tuple(makeTensor, fc.constant(dims), fc.array(item, length), masks);
    });
    check(calls, ([make, dims, items, masks]) => {
      agrees('StridedSlice', [make(dims)], {
        begin: items.map((item) => item.begin),
        end: items.map((item) => item.end),
        strides: items.map((item) => item.stride),
        ...masks,
      });
    });
  });

  test('of Concat join as eager does', () => {
    const calls = shape(1, 3).chain((dims) =>
      fc.tuple(
        makeTensor,
        fc.constant(dims),
        axisOf(dims.length),
        fc.array(size, { minLength: 1, maxLength: 4 }),
      ),
    );
    check(calls, ([make, dims, axis, lengths]) => {
      const along = (axis + dims.length) % dims.length;
      const parts = lengths.map((length) => make(dims.map((dim, index) => (index === along ? length : dim))));
      agrees('Concat', parts, { axis });
    });
  });

  test('of Pack, Unpack and SplitV agree', () => {
    const calls = positiveShape(1, 3).chain((dims) =>
      fc.tuple(makeTensor, fc.constant(dims), axisOf(dims.length), fc.integer({ min: 1, max: 3 })),
    );
    check(calls, ([make, dims, axis, count]) => {
      agrees('Unpack', [make(dims)], { axis });
      agrees(
        'Pack',
        Array.from({ length: count }, () => make(dims)),
        { axis },
      );
      agrees('SplitV', [make(dims)], { axis, numOrSizeSplits: count });
    });
  });

  test('of Transpose, Tile and Reverse agree', () => {
    const calls = shape(1).chain((dims) =>
      fc.tuple(
        makeTensor,
        fc.constant(dims),
        fc.shuffledSubarray([...dims.keys()], { minLength: dims.length }),
        fc.array(fc.integer({ min: 0, max: 3 }), { minLength: dims.length, maxLength: dims.length }),
        fc.array(axisOf(dims.length)),
      ),
    );
    check(calls, ([make, dims, perm, reps, axes]) => {
      agrees('Transpose', [make(dims)], { perm });
      agrees('Tile', [make(dims)], { reps });
      agrees('Reverse', [make(dims)], { dims: axes });
    });
  });

  test('of PadV2 and MirrorPad agree', () => {
    const pair = fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 3 }));
    const calls = positiveShape(1, 3).chain((dims) =>
      fc.tuple(
        makeTensor,
        fc.constant(dims),
        fc.array(pair, { minLength: dims.length, maxLength: dims.length }),
        fc.constantFrom('reflect', 'symmetric'),
      ),
    );
    check(calls, ([make, dims, paddings, mode]) => {
      agrees('PadV2', [make(dims)], { paddings, constantValue: 1 });
      const limit = mode === 'reflect' ? 1 : 0;
      const fitting = paddings.map((sides, axis) => sides.map((side) => Math.min(side, dims[axis]! - limit)));
      agrees('MirrorPad', [make(dims)], { paddings: fitting, mode });
    });
  });

  test('of GatherV2 read as eager does', () => {
    const calls = positiveShape(1).chain((dims) =>
      fc
        .nat(dims.length - 1)
        .chain((axis) =>
          fc.tuple(
            makeTensor,
            fc.constant(dims),
            fc.constant(axis),
            fc.nat(axis),
            fc.array(fc.nat(dims[axis]! - 1), { minLength: 1, maxLength: 3 }),
          ),
        ),
    );
    check(calls, ([make, dims, axis, batchDims, row]) => {
      const batch = dims.slice(0, batchDims);
      const rows = batch.reduce((product, dim) => product * dim, 1);
      const indices = Array.from({ length: rows }, () => row).flat();
      agrees('GatherV2', [make(dims), i32([...batch, row.length], indices)], { axis, batchDims });
    });
  });

  test('of BatchMatMul multiply as eager does', () => {
    const dims = fc.tuple(size, size, size);
    const calls = fc.tuple(makeNumbers, positiveShape(0, 2), dims, fc.boolean(), fc.boolean());
    check(calls, ([make, batch, [rows, inner, columns], transposeA, transposeB]) => {
      const a = transposeA ? [inner, rows] : [rows, inner];
      const b = transposeB ? [columns, inner] : [inner, columns];
      agrees('BatchMatMul', [make([...batch, ...a]), make([...batch, ...b])], { transposeA, transposeB });
    });
  });

  test('of Einsum contract as eager does', () => {
    const letters = ['a', 'b', 'c', 'd', 'e'];
    const term = fc.shuffledSubarray(letters, { minLength: 1, maxLength: 4 });
    const calls = fc
      .tuple(makeNumbers, term, fc.option(term, { nil: undefined }))
      .chain(([make, left, right]) =>
        fc.tuple(
          fc.constant(make),
          fc.constant(right === undefined ? [left] : [left, right]),
          fc.shuffledSubarray([...new Set([...left, ...(right ?? [])])]),
          fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 5, maxLength: 5 }),
        ),
      );
    check(calls, ([make, terms, result, sizes]) => {
      const equation = `${terms.map((labels) => labels.join('')).join(',')}->${result.join('')}`;
      const operands = terms.map((labels) => make(labels.map((label) => sizes[letters.indexOf(label)]!)));
      agrees('Einsum', operands, { equation });
    });
  });
});
