import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  fitSizes,
  fixedValue,
  isFixed,
  onlySymbol,
  sizeBox,
  type SizeFormula,
} from '../../src/export/fit-sizes.ts';

const coefficients = fc.array(fc.integer({ min: -50, max: 50 }), { minLength: 8, maxLength: 8 });

function evaluate(formula: SizeFormula, sizes: readonly number[]): number {
  const sum = formula.terms.reduce(
    (total, term) =>
      total + term.symbols.reduce((product, symbol) => product * sizes[symbol]!, term.coefficient),
    0,
  );
  return formula.isReciprocal ? 1 / sum : sum;
}

/** The polynomial with one coefficient per set of sizes. */
function polynomial(given: readonly number[], sizes: readonly number[]): number {
  let sum = 0;
  for (let bits = 0; bits < 1 << sizes.length; bits++) {
    sum += sizes.reduce(
      (product, size, symbol) => ((bits >> symbol) & 1 ? product * size : product),
      given[bits]!,
    );
  }
  return sum;
}

describe('fitSizes', () => {
  it('finds every polynomial without powers, exactly', () => {
    const property = fc.property(coefficients, fc.integer({ min: 1, max: 3 }), (given, count) => {
      const sizes = sizeBox([3, 5, 7].slice(0, count));
      const formula = fitSizes(
        sizes.map((own) => polynomial(given, own)),
        sizes,
        true,
      )!;
      const elsewhere = [11, 2, 1000].slice(0, count);
      expect(evaluate(formula, elsewhere)).toBe(polynomial(given, elsewhere));
    });
    fc.assert(property);
  });

  it('finds reciprocals of sizes among floats only', () => {
    const sizes = sizeBox([3, 5]);
    const values = sizes.map(([rows, columns]) => Math.fround(1 / (rows! * columns!)));
    const formula = fitSizes(values, sizes, false)!;
    expect(formula.isReciprocal).toBe(true);
    expect(evaluate(formula, [4, 25])).toBeCloseTo(0.01, 8);
    expect(fitSizes(values, sizes, true)).toBeUndefined();
  });

  it.each([
    ['squares', (size: number) => size * size],
    ['halves, rounded up', (size: number) => Math.ceil(size / 2)],
    ['not a number', (size: number) => (size === 3 ? NaN : size)],
  ])('does not explain %s', (_, value) => {
    const sizes = sizeBox([3]);
    expect(
      fitSizes(
        sizes.map(([size]) => value(size!)),
        sizes,
        true,
      ),
    ).toBeUndefined();
  });

  it('tells fixed numbers and plain sizes from the rest', () => {
    const sizes = sizeBox([3, 5]);
    const fit = (value: (rows: number, columns: number) => number): SizeFormula =>
      fitSizes(
        sizes.map(([rows, columns]) => value(rows!, columns!)),
        sizes,
        true,
      )!;
    expect(isFixed(fit(() => -0))).toBe(true);
    expect(fixedValue(fit(() => -0))).toBe(-0);
    expect(onlySymbol(fit((_, columns) => columns))).toBe(1);
    expect(onlySymbol(fit((rows) => rows + 1))).toBeUndefined();
    expect(onlySymbol(fit((rows) => 2 * rows))).toBeUndefined();
  });
});
