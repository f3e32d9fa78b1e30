/** Generated tfjs programs: what fast-check draws, how it runs, and what captured runs of it must have in common with eager ones. */
import type { Tensor, Variable } from '@tensorflow/tfjs';
import fc from 'fast-check';
import { expect } from 'vitest';
import {
  runCaptured,
  runEager,
  type CapturedOptions,
  type Log,
  type Program,
  type Tf,
} from './run-captured.ts';

/** One step of a generated program. Numbers pick among what exists when the step runs. */
export type Step =
  | {
      readonly kind: 'make';
      readonly rows: number;
      readonly columns: number;
      readonly dtype: 'float32' | 'int32' | 'bool';
    }
  | { readonly kind: 'unary'; readonly op: number; readonly of: number }
  | { readonly kind: 'binary'; readonly op: number; readonly left: number; readonly right: number }
  | { readonly kind: 'shape'; readonly op: number; readonly of: number }
  | { readonly kind: 'cast'; readonly of: number; readonly dtype: 'float32' | 'int32' | 'bool' }
  | { readonly kind: 'read' | 'print' | 'dispose' | 'clone' | 'keep' | 'variable'; readonly of: number }
  | { readonly kind: 'assign'; readonly to: number; readonly of: number }
  | { readonly kind: 'readLater'; readonly of: number }
  | { readonly kind: 'settle' }
  | { readonly kind: 'grad'; readonly of: number }
  | { readonly kind: 'train'; readonly of: number }
  | { readonly kind: 'tidy'; readonly steps: readonly Step[] };

const index = fc.nat({ max: 40 });
const dtype = fc.constantFrom('float32', 'int32', 'bool');
const leafStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('make'),
      rows: fc.integer({ min: 0, max: 3 }),
      columns: fc.oneof(
        { weight: 12, arbitrary: fc.integer({ min: 1, max: 30 }) },
        // Large enough to be left out of graphs that read it.
        { weight: 1, arbitrary: fc.constant(1500) },
      ),
      dtype,
    }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('unary'), op: index, of: index }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('binary'), op: index, left: index, right: index }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('shape'), op: index, of: index }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('cast'), of: index, dtype }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom('read', 'print', 'dispose', 'dispose', 'clone', 'keep', 'variable'),
      of: index,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('assign'), to: index, of: index }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('readLater'), of: index }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('settle') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('grad'), of: index }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('train'), of: index }) },
) as fc.Arbitrary<Step>;
export const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: leafStep },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('tidy'),
      steps: fc.array(leafStep, { maxLength: 8 }),
    }) as fc.Arbitrary<Step>,
  },
);

