/** Operators that add up: reductions, products, convolutions, pools, normalizations. */
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
import type { Evaluate, Operation, Work } from './operation.ts';

/** The elements along some axes, for each place of the others: runs of `inner` elements. */
function groups(value: Cells, axes: ReadonlySet<number>): { readonly runs: Cells; readonly inner: number } {
  const order = value.dims.map((_, axis) => axis);
  const perm = [...order.filter((axis) => !axes.has(axis)), ...order.filter((axis) => axes.has(axis))];
  const strides = stridesOf(value.dims);
  const dims = perm.map((axis) => value.dims[axis]!);
  const runs = pick(
    value,
    dims,
    walk(
      dims,
      perm.map((axis) => strides[axis]!),
      0,
    ),
  );
  return { runs, inner: elementsOf([...axes].map((axis) => value.dims[axis]!)) };
}

type Fold = (run: Float64Array) => number;

const sum: Fold = (run) => run.reduce((total, x) => total + x, 0);
const most: Fold = (run) => run.reduce((best, x) => Math.max(best, x), -Infinity);

const folds: Readonly<Record<string, Fold>> = {
  ReduceL1: (run) => sum(run.map(Math.abs)),
  ReduceL2: (run) => Math.sqrt(sum(run.map((x) => x * x))),
  ReduceLogSum: (run) => Math.log(sum(run)),
  ReduceLogSumExp: (run) => {
    const top = most(run);
    return Number.isFinite(top) ? top + Math.log(sum(run.map((x) => Math.exp(x - top)))) : top;
  },
  ReduceMax: most,
  ReduceMean: (run) => sum(run) / run.length,
  ReduceMin: (run) => run.reduce((best, x) => Math.min(best, x), Infinity),
  ReduceProd: (run) => run.reduce((total, x) => total * x, 1),
  ReduceSum: sum,
  ReduceSumSquare: (run) => sum(run.map((x) => x * x)),
};

function reduced(
  value: Cells,
  axes: ReadonlySet<number>,
  keepsDims: boolean,
  fold: Fold,
  dataType = value.dataType,
): Cells {
  const { runs, inner } = groups(value, axes);
  const dims = value.dims.flatMap((size, axis) => (axes.has(axis) ? (keepsDims ? [1] : []) : [size]));
  const result = cells(dataType, dims);
  for (let index = 0; index < result.data.length; index++) {
    result.data[index] = fold(runs.data.subarray(index * inner, (index + 1) * inner));
  }
  return result;
}

const reduce =
  (fold: Fold): Evaluate =>
  (op) => {
    const value = op.at(0);
    const given = op.list(1, 'axes') ?? [];
    if (given.length === 0 && op.int('noop_with_empty_axes', 0) === 1)
      throw new Unsupported('no axes to reduce');
    const all = value.dims.map((_, axis) => axis);
    const axes = new Set(given.length === 0 ? all : given.map((axis) => axisOf(axis, value.dims.length)));
    return [reduced(value, axes, op.int('keepdims', 1) !== 0, fold)];
  };

const arg =
  (sign: 1 | -1): Evaluate =>
  (op) => {
    const value = op.at(0);
    const isLast = op.int('select_last_index', 0) === 1;
    const axes = new Set([axisOf(op.int('axis', 0), value.dims.length)]);
    const best: Fold = (run) => {
      let at = 0;
      for (let index = 1; index < run.length; index++) {
        const gain = sign * (run[index]! - run[at]!);
        if (gain > 0 || (gain === 0 && isLast)) at = index;
      }
      return at;
    };
    return [reduced(value, axes, op.int('keepdims', 1) !== 0, best, 'int64')];
  };

function softmaxOf(op: Operation, isLog: boolean): Cells {
  const value = op.at(0);
  const rank = value.dims.length;
  const axis = axisOf(op.int('axis', op.opset < 13 ? 1 : -1), rank);
  // Before opset 13 all axes from this one on are one.
  const axes = op.opset < 13 ? value.dims.map((_, at) => at).filter((at) => at >= axis) : [axis];
  const along = new Set(axes);
  const top = reduced(value, along, true, most);
  const at = broadcastPositions(top.dims, value.dims);
  const shifted = value.data.map((x, index) => x - top.data[at[index]!]!);
  const total = reduced(cells(value.dataType, value.dims, shifted.map(Math.exp)), along, true, sum);
  return cells(
    value.dataType,
    value.dims,
    shifted.map((x, index) => {
      const all = total.data[at[index]!]!;
      return isLog ? x - Math.log(all) : Math.exp(x) / all;
    }),
  );
}

