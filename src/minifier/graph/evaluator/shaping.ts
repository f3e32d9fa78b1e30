/** Operators that move elements without computing. */
import type { OnnxTensor } from '../../../onnx/index.ts';
import { sliceLength } from '../dim-rules.ts';
import {
  axisOf,
  broadcastDims,
  broadcastPositions,
  cells,
  elementsOf,
  pick,
  stridesOf,
  Unsupported,
  walk,
  type Cells,
} from './cells.ts';
import type { Evaluate, Operation } from './operation.ts';

/** A tensor's numbers as doubles. @throws Unsupported for strings and types that are stored as bits. */
export function toCells({ dataType, dims, data }: Pick<OnnxTensor, 'dataType' | 'dims' | 'data'>): Cells {
  const isPlain = /^(?:float32|float64|bool|u?int(?:8|16|32|64))$/.test(dataType);
  if (!isPlain) throw new Unsupported(`${dataType} values`);
  return cells(dataType, dims, Float64Array.from(data as ArrayLike<number | bigint>, Number));
}

function reshaped(value: Cells, dims: readonly number[]): Cells {
  if (elementsOf(dims) !== value.data.length) throw new Unsupported('a shape of another size');
  return { ...value, dims };
}

const reshape: Evaluate = (op) => {
  const value = op.at(0);
  const isLiteral = op.int('allowzero', 0) === 1;
  const target = (op.list(1, 'shape') ?? []).map((size, axis) =>
    size === 0 && !isLiteral ? value.dims[axis]! : size,
  );
  const known = elementsOf(target.filter((size) => size !== -1));
  return [
    reshaped(
      value,
      target.map((size) => (size === -1 ? value.data.length / known : size)),
    ),
  ];
};

const flatten: Evaluate = (op) => {
  const value = op.at(0);
  const axis = axisOf(op.int('axis', 1), value.dims.length);
  return [reshaped(value, [elementsOf(value.dims.slice(0, axis)), elementsOf(value.dims.slice(axis))])];
};

const squeeze: Evaluate = (op) => {
  const value = op.at(0);
  const axes = op.list(1, 'axes')?.map((axis) => axisOf(axis, value.dims.length));
  return [
    reshaped(
      value,
      value.dims.filter((size, axis) => (axes === undefined ? size !== 1 : !axes.includes(axis))),
    ),
  ];
};

const unsqueeze: Evaluate = (op) => {
  const value = op.at(0);
  const given = op.list(1, 'axes') ?? [];
  const rank = value.dims.length + given.length;
  const axes = new Set(given.map((axis) => axisOf(axis, rank)));
  let next = 0;
  return [
    reshaped(
      value,
      Array.from({ length: rank }, (_, axis) => (axes.has(axis) ? 1 : value.dims[next++]!)),
    ),
  ];
};

const transpose: Evaluate = (op) => {
  const value = op.at(0);
  const perm = op.ints('perm') ?? value.dims.map((_, axis) => value.dims.length - 1 - axis);
  const strides = stridesOf(value.dims);
  const dims = perm.map((axis) => value.dims[axis]!);
  return [
    pick(
      value,
      dims,
      walk(
        dims,
        perm.map((axis) => strides[axis]!),
        0,
      ),
    ),
  ];
};

const concat: Evaluate = (op) => {
  const parts = Array.from({ length: op.count }, (_, index) => op.at(index));
  const [first] = parts as [Cells];
  const axis = axisOf(op.int('axis', 1), first.dims.length);
  const size = parts.reduce((sum, { dims }) => sum + dims[axis]!, 0);
  const dims = first.dims.map((each, at) => (at === axis ? size : each));
  const result = cells(first.dataType, dims);
  const inner = elementsOf(dims.slice(axis + 1));
  let offset = 0;
  for (const part of parts) {
    const run = part.dims[axis]! * inner;
    const count = run === 0 ? 0 : part.data.length / run;
    for (let outer = 0; outer < count; outer++) {
      result.data.set(part.data.subarray(outer * run, (outer + 1) * run), outer * size * inner + offset);
    }
    offset += run;
  }
  return [result];
};

/** A box of elements: where it starts, its step and its size along each axis. */
function box(
  value: Cells,
  starts: readonly number[],
  steps: readonly number[],
  dims: readonly number[],
): Cells {
  const strides = stridesOf(value.dims);
  const start = starts.reduce((sum, at, axis) => sum + at * strides[axis]!, 0);
  return pick(
    value,
    dims,
    walk(
      dims,
      steps.map((step, axis) => step * strides[axis]!),
      start,
    ),
  );
}

const split: Evaluate = (op) => {
  const value = op.at(0);
  const axis = axisOf(op.int('axis', 0), value.dims.length);
  const size = value.dims[axis]!;
  const count = op.node.outputs.length;
  const even = Math.ceil(size / count);
  const sizes =
    op.list(1, 'split') ?? Array.from({ length: count }, (_, index) => Math.min(even, size - index * even));
  let offset = 0;
  return sizes.map((part) => {
    const starts = value.dims.map((_, at) => (at === axis ? offset : 0));
    offset += part;
    return box(
      value,
      starts,
      value.dims.map(() => 1),
      value.dims.map((each, at) => (at === axis ? part : each)),
    );
  });
};

