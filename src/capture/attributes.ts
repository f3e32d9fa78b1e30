/**
 * Attributes of kernel calls as values: hashed, compared and copied without going through strings, as this happens at
 * every call. Only what the IR can hold is accepted; typed arrays count as plain ones.
 */
import type { Attributes, AttributeValue } from '../ir/graph.ts';
import { mix } from './type-table.ts';

const float = new Float64Array(1);
const bits = new Int32Array(float.buffer);

function hashNumber(hash: number, value: number): number {
  const integer = value | 0;
  if (integer === value) return mix(hash, integer);
  float[0] = value;
  return mix(mix(hash, bits[0]!), bits[1]!);
}

function hashValue(hash: number, value: unknown): number {
  switch (typeof value) {
    case 'number':
      return hashNumber(hash, value);
    case 'string': {
      // Ends and length tell tfjs's keywords apart; the comparison that follows is exact anyway.
      const { length } = value;
      if (length === 0) return mix(hash, 11);
      return mix(mix(mix(hash, length), value.charCodeAt(0)), value.charCodeAt(length - 1));
    }
    case 'boolean':
      return mix(hash, value ? 3 : 5);
    case 'object': {
      if (value === null) return mix(hash, 7);
      if (isArrayLike(value)) {
        let result = mix(hash, value.length);
        for (let index = 0; index < value.length; index++) result = hashValue(result, value[index]);
        return result;
      }
      return hashAttributes(hash, value as Readonly<Record<string, unknown>>);
    }
    default:
      return mix(hash, 9);
  }
}

function isArrayLike(value: object): value is ArrayLike<unknown> {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && 'length' in value);
}

export function hashAttributes(
  hash: number,
  attributes: Readonly<Record<string, unknown>> | undefined,
): number {
  let result = hash;
  for (const name in attributes) result = hashValue(result, attributes[name]);
  return result;
}

function sameValue(stored: unknown, value: unknown): boolean {
  if (Object.is(stored, value)) return true;
  if (typeof stored !== 'object' || typeof value !== 'object' || stored === null || value === null)
    return false;
  if (Array.isArray(stored)) {
    if (!isArrayLike(value) || stored.length !== value.length) return false;
    for (let index = 0; index < stored.length; index++) {
      if (!sameValue(stored[index], value[index])) return false;
    }
    return true;
  }
  return (
    !isArrayLike(value) && sameAttributes(stored as Attributes, value as Readonly<Record<string, unknown>>)
  );
}

/** Exact: also NaN, -0 and absent against undefined are told apart or recognised as JS does with `Object.is`. */
export function sameAttributes(
  stored: Attributes,
  attributes: Readonly<Record<string, unknown>> | undefined,
): boolean {
  let count = 0;
  for (const name in attributes) {
    if (!Object.hasOwn(stored, name) || !sameValue(stored[name], attributes[name])) return false;
    count++;
  }
  for (const _name in stored) count--;
  return count === 0;
}

/** Stands for what a graph cannot hold: functions, tensors, images. */
const refused = Symbol('refused');

function copyValue(value: unknown): AttributeValue | typeof refused {
  if (typeof value === 'function' || typeof value === 'symbol') return refused;
  if (typeof value !== 'object' || value === null) return value as AttributeValue;
  if (!isArrayLike(value)) return copyRecord(value as Readonly<Record<string, unknown>>);
  const copies: AttributeValue[] = [];
  for (let index = 0; index < value.length; index++) {
    const copy = copyValue(value[index]);
    if (copy === refused) return refused;
    copies.push(copy);
  }
  return Object.freeze(copies);
}

function copyRecord(record: Readonly<Record<string, unknown>>): Attributes | typeof refused {
  const prototype: unknown = Object.getPrototypeOf(record);
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) return refused;
  const copies: Record<string, AttributeValue> = {};
  for (const name in record) {
    const copy = copyValue(record[name]);
    if (copy === refused) return refused;
    copies[name] = copy;
  }
  return Object.freeze(copies);
}

/** A frozen copy that the program cannot change; `undefined` when a graph cannot hold it. */
export function copyAttributes(
  attributes: Readonly<Record<string, unknown>> | undefined,
): Attributes | undefined {
  const copy = copyRecord(attributes ?? {});
  return copy === refused ? undefined : copy;
}
