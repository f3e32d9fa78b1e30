/**
 * How the sizes of an operator's results hang on those of its operands: axes that are equal are unified, others follow by a
 * formula. Rules only link; what a formula does not explain stays fixed, and operators without a rule are taken to
 * broadcast. A wrong link costs a trial that the reference refuses, never a wrong result.
 */
import type { OnnxNode, OnnxTensor } from '../../onnx/index.ts';
import type { Dim, DimTable } from './dim-table.ts';

/** What a rule sees of its node. */
export interface RuleView {
  readonly node: OnnxNode;
  readonly table: DimTable;
  /** Sizes of an operand; undefined when it is absent or unknown. */
  operand(index: number): readonly Dim[] | undefined;
  /** Sizes of a result as they were seen. */
  seen(index: number): readonly number[];
  /** The integers of an operand that is a constant. */
  constant(index: number): readonly number[] | undefined;
  /** An integer of a constant operand, as a size that may be chosen with the others. */
  entry(index: number, at: number): Dim;
  /** An integer of an INTS attribute, likewise. */
  attributeEntry(name: string, at: number): Dim;
  ints(name: string): readonly number[] | undefined;
  int(name: string, otherwise: number): number;
}

/** Sizes of each result; a result that a rule leaves out is guessed. */
export type DimRule = (view: RuleView) => readonly (readonly Dim[])[];

function axisOf(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}

/** Result axes from the operands' axes at the same place, counted from the right. */
function broadcast(view: RuleView, operands: readonly (readonly Dim[])[], seen: readonly number[]): Dim[] {
  const { table } = view;
  return seen.map((size, axis) => {
    if (size === 1) return table.fixed(1);
    const fromRight = seen.length - axis;
    const same = operands.flatMap((dims) => {
      const dim = dims[dims.length - fromRight];
      return dim !== undefined && table.size(dim) === size ? [dim] : [];
    });
    const [first, ...others] = same;
    for (const other of others) table.unify(first!, other);
    if (first !== undefined) return first;
    const anywhere = operands.flat().find((dim) => table.size(dim) === size);
    return anywhere ?? table.fixed(size);
  });
}

function operandsOf(view: RuleView): (readonly Dim[])[] {
  return view.node.inputs.flatMap((_, index) => {
    const dims = view.operand(index);
    return dims === undefined ? [] : [dims];
  });
}

/** Operators without a rule. */
export const guess: DimRule = (view) =>
  view.node.outputs.map((_, index) => broadcast(view, operandsOf(view), view.seen(index)));

interface Run {
  readonly from: number[];
  readonly to: number[];
}

/** Axes of two shapes of one element count, cut into the shortest runs of equal product; ones are left out. */
function equalRuns(from: readonly number[], to: readonly number[]): Run[] {
  const runs: Run[] = [];
  let [left, right] = [0, 0];
  while (left < from.length || right < to.length) {
    const run: Run = { from: [], to: [] };
    let [product, target] = [1, 1];
    do {
      if (right >= to.length || (product <= target && left < from.length)) {
        product *= from[left]!;
        run.from.push(left++);
      } else {
        target *= to[right]!;
        run.to.push(right++);
      }
    } while (product !== target && (left < from.length || right < to.length));
    runs.push({
      from: run.from.filter((axis) => from[axis]! > 1),
      to: run.to.filter((axis) => to[axis]! > 1),
    });
  }
  return runs;
}

const product = (sizes: readonly number[]): number => sizes.reduce((all, size) => all * size, 1);

/**
 * Axes of a tensor that is seen in another shape with the same elements.
 * @param axisDim makes the size of an axis of the result.
 */
