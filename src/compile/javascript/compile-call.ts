/** A kernel call by itself, as a closure over registers of its own. */
import type { ConcreteType, OpTable } from '../../ir/op-signature.ts';
import { elementCount } from '../../ir/tensor-type.ts';
import type { CallForm } from '../../ir/executable.ts';
import { arrayMaker, type Closure, type ClosureCall, type Operand } from './closure.ts';
import { filling } from './fill.ts';
import { closureMaker } from './index.ts';

/** Whether closures know this type: numbers, and at least one of them. */
export function isPlain({ dtype, shape }: ConcreteType): boolean {
  return arrayMaker(dtype) !== undefined && !shape.includes(0);
}

/** @returns `undefined` when the call has no form in JavaScript. */
export function makeClosure(kernel: string, call: ClosureCall, ops: OpTable): Closure | undefined {
  const value = ops.get(kernel)?.filling;
  return (value === undefined ? closureMaker(kernel) : filling(value))?.(call);
}

/**
 * @returns a closure over arrays of the inputs, then of the results; `undefined` when the call has no form in JavaScript.
 */
export function compileCall(
  { kernel, attributes, inputs, outputs }: CallForm,
  ops: OpTable,
): Closure | undefined {
  if (![...inputs, ...outputs].every((type) => type === undefined || isPlain(type))) return undefined;
  const operand = ({ dtype, shape }: ConcreteType, register: number): Operand => ({
    dtype,
    shape,
    register,
    size: elementCount(shape),
  });
  const call = {
    inputs: inputs.map((type, index) => type && operand(type, index)),
    outputs: outputs.map((type, index) => operand(type, inputs.length + index)),
    attributes,
  };
  return makeClosure(kernel, call, ops);
}
