/** Kernels that read or write at indices. An index outside raises an error, as it does in onnxruntime. */
import { rowMajorStrides } from '../../ir/tensor-type.ts';
import { attribute } from '../ops/define-op.ts';
import { gatherShape, scatterSizes } from '../ops/gather.ts';
import { elementCount } from '../ops/rules.ts';
import type { MakeClosure, NumericArray, Operand } from './closure.ts';

function checked(index: number, size: number): number {
  if (!(index >= 0 && index < size)) throw new RangeError(`index ${index} is not in [0, ${size - 1}]`);
  return index;
}

const gather: MakeClosure = ({ inputs, outputs, attributes }) => {
  const [x, indices] = inputs as readonly [Operand, Operand];
  const [out] = outputs as readonly [Operand];
  const { axis, batchDims } = gatherShape(x, indices, { attributes })!;
  if (indices.dtype !== 'int32' || batchDims > 0) return undefined;
  const outer = elementCount(x.shape.slice(0, axis));
  const inner = elementCount(x.shape.slice(axis + 1));
  const size = x.shape[axis]!;
  return (registers) => {
    const [from, at, to] = [registers[x.register]!, registers[indices.register]!, registers[out.register]!];
    let write = 0;
    for (let block = 0; block < outer; block++) {
      for (let index = 0; index < indices.size; index++) {
        const start = (block * size + checked(at[index]!, size)) * inner;
        for (let element = 0; element < inner; element++) to[write++] = from[start + element]!;
      }
    }
  };
};

/** Position of the slice that row `row` of the indices addresses. */
function sliceAt(
  indices: NumericArray,
  row: number,
  shape: readonly number[],
  steps: readonly number[],
  depth: number,
): number {
  let position = 0;
  for (let axis = 0; axis < depth; axis++) {
    position += checked(indices[row * depth + axis]!, shape[axis]!) * steps[axis]!;
  }
  return position;
}

const gatherNd: MakeClosure = ({ inputs, outputs }) => {
  const [params, indices] = inputs as readonly [Operand, Operand];
  const [out] = outputs as readonly [Operand];
  const depth = indices.shape.at(-1)!;
  if (depth === 0) return undefined;
  const steps = rowMajorStrides(params.shape);
  const width = elementCount(params.shape.slice(depth));
  const rows = indices.size / depth;
  return (registers) => {
    const [from, at, to] = [
      registers[params.register]!,
      registers[indices.register]!,
      registers[out.register]!,
    ];
    for (let row = 0; row < rows; row++) {
      const start = sliceAt(at, row, params.shape, steps, depth);
      for (let element = 0; element < width; element++) to[row * width + element] = from[start + element]!;
    }
  };
};

/** Sums up what goes to the same place, stored at each step. */
const scatterNd: MakeClosure = ({ inputs, outputs }) => {
  const [indices, updates] = inputs as readonly [Operand, Operand];
  const [out] = outputs as readonly [Operand];
  const { depth, count } = scatterSizes(indices);
  if (depth === 0 || indices.dtype !== 'int32' || updates.dtype !== out.dtype || out.dtype === 'bool')
    return undefined;
  const steps = rowMajorStrides(out.shape);
  const width = elementCount(out.shape.slice(depth));
  const isScalar = updates.shape.length === 0;
  return (registers) => {
    const [at, from, to] = [
      registers[indices.register]!,
      registers[updates.register]!,
      registers[out.register]!,
    ];
    to.fill(0);
    for (let row = 0; row < count; row++) {
      const start = sliceAt(at, row, out.shape, steps, depth);
      for (let element = 0; element < width; element++) {
        to[start + element]! += from[isScalar ? 0 : row * width + element]!;
      }
    }
  };
};

/** Rows of `x` summed up by the segment that each belongs to; a segment outside is nobody's. */
const segmentSum: MakeClosure = ({ inputs, outputs, attributes }) => {
  const [x, segments] = inputs as readonly [Operand, Operand];
  const [out] = outputs as readonly [Operand];
  const count = attribute.number(attributes, 'numSegments');
  if (segments.dtype !== 'int32' || x.dtype !== out.dtype) return undefined;
  const width = x.size / segments.size;
  return (registers) => {
    const [from, at] = [registers[x.register]!, registers[segments.register]!];
    const sums = new Float64Array(out.size);
    for (let row = 0; row < segments.size; row++) {
      const segment = at[row]!;
      const isWithin = segment >= 0 && segment < count;
      for (let element = 0; element < width; element++) {
        const value = from[row * width + element]!;
        const own = segment * width + element;
        if (isWithin) sums[own]! += value;
        if (Number.isFinite(value)) continue;
        // Eager multiplies each row by 0 for all segments but its own, and an infinity times 0 is NaN.
        for (let other = element; other < sums.length; other += width)
          if (other !== own) sums[other] = Number.NaN;
      }
    }
    registers[out.register]!.set(sums);
  };
};

const oneHot: MakeClosure = ({ inputs, outputs, attributes }) => {
  const [indices] = inputs as readonly [Operand];
  const [out] = outputs as readonly [Operand];
  const depth = attribute.number(attributes, 'depth');
  const on = attribute.number(attributes, 'onValue', 1);
  const off = attribute.number(attributes, 'offValue', 0);
  if (indices.dtype !== 'int32') return undefined;
  return (registers) => {
    const [from, to] = [registers[indices.register]!, registers[out.register]!];
    to.fill(off);
    for (let row = 0; row < indices.size; row++) {
      const index = from[row]!;
      if (index >= 0 && index < depth) to[row * depth + index] = on;
    }
  };
};

export const gatherClosures: Readonly<Record<string, MakeClosure>> = {
  GatherNd: gatherNd,
  GatherV2: gather,
  OneHot: oneHot,
  ScatterNd: scatterNd,
  UnsortedSegmentSum: segmentSum,
};
