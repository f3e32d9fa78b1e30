import { describe, expect, test } from 'vitest';
import { dropDead } from '../../../src/compile/passes/drop-dead.ts';
import { exactSigmoids } from '../../../src/compile/passes/exact-sigmoids.ts';
import { flatProducts } from '../../../src/compile/passes/flat-products.ts';
import { foldBias } from '../../../src/compile/passes/fold-bias.ts';
import { foldPads } from '../../../src/compile/passes/fold-pads.ts';
import { hardSigmoids } from '../../../src/compile/passes/hard-sigmoids.ts';
import { optimizeSegment } from '../../../src/compile/passes/index.ts';
import { mergeEqual } from '../../../src/compile/passes/merge-equal.ts';
import { reluMasks } from '../../../src/compile/passes/relu-masks.ts';
import { sinkTransposes } from '../../../src/compile/passes/sink-transposes.ts';
import { spreadScalars } from '../../../src/compile/passes/spread-scalars.ts';
import type { PenMethods } from '../../../src/compile/lowering-pen.ts';
import type { Segment } from '../../../src/compile/segment.ts';
import { makeSegment, operators } from '../../support/segments.ts';

const toFirst = { perm: [0, 3, 1, 2] };
const toLast = { perm: [0, 2, 3, 1] };
const image = [2, 4, 5, 3];

function conv(pen: PenMethods, x: string, filter: string): string {
  const first = pen.op('Transpose', [x], toFirst);
  return pen.op('Transpose', [pen.op('Conv', [first, filter], { kernel_shape: [1, 1] })], toLast);
}

describe('foldPads', () => {
  const around = [0, 0, 1, 0, 0, 0, 2, 1];
  const padded = (pen: PenMethods, pads: readonly number[], value = 0): string =>
    pen.op('Pad', ['x', pen.ints(pads), pen.scalar(value, 'float32')]);

  test('gives zeros around an image to the convolution', () => {
    const segment = makeSegment({ x: [1, 3, 6, 6], w: [3, 3, 2, 2] }, (pen) => ({
      [pen.op('Conv', [padded(pen, around), 'w'], { kernel_shape: [2, 2], pads: [0, 1, 0, 0] })]: [
        1, 3, 8, 7,
      ],
    }));
    const optimized = dropDead(foldPads(segment));
    expect(operators(optimized)).toEqual(['Conv']);
    expect(optimized.nodes[0]).toMatchObject({ inputs: ['x', 'w'], attributes: { pads: [1, 1, 2, 1] } });
  });

  test.each<[string, readonly number[], number, string]>([
    ['other numbers', around, -1, 'Conv'],
    ['other axes', [0, 1, 0, 0, 0, 0, 0, 0], 0, 'Conv'],
    ['crops', [0, 0, -1, 0, 0, 0, 0, 0], 0, 'Conv'],
    ['the zeros of a pool, which pads with less', around, 0, 'MaxPool'],
  ])('leaves %s', (_, pads, value, operator) => {
    const segment = makeSegment({ x: [1, 3, 6, 6], w: [3, 3, 2, 2] }, (pen) => {
      const image = padded(pen, pads, value);
      const inputs = operator === 'Conv' ? [image, 'w'] : [image];
      return { [pen.op(operator, inputs, { kernel_shape: [2, 2] })]: [1, 3, 8, 6] };
    });
    expect(foldPads(segment)).toBe(segment);
  });
});