const unary: readonly ((x: Tensor, pass: number) => Tensor)[] = [
  (x, pass) => x.mul(pass),
  (x, pass) => x.add([pass, 0].slice(0, x.shape.at(-1) === 2 ? 2 : 1)),
  (x) => x.square(),
  (x) => x.neg(),
  (x) => x.relu(),
  (x) => x.abs(),
  (x) => x.toFloat().sigmoid(),
  (x) => x.toFloat().exp(),
  (x) => x.add(1),
  (x) => x.mul(0.5),
  (x) => x.clipByValue(-1, 1),
];
const binary: readonly ((tf: Tf, left: Tensor, right: Tensor) => Tensor)[] = [
  (_tf, left, right) => left.add(right),
  (_tf, left, right) => left.mul(right),
  (_tf, left, right) => left.sub(right),
  (_tf, left, right) => left.maximum(right),
  (_tf, left, right) => left.less(right),
  (tf, left, right) => tf.concat([left, right], -1),
  (tf, left, right) => tf.stack([left, right]),
  (tf, left, right) => tf.concat([left, left, right, left, right], 0),
  (tf, left, right) => tf.stack([left, right, right, right, left, left], -1),
  (_tf, left, right) => left.matMul(right, false, true),
  (tf, left, right) => tf.where(left.greater(right), left, right),
];
const shapes: readonly ((tf: Tf, x: Tensor) => Tensor)[] = [
  (_tf, x) => x.reshape([-1]),
  (_tf, x) => x.flatten().expandDims(0),
  (_tf, x) => x.squeeze(),
  (_tf, x) => x.transpose(),
  (_tf, x) => x.sum(),
  (_tf, x) => x.toFloat().mean(-1, true),
  (_tf, x) => x.max(0),
  (_tf, x) => x.slice(0, 1),
  (_tf, x) => x.reverse(),
  (_tf, x) => x.tile(x.shape.map(() => 2)),
  (_tf, x) => x.argMax(-1),
  (tf, x) => tf.concat([x]),
  (_tf, x) => x.unstack()[0]!,
  (_tf, x) => x.toFloat().cumsum(0),
  (tf, x) => tf.unique(x.flatten()).values,
  (tf, x) => tf.gather(x, tf.tensor1d([0, 0], 'int32')),
  (tf, x) => tf.gather(x, tf.range(0, 2, 1, 'int32')),
  (_tf, x) => x.stridedSlice([0], [x.shape[0] ?? 1], [1]),
  (_tf, x) => x.stridedSlice([0], [x.shape[0] ?? 1], [2]),
  (_tf, x) => x.toFloat().pad(x.shape.map(() => [1, 0] as [number, number])),
  (tf, x) => tf.split(x, 2, -1)[1]!,
  (tf, x) => tf.topk(x.toFloat(), 2).values,
  (tf, x) => tf.softmax(x.toFloat()),
  (tf, x) => tf.logSumExp(x.toFloat(), 0),
  (tf, x) => tf.oneHot(x.toInt(), 3),
  (tf, x) => tf.where(x.toBool(), x.toBool(), x.toBool().logicalNot()),
  (tf, x) => tf.unsortedSegmentSum(x, tf.range(0, x.shape[0] ?? 1, 1, 'int32'), 4),
  (_tf, x) => x.toFloat().prod(),
  (_tf, x) => x.broadcastTo([2, ...x.shape]),
  (tf, x) => tf.moments(x.toFloat(), 0).variance,
];

/** Everything a running program holds. */
interface State {
  readonly tensors: Tensor[];
  readonly variables: Variable[];
  readonly reads: Promise<unknown>[];
  seed: number;
  /** How often the steps have run before. */
  readonly pass: number;
}

function pick<T>(list: readonly T[], number: number): T | undefined {
  return list.length === 0 ? undefined : list[number % list.length];
}

/** Tensors that tiling and outer products made larger are let go: comparing their numbers takes minutes. */
const largestSize = 2 ** 14;

async function perform(tf: Tf, step: Step, state: State, log: Log): Promise<void> {
  const live = state.tensors.filter((tensor) => !tensor.isDisposed);
  const push = (tensor: Tensor | undefined): void => {
    if (tensor === undefined) return;
    if (tensor.size > largestSize) tensor.dispose();
    else state.tensors.push(tensor);
  };
  switch (step.kind) {
    case 'make': {
      const size = step.rows * step.columns;
      const values = Array.from({ length: size }, (_, at) => ((at * 7 + state.seed++) % 11) - 5);
      const numbers = step.dtype === 'bool' ? values.map((value) => Number(value > 0)) : values;
      return push(tf.tensor(numbers, [step.rows, step.columns], step.dtype));
    }
    case 'unary': {
      const x = pick(live, step.of);
      return push(x && pick(unary, step.op)!(x, state.pass));
    }
    case 'binary': {
      const left = pick(live, step.left);
      const right = pick(live, step.right);
      return push(left && right && pick(binary, step.op)!(tf, left, right));
    }
    case 'shape': {
      const x = pick(live, step.of);
      return push(x && pick(shapes, step.op)!(tf, x));
    }
    case 'cast':
      return push(pick(live, step.of)?.cast(step.dtype));
    case 'read':
      return log(pick(live, step.of)?.dataSync());
    case 'print':
      return log(pick(live, step.of)?.toString());
    case 'dispose':
      return pick(live, step.of)?.dispose();
    case 'clone':
      return push(pick(live, step.of)?.clone());
    case 'keep': {
      const x = pick(live, step.of);
      if (x !== undefined) tf.keep(x);
      return;
    }
    case 'variable': {
      const x = pick(live, step.of);
      if (x !== undefined) state.variables.push(tf.variable(x));
      return;
    }
    case 'assign': {
      const x = pick(live, step.of);
      const variable = pick(state.variables, step.to);
      if (x !== undefined) variable?.assign(x);
      return push(variable?.add(1));
    }
    case 'readLater': {
      const x = pick(live, step.of);
      if (x !== undefined) state.reads.push(x.data());
      return;
    }
    case 'settle':
      return log(await Promise.all(state.reads.splice(0)));
    case 'grad': {
      const x = pick(
        live.filter((tensor) => tensor.dtype === 'float32'),
        step.of,
      );
      return push(x && tf.grad((value) => value.square().mul(2).sum())(x));
    }
    case 'train': {
      const floats = state.variables.filter((variable) => variable.dtype === 'float32');
      const variable = pick(floats, step.of);
      if (variable === undefined) return;
      const optimizer = tf.train.adam(0.1);
      push(optimizer.minimize(() => variable.square().sum(), true, [variable]) ?? undefined);
      optimizer.dispose();
      return;
    }
    case 'tidy':
      return;
  }
}

