/** What an operator of the evaluator sees of its node. */
import type { OnnxNode } from '../../../onnx/index.ts';
import { Unsupported, type Cells } from './cells.ts';

/** Multiply-adds and elements up to which evaluating a model is worth the time: a fraction of a second. */
const maxWork = 2 ** 27;

/** What evaluating a model has cost so far. */
export class Work {
  #spent = 0;

  /** @throws Unsupported when it becomes too much. */
  spend(amount: number): void {
    this.#spent += amount;
    if (this.#spent > maxWork) throw new Unsupported('a model that needs this much work');
  }
}

export class Operation {
  readonly node: OnnxNode;
  readonly opset: number;
  readonly work: Work;
  readonly #operands: readonly (Cells | undefined)[];

  constructor(node: OnnxNode, operands: readonly (Cells | undefined)[], opset: number, work: Work) {
    this.node = node;
    this.opset = opset;
    this.work = work;
    this.#operands = operands;
  }

  get count(): number {
    return this.#operands.length;
  }

  /** An operand that must be there. */
  at(index: number): Cells {
    const operand = this.#operands[index];
    if (operand === undefined) throw new Unsupported(`${this.node.opType} without operand ${index}`);
    return operand;
  }

  optional(index: number): Cells | undefined {
    return this.#operands[index];
  }

  int(name: string, otherwise: number): number {
    const attribute = this.node.attributes[name];
    return attribute?.kind === 'int' ? Number(attribute.value) : otherwise;
  }

  float(name: string, otherwise: number): number {
    const attribute = this.node.attributes[name];
    return attribute?.kind === 'float' ? attribute.value : otherwise;
  }

  ints(name: string): readonly number[] | undefined {
    const attribute = this.node.attributes[name];
    return attribute?.kind === 'ints' ? attribute.value.map(Number) : undefined;
  }

  text(name: string): string {
    const attribute = this.node.attributes[name];
    return attribute?.kind === 'string' && typeof attribute.value === 'string' ? attribute.value : '';
  }

  /** Integers that are an operand in new operator sets and were an attribute in old ones. */
  list(index: number, name: string): readonly number[] | undefined {
    const operand = this.#operands[index];
    return operand === undefined ? this.ints(name) : [...operand.data];
  }
}

/** Results of an operator, in order. */
export type Evaluate = (operation: Operation) => readonly Cells[];