describe('sinkTransposes', () => {
  test('cancels transposes between convolutions, through bias and activation', () => {
    const segment = makeSegment({ x: image, w: [3, 3, 1, 1], b: [3] }, (pen) => {
      const y = pen.op('Relu', [pen.op('Add', [conv(pen, 'x', 'w'), 'b'])]);
      return { [conv(pen, y, 'w')]: image };
    });
    expect(operators(sinkTransposes(segment))).toEqual([
      'Transpose',
      'Conv',
      'Reshape',
      'Add',
      'Relu',
      'Conv',
      'Transpose',
    ]);
  });

  test('keeps the names of outputs', () => {
    const segment = makeSegment({ x: image }, (pen) => {
      const there = pen.op('Transpose', ['x'], toFirst);
      const back = pen.op('Transpose', [there], toLast);
      return { [there]: [2, 3, 4, 5], [back]: image, [pen.op('Relu', [there])]: [2, 3, 4, 5] };
    });
    const optimized = sinkTransposes(segment);
    const produced = optimized.nodes.flatMap((node) => node.outputs);
    for (const output of segment.outputs) expect(produced).toContain(output.name);
    expect(optimized.outputs).toBe(segment.outputs);
  });

  test('writes a transpose once for several readers', () => {
    const segment = makeSegment({ x: image, w: [3, 3, 1, 1] }, (pen) => {
      const y = conv(pen, 'x', 'w');
      const rows = pen.op('Reshape', [y, pen.ints([40, 3])]);
      return { [rows]: [40, 3], [pen.op('Reshape', [y, pen.ints([120])])]: [120] };
    });
    expect(operators(sinkTransposes(segment)).filter((op) => op === 'Transpose')).toHaveLength(2);
  });

  test('renames the axes of a reduction instead of moving data', () => {
    const segment = makeSegment({ x: image, w: [3, 3, 1, 1] }, (pen) => ({
      [pen.op('ReduceSum', [conv(pen, 'x', 'w'), pen.ints([1, 2])], { keepdims: 0 })]: [2, 3],
    }));
    const optimized = sinkTransposes(segment);
    expect(operators(optimized)).toEqual(['Transpose', 'Conv', 'ReduceSum']);
    const axes = optimized.nodes.at(-1)!.inputs[1]!;
    expect(optimized.constants.find(({ name }) => name === axes)?.data).toEqual(BigInt64Array.of(2n, 3n));
  });

  test('joins convolutions along their channels', () => {
    const segment = makeSegment({ x: image, w: [3, 3, 1, 1], v: [2, 6, 1, 1] }, (pen) => {
      const both = pen.op('Concat', [conv(pen, 'x', 'w'), conv(pen, 'x', 'w')], { axis: 3 });
      return { [conv(pen, both, 'v')]: [2, 4, 5, 2] };
    });
    const optimized = sinkTransposes(mergeEqual(segment));
    expect(operators(optimized)).toEqual(['Transpose', 'Conv', 'Concat', 'Conv', 'Transpose']);
    expect(optimized.nodes[2]!.attributes['axis']).toBe(1);
  });

  test('computes a mask where its reader needs it', () => {
    const segment = makeSegment({ x: image, w: [3, 3, 1, 1], dy: image }, (pen) => {
      const y = pen.op('Relu', [conv(pen, 'x', 'w')]);
      const rows = pen.op('Reshape', [y, pen.ints([40, 3])]);
      const masked = pen.op('Mul', ['dy', pen.op('Sign', [y])]);
      return { [rows]: [40, 3], [pen.op('Reshape', [masked, pen.ints([40, 3])])]: [40, 3] };
    });
    expect(operators(sinkTransposes(segment)).filter((op) => op === 'Transpose')).toHaveLength(2);
  });

  test('leaves a segment without transposes as it is', () => {
    const segment = makeSegment({ x: [2] }, (pen) => ({ [pen.op('Relu', ['x'])]: [2] }));
    expect(sinkTransposes(segment)).toBe(segment);
  });
});

describe('mergeEqual', () => {
  test('merges equal nodes, also behind merged ones', () => {
    const segment = makeSegment({ x: [2] }, (pen) => {
      const left = pen.op('Exp', [pen.op('Relu', ['x'])]);
      const right = pen.op('Exp', [pen.op('Relu', ['x'])]);
      return { [pen.op('Mul', [left, right])]: [2] };
    });
    expect(operators(mergeEqual(segment))).toEqual(['Relu', 'Exp', 'Mul']);
  });

  test('does not look into constants: sizes that are equal by chance must not change the skeleton', () => {
    const segment = makeSegment({ x: [2, 2] }, (pen) => {
      const left = pen.op('Reshape', ['x', pen.ints([4])]);
      const right = pen.op('Reshape', ['x', pen.ints([4])]);
      return { [pen.op('Mul', [left, right])]: [4] };
    });
    expect(operators(mergeEqual(segment))).toEqual(['Reshape', 'Reshape', 'Mul']);
  });

  test('keeps what differs in attributes, is random, or is an output', () => {
    const segment = makeSegment({ x: [2] }, (pen) => {
      const first = pen.op('Elu', ['x'], { alpha: { float: 1 } });
      const other = pen.op('Elu', ['x'], { alpha: { float: 2 } });
      const noise = [pen.op('RandomUniformLike', ['x']), pen.op('RandomUniformLike', ['x'])];
      const same = [pen.op('Relu', ['x']), pen.op('Relu', ['x'])] as [string, string];
      return { [pen.op('Sum', [first, other, ...noise])]: [2], [same[0]]: [2], [same[1]]: [2] };
    });
    expect(mergeEqual(segment)).toBe(segment);
  });
});

