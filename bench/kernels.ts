/**
 * `npx tsx bench/kernels.ts [regexp]`: the measurements behind the choices in src/compile/ops/conv*.ts, pool*.ts and
 * image*.ts. Ways of writing a kernel as ONNX nodes, fastest first; each names the form that the op table uses.
 */
import type { Pen } from '../src/compile/lowering-pen.ts';
import { timeForms, type Form, type KernelCase } from './support/kernel-bench.ts';

const rounds = 12;

interface Conv {
  readonly x: readonly [batch: number, height: number, width: number, channels: number];
  readonly kernel: number;
  readonly outputs: number;
  readonly stride?: number;
}

const toFirst = (pen: Pen, value: string): string => pen.op('Transpose', [value], { perm: [0, 3, 1, 2] });
const toLast = (pen: Pen, value: string): string => pen.op('Transpose', [value], { perm: [0, 2, 3, 1] });
const reshape = (pen: Pen, value: string, shape: readonly number[]): string =>
  pen.op('Reshape', [value, pen.ints(shape)]);
const range = (length: number): number[] => Array.from({ length }, (_, index) => index);
const stack = (pen: Pen, values: readonly string[], axis: number): string =>
  values.length === 1 ? values[0]! : pen.op('Concat', values, { axis });

/** A same-padded convolution and all that its forms need to know. */
class Convolution {
  readonly size: number;
  readonly outSize: number;
  readonly before: number;
  readonly after: number;
  readonly stride: number;
  readonly conv: Conv;

  constructor(conv: Conv) {
    this.conv = conv;
    this.stride = conv.stride ?? 1;
    this.size = conv.x[1];
    this.outSize = Math.ceil(this.size / this.stride);
    const total = Math.max(0, (this.outSize - 1) * this.stride + conv.kernel - this.size);
    this.before = Math.floor(total / 2);
    this.after = total - this.before;
  }

  get name(): string {
    const { x, kernel, outputs } = this.conv;
    return `${x.join('x')}, ${kernel}x${kernel} to ${outputs}${this.stride === 1 ? '' : `, stride ${this.stride}`}`;
  }

  get positions(): number {
    return this.conv.x[0] * this.outSize ** 2;
  }

  get dy(): readonly number[] {
    return [this.conv.x[0], this.outSize, this.outSize, this.conv.outputs];
  }

  get filter(): readonly number[] {
    const { kernel, x, outputs } = this.conv;
    return [kernel, kernel, x[3], outputs];
  }

  get attributes(): Record<string, readonly number[]> {
    const { kernel } = this.conv;
    return {
      kernel_shape: [kernel, kernel],
      strides: [this.stride, this.stride],
      pads: [this.before, this.before, this.after, this.after],
    };
  }

  /** Per filter tap, the pixels it meets, as rows of channels. */
  rows(pen: Pen): string[] {
    const { kernel, x } = this.conv;
    const pads = [0, this.before, this.before, 0, 0, this.after, this.after, 0];
    const padded = this.before + this.after > 0 ? pen.op('Pad', ['x', pen.ints(pads)]) : 'x';
    const span = (this.outSize - 1) * this.stride + 1;
    return range(kernel ** 2).map((tap) => {
      const [row, column] = [Math.floor(tap / kernel), tap % kernel];
      const view = pen.op('Slice', [
        padded,
        pen.ints([row, column]),
        pen.ints([row + span, column + span]),
        pen.ints([1, 2]),
        pen.ints([this.stride, this.stride]),
      ]);
      return reshape(pen, view, [this.positions, x[3]]);
    });
  }

  /** Per filter tap, its `[in, out]` weights. */
  weights(pen: Pen): string[] {
    const { kernel, x, outputs } = this.conv;
    const all = reshape(pen, 'w', [kernel ** 2 * x[3], outputs]);
    return range(kernel ** 2).map((tap) =>
      pen.op('Slice', [all, pen.ints([tap * x[3]]), pen.ints([(tap + 1) * x[3]]), pen.ints([0])]),
    );
  }

