/** The program's own name for a number that a kernel call takes: `rate` in `tf.mul(gradient, rate)`. */
import type { CallFacts } from './source-facts.ts';

/** Functions whose operands are the kernel's inputs in order, where the kernel is not called like them. */
const kernelOf: Readonly<Record<string, string>> = { mul: 'Multiply', div: 'RealDiv' };

const isName = /^[A-Za-z_$][\w$.]*$/;

/**
 * @param facts on the call of two operands that led to the kernel
 * @returns `undefined` when the call computes something else as well, or the operand is no plain name.
 */
export function operandName(facts: CallFacts, kernel: string, input: number): string | undefined {
  const { receiver, callee = '', operands = [] } = facts;
  if ((kernelOf[callee] ?? callee).toLowerCase() !== kernel.toLowerCase()) return undefined;
  const text = (operands.length === 1 ? [receiver, ...operands] : operands)[input];
  return text !== undefined && isName.test(text) ? text : undefined;
}
