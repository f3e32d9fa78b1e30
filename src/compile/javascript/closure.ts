/**
 * What a kernel call becomes in JavaScript: a function over the registers of a run. Closure generation, after Feeley and
 * Lapalme: all that is known of a call (shapes, strides, which loop) is decided when its closure is made.
 */
import type { Attributes } from '../../ir/graph.ts';
import type { ConcreteType } from '../../ir/op-signature.ts';

export type NumericArray = Float32Array | Int32Array | Uint8Array;

/** A value of a call, and the register that holds its array. */
export interface Operand extends ConcreteType {
  readonly register: number;
  readonly size: number;
}

export interface ClosureCall {
  readonly inputs: readonly (Operand | undefined)[];
  readonly outputs: readonly Operand[];
  readonly attributes: Attributes;
}

/** Reads registers and writes every element of those of its results, which hold anything before. */
export type Closure = (registers: readonly NumericArray[]) => void;

/** @returns `undefined` when a call with these types and attributes has no form in JavaScript. */
export type MakeClosure = (call: ClosureCall) => Closure | undefined;

const makers: Readonly<Record<string, ((length: number) => NumericArray) | undefined>> = {
  float32: (length) => new Float32Array(length),
  int32: (length) => new Int32Array(length),
  bool: (length) => new Uint8Array(length),
};

/** Makes arrays of a dtype; `undefined` for dtypes that calls in JavaScript do not work with. */
export function arrayMaker(dtype: string): ((length: number) => NumericArray) | undefined {
  return makers[dtype];
}

/** Runs one closure after another; `undefined` when one of them could not be made. */
export function sequence(parts: readonly (Closure | undefined)[]): Closure | undefined {
  const closures = parts.filter((part) => part !== undefined);
  if (closures.length < parts.length) return undefined;
  return (registers) => {
    for (const closure of closures) closure(registers);
  };
}