describe('foldBias', () => {
  const biased = (pen: PenMethods): string => {
    const y = pen.op('Conv', ['x', 'w'], { kernel_shape: [1, 1] });
    return pen.op('Add', [y, pen.op('Reshape', ['b', pen.ints([1, 3, 1, 1])])]);
  };

  test('gives a convolution the bias that is added to it', () => {
    const segment = makeSegment({ x: [1, 3, 4, 5], w: [3, 3, 1, 1], b: [3] }, (pen) => ({
      [biased(pen)]: [1, 3, 4, 5],
    }));
    const optimized = dropDead(foldBias(segment));
    expect(operators(optimized)).toEqual(['Conv']);
    expect(optimized.nodes[0]!.inputs).toEqual(['x', 'w', 'b']);
  });

  test('leaves a result that somebody else reads', () => {
    const segment = makeSegment({ x: [1, 3, 4, 5], w: [3, 3, 1, 1], b: [3] }, (pen) => {
      const y = pen.op('Conv', ['x', 'w'], { kernel_shape: [1, 1] });
      const sum = pen.op('Add', [y, pen.op('Reshape', ['b', pen.ints([1, 3, 1, 1])])]);
      return { [sum]: [1, 3, 4, 5], [pen.op('Exp', [y])]: [1, 3, 4, 5] };
    });
    expect(foldBias(segment)).toBe(segment);
  });

  test('leaves a bias along another axis', () => {
    const segment = makeSegment({ x: [1, 3, 4, 3], w: [3, 3, 1, 1], b: [3] }, (pen) => {
      const y = pen.op('Conv', ['x', 'w'], { kernel_shape: [1, 1] });
      return { [pen.op('Add', [y, pen.op('Reshape', ['b', pen.ints([1, 1, 1, 3])])])]: [1, 3, 4, 3] };
    });
    expect(foldBias(segment)).toBe(segment);
  });
});

describe('foldBias of products', () => {
  const product = (pen: PenMethods, bias: string): string =>
    pen.op('Add', [bias, pen.op('Gemm', ['x', 'w'], { transA: 0, transB: 1 })]);
  const withBias = (dims: readonly number[]): Segment => {
    const segment = makeSegment({ x: [4, 3], w: [4, 3], b: dims }, (pen) => ({
      [product(pen, 'b')]: [4, 4],
    }));
    return { ...segment, results: new Map([['n/Gemm_0', { type: 'float32', dims: [4, 4] }]]) };
  };

  test('gives a Gemm the vector over columns that is added to it', () => {
    const optimized = foldBias(withBias([4]));
    expect(operators(optimized)).toEqual(['Gemm']);
    expect(optimized.nodes[0]).toMatchObject({
      inputs: ['x', 'w', 'b'],
      attributes: { transB: 1 },
      outputs: ['n/Add_1'],
    });
  });

  test.each([[[4, 4]], [[4, 1]], [[1]], [[]]])('leaves other operands: %j', (dims) => {
    const segment = withBias(dims);
    expect(foldBias(segment)).toBe(segment);
  });
});

