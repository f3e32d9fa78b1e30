/** Matrix products, rounded as tfjs's cpu kernel rounds them. */
import { attribute } from '../ops/define-op.ts';
import { elementCount } from '../ops/rules.ts';
import { sequence, type MakeClosure, type NumericArray, type Operand } from './closure.ts';
import { activationFormulas } from './elementwise.ts';
import { elementwise } from './loops.ts';

/** Steps from one element to the next along the rows and columns of a matrix. */
interface Steps {
  readonly batch: number;
  readonly row: number;
  readonly column: number;
}

function stepsOf({ shape, size }: Operand, isTransposed: boolean): Steps {
  const [rows, columns] = shape.slice(-2) as [number, number];
  const isOne = size === rows * columns;
  return {
    batch: isOne ? 0 : rows * columns,
    row: isTransposed ? 1 : columns,
    column: isTransposed ? columns : 1,
  };
}

/** Rows below this length are products of rows and columns, one by one. */
const shortRow = 4;
/** Products that are summed up in double before the sum is rounded: the block size of tfjs's cpu kernel. */
const blockSize = 48;

interface Matrices {
  readonly a: Steps;
  readonly b: Steps;
  readonly rows: number;
  readonly inner: number;
  readonly columns: number;
}

/** A row of the result times a block of the inner axis at a time. */
function multiplyByRows(
  { a: stepsA, b: stepsB, rows, inner, columns }: Matrices,
  [a, fromA]: readonly [NumericArray, number],
  [b, fromB]: readonly [NumericArray, number],
  [out, to]: readonly [NumericArray, number],
  sums: Float64Array,
): void {
  for (let row = 0; row < rows; row++) {
    const startA = fromA + row * stepsA.row;
    const start = to + row * columns;
    for (let block = 0; block < inner; block += blockSize) {
      const end = Math.min(block + blockSize, inner);
      const factor = a[startA + block * stepsA.column]!;
      const startB = fromB + block * stepsB.row;
      // A sum of nothing is 0, also where the product is -0.
      for (let column = 0; column < columns; column++) sums[column] = 0 + factor * b[startB + column]!;
      for (let k = block + 1; k < end; k++) {
        const factor = a[startA + k * stepsA.column]!;
        const startB = fromB + k * stepsB.row;
        for (let column = 0; column < columns; column++) sums[column]! += factor * b[startB + column]!;
      }
      if (block === 0) for (let column = 0; column < columns; column++) out[start + column] = sums[column]!;
      else for (let column = 0; column < columns; column++) out[start + column]! += sums[column]!;
    }
  }
}

/** An element of the result at a time. */
function multiplyByElements(
  { a: stepsA, b: stepsB, rows, inner, columns }: Matrices,
  [a, fromA]: readonly [NumericArray, number],
  [b, fromB]: readonly [NumericArray, number],
  [out, to]: readonly [NumericArray, number],
): void {
  for (let row = 0; row < rows; row++) {
    const startA = fromA + row * stepsA.row;
    for (let column = 0; column < columns; column++) {
      const startB = fromB + column * stepsB.column;
      const at = to + row * columns + column;
      out[at] = 0;
      for (let block = 0; block < inner; block += blockSize) {
        const end = Math.min(block + blockSize, inner);
        let sum = 0;
        for (let k = block; k < end; k++) sum += a[startA + k * stepsA.column]! * b[startB + k * stepsB.row]!;
        out[at] += sum;
      }
    }
  }
}

const product: MakeClosure = ({ inputs, outputs, attributes }) => {
  const [a, b] = inputs as readonly [Operand, Operand];
  const [out] = outputs as readonly [Operand];
  const transposeA = attribute.boolean(attributes, 'transposeA', false);
  const batches = elementCount(out.shape.slice(0, -2));
  const [batchesA, batchesB] = [elementCount(a.shape.slice(0, -2)), elementCount(b.shape.slice(0, -2))];
  const isUniform = [batchesA, batchesB].every((count) => count === 1 || count === batches);
  // Batches that broadcast axis by axis, and sums of nothing, are rare.
  if (a.dtype !== b.dtype || !isUniform || out.size === 0 || a.size === 0) return undefined;
  const [rows, columns] = out.shape.slice(-2) as [number, number];
  const matrices: Matrices = {
    a: stepsOf(a, transposeA),
    b: stepsOf(b, attribute.boolean(attributes, 'transposeB', false)),
    rows,
    inner: a.shape.at(transposeA ? -2 : -1)!,
    columns,
  };
  const isByRows = matrices.b.column === 1 && columns >= shortRow;
  const sums = new Float64Array(isByRows ? columns : 0);
  return (registers) => {
    const [from, other, to] = [registers[a.register]!, registers[b.register]!, registers[out.register]!];
    for (let batch = 0; batch < batches; batch++) {
      const left = [from, batch * matrices.a.batch] as const;
      const right = [other, batch * matrices.b.batch] as const;
      const result = [to, batch * rows * columns] as const;
      if (isByRows) multiplyByRows(matrices, left, right, result, sums);
      else multiplyByElements(matrices, left, right, result);
    }
  };
};

/** The product, then bias and activation on the result in place. */
const fused: MakeClosure = (call) => {
  const [a, b, bias, slope] = call.inputs;
  const [out] = call.outputs as readonly [Operand];
  const activation = attribute.string(call.attributes, 'activation', 'linear');
  const isKnown = activation === 'linear' || (activation in activationFormulas && out.dtype === 'float32');
  // A bias that makes the result larger than the product has a shape of its own.
  const isWithin = bias === undefined || (bias.dtype === out.dtype && bias.shape.length <= 1);
  if (slope !== undefined || !isKnown || !isWithin) return undefined;
  const closures = [product({ ...call, inputs: [a, b] })];
  if (bias !== undefined) closures.push(elementwise('a + b', [out, bias], out));
  if (activation !== 'linear') {
    const alpha = attribute.number(call.attributes, 'leakyreluAlpha', 0.2);
    closures.push(elementwise(activationFormulas[activation]!, [out], out, alpha));
  }
  return sequence(closures);
};

export const matmulClosures: Readonly<Record<string, MakeClosure>> = {
  BatchMatMul: product,
  _FusedMatMul: fused,
};