function matMul(left: Cells, right: Cells, work: Work): Cells {
  const a = left.dims.length === 1 ? [1, ...left.dims] : left.dims;
  const b = right.dims.length === 1 ? [...right.dims, 1] : right.dims;
  const [rows, inner, columns] = [a.at(-2)!, a.at(-1)!, b.at(-1)!];
  if (b.at(-2) !== inner) throw new Unsupported('inner sizes that differ');
  const batch = broadcastDims([a.slice(0, -2), b.slice(0, -2), []]);
  const count = elementsOf(batch);
  work.spend(count * rows * inner * columns);
  const [atLeft, atRight] = [
    broadcastPositions(a.slice(0, -2), batch),
    broadcastPositions(b.slice(0, -2), batch),
  ];
  const data = new Float64Array(count * rows * columns);
  for (let item = 0; item < count; item++) {
    for (let row = 0; row < rows; row++) {
      const to = (item * rows + row) * columns;
      for (let k = 0; k < inner; k++) {
        const factor = left.data[(atLeft[item]! * rows + row) * inner + k]!;
        const from = (atRight[item]! * inner + k) * columns;
        for (let column = 0; column < columns; column++)
          data[to + column]! += factor * right.data[from + column]!;
      }
    }
  }
  const tail = [...(left.dims.length > 1 ? [rows] : []), ...(right.dims.length > 1 ? [columns] : [])];
  return cells(left.dataType, [...batch, ...tail], data);
}

function turned(value: Cells): Cells {
  const [rows, columns] = value.dims as [number, number];
  return pick(value, [columns, rows], walk([columns, rows], [1, columns], 0));
}

const gemm: Evaluate = (op) => {
  const left = op.int('transA', 0) === 0 ? op.at(0) : turned(op.at(0));
  const right = op.int('transB', 0) === 0 ? op.at(1) : turned(op.at(1));
  const product = matMul(left, right, op.work);
  const [alpha, beta, added] = [op.float('alpha', 1), op.float('beta', 1), op.optional(2)];
  const at = added && broadcastPositions(added.dims, product.dims);
  const data = product.data.map((x, index) => alpha * x + (added ? beta * added.data[at![index]!]! : 0));
  return [{ ...product, data }];
};

interface Window {
  readonly size: number;
  readonly stride: number;
  readonly dilation: number;
  readonly before: number;
  readonly count: number;
  /** Size of the input, and with the padding that counts as elements. */
  readonly input: number;
  readonly padded: number;
}

function windowsOf(op: Operation, dims: readonly number[], kernel: readonly number[]): Window[] {
  const strides = op.ints('strides');
  const dilations = op.ints('dilations');
  const pads = op.ints('pads') ?? kernel.flatMap(() => [0, 0]);
  const auto = op.text('auto_pad');
  return kernel.map((size, axis) => {
    const [stride, dilation, input] = [strides?.[axis] ?? 1, dilations?.[axis] ?? 1, dims[axis + 2]!];
    const reach = dilation * (size - 1) + 1;
    if (auto.startsWith('SAME')) {
      const count = Math.ceil(input / stride);
      const total = Math.max(0, (count - 1) * stride + reach - input);
      const before = auto === 'SAME_UPPER' ? Math.floor(total / 2) : Math.ceil(total / 2);
      return { size, stride, dilation, before, count, input, padded: input + total };
    }
    const before = auto === 'VALID' ? 0 : pads[axis]!;
    const after = auto === 'VALID' ? 0 : pads[axis + kernel.length]!;
    const places = (input + before + after - reach) / stride;
    let count = (op.int('ceil_mode', 0) === 1 ? Math.ceil(places) : Math.floor(places)) + 1;
    // A window must begin inside of the input or of the padding before it.
    if (op.int('ceil_mode', 0) === 1 && (count - 1) * stride >= input + before) count--;
    return { size, stride, dilation, before, count, input, padded: input + before + after };
  });
}

