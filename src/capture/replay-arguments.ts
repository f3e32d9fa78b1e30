/**
 * What a replayed method is called with and gives back: arguments as a key that is equal for calls that may share a
 * template, and the tensors in them; results as tensors and the form in which they are handed out.
 */
import type { TensorInfo } from './tf-module.ts';

/** A tensor as programs hold it. */
export interface ProgramTensor extends TensorInfo {
  readonly id: number;
  readonly isDisposed: boolean;
  readonly kept?: boolean;
  readonly kerasMask?: unknown;
}

/** What a method was called with, in a form that can be compared and gathered from again. */
export interface Arguments {
  readonly key: string;
  readonly tensors: readonly ProgramTensor[];
}

/** How the results are handed out: one tensor, or a list or map of them under these keys. */
export type ResultForm = 'single' | 'list' | readonly string[];

function isProgramTensor(value: unknown): value is ProgramTensor {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as Partial<ProgramTensor>).dataId === 'object' &&
    Array.isArray((value as Partial<ProgramTensor>).shape)
  );
}

/** Text that tells any two primitive values apart: -0 from 0, 1n from 1. */
function describePrimitive(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'bigint') return `${value}n`;
  return Object.is(value, -0) ? '-0' : String(value);
}

/** Adds one argument to the key. @returns whether it is of a kind that can be replayed. */
function describe(value: unknown, depth: number, words: string[], tensors: ProgramTensor[]): boolean {
  if (isProgramTensor(value)) {
    if (value.isDisposed || value.kerasMask !== undefined) return false;
    if (value.dtype === 'string' || value.dtype === 'complex64') return false;
    const known = tensors.indexOf(value);
    if (known < 0) tensors.push(value);
    words.push(known < 0 ? `${value.dtype}[${value.shape.join()}]` : `#${known}`);
    return true;
  }
  if (typeof value !== 'object' || value === null) {
    words.push(describePrimitive(value));
    return typeof value !== 'function' && typeof value !== 'symbol';
  }
  if (depth === 0) return false;
  const isList = Array.isArray(value);
  if (!isList && Object.getPrototypeOf(value) !== Object.prototype) return false;
  words.push(isList ? '[' : '{');
  for (const [key, item] of Object.entries(value)) {
    if (!isList) words.push(`${key}:`);
    if (!describe(item, depth - 1, words, tensors)) return false;
  }
  words.push(isList ? ']' : '}');
  return true;
}

/** @returns `undefined` for arguments of a kind that cannot be replayed. */
export function argumentsOf(method: string, parameters: readonly unknown[]): Arguments | undefined {
  const words = [method];
  const tensors: ProgramTensor[] = [];
  for (const parameter of parameters) if (!describe(parameter, 2, words, tensors)) return undefined;
  return { key: words.join(' '), tensors };
}

/** The tensors of a result and its form; `undefined` for anything else. */
export function readResult(
  result: unknown,
): { tensors: readonly ProgramTensor[]; form: ResultForm } | undefined {
  if (isProgramTensor(result)) return { tensors: [result], form: 'single' };
  if (typeof result !== 'object' || result === null) return undefined;
  const tensors: readonly unknown[] = Object.values(result);
  if (!tensors.every(isProgramTensor)) return undefined;
  if (Array.isArray(result)) return { tensors, form: 'list' };
  return Object.getPrototypeOf(result) === Object.prototype
    ? { tensors, form: Object.keys(result) }
    : undefined;
}

/** The inverse of {@link readResult}. */
export function makeResult(tensors: readonly unknown[], form: ResultForm): unknown {
  if (form === 'single') return tensors[0];
  if (form === 'list') return tensors;
  return Object.fromEntries(form.map((key, index) => [key, tensors[index]]));
}
