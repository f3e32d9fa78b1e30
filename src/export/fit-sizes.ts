/**
 * Numbers that follow from symbolic sizes, found by comparing lowerings: the same program is lowered at the corners of a
 * box of sizes, and a number is explained as the multilinear polynomial through its corners (`rows * columns + 2 * rows`),
 * or as the reciprocal of one. An explanation must also hold for the lowerings that are no corners.
 */

/** One product of symbolic sizes. */
interface SizeTerm {
  readonly coefficient: number;
  /** Indices of the sizes; none: the coefficient itself. */
  readonly symbols: readonly number[];
}

/** A number as a sum of products of sizes, or one divided by it. */
export interface SizeFormula {
  readonly terms: readonly SizeTerm[];
  readonly isReciprocal: boolean;
}

/** Sizes to lower for: the corners first, symbol `k` larger where bit `k` of the index is set, then a point to check. */
export function sizeBox(first: readonly number[]): readonly (readonly number[])[] {
  const corners = Array.from({ length: 1 << first.length }, (_, bits) =>
    first.map((size, symbol) => size + ((bits >> symbol) & 1)),
  );
  return [...corners, first.map((size) => size + 2)];
}

/** Whether the number is the same whatever the sizes are. */
export function isFixed({ terms }: SizeFormula): boolean {
  return terms.every(({ symbols }) => symbols.length === 0);
}

/** What the formula gives without any size: its value when it is fixed. */
export function fixedValue({ terms }: SizeFormula): number {
  return terms.find(({ symbols }) => symbols.length === 0)?.coefficient ?? 0;
}

/** The one symbol that the number is equal to. */
export function onlySymbol({ terms, isReciprocal }: SizeFormula): number | undefined {
  const [term] = terms;
  const isPlain = !isReciprocal && terms.length === 1 && term!.coefficient === 1;
  return isPlain && term!.symbols.length === 1 ? term!.symbols[0] : undefined;
}

/** Coefficients by bit set of symbols: from values at corners to slopes, one axis after the other. */
function interpolate(values: readonly number[], sizes: readonly (readonly number[])[]): SizeTerm[] {
  const count = sizes[0]!.length;
  const coefficients = values.slice(0, 1 << count);
  for (let symbol = 0; symbol < count; symbol++) {
    const bit = 1 << symbol;
    const low = sizes[0]![symbol]!;
    const step = sizes[bit]![symbol]! - low;
    for (let corner = 0; corner < coefficients.length; corner++) {
      if ((corner & bit) !== 0) continue;
      const slope = (coefficients[corner | bit]! - coefficients[corner]!) / step;
      coefficients[corner | bit] = slope;
      coefficients[corner]! -= slope * low;
    }
  }
  const scale = Math.max(...values.map(Math.abs));
  return coefficients.flatMap((value, bits): SizeTerm[] => {
    const rounded = Math.round(value);
    const coefficient = Math.abs(value - rounded) < 1e-5 * Math.max(1, scale) ? rounded : value;
    const symbols = sizes[0]!.flatMap((_, symbol) => (((bits >> symbol) & 1) === 1 ? [symbol] : []));
    return coefficient === 0 ? [] : [{ coefficient, symbols }];
  });
}

function evaluate({ terms, isReciprocal }: SizeFormula, sizes: readonly number[]): number {
  const sum = terms.reduce(
    (total, { coefficient, symbols }) =>
      total + symbols.reduce((product, symbol) => product * sizes[symbol]!, coefficient),
    0,
  );
  return isReciprocal ? 1 / sum : sum;
}

function isClose(left: number, right: number, isInteger: boolean): boolean {
  return isInteger ? left === right : Math.abs(left - right) <= 1e-6 * Math.abs(right);
}

/**
 * @param values the number in each lowering.
 * @param sizes per lowering: the symbolic sizes it was made for, in the order of {@link sizeBox}.
 * @param isInteger only formulas in whole numbers count.
 * @returns `undefined` when no formula explains all values.
 */
export function fitSizes(
  values: readonly number[],
  sizes: readonly (readonly number[])[],
  isInteger: boolean,
): SizeFormula | undefined {
  const first = values[0]!;
  if (values.every((value) => Object.is(value, first))) {
    return { terms: [{ coefficient: first, symbols: [] }], isReciprocal: false };
  }
  if (!values.every(Number.isFinite)) return undefined;
  for (const isReciprocal of isInteger ? [false] : [false, true]) {
    if (isReciprocal && values.includes(0)) continue;
    const formula = {
      terms: interpolate(isReciprocal ? values.map((value) => 1 / value) : values, sizes),
      isReciprocal,
    };
    const isWhole = formula.terms.every(({ coefficient }) => Number.isInteger(coefficient));
    if (isInteger && !isWhole) continue;
    if (values.every((value, index) => isClose(evaluate(formula, sizes[index]!), value, isInteger)))
      return formula;
  }
  return undefined;
}