function regroup(
  { table }: RuleView,
  dims: readonly Dim[],
  seen: readonly number[],
  axisDim: (axis: number) => Dim,
): Dim[] {
  const result = seen.map((size, axis) => (size === 1 ? table.fixed(1) : axisDim(axis)));
  const sizes = dims.map((dim) => table.size(dim));
  for (const { from, to } of equalRuns(sizes, seen)) {
    const [left, right] = [from.map((axis) => dims[axis]!), to.map((axis) => result[axis]!)];
    if (left.length === 1 && right.length === 1) table.unify(left[0]!, right[0]!);
    else if (left.length === 1) table.unify(left[0]!, table.derived(table.size(left[0]!), right, product));
    else if (right.length === 1) table.unify(right[0]!, table.derived(table.size(right[0]!), left, product));
    else for (const dim of [...left, ...right]) table.freeze(dim);
  }
  return result;
}

const reshape: DimRule = (view) => {
  const [seen, dims, target] = [view.seen(0), view.operand(0), view.constant(1)];
  if (dims === undefined) return [];
  return [
    regroup(view, dims, seen, (axis) =>
      (target?.[axis] ?? 0) > 0 ? view.entry(1, axis) : view.table.free(seen[axis]!),
    ),
  ];
};

/** Squeeze, Unsqueeze, Flatten: nothing to choose. */
const otherShape: DimRule = (view) => {
  const [seen, dims] = [view.seen(0), view.operand(0)];
  return dims === undefined ? [] : [regroup(view, dims, seen, (axis) => view.table.free(seen[axis]!))];
};

const transpose: DimRule = (view) => {
  const dims = view.operand(0);
  if (dims === undefined) return [];
  const perm = view.ints('perm') ?? dims.map((_, axis) => dims.length - 1 - axis);
  return [perm.map((axis) => dims[axis]!)];
};

const matMul: DimRule = (view) => {
  const [left, right] = [view.operand(0), view.operand(1)];
  if (left === undefined || right === undefined) return [];
  const inner = right.length === 1 ? right[0]! : right.at(-2)!;
  view.table.unify(left.at(-1)!, inner);
  const seen = view.seen(0);
  const tail = [...(left.length > 1 ? [left.at(-2)!] : []), ...(right.length > 1 ? [right.at(-1)!] : [])];
  const batch = [left.slice(0, -2), right.slice(0, -2)];
  return [[...broadcast(view, batch, seen.slice(0, seen.length - tail.length)), ...tail]];
};

const gemm: DimRule = (view) => {
  const [left, right, added] = [view.operand(0), view.operand(1), view.operand(2)];
  if (left?.length !== 2 || right?.length !== 2) return [];
  const [rows, inner] = view.int('transA', 0) === 0 ? left : [left[1]!, left[0]!];
  const [other, columns] = view.int('transB', 0) === 0 ? right : [right[1]!, right[0]!];
  view.table.unify(inner!, other!);
  const result = [rows!, columns!];
  if (added !== undefined) broadcast(view, [result, added], view.seen(0));
  return [result];
};

const concat: DimRule = (view) => {
  const operands = operandsOf(view);
  const seen = view.seen(0);
  const axis = axisOf(view.int('axis', 0), seen.length);
  const joined = operands.map((dims) => dims[axis]!);
  const sum = view.table.derived(seen[axis]!, joined, (sizes) => sizes.reduce((all, size) => all + size, 0));
  const others = broadcast(view, operands, seen);
  return [seen.map((_, at) => (at === axis ? sum : others[at]!))];
};

const split: DimRule = (view) => {
  const dims = view.operand(0);
  if (dims === undefined) return [];
  const axis = axisOf(view.int('axis', 0), dims.length);
  const count = view.node.outputs.length;
  const isEven = view.operand(1) === undefined && view.ints('split') === undefined;
  if (!isEven) view.table.freeze(dims[axis]!);
  return view.node.outputs.map((_, index) => {
    const size = view.seen(index)[axis]!;
    const part = isEven
      ? view.table.derived(size, [dims[axis]!], ([all]) => all! / count)
      : view.table.fixed(size);
    return dims.map((dim, at) => (at === axis ? part : dim));
  });
};