describe('flatProducts', () => {
  interface Product {
    readonly left: readonly number[];
    readonly right: readonly number[];
    readonly outer: readonly number[];
  }
  /** Of `x` and `w` in a batch of one, as tfjs's fused products write it. */
  const makeProduct = (
    { left, right, outer }: Product,
    transposes: 'none' | 'left' | 'right' = 'none',
  ): Segment =>
    makeSegment({ x: left, w: right }, (pen) => {
      const [a, b] = [
        pen.op('Reshape', ['x', pen.ints([1, ...left.slice(-2)])]),
        right.length === 2 ? pen.op('Reshape', ['w', pen.ints([1, ...right])]) : 'w',
      ];
      const swapped = (value: string): string => pen.op('Transpose', [value], { perm: [0, 2, 1] });
      const batch = pen.op('MatMul', [
        transposes === 'left' ? swapped(a) : a,
        transposes === 'right' ? swapped(b) : b,
      ]);
      return { [pen.op('Reshape', [batch, pen.ints(outer)])]: outer };
    });
  const flat = (segment: Segment): Segment => dropDead(flatProducts(segment));

  test('makes one node of a product of matrices', () => {
    const optimized = flat(makeProduct({ left: [2, 3], right: [3, 4], outer: [2, 4] }));
    expect(operators(optimized)).toEqual(['Gemm']);
    expect(optimized.nodes[0]).toMatchObject({ inputs: ['x', 'w'], attributes: { transA: 0, transB: 0 } });
  });

  test('transposes in the product', () => {
    const left = flat(makeProduct({ left: [3, 2], right: [3, 4], outer: [2, 4] }, 'left'));
    expect(left.nodes.map(({ op, attributes }) => [op, attributes])).toEqual([
      ['Gemm', { transA: 1, transB: 0 }],
    ]);
    const right = flat(makeProduct({ left: [2, 3], right: [4, 3], outer: [2, 4] }, 'right'));
    expect(right.nodes.map(({ op, attributes }) => [op, attributes])).toEqual([
      ['Gemm', { transA: 0, transB: 1 }],
    ]);
  });

  test('takes the batch axis of weights away once', () => {
    const segment = makeSegment({ x: [2, 3], y: [2, 3], w: [1, 3, 4] }, (pen) => {
      const products = ['x', 'y'].map((value) => {
        const batch = pen.op('MatMul', [pen.op('Reshape', [value, pen.ints([1, 2, 3])]), 'w']);
        return pen.op('Reshape', [batch, pen.ints([2, 4])]);
      });
      return { [pen.op('Add', products)]: [2, 4] };
    });
    expect(operators(flat(segment))).toEqual(['Reshape', 'Gemm', 'Gemm', 'Add']);
  });

  test('keeps the name of an output that is read as well', () => {
    const segment = makeSegment({ x: [2, 3], w: [1, 3, 4] }, (pen) => {
      const batch = pen.op('MatMul', [pen.op('Reshape', ['x', pen.ints([1, 2, 3])]), 'w']);
      const first = pen.op('Reshape', [batch, pen.ints([2, 4])]);
      const second = pen.op('Reshape', [batch, pen.ints([2, 4])]);
      return { [second]: [2, 4], [pen.op('Relu', [first])]: [2, 4] };
    });
    const optimized = flat(segment);
    expect(operators(optimized)).toEqual(['Reshape', 'Gemm', 'Relu']);
    const gemm = optimized.nodes[1]!.outputs;
    expect(gemm).toEqual([segment.outputs[0]!.name]);
    expect(optimized.nodes[2]!.inputs).toEqual(gemm);
  });

  test.each<[string, Segment]>([
    ['results that are read as a batch', makeProduct({ left: [2, 3], right: [3, 4], outer: [8] })],
    [
      'integers',
      (() => {
        const segment = makeProduct({ left: [2, 3], right: [3, 4], outer: [2, 4] });
        return { ...segment, inputs: segment.inputs.map((input) => ({ ...input, type: 'int32' as const })) };
      })(),
    ],
    [
      'batches of several',
      makeSegment({ x: [10, 3], w: [5, 3, 4] }, (pen) => {
        const batch = pen.op('MatMul', [pen.op('Reshape', ['x', pen.ints([5, 2, 3])]), 'w']);
        return { [pen.op('Reshape', [batch, pen.ints([10, 4])])]: [10, 4] };
      }),
    ],
    [
      'products for which two operands would have to be reshaped',
      makeSegment({ x: [1, 2, 3], w: [1, 3, 4] }, (pen) => ({
        [pen.op('Reshape', [pen.op('MatMul', ['x', 'w']), pen.ints([2, 4])])]: [2, 4],
      })),
    ],
  ])('leaves %s', (_, segment) => {
    expect(flatProducts(segment)).toBe(segment);
  });
});

