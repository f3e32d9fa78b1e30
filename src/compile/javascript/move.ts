/** Kernels that move elements: slices, joins, transposes, repetition, padding, reversal. */
import { rowMajorStrides } from '../../ir/tensor-type.ts';
import { attribute } from '../ops/define-op.ts';
import { elementCount, numberLists, parseAxes } from '../ops/rules.ts';
import { resolveSlice } from '../ops/slice.ts';
import { resolveStridedSlice } from '../ops/strided-slice.ts';
import { sequence, type Closure, type MakeClosure, type Operand } from './closure.ts';
import { stridedCopy, type Walk } from './strided-copy.ts';

/** Through a whole tensor, in order. */
function through(shape: readonly number[]): Walk {
  return { start: 0, steps: rowMajorStrides(shape) };
}

function copy(sizes: readonly number[], source: Operand, from: Walk, target: Operand, to: Walk): Closure {
  const run = stridedCopy(sizes, from, to);
  return (registers) => {
    run(registers[source.register]!, registers[target.register]!);
  };
}

/** Fills the result from a walk through the input. */
function gathering(
  walk: (x: Operand, attributes: Parameters<MakeClosure>[0]['attributes']) => Walk,
): MakeClosure {
  return ({ inputs, outputs, attributes }) => {
    const [x] = inputs as readonly [Operand];
    const [out] = outputs as readonly [Operand];
    return copy(out.shape, x, walk(x, attributes), out, through(out.shape));
  };
}

function startOf(begin: readonly number[], steps: readonly number[]): number {
  return begin.reduce((sum, index, axis) => sum + index * steps[axis]!, 0);
}

const slice = gathering((x, attributes) => {
  const { steps } = through(x.shape);
  return { start: startOf(resolveSlice(x.shape, attributes)!.begin, steps), steps };
});

const stridedSlice: MakeClosure = ({ inputs, outputs, attributes }) => {
  const [x] = inputs as readonly [Operand];
  const [out] = outputs as readonly [Operand];
  const { begin, end, strides } = resolveStridedSlice(x.shape, attributes)!;
  const { steps } = through(x.shape);
  const from = { start: startOf(begin, steps), steps: steps.map((step, axis) => step * strides[axis]!) };
  // Sizes per axis of the input: of the result's, those that are no axis of the input are 1.
  const sizes = begin.map((first, axis) => Math.ceil((end[axis]! - first) / strides[axis]!));
  if (elementCount(sizes) !== out.size) return undefined;
  return copy(sizes, x, from, out, through(sizes));
};

/** Parts side by side along an axis of the result. */
function joining(
  parts: readonly Operand[],
  shapes: readonly (readonly number[])[],
  axis: number,
  out: Operand,
): Closure | undefined {
  if (parts.some((part) => part.dtype !== out.dtype)) return undefined;
  const shape = shapes[0]!.map((size, dim) =>
    dim === axis ? shapes.reduce((sum, each) => sum + each[axis]!, 0) : size,
  );
  const { steps } = through(shape);
  let offset = 0;
  return sequence(
    parts.map((part, index) => {
      const to = { start: offset * steps[axis]!, steps };
      offset += shapes[index]![axis]!;
      return copy(shapes[index]!, part, through(shapes[index]!), out, to);
    }),
  );
}

const concat: MakeClosure = ({ inputs, outputs, attributes }) => {
  const parts = inputs as readonly Operand[];
  const [axis] = parseAxes(attributes['axis'], parts[0]!.shape.length)!;
  return joining(
    parts,
    parts.map((part) => part.shape),
    axis!,
    outputs[0]!,
  );
};

const pack: MakeClosure = ({ inputs, outputs, attributes }) => {
  const parts = inputs as readonly Operand[];
  const [axis] = parseAxes(attributes['axis'], parts[0]!.shape.length + 1)!;
  const shapes = parts.map(({ shape }) => [...shape.slice(0, axis), 1, ...shape.slice(axis)]);
  return joining(parts, shapes, axis!, outputs[0]!);
};

/** The results side by side along an axis of the input. */
function parting(
  shapes: readonly (readonly number[])[],
  axis: number,
  x: Operand,
  outputs: readonly Operand[],
): Closure | undefined {
  const { steps } = through(x.shape);
  let offset = 0;
  return sequence(
    outputs.map((out, index) => {
      const from = { start: offset * steps[axis]!, steps };
      offset += shapes[index]![axis]!;
      return copy(shapes[index]!, x, from, out, through(shapes[index]!));
    }),
  );
}

const splitV: MakeClosure = ({ inputs, outputs, attributes }) => {
  const [x] = inputs as readonly [Operand];
  const [axis] = parseAxes(attributes['axis'], x.shape.length)!;
  return parting(
    outputs.map((out) => out.shape),
    axis!,
    x,
    outputs,
  );
};

const unpack: MakeClosure = ({ inputs, outputs, attributes }) => {
  const [x] = inputs as readonly [Operand];
  const [axis] = parseAxes(attributes['axis'], x.shape.length)!;
  const part = x.shape.map((size, dim) => (dim === axis ? 1 : size));
  return parting(
    outputs.map(() => part),
    axis!,
    x,
    outputs,
  );
};

const transpose = gathering((x, attributes) => {
  const { steps } = through(x.shape);
  return { start: 0, steps: attribute.numbers(attributes, 'perm').map((axis) => steps[axis]!) };
});

const reverse = gathering((x, attributes) => {
  const { steps } = through(x.shape);
  let start = 0;
  const turned = steps.slice();
  for (const axis of parseAxes(attributes['dims'], x.shape.length)!) {
    start += turned[axis]! * (x.shape[axis]! - 1);
    turned[axis] = -turned[axis]!;
  }
  return { start, steps: turned };
});

/** Each axis as two: which repetition, and where in it. */
const tile: MakeClosure = ({ inputs, outputs, attributes }) => {
  const [x] = inputs as readonly [Operand];
  const [out] = outputs as readonly [Operand];
  const reps = attribute.numbers(attributes, 'reps');
  const { steps } = through(x.shape);
  const sizes = x.shape.flatMap((size, axis) => [reps[axis]!, size]);
  const from = { start: 0, steps: steps.flatMap((step) => [0, step]) };
  return copy(sizes, x, from, out, through(sizes));
};

const pad: MakeClosure = ({ inputs, outputs, attributes }) => {
  const [x] = inputs as readonly [Operand];
  const [out] = outputs as readonly [Operand];
  const paddings = numberLists(attributes, 'paddings')!;
  const value = attribute.number(attributes, 'constantValue', 0);
  // Negative padding cuts.
  if (paddings.some((pair) => pair.some((size) => size < 0)) || out.dtype === 'bool') return undefined;
  const { steps } = through(out.shape);
  const to = {
    start: startOf(
      paddings.map((pair) => pair[0]!),
      steps,
    ),
    steps,
  };
  const write = copy(x.shape, x, through(x.shape), out, to);
  return (registers) => {
    registers[out.register]!.fill(value);
    write(registers);
  };
};

export const moveClosures: Readonly<Record<string, MakeClosure>> = {
  Concat: concat,
  Pack: pack,
  PadV2: pad,
  Reverse: reverse,
  Slice: slice,
  SplitV: splitV,
  StridedSlice: stridedSlice,
  Tile: tile,
  Transpose: transpose,
  Unpack: unpack,
};