const slice: Evaluate = (op) => {
  const value = op.at(0);
  const [from, to] = [op.list(1, 'starts') ?? [], op.list(2, 'ends') ?? []];
  const axes = (op.list(3, 'axes') ?? from.map((_, index) => index)).map((axis) =>
    axisOf(axis, value.dims.length),
  );
  const given = op.list(4, 'steps') ?? from.map(() => 1);
  const starts = value.dims.map(() => 0);
  const steps = value.dims.map(() => 1);
  const dims = [...value.dims];
  for (const [index, axis] of axes.entries()) {
    const size = value.dims[axis]!;
    const [start, step] = [from[index]!, given[index]!];
    dims[axis] = sliceLength(size, start, to[index]!, step);
    const counted = start < 0 ? start + size : start;
    starts[axis] = Math.min(Math.max(counted, 0), step < 0 ? size - 1 : size);
    steps[axis] = step;
  }
  return [box(value, starts, steps, dims)];
};

const pad: Evaluate = (op) => {
  const value = op.at(0);
  const pads = op.list(1, 'pads') ?? [];
  const mode = op.text('mode') || 'constant';
  const rank = value.dims.length;
  if (pads.length !== 2 * rank || op.optional(3) !== undefined || mode === 'wrap')
    throw new Unsupported('this Pad');
  const filler = op.optional(2)?.data[0] ?? op.float('value', 0);
  const dims = value.dims.map((size, axis) => size + pads[axis]! + pads[axis + rank]!);
  const strides = stridesOf(value.dims);
  const result = cells(value.dataType, dims);
  const own = stridesOf(dims);
  for (let index = 0; index < result.data.length; index++) {
    let position = 0;
    for (let axis = 0; axis < rank && position >= 0; axis++) {
      const size = value.dims[axis]!;
      let at = (Math.floor(index / own[axis]!) % dims[axis]!) - pads[axis]!;
      if (mode === 'edge') at = Math.min(Math.max(at, 0), size - 1);
      else if (mode === 'reflect') at = at < 0 ? -at : at >= size ? 2 * (size - 1) - at : at;
      position = at < 0 || at >= size ? -1 : position + at * strides[axis]!;
    }
    result.data[index] = position < 0 ? filler : value.data[position]!;
  }
  return [result];
};

function expanded(value: Cells, target: readonly number[]): Cells {
  const dims = broadcastDims([value.dims, target]);
  return pick(value, dims, broadcastPositions(value.dims, dims));
}

const tile: Evaluate = (op) => {
  let value = op.at(0);
  for (const [axis, times] of [...op.at(1).data].entries()) {
    const outer = elementsOf(value.dims.slice(0, axis));
    const run = value.data.length / Math.max(outer, 1);
    const dims = value.dims.map((size, at) => (at === axis ? size * times : size));
    const data = new Float64Array(elementsOf(dims));
    for (let index = 0; index < outer * times; index++) {
      const from = Math.floor(index / times) * run;
      data.set(value.data.subarray(from, from + run), index * run);
    }
    value = cells(value.dataType, dims, data);
  }
  return [value];
};

const gather: Evaluate = (op) => {
  const [value, indices] = [op.at(0), op.at(1)];
  const axis = axisOf(op.int('axis', 0), value.dims.length);
  const size = value.dims[axis]!;
  const run = elementsOf(value.dims.slice(axis + 1));
  const dims = [...value.dims.slice(0, axis), ...indices.dims, ...value.dims.slice(axis + 1)];
  const result = cells(value.dataType, dims);
  const outer = elementsOf(value.dims.slice(0, axis));
  for (let row = 0; row < outer; row++) {
    for (const [index, raw] of indices.data.entries()) {
      const at = axisOf(raw, size);
      if (at < 0 || at >= size) throw new Unsupported('an index out of range');
      const from = (row * size + at) * run;
      result.data.set(value.data.subarray(from, from + run), (row * indices.data.length + index) * run);
    }
  }
  return [result];
};

function int64(values: readonly number[], dims: readonly number[]): Cells {
  return cells('int64', dims, Float64Array.from(values));
}

const constant: Evaluate = (op) => {
  const { value } = op.node.attributes;
  if (value?.kind === 'tensor') return [toCells(value.value)];
  const [number, list] = [op.node.attributes['value_float'], op.ints('value_ints')];
  if (number?.kind === 'float') return [cells('float32', [], Float64Array.of(number.value))];
  if (list !== undefined) return [int64(list, [list.length])];
  if (op.node.attributes['value_int'] !== undefined) return [int64([op.int('value_int', 0)], [])];
  throw new Unsupported('this Constant');
};

function filled(op: Operation): Cells {
  const { value } = op.node.attributes;
  const filler = value?.kind === 'tensor' ? toCells(value.value) : cells('float32', [1]);
  const dims = [...op.at(0).data];
  return cells(filler.dataType, dims, new Float64Array(elementsOf(dims)).fill(filler.data[0]!));
}

const shape: Evaluate = (op) => {
  const { dims } = op.at(0);
  const part = dims.slice(op.int('start', 0), op.int('end', dims.length));
  return [int64(part, [part.length])];
};

export const shaping: Readonly<Record<string, Evaluate>> = {
  Concat: concat,
  Constant: constant,
  ConstantOfShape: (op) => [filled(op)],
  Expand: (op) => [expanded(op.at(0), [...op.at(1).data])],
  Flatten: flatten,
  Gather: gather,
  Pad: pad,
  Reshape: reshape,
  Shape: shape,
  Size: (op) => [int64([op.at(0).data.length], [])],
  Slice: slice,
  Split: split,
  Squeeze: squeeze,
  Tile: tile,
  Transpose: transpose,
  Unsqueeze: unsqueeze,
};