/** Elements of `start:end:step` in an axis of `size`. */
export function sliceLength(size: number, start: number, end: number, step: number): number {
  const clamp = (at: number): number => {
    const counted = at < 0 ? at + size : at;
    return step > 0 ? Math.min(Math.max(counted, 0), size) : Math.min(Math.max(counted, -1), size - 1);
  };
  return Math.max(0, Math.ceil((clamp(end) - clamp(start)) / step));
}

const slice: DimRule = (view) => {
  const dims = view.operand(0);
  const starts = view.constant(1) ?? view.ints('starts');
  const ends = view.constant(2) ?? view.ints('ends');
  if (dims === undefined || starts === undefined || ends === undefined) return [];
  const axes = view.constant(3) ?? view.ints('axes') ?? starts.map((_, index) => index);
  const steps = view.constant(4) ?? starts.map(() => 1);
  const seen = view.seen(0);
  return [
    dims.map((dim, axis) => {
      const at = axes.findIndex((each) => axisOf(each, dims.length) === axis);
      if (at < 0) return dim;
      const cut = ([size]: readonly number[]): number =>
        sliceLength(size!, starts[at]!, ends[at]!, steps[at]!);
      return view.table.derived(seen[axis]!, [dim], cut);
    }),
  ];
};

const pad: DimRule = (view) => {
  const [dims, pads] = [view.operand(0), view.constant(1) ?? view.ints('pads')];
  if (dims === undefined || pads?.length !== 2 * dims.length) return [];
  const seen = view.seen(0);
  return [
    dims.map((dim, axis) => {
      const more = pads[axis]! + pads[axis + dims.length]!;
      return more === 0 ? dim : view.table.derived(seen[axis]!, [dim], ([size]) => size! + more);
    }),
  ];
};

/** Sizes of the window of a convolution or pool. */
function windowDims(view: RuleView, weights: readonly Dim[] | undefined): Dim[] | undefined {
  const kernel = view.ints('kernel_shape');
  const fromAttribute = kernel?.map((_, at) => view.attributeEntry('kernel_shape', at));
  const fromWeights = weights?.slice(2);
  fromWeights?.forEach((dim, at) => {
    if (fromAttribute !== undefined) view.table.unify(dim, fromAttribute[at]!);
  });
  return fromWeights ?? fromAttribute;
}

/** Places of a window along each spatial axis. */
function windowCounts(view: RuleView, dims: readonly Dim[], window: readonly Dim[]): Dim[] {
  const spatial = dims.length - 2;
  const strides = view.ints('strides') ?? Array.from({ length: spatial }, () => 1);
  const dilations = view.ints('dilations') ?? Array.from({ length: spatial }, () => 1);
  const pads = view.ints('pads') ?? Array.from({ length: 2 * spatial }, () => 0);
  const isSame = attributeText(view.node, 'auto_pad').startsWith('SAME');
  const round = view.int('ceil_mode', 0) === 0 ? Math.floor : Math.ceil;
  const seen = view.seen(0);
  return dims.slice(2).map((dim, at) =>
    view.table.derived(seen[at + 2]!, [dim, window[at]!], ([size, width]) => {
      if (isSame) return Math.ceil(size! / strides[at]!);
      const reach = dilations[at]! * (width! - 1) + 1;
      return round((size! + pads[at]! + pads[at + spatial]! - reach) / strides[at]!) + 1;
    }),
  );
}

function attributeText(node: OnnxNode, name: string): string {
  const attribute = node.attributes[name];
  return attribute?.kind === 'string' && typeof attribute.value === 'string' ? attribute.value : '';
}

const conv: DimRule = (view) => {
  const [dims, weights, bias] = [view.operand(0), view.operand(1), view.operand(2)];
  if (dims === undefined || weights === undefined) return [];
  const { table } = view;
  const groups = view.int('group', 1);
  const channels =
    groups === 1
      ? weights[1]!
      : table.derived(table.size(dims[1]!), [weights[1]!], ([part]) => part! * groups);
  table.unify(dims[1]!, channels);
  if (bias !== undefined) table.unify(bias[0]!, weights[0]!);
  return [[dims[0]!, weights[0]!, ...windowCounts(view, dims, windowDims(view, weights)!)]];
};