  forwardForms(): Record<string, Form> {
    return {
      'Conv between transposes (few channels)': (pen) => {
        const filter = pen.op('Transpose', ['w'], { perm: [3, 2, 0, 1] });
        return toLast(pen, pen.op('Conv', [toFirst(pen, 'x'), filter], this.attributes));
      },
      'product per tap (many channels, 1x1)': (pen) => {
        const weights = this.weights(pen);
        return this.rows(pen)
          .map((rows, tap) => pen.op('MatMul', [rows, weights[tap]!]))
          .reduce((left, right) => pen.op('Add', [left, right]));
      },
      'taps side by side, one product': (pen) => {
        const { kernel, x, outputs } = this.conv;
        return pen.op('MatMul', [
          stack(pen, this.rows(pen), 1),
          reshape(pen, 'w', [kernel ** 2 * x[3], outputs]),
        ]);
      },
    };
  }

  filterGradientForms(): Record<string, Form> {
    const errors = (pen: Pen): string => reshape(pen, 'dy', [this.positions, this.conv.outputs]);
    return {
      'product per tap (8 channels and more)': (pen) => {
        const dy = errors(pen);
        return stack(
          pen,
          this.rows(pen).map((rows) => pen.op('Gemm', [rows, dy], { transA: 1 })),
          0,
        );
      },
      'taps side by side, one product (fewer)': (pen) =>
        pen.op('Gemm', [stack(pen, this.rows(pen), 1), errors(pen)], { transA: 1 }),
      'Conv of the image with the errors': (pen) => {
        const swapped = { perm: [3, 0, 1, 2] };
        return pen.op('Conv', [pen.op('Transpose', ['x'], swapped), pen.op('Transpose', ['dy'], swapped)], {
          kernel_shape: [this.outSize, this.outSize],
          dilations: [this.stride, this.stride],
          pads: [this.before, this.before, this.after, this.after],
        });
      },
    };
  }

  inputGradientForms(): Record<string, Form> {
    const { kernel, x, outputs } = this.conv;
    const unread = Math.max(0, this.size + this.before - ((this.outSize - 1) * this.stride + kernel));
    const forms: Record<string, Form> = {
      'ConvTranspose (few channels)': (pen) => {
        const filter = pen.op('Transpose', ['w'], { perm: [3, 2, 0, 1] });
        const attributes = { ...this.attributes, output_padding: [unread, unread] };
        return toLast(pen, pen.op('ConvTranspose', [toFirst(pen, 'dy'), filter], attributes));
      },
    };
    if (this.stride !== 1) return forms;
    forms['Conv with the flipped filter (32 to 255 channels)'] = (pen) => {
      const ends = pen.ints([-1000, -1000]);
      const flipped = pen.op('Slice', ['w', pen.ints([-1, -1]), ends, pen.ints([0, 1]), pen.ints([-1, -1])]);
      const filter = pen.op('Transpose', [flipped], { perm: [2, 3, 0, 1] });
      const pads = [this.after, this.after, this.before, this.before];
      return toLast(
        pen,
        pen.op('Conv', [toFirst(pen, 'dy'), filter], { kernel_shape: [kernel, kernel], pads }),
      );
    };
    forms['product per tap, shifted and summed (256 channels and more, 1x1)'] = (pen) => {
      const dy = reshape(pen, 'dy', [this.positions, outputs]);
      const parts = this.weights(pen).map((weights, tap) => {
        const [row, column] = [Math.floor(tap / kernel), tap % kernel];
        const part = reshape(pen, pen.op('Gemm', [dy, weights], { transB: 1 }), [...x]);
        const pads = [0, row, column, 0, 0, kernel - 1 - row, kernel - 1 - column, 0];
        return kernel === 1 ? part : pen.op('Pad', [part, pen.ints(pads)]);
      });
      if (parts.length === 1) return parts[0]!;
      const crop = [0, -this.before, -this.before, 0, 0, -this.after, -this.after, 0];
      return pen.op('Pad', [pen.op('Sum', parts), pen.ints(crop)]);
    };
    return forms;
  }
}

const convolutions: readonly Conv[] = [
  { x: [32, 28, 28, 1], kernel: 3, outputs: 16 },
  { x: [32, 13, 13, 16], kernel: 3, outputs: 32 },
  { x: [32, 26, 26, 32], kernel: 3, outputs: 64 },
  { x: [32, 16, 16, 64], kernel: 3, outputs: 64 },
  { x: [8, 56, 56, 64], kernel: 3, outputs: 64 },
  { x: [8, 28, 28, 128], kernel: 3, outputs: 128 },
  { x: [8, 14, 14, 256], kernel: 3, outputs: 256 },
  { x: [8, 28, 28, 128], kernel: 1, outputs: 512 },
  { x: [8, 28, 28, 64], kernel: 3, outputs: 128, stride: 2 },
];