describe('spreadScalars', () => {
  const zeros = (pen: PenMethods, dims: readonly number[]): string =>
    pen.op('Expand', [pen.scalar(0, 'float32'), pen.ints(dims)]);

  test('gives an operator the scalar where the others have the size', () => {
    const segment = makeSegment({ x: [2, 3] }, (pen) => ({
      [pen.op('Max', ['x', zeros(pen, [2, 3])])]: [2, 3],
    }));
    const optimized = dropDead(spreadScalars(segment));
    expect(operators(optimized)).toEqual(['Max']);
    expect(optimized.constants.map(({ dims }) => dims)).toEqual([[]]);
  });

  test('leaves one of two that are spread', () => {
    const segment = makeSegment({}, (pen) => ({
      [pen.op('Add', [zeros(pen, [2, 3]), zeros(pen, [2, 3])])]: [2, 3],
    }));
    expect(operators(dropDead(spreadScalars(segment)))).toEqual(['Expand', 'Add']);
  });

  test.each<[string, (pen: PenMethods) => string]>([
    ['what enlarges the others', (pen) => pen.op('Add', ['x', zeros(pen, [4, 2, 3])])],
    [
      'what operators read that do not broadcast',
      (pen) => pen.op('Concat', ['x', zeros(pen, [2, 3])], { axis: 0 }),
    ],
    ['vectors', (pen) => pen.op('Add', ['x', pen.op('Expand', ['v', pen.ints([2, 3])])])],
  ])('leaves %s', (_, write) => {
    const segment = makeSegment({ x: [2, 3], v: [3] }, (pen) => ({ [write(pen)]: [4, 2, 3] }));
    expect(spreadScalars(segment)).toBe(segment);
  });
});

describe('reluMasks', () => {
  test('masks by the rectified value, so that Relu is the only reader of its input', () => {
    const segment = makeSegment({ x: [4], dy: [4] }, (pen) => {
      const y = pen.op('Relu', ['x']);
      const mask = pen.op('Relu', [pen.op('Sign', ['x'])]);
      return { [y]: [4], [pen.op('Mul', ['dy', mask])]: [4] };
    });
    const optimized = reluMasks(segment);
    expect(operators(optimized)).toEqual(['Relu', 'HardSigmoid', 'Mul']);
    expect(optimized.nodes[1]!.inputs).toEqual([segment.outputs[0]!.name]);
  });

  test('leaves a Sign that is read as such', () => {
    const segment = makeSegment({ x: [4] }, (pen) => {
      const sign = pen.op('Sign', ['x']);
      return { [pen.op('Relu', [sign])]: [4], [pen.op('Exp', [sign])]: [4] };
    });
    expect(reluMasks(segment)).toBe(segment);
  });
});

describe('hardSigmoids', () => {
  /** As tfjs-layers has it: `clip(0.5 + 0.2 x, low, 1)`. */
  const gate = (pen: PenMethods, low = 0): { readonly sum: string; readonly result: string } => {
    const sum = pen.op('Add', [pen.scalar(0.5, 'float32'), pen.op('Mul', [pen.scalar(0.2, 'float32'), 'x'])]);
    return {
      sum,
      result: pen.op('Clip', [sum, pen.scalar(low, 'float32'), pen.scalar(1, 'float32')]),
    };
  };

  test('makes one node of three', () => {
    const segment = makeSegment({ x: [4] }, (pen) => ({ [gate(pen).result]: [4] }));
    const [node, ...others] = hardSigmoids(segment).nodes;
    expect(others).toEqual([]);
    expect(node).toMatchObject({ op: 'HardSigmoid', inputs: ['x'], outputs: segment.nodes[2]!.outputs });
    expect(node!.attributes).toEqual({
      alpha: { float: Math.fround(0.2) },
      beta: { float: 0.5 },
    });
  });

  test('leaves what a gradient reads, and other bounds', () => {
    const trained = makeSegment({ x: [4] }, (pen) => {
      const { sum, result } = gate(pen);
      return { [result]: [4], [pen.op('Neg', [sum])]: [4] };
    });
    expect(hardSigmoids(trained)).toBe(trained);
    const other = makeSegment({ x: [4] }, (pen) => ({ [gate(pen, -1).result]: [4] }));
    expect(hardSigmoids(other)).toBe(other);
  });
});