async function performAll(
  tf: Tf,
  steps: readonly Step[],
  state: State,
  log: Log,
  memory: () => unknown,
): Promise<void> {
  const attempt = async (step: Step): Promise<void> => {
    try {
      await perform(tf, step, state, log);
    } catch (error) {
      log(error);
    }
  };
  for (const step of steps) {
    if (step.kind === 'tidy') {
      const first = state.tensors.length;
      tf.engine().startScope();
      for (const inner of step.steps) await attempt(inner);
      const results = state.tensors.slice(first).filter((tensor) => !tensor.isDisposed);
      tf.engine().endScope(results.slice(-1));
    } else {
      await attempt(step);
    }
    log(memory());
  }
  log(await Promise.all(state.reads));
}

/** A program that performs `prelude` once and `body` several times, with other numbers each time. */
export function toProgram(prelude: readonly Step[], body: readonly Step[] = [], passes = 0): Program {
  return async (tf, log, memory) => {
    const shared: State = { tensors: [], variables: [], reads: [], seed: 0, pass: 1 };
    await performAll(tf, prelude, shared, log, memory);
    for (let pass = 1; pass <= passes; pass++) {
      const state: State = {
        tensors: [...shared.tensors],
        variables: [...shared.variables],
        reads: [],
        seed: pass,
        pass,
      };
      await performAll(tf, body, state, log, memory);
      for (const tensor of state.tensors) if (!tensor.isDisposed) log(tensor.dataSync());
      for (const tensor of state.tensors) if (!shared.tensors.includes(tensor)) tensor.dispose();
    }
    for (const tensor of shared.tensors) if (!tensor.isDisposed) log(tensor.dataSync());
    for (const variable of shared.variables) log(variable.dataSync());
  };
}

/** cpu's Concat answers with an untyped array when it is empty, on which its Slice fails: nothing to imitate. */
const hitsTfjsBug = (log: readonly unknown[]): boolean =>
  JSON.stringify(log).includes('subarray is not a function');

/** Fails unless a program observes the same values, errors and memory when it is captured. */
export async function expectSame(program: Program, options: CapturedOptions = {}): Promise<void> {
  const eager = await runEager(program);
  fc.pre(!hitsTfjsBug(eager.log));
  const captured = await runCaptured(program, options);
  expect(captured.log).toEqual(eager.log);
  expect(captured.memory).toEqual(eager.memory);
}

const wantedRuns = process.env['FULLGRAPH_PROPERTY_RUNS'];

/** Programs per property. */
export function runsOf(usual: number): number {
  return Number(wantedRuns ?? usual);
}

/** For a property: more programs than usual take longer than tests do. */
export const propertyTimeoutMs: number = Math.max(30_000, Number(wantedRuns ?? 0) * 50);