const pool: DimRule = (view) => {
  const dims = view.operand(0);
  const window = windowDims(view, undefined);
  if (dims === undefined || window === undefined) return [];
  const result = [dims[0]!, dims[1]!, ...windowCounts(view, dims, window)];
  return view.node.outputs.map(() => result);
};

const globalPool: DimRule = (view) => {
  const dims = view.operand(0);
  return dims === undefined ? [] : [dims.map((dim, axis) => (axis < 2 ? dim : view.table.fixed(1)))];
};

const reduce: DimRule = (view) => {
  const dims = view.operand(0);
  if (dims === undefined) return [];
  const given = view.constant(1) ?? view.ints('axes') ?? [];
  const isArg = view.node.opType.startsWith('Arg');
  const axes = isArg ? [view.int('axis', 0)] : given.length > 0 ? given : dims.map((_, axis) => axis);
  const gone = new Set(axes.map((axis) => axisOf(axis, dims.length)));
  const keepsDims = view.int('keepdims', 1) !== 0;
  return [
    dims.flatMap((dim, axis) => {
      if (!gone.has(axis)) return [dim];
      return keepsDims ? [view.table.fixed(1)] : [];
    }),
  ];
};

const gather: DimRule = (view) => {
  const [dims, indices] = [view.operand(0), view.operand(1)];
  if (dims === undefined || indices === undefined) return [];
  const axis = axisOf(view.int('axis', 0), dims.length);
  return [[...dims.slice(0, axis), ...indices, ...dims.slice(axis + 1)]];
};

const expand: DimRule = (view) => {
  const [dims, target, seen] = [view.operand(0), view.constant(1), view.seen(0)];
  if (dims === undefined || target === undefined) return [];
  const added = target.map((size, at) => (size > 1 ? view.entry(1, at) : view.table.fixed(1)));
  return [broadcast(view, [dims, added], seen)];
};

const constantOfShape: DimRule = (view) => {
  const target = view.constant(0);
  return target === undefined ? [] : [target.map((_, at) => view.entry(0, at))];
};

const tile: DimRule = (view) => {
  const [dims, repeats, seen] = [view.operand(0), view.constant(1), view.seen(0)];
  if (dims === undefined || repeats === undefined) return [];
  return [
    dims.map((dim, axis) => view.table.derived(seen[axis]!, [dim], ([size]) => size! * repeats[axis]!)),
  ];
};

const reductions = ['Sum', 'Mean', 'Max', 'Min', 'Prod', 'L1', 'L2', 'LogSum', 'LogSumExp', 'SumSquare'];

/** By operator of ONNX's own domain. */
export const dimRules: Readonly<Record<string, DimRule | undefined>> = {
  Reshape: reshape,
  Squeeze: otherShape,
  Unsqueeze: otherShape,
  Flatten: otherShape,
  Transpose: transpose,
  MatMul: matMul,
  MatMulInteger: matMul,
  Gemm: gemm,
  Concat: concat,
  Split: split,
  Slice: slice,
  Pad: pad,
  Conv: conv,
  MaxPool: pool,
  AveragePool: pool,
  LpPool: pool,
  GlobalAveragePool: globalPool,
  GlobalMaxPool: globalPool,
  Gather: gather,
  Expand: expand,
  ConstantOfShape: constantOfShape,
  Tile: tile,
  ArgMax: reduce,
  ArgMin: reduce,
  ...Object.fromEntries(reductions.map((name) => [`Reduce${name}`, reduce])),
};

/** Operands that are lists of sizes or axes, not data: their values are left alone where nothing links them. */
export function integersOf(tensor: OnnxTensor | undefined): readonly number[] | undefined {
  if (tensor === undefined || (tensor.dataType !== 'int64' && tensor.dataType !== 'int32')) return undefined;
  return Array.from(tensor.data as ArrayLike<number | bigint>, Number);
}
