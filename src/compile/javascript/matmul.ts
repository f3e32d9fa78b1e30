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

/** Products that are summed up in double before the sum is rounded: the block size of tfjs's cpu kernel. */
const blockSize = 48;

interface Matrices {
  readonly a: Steps;
  readonly b: Steps;
  readonly rows: number;
  readonly inner: number;
  readonly columns: number;
}

/** Columns of a row that are summed up side by side: each factor of the row is read once for all of them. */
const tileSize = 4;

function multiply(
  { a: stepsA, b: stepsB, rows, inner, columns }: Matrices,
  [a, fromA]: readonly [NumericArray, number],
  [b, fromB]: readonly [NumericArray, number],
  [out, to]: readonly [NumericArray, number],
): void {
  const { row: nextA, column: stepA } = stepsA;
  const { row: stepB, column: nextB } = stepsB;
  const tiled = columns - (columns % tileSize);
  for (let row = 0; row < rows; row++) {
    for (let block = 0; block < inner; block += blockSize) {
      const startA = fromA + row * nextA + block * stepA;
      const endA = startA + Math.min(blockSize, inner - block) * stepA;
      const startB = fromB + block * stepB;
      const isFirst = block === 0;
      let at = to + row * columns;
      let column = 0;
      for (; column < tiled; column += tileSize, at += tileSize) {
        let sum0 = 0;
        let sum1 = 0;
        let sum2 = 0;
        let sum3 = 0;
        let k = startB + column * nextB;
        for (let i = startA; i < endA; i += stepA, k += stepB) {
          const factor = a[i]!;
          sum0 += factor * b[k]!;
          sum1 += factor * b[k + nextB]!;
          sum2 += factor * b[k + 2 * nextB]!;
          sum3 += factor * b[k + 3 * nextB]!;
        }
        out[at] = isFirst ? sum0 : out[at]! + sum0;
        out[at + 1] = isFirst ? sum1 : out[at + 1]! + sum1;
        out[at + 2] = isFirst ? sum2 : out[at + 2]! + sum2;
        out[at + 3] = isFirst ? sum3 : out[at + 3]! + sum3;
      }
      for (; column < columns; column++, at++) {
        let sum = 0;
        let k = startB + column * nextB;
        for (let i = startA; i < endA; i += stepA, k += stepB) sum += a[i]! * b[k]!;
        out[at] = isFirst ? sum : out[at]! + sum;
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
  return (registers) => {
    const [from, other, to] = [registers[a.register]!, registers[b.register]!, registers[out.register]!];
    for (let batch = 0; batch < batches; batch++) {
      const left = [from, batch * matrices.a.batch] as const;
      const right = [other, batch * matrices.b.batch] as const;
      multiply(matrices, left, right, [to, batch * rows * columns]);
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