describe('exactSigmoids', () => {
  const rewritten = ['Neg', 'Exp', 'Add', 'Reciprocal'];

  test.each<[string, string[], (pen: PenMethods, gate: string) => string]>([
    ['of which the logarithm is taken', ['Log'], (pen, gate) => pen.op('Log', [gate])],
    [
      'that are part of what the logarithm is taken of',
      ['Mul', 'ReduceSum', 'Log'],
      (pen, gate) => pen.op('Log', [pen.op('ReduceSum', [pen.op('Mul', [gate, 'y'])], { keepdims: 1 })]),
    ],
    ['that divide', ['Clip', 'Div'], (pen, gate) => pen.op('Div', ['y', pen.op('Clip', [gate])])],
    ['that are read', ['Transpose'], (pen, gate) => pen.op('Transpose', [gate], { perm: [0] })],
  ])('writes out those %s', (_, others, write) => {
    const segment = makeSegment({ x: [4], y: [4] }, (pen) => ({
      [write(pen, pen.op('Sigmoid', ['x']))]: [4],
    }));
    const optimized = exactSigmoids(segment);
    expect(operators(optimized)).toEqual([...rewritten, ...others]);
    expect(optimized.outputs).toBe(segment.outputs);
  });

  test('sees a value that is mixed in one place and read in another', () => {
    const segment = makeSegment({ x: [4], y: [4] }, (pen) => {
      const gate = pen.op('Sigmoid', ['x']);
      const next = pen.op('Tanh', [pen.op('Mul', [gate, 'y'])]);
      return { [next]: [4], [pen.op('Identity', [gate])]: [4] };
    });
    expect(operators(exactSigmoids(segment))).toEqual([...rewritten, 'Mul', 'Tanh', 'Identity']);
  });

  test('leaves the gates of recurrent networks, and those of weighted means', () => {
    const segment = makeSegment({ x: [4, 4], y: [4, 4] }, (pen) => {
      const gate = pen.op('Sigmoid', ['x']);
      const state = pen.op('Tanh', [pen.op('Mul', [gate, 'y'])]);
      const sum = pen.op('ReduceSum', [gate], { keepdims: 1 });
      return {
        [pen.op('MatMul', [pen.op('Mul', [gate, state]), 'y'])]: [4, 4],
        [pen.op('Div', ['y', pen.op('Sqrt', [sum])])]: [4, 4],
      };
    });
    expect(exactSigmoids(segment)).toBe(segment);
  });
});

describe('dropDead', () => {
  test('removes what no output needs, and its constants', () => {
    const segment = makeSegment({ x: [4] }, (pen) => {
      pen.op('Add', [pen.op('Exp', ['x']), pen.scalar(1, 'float32')]);
      return { [pen.op('Relu', ['x'])]: [4] };
    });
    const optimized = dropDead(segment);
    expect(operators(optimized)).toEqual(['Relu']);
    expect(optimized.constants).toEqual([]);
  });
});

test('all passes leave one convolution with its bias and one transpose on each side', () => {
  const segment = makeSegment({ x: image, w: [3, 3, 1, 1], b: [3] }, (pen) => {
    let y = 'x';
    for (let layer = 0; layer < 3; layer++) y = pen.op('Relu', [pen.op('Add', [conv(pen, y, 'w'), 'b'])]);
    return { [y]: image };
  });
  expect(operators(optimizeSegment(segment))).toEqual([
    'Transpose',
    'Conv',
    'Relu',
    'Conv',
    'Relu',
    'Conv',
    'Relu',
    'Transpose',
  ]);
});
