import { describe, expect, it } from 'vitest';
import { opTable } from '../../src/compile/ops/index.ts';
import { estimateCosts, measuredCosts } from '../../src/compile/tier-costs.ts';
import type { Attributes, Graph } from '../../src/ir/graph.ts';

/** One call. */
function graphOf(
  kernel: string,
  inputs: readonly (readonly number[])[],
  output: readonly number[],
  attributes: Attributes = {},
): Graph {
  const typed = (shape: readonly number[]) => ({ dtype: 'float32', shape });
  return {
    name: 'g1',
    nodes: [
      ...inputs.map((shape, index) => ({
        kind: 'placeholder' as const,
        name: `x${index}`,
        type: typed(shape),
        role: 'input' as const,
      })),
      {
        kind: 'call',
        name: 'y',
        kernel,
        inputs: inputs.map((_, index) => ({ node: `x${index}`, output: 0 })),
        attributes,
        outputs: [typed(output)],
      },
    ],
    outputs: [{ node: 'y', output: 0 }],
  };
}

/** Milliseconds that a run as closures takes longer than as native code. */
function loss(...graph: Parameters<typeof graphOf>): number {
  const { closuresMs, nativeMs } = estimateCosts(graphOf(...graph), opTable, measuredCosts);
  return closuresMs - nativeMs;
}

describe('costs of the tiers', () => {
  it('favour closures for small tensors and native code for large ones', () => {
    expect(loss('Add', [[100], [100]], [100])).toBeLessThan(0);
    expect(loss('Add', [[1e5], [1e5]], [1e5])).toBeGreaterThan(0);
  });

  it('favour native code earlier for functions that are slow in JavaScript', () => {
    const shapes = [[[1000]], [1000]] as const;
    expect(loss('Abs', ...shapes)).toBeLessThan(0);
    expect(loss('Tanh', ...shapes)).toBeGreaterThan(0);
  });

  it('count the products of a matrix product, per matrix of a batch and transposed or not', () => {
    const single = { ...measuredCosts, closures: { ...measuredCosts.native, perProduct: 1, perElement: 0 } };
    const products = (...graph: Parameters<typeof graphOf>): number =>
      Math.floor(estimateCosts(graphOf(...graph), opTable, single).closuresMs);
    const shapes = [
      [5, 2, 3],
      [5, 3, 4],
    ];
    expect(products('BatchMatMul', shapes, [5, 2, 4])).toBe(5 * 2 * 3 * 4);
    const transposed = { transposeA: true, transposeB: false };
    expect(
      products(
        'BatchMatMul',
        [
          [3, 2],
          [3, 4],
        ],
        [2, 4],
        transposed,
      ),
    ).toBe(2 * 3 * 4);
  });

  it('count what is read of a table, not the table', () => {
    expect(loss('GatherV2', [[10_000, 8], [4]], [4, 8])).toBeLessThan(0);
    expect(loss('Slice', [[10_000, 8]], [4, 8])).toBeLessThan(0);
  });

  it('count nothing for the elements of a view', () => {
    expect(loss('Reshape', [[1000, 1000]], [1_000_000])).toBeLessThan(0);
  });
});