const depthwise = { x: [8, 28, 28, 128], dy: [8, 28, 28, 128], w: [3, 3, 128, 1] };
const depthwiseFilter = (pen: Pen, perm: readonly number[]): string =>
  reshape(pen, pen.op('Transpose', ['w'], { perm }), [128, 1, 3, 3]);

const depthwiseCases: readonly KernelCase[] = [
  {
    name: 'depthwise input gradient, 8x28x28x128, 3x3',
    inputs: { dy: depthwise.dy, w: depthwise.w },
    forms: {
      ConvTranspose: (pen) => {
        const filter = depthwiseFilter(pen, [2, 3, 0, 1]);
        const attributes = { kernel_shape: [3, 3], pads: [1, 1, 1, 1], group: 128 };
        return toLast(pen, pen.op('ConvTranspose', [toFirst(pen, 'dy'), filter], attributes));
      },
      'Conv with the flipped filter (used)': (pen) => {
        const flip = [pen.ints([-1, -1]), pen.ints([-1000, -1000]), pen.ints([2, 3]), pen.ints([-1, -1])];
        const filter = pen.op('Slice', [depthwiseFilter(pen, [2, 3, 0, 1]), ...flip]);
        const attributes = { kernel_shape: [3, 3], pads: [1, 1, 1, 1], group: 128 };
        return toLast(pen, pen.op('Conv', [toFirst(pen, 'dy'), filter], attributes));
      },
    },
  },
  {
    name: 'depthwise filter gradient, 8x28x28x128, one tap',
    inputs: { x: depthwise.x, dy: depthwise.dy },
    forms: {
      'product, ReduceSum': (pen) => pen.op('ReduceSum', [pen.op('Mul', ['x', 'dy']), pen.ints([0, 1, 2])]),
      'product, row of ones (used)': (pen) => {
        const product = reshape(pen, pen.op('Mul', ['x', 'dy']), [8 * 28 * 28, 128]);
        const ones = pen.op('Expand', [pen.scalar(1, 'float32'), pen.ints([1, 8 * 28 * 28])]);
        return pen.op('MatMul', [ones, product]);
      },
    },
  },
];

const pooled = { x: [32, 26, 26, 32], dy: [32, 13, 13, 32] };

/** Takers of the gradient of 2x2 windows: the first tap that equals the maximum. */
function takers(pen: Pen, isChannelsLast: boolean): string[] {
  const axes = isChannelsLast ? [1, 2] : [2, 3];
  const image = isChannelsLast ? 'x' : toFirst(pen, 'x');
  const dy = isChannelsLast ? 'dy' : toFirst(pen, 'dy');
  const pool = pen.op('MaxPool', [toFirst(pen, 'x')], { kernel_shape: [2, 2], strides: [2, 2] });
  const maximum = isChannelsLast ? toLast(pen, pool) : pool;
  let taken: string | undefined;
  return range(4).map((tap) => {
    const [row, column] = [Math.floor(tap / 2), tap % 2];
    const view = pen.op('Slice', [
      image,
      pen.ints([row, column]),
      pen.ints([row + 25, column + 25]),
      pen.ints(axes),
      pen.ints([2, 2]),
    ]);
    const isMaximum = pen.op('Equal', [view, maximum]);
    const takes = taken === undefined ? isMaximum : pen.op('And', [isMaximum, pen.op('Not', [taken])]);
    taken = taken === undefined ? isMaximum : pen.op('Or', [taken, isMaximum]);
    return pen.op('Where', [takes, dy, pen.scalar(0, 'float32')]);
  });
}