/** For each place and each element of the window: the position in one channel, -1 for padding, -2 for beyond it. */
function windowPositions(
  windows: readonly Window[],
  work: Work,
): {
  readonly places: number;
  readonly taps: number;
  readonly at: Int32Array;
} {
  const places = elementsOf(windows.map(({ count }) => count));
  const taps = elementsOf(windows.map(({ size }) => size));
  work.spend(places * taps);
  const strides = stridesOf(windows.map(({ input }) => input));
  const [outer, inner] = [
    stridesOf(windows.map(({ count }) => count)),
    stridesOf(windows.map(({ size }) => size)),
  ];
  const at = new Int32Array(places * taps);
  for (let place = 0; place < places; place++) {
    for (let tap = 0; tap < taps; tap++) {
      let position = 0;
      for (const [axis, { size, stride, dilation, before, count, input, padded }] of windows.entries()) {
        const index =
          (Math.floor(place / outer[axis]!) % count) * stride +
          (Math.floor(tap / inner[axis]!) % size) * dilation;
        const inside = index - before;
        if (index >= padded) position = -2;
        else if (position >= 0 && (inside < 0 || inside >= input)) position = -1;
        else if (position >= 0) position += inside * strides[axis]!;
      }
      at[place * taps + tap] = position;
    }
  }
  return { places, taps, at };
}

const conv: Evaluate = (op) => {
  const [value, weights, bias] = [op.at(0), op.at(1), op.optional(2)];
  const [batch, channels] = value.dims as [number, number];
  const [filters, depth] = weights.dims as [number, number];
  const windows = windowsOf(op, value.dims, weights.dims.slice(2));
  const { places, taps, at } = windowPositions(windows, op.work);
  const perGroup = filters / op.int('group', 1);
  const area = elementsOf(value.dims.slice(2));
  op.work.spend(batch * filters * depth * places * taps);
  const result = cells(value.dataType, [batch, filters, ...windows.map(({ count }) => count)]);
  for (let item = 0; item < batch; item++) {
    for (let filter = 0; filter < filters; filter++) {
      const first = Math.floor(filter / perGroup) * depth;
      for (let place = 0; place < places; place++) {
        let total = bias?.data[filter] ?? 0;
        for (let channel = 0; channel < depth; channel++) {
          const base = (item * channels + first + channel) * area;
          for (let tap = 0; tap < taps; tap++) {
            const position = at[place * taps + tap]!;
            if (position >= 0)
              total += value.data[base + position]! * weights.data[(filter * depth + channel) * taps + tap]!;
          }
        }
        result.data[(item * filters + filter) * places + place] = total;
      }
    }
  }
  return [result];
};

const pool =
  (isMax: boolean): Evaluate =>
  (op) => {
    const value = op.at(0);
    const kernel = op.ints('kernel_shape') ?? [];
    if (op.node.outputs.length > 1) throw new Unsupported('indices of a pool');
    const windows = windowsOf(op, value.dims, kernel);
    const { places, taps, at } = windowPositions(windows, op.work);
    const area = elementsOf(value.dims.slice(2));
    const planes = value.dims[0]! * value.dims[1]!;
    const countsPadding = op.int('count_include_pad', 0) === 1;
    const result = cells(value.dataType, [
      value.dims[0]!,
      value.dims[1]!,
      ...windows.map(({ count }) => count),
    ]);
    for (let plane = 0; plane < planes; plane++) {
      for (let place = 0; place < places; place++) {
        let [total, count] = [isMax ? -Infinity : 0, 0];
        for (const position of at.subarray(place * taps, (place + 1) * taps)) {
          if (position === -1 && countsPadding) count++;
          if (position < 0) continue;
          const x = value.data[plane * area + position]!;
          total = isMax ? Math.max(total, x) : total + x;
          count++;
        }
        result.data[plane * places + place] = isMax ? total : total / count;
      }
    }
    return [result];
  };

