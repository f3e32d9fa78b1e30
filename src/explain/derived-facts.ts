/**
 * Facts that changed only because a shape did: the target of a reshape, the `1 / n` of a mean. Found by proportion, column
 * by column: a number that moves as a changed dimension moves (or as its inverse) says nothing new.
 */
import type { FamilyRow } from './report.ts';

const numberPattern = /-?\d+(?:\.\d+)?(?:e[+-]?\d+)?/gi;
/** Constants are printed as float32. */
const tolerance = 1e-6;

interface Parsed {
  /** The text with its numbers taken out. */
  readonly skeleton: string;
  readonly numbers: readonly number[];
}

function parse(text: string): Parsed {
  return {
    skeleton: text.replace(numberPattern, '#'),
    numbers: (text.match(numberPattern) ?? []).map(Number),
  };
}

function isEqual(left: number, right: number): boolean {
  return Math.abs(left - right) <= tolerance * Math.max(Math.abs(left), Math.abs(right));
}

/** Whether two series over the same columns move together, or one as the inverse of the other. */
function isProportional(series: readonly number[], dims: readonly number[]): boolean {
  const [first, dim] = [series[0]!, dims[0]!];
  return (
    series.every((value, index) => isEqual(value * dim, first * dims[index]!)) ||
    series.every((value, index) => isEqual(value * dims[index]!, first * dim))
  );
}

function followsFrom(row: FamilyRow, shapes: readonly FamilyRow[]): boolean {
  const known = row.cells.flatMap((cell, column) => (cell.text === undefined ? [] : [column]));
  const parsed = known.map((column) => parse(row.cells[column]!.text!));
  const [first] = parsed;
  if (first === undefined || first.numbers.length === 0) return false;
  if (parsed.some((item) => item.skeleton !== first.skeleton)) return false;
  const dims = shapes
    .map((shape) => known.map((column) => Number(shape.cells[column]?.text ?? Number.NaN)))
    .filter((values) => values.every((value) => Number.isFinite(value) && value > 0));
  return first.numbers.every((value, position) => {
    const series = parsed.map((item) => item.numbers[position]!);
    return (
      series.every((other) => other === value) || dims.some((dimension) => isProportional(series, dimension))
    );
  });
}

/** The same rows: causes first, then the facts that follow from changed shapes, marked. */
export function markDerived(rows: readonly FamilyRow[]): FamilyRow[] {
  const shapes = rows.filter((row) => row.kind === 'shape' && row.what.includes('['));
  const marked = rows.map((row) =>
    (row.kind === 'attribute' || row.kind === 'constant') && followsFrom(row, shapes)
      ? { ...row, isDerived: true as const }
      : row,
  );
  return [
    ...marked.filter((row) => row.isDerived === undefined),
    ...marked.filter((row) => row.isDerived === true),
  ];
}