const otherCases: readonly KernelCase[] = [
  {
    name: 'maximum pool gradient, 32x26x26x32, 2x2',
    inputs: pooled,
    forms: {
      'channels last, phases woven together (used)': (pen) => {
        const parts = takers(pen, true).map((part) => reshape(pen, part, [32, 13, 1, 13, 1, 32]));
        const rows = [stack(pen, parts.slice(0, 2), 4), stack(pen, parts.slice(2), 4)];
        return reshape(pen, stack(pen, rows, 2), [32, 26, 26, 32]);
      },
      'channels first, Col2Im': (pen) => {
        const columns = takers(pen, false).map((part) => reshape(pen, part, [32, 32, 1, 169]));
        const all = reshape(pen, stack(pen, columns, 2), [32, 128, 169]);
        const image = pen.op('Col2Im', [all, pen.ints([26, 26]), pen.ints([2, 2])], { strides: [2, 2] });
        return toLast(pen, image);
      },
      'only MaxPool with Indices, for comparison': (pen) => {
        const [pool, indices] = pen.ops('MaxPool', [toFirst(pen, 'x')], 2, {
          kernel_shape: [2, 2],
          strides: [2, 2],
        });
        return pen.op('Add', [pool!, pen.cast(indices!, 'float32')]);
      },
    },
  },
  {
    name: 'gradient of Relu, 32x26x26x32',
    inputs: { x: [32, 26, 26, 32], dy: [32, 26, 26, 32] },
    forms: {
      'Sign, Relu, Mul': (pen) => pen.op('Mul', ['dy', pen.op('Relu', [pen.op('Sign', ['x'])])]),
      'HardSigmoid, Mul (used)': (pen) => {
        const mask = pen.op('HardSigmoid', ['x'], { alpha: { float: 3.4e38 }, beta: { float: 0 } });
        return pen.op('Mul', ['dy', mask]);
      },
      'Greater, Where': (pen) => {
        const zero = pen.scalar(0, 'float32');
        return pen.op('Where', [pen.op('Greater', ['x', zero]), 'dy', zero]);
      },
    },
  },
  {
    name: 'bilinear resize, 1x56x56x64 to 112x112',
    inputs: { x: [1, 56, 56, 64] },
    forms: {
      'Resize (powers of two)': (pen) =>
        pen.op('Resize', ['x', undefined, undefined, pen.ints([1, 112, 112, 64])], {
          mode: 'linear',
          coordinate_transformation_mode: 'asymmetric',
        }),
      'gathers, then interpolation (other scales)': (pen) => {
        const along = (value: string, axis: number): string => {
          const low = range(112).map((position) => Math.floor(position / 2));
          const high = range(112).map((position) => Math.min(55, Math.ceil(position / 2)));
          const at = (sources: readonly number[]): string =>
            pen.op('Gather', [value, pen.tensor(BigInt64Array.from(sources, BigInt), [112])], { axis });
          const fractions = Float32Array.from({ length: 112 }, (_, position) => (position % 2) / 2);
          const shape = [1, axis === 1 ? 112 : 1, axis === 2 ? 112 : 1, 1];
          const start = at(low);
          const step = pen.op('Mul', [pen.op('Sub', [at(high), start]), pen.tensor(fractions, shape)]);
          return pen.op('Add', [start, step]);
        };
        return along(along('x', 1), 2);
      },
    },
  },
];

function allCases(): KernelCase[] {
  return [
    ...convolutions.flatMap((conv): KernelCase[] => {
      const convolution = new Convolution(conv);
      const { name, dy, filter } = convolution;
      return [
        {
          name: `convolution ${name}`,
          inputs: { x: conv.x, w: filter },
          forms: convolution.forwardForms(),
        },
        {
          name: `input gradient ${name}`,
          inputs: { dy, w: filter },
          forms: convolution.inputGradientForms(),
        },
        {
          name: `filter gradient ${name}`,
          inputs: { x: conv.x, dy },
          forms: convolution.filterGradientForms(),
        },
      ];
    }),
    ...depthwiseCases,
    ...otherCases,
  ];
}

const wanted = new RegExp(process.argv[2] ?? '');
console.log('| kernel | form | minimum ms | x fastest |\n| --- | --- | ---: | ---: |');
for (const kernelCase of allCases()) {
  if (!wanted.test(kernelCase.name)) continue;
  const times = timeForms(kernelCase, rounds).toSorted((left, right) => left.minimumMs - right.minimumMs);
  for (const { form, minimumMs } of times) {
    console.log(
      `| ${kernelCase.name} | ${form} | ${minimumMs.toFixed(2)} | ${(minimumMs / times[0]!.minimumMs).toFixed(2)} |`,
    );
  }
}
