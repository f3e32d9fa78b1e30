/**
 * Generated functions as program text, so that `compile` can read them, and scenarios around them: calls with arguments
 * that vary, between changes of what the function captures.
 */
import type { Tensor, Variable } from '@tensorflow/tfjs';
import fc from 'fast-check';
import type { Tf } from '../../capture/support/run-captured.ts';

/** One line of a function; numbers pick among the values that exist before it. */
interface Line {
  readonly op: number;
  readonly left: number;
  readonly right: number;
}

export interface FunctionPlan {
  readonly lines: readonly Line[];
  readonly results: readonly number[];
  readonly form: 'single' | 'list' | 'record';
  readonly isTidy: boolean;
}

export type Action =
  | {
      readonly kind: 'call';
      readonly rows: number;
      readonly columns: number;
      readonly count: number;
      readonly input: 'fresh' | 'same' | 'pending' | 'read';
      readonly dtype: 'float32' | 'int32';
      readonly isRead: boolean;
      readonly isDisposed: boolean;
    }
  | { readonly kind: 'assign' | 'rebind' | 'rate' | 'flag' | 'grow' | 'recompile' };

const index = fc.nat({ max: 30 });

export const anyFunction: fc.Arbitrary<FunctionPlan> = fc.record({
  lines: fc.array(fc.record({ op: index, left: index, right: index }), { minLength: 1, maxLength: 12 }),
  results: fc.array(index, { minLength: 1, maxLength: 3 }),
  form: fc.constantFrom('single', 'list', 'record'),
  isTidy: fc.oneof({ weight: 5, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
});

export const anyAction: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('call'),
      rows: fc.constantFrom(1, 2, 2, 2, 3),
      columns: fc.constantFrom(2, 2, 2, 1),
      count: fc.integer({ min: 1, max: 5 }),
      input: fc.constantFrom('fresh', 'fresh', 'same', 'pending', 'read'),
      dtype: fc.constantFrom('float32', 'float32', 'int32'),
      isRead: fc.boolean(),
      isDisposed: fc.boolean(),
    }) as fc.Arbitrary<Action>,
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom('assign', 'rebind', 'rate', 'flag', 'grow', 'recompile'),
    }) as fc.Arbitrary<Action>,
  },
);

/** Expressions over `a` and `b`, names of tensors of float32 with two axes. */
const expressions: readonly ((a: string, b: string) => string)[] = [
  (a, b) => `${a}.add(${b})`,
  (a, b) => `${a}.mul(${b})`,
  (a, b) => `tf.maximum(${a}, ${b})`,
  (a) => `${a}.relu()`,
  (a) => `${a}.mul(rate)`,
  (a) => `${a}.add(w)`,
  (a) => `tf.sub(${a}, t)`,
  (a) => `tf.transpose(tf.transpose(${a}))`,
  (a) => `${a}.reshape([-1]).reshape(${a}.shape)`,
  (a) => `${a}.sum(0, true).add(${a})`,
  (a) => `(flag ? ${a}.neg() : ${a}.square().sqrt())`,
  (a) => `list.reduce((sum, item) => sum.add(item), ${a})`,
  (a) => `${a}.add(tf.scalar(0.5))`,
  (a) => `${a}.mul(${a}.shape[0])`,
  (a) => `tf.cast(tf.cast(${a}, 'int32'), 'float32')`,
  (a, b) => `tf.where(tf.greater(${a}, ${b}), ${a}, ${b})`,
  (a) => `tf.tidy(() => ${a}.add(1).mul(2))`,
  (a) => `${a}.clone()`,
  // What cannot be replayed, here and there.
  (a) => `${a}.add(tf.randomUniform([1], 0, 1, 'float32', 7).sub(tf.randomUniform([1], 0, 1, 'float32', 7)))`,
  (a) => `${a}.mul(${a}.mean().dataSync()[0])`,
  (a) => `(list.length > 3 ? ${a}.neg() : ${a})`,
];

/** `(x, y) => ...` over captured `tf`, `w`, `t`, `rate`, `flag`, `list`. */
export function functionText({ lines, results, form, isTidy }: FunctionPlan): string {
  const names = ['p', 'q'];
  const body = lines.map(({ op, left, right }, line) => {
    const expression = expressions[op % expressions.length]!;
    const text = expression(names[left % names.length]!, names[right % names.length]!);
    names.push(`v${line}`);
    return `const v${line} = ${text};`;
  });
  // Only what was computed: results must be new tensors for the comparison of memory to be simple.
  const computed = names.slice(2);
  const chosen = [...new Set(results.map((result) => computed[result % computed.length]!))];
  const result =
    form === 'single' ? chosen[0]! : form === 'list' ? `[${chosen.join(', ')}]` : `{ ${chosen.join(', ')} }`;
  const all = [`const p = tf.cast(x, 'float32');`, `const q = tf.add(p, y);`, ...body, `return ${result};`];
  return isTidy ? `(x, y) => tf.tidy(() => { ${all.join(' ')} })` : `(x, y) => { ${all.join(' ')} }`;
}

/** The values around the function, by the names in its text. */
export interface Surroundings {
  readonly tf: Tf;
  readonly w: Variable;
  t: Tensor;
  rate: number;
  flag: boolean;
  readonly list: Tensor[];
}