const globalPool =
  (fold: Fold): Evaluate =>
  (op) => {
    const value = op.at(0);
    return [reduced(value, new Set(value.dims.map((_, axis) => axis).slice(2)), true, fold)];
  };

/** `(x - mean) / sqrt(variance + epsilon)` over some axes. */
function normalized(value: Cells, axes: ReadonlySet<number>, epsilon: number): Cells {
  const mean = reduced(value, axes, true, folds['ReduceMean']!);
  const at = broadcastPositions(mean.dims, value.dims);
  const centred = cells(
    value.dataType,
    value.dims,
    value.data.map((x, index) => x - mean.data[at[index]!]!),
  );
  const variance = reduced(
    cells(
      value.dataType,
      value.dims,
      centred.data.map((x) => x * x),
    ),
    axes,
    true,
    folds['ReduceMean']!,
  );
  return {
    ...centred,
    data: centred.data.map((x, index) => x / Math.sqrt(variance.data[at[index]!]! + epsilon)),
  };
}

/** `x * scale + shift`, both broadcast after `view` gave them their dims. */
function scaled(
  value: Cells,
  scale: Cells,
  shift: Cells | undefined,
  view: (dims: readonly number[]) => readonly number[],
): Cells {
  const at = broadcastPositions(view(scale.dims), value.dims);
  const shiftAt = shift && broadcastPositions(view(shift.dims), value.dims);
  return {
    ...value,
    data: value.data.map((x, index) => x * scale.data[at[index]!]! + (shift?.data[shiftAt![index]!] ?? 0)),
  };
}

const perChannel =
  (rank: number) =>
  (dims: readonly number[]): number[] => [dims[0]!, ...Array.from({ length: rank - 2 }, () => 1)];

const layerNormalization: Evaluate = (op) => {
  const value = op.at(0);
  if (op.node.outputs.length > 1) throw new Unsupported('statistics of a normalization');
  const axis = axisOf(op.int('axis', -1), value.dims.length);
  const axes = new Set(value.dims.map((_, at) => at).filter((at) => at >= axis));
  const result = normalized(value, axes, op.float('epsilon', 1e-5));
  return [scaled(result, op.at(1), op.optional(2), (dims) => dims)];
};

const instanceNormalization: Evaluate = (op) => {
  const value = op.at(0);
  const axes = new Set(value.dims.map((_, at) => at).slice(2));
  const result = normalized(value, axes, op.float('epsilon', 1e-5));
  return [scaled(result, op.at(1), op.at(2), perChannel(value.dims.length))];
};

const batchNormalization: Evaluate = (op) => {
  const [value, scale, shift, mean, variance] = [op.at(0), op.at(1), op.at(2), op.at(3), op.at(4)];
  if (op.int('training_mode', 0) !== 0 || op.node.outputs.length > 1) throw new Unsupported('training');
  const epsilon = op.float('epsilon', 1e-5);
  const factor = cells(
    scale.dataType,
    scale.dims,
    scale.data.map((x, index) => x / Math.sqrt(variance.data[index]! + epsilon)),
  );
  const offset = cells(
    scale.dataType,
    scale.dims,
    shift.data.map((x, index) => x - mean.data[index]! * factor.data[index]!),
  );
  return [scaled(value, factor, offset, perChannel(value.dims.length))];
};

export const sums: Readonly<Record<string, Evaluate>> = {
  ...Object.fromEntries(Object.entries(folds).map(([name, fold]) => [name, reduce(fold)])),
  ArgMax: arg(1),
  ArgMin: arg(-1),
  AveragePool: pool(false),
  BatchNormalization: batchNormalization,
  Conv: conv,
  Gemm: gemm,
  GlobalAveragePool: globalPool(folds['ReduceMean']!),
  GlobalMaxPool: globalPool(most),
  InstanceNormalization: instanceNormalization,
  LayerNormalization: layerNormalization,
  LogSoftmax: (op) => [softmaxOf(op, true)],
  MatMul: (op) => [matMul(op.at(0), op.at(1), op.work)],
  MaxPool: pool(true),
  Softmax: (op) => [softmaxOf(op, false)],
};
