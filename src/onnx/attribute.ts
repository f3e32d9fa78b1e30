/** Plain JavaScript values as ONNX attributes. A whole number is an INT; `{ float: 1 }` says FLOAT. */
import type { OnnxAttribute, OnnxAttributes, OnnxGraph, OnnxTensor } from './model.ts';

/** What may be written for an attribute. */
export type AttributeValue =
  | number
  | bigint
  | boolean
  | string
  | readonly number[]
  | readonly string[]
  | { readonly float: number }
  | { readonly floats: readonly number[] }
  | OnnxTensor
  | OnnxGraph
  | OnnxAttribute;

/** Attributes by name; those that are `undefined` are left out. */
export type AttributeValues = Readonly<Record<string, AttributeValue | undefined>>;

function listAttribute(values: readonly (number | string)[]): OnnxAttribute {
  if (values.some((value) => typeof value === 'string'))
    return { kind: 'strings', value: values.map(String) };
  const numbers = values.map(Number);
  return numbers.every(Number.isInteger)
    ? { kind: 'ints', value: numbers }
    : { kind: 'floats', value: numbers };
}

/** The attribute for a value: INT, INTS, STRING... for plain ones; a fraction is a FLOAT, an empty list is INTS. */
export function toAttribute(value: AttributeValue): OnnxAttribute {
  switch (typeof value) {
    case 'number':
      return Number.isInteger(value) ? { kind: 'int', value } : { kind: 'float', value };
    case 'bigint':
      return { kind: 'int', value };
    case 'boolean':
      return { kind: 'int', value: value ? 1 : 0 };
    case 'string':
      return { kind: 'string', value };
    case 'object':
      if (Array.isArray(value)) return listAttribute(value);
      if ('kind' in value) return value;
      if ('float' in value) return { kind: 'float', value: value.float };
      if ('floats' in value) return { kind: 'floats', value: value.floats };
      if ('nodes' in value) return { kind: 'graph', value };
      return { kind: 'tensor', value: value as OnnxTensor };
    default:
      return value satisfies never;
  }
}

export function toAttributes(values: AttributeValues): OnnxAttributes {
  const attributes: Record<string, OnnxAttribute> = {};
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined) attributes[name] = toAttribute(value);
  }
  return attributes;
}
