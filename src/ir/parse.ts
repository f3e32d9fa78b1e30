/** Reads the text form that {@link ./print.ts} writes. Constants printed as `[...]` come back as zeros. */
import { UserError } from './errors.ts';
import type { Attributes, AttributeValue, Graph, GraphNode, ValueRef } from './graph.ts';
import { elementCount, type Dim, type HostArray, type TensorType } from './tensor-type.ts';

function fail(line: number, text: string, expected: string): never {
  throw new UserError(`graph text line ${line}: expected ${expected}, got "${text}"`, {
    code: 'FG5010',
    hint: 'Print a graph with `fullgraph explain --json` to see the format.',
  });
}

function parseType(text: string, line: number): TensorType {
  const match = /^([\w.]+)\[([^\]]*)\]$/.exec(text.trim());
  if (match === null) return fail(line, text, 'a type such as float32[2,3]');
  const dims = match[2] === '' ? [] : match[2]!.split(',');
  return {
    dtype: match[1]!,
    shape: dims.map((word): Dim => (/^\d+$/.test(word.trim()) ? Number(word) : word.trim())),
  };
}

function parseRef(text: string): ValueRef {
  const [node = '', output] = text.trim().split(':');
  return { node, output: output === undefined ? 0 : Number(output) };
}

const taggedValues: Readonly<Record<string, number | undefined>> = {
  $inf: Infinity,
  '$-inf': -Infinity,
  $nan: NaN,
};

function decodeTags(value: AttributeValue): AttributeValue {
  if (typeof value === 'string' && value.startsWith('$')) {
    if (value === '$undefined') return undefined;
    return value in taggedValues ? taggedValues[value] : value;
  }
  if (Array.isArray(value)) return value.map((item: AttributeValue) => decodeTags(item));
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, decodeTags(item)]));
  }
  return value;
}

/** Inverse of `encodeAttributes`. */
export function decodeAttributes(json: string): Attributes {
  return decodeTags(JSON.parse(json) as AttributeValue) as Attributes;
}

const numberWords: Readonly<Record<string, number>> = { inf: Infinity, '-inf': -Infinity, nan: NaN };

function parseData(text: string, type: TensorType): HostArray {
  const body = text.trim().slice(1, -1).trim();
  const count = elementCount(type.shape.map(Number)) * (type.dtype === 'complex64' ? 2 : 1);
  const words =
    body === '...' ? Array.from({ length: count }, () => '0') : body === '' ? [] : body.split(/,\s*/);
  if (type.dtype === 'string') {
    return words.map((word) =>
      word === '0' ? new Uint8Array() : new Uint8Array(Buffer.from(JSON.parse(word) as string, 'base64')),
    );
  }
  const numbers = words.map((word) => numberWords[word] ?? Number(word));
  if (type.dtype === 'int32') return Int32Array.from(numbers);
  return type.dtype === 'bool' ? Uint8Array.from(numbers) : Float32Array.from(numbers);
}

function parseNode(text: string, line: number): GraphNode {
  const placeholder = /^(input|state) (\S+): (.+)$/.exec(text);
  if (placeholder !== null) {
    return {
      kind: 'placeholder',
      name: placeholder[2]!,
      role: placeholder[1] as 'input' | 'state',
      type: parseType(placeholder[3]!, line),
    };
  }
  const constant = /^const (\S+): (\S+) = (\[.*\])$/.exec(text);
  if (constant !== null) {
    const type = parseType(constant[2]!, line);
    return { kind: 'constant', name: constant[1]!, type, data: parseData(constant[3]!, type) };
  }
  const call = /^(\S+): (.*?) = (\S+?)\(([^)]*)\)(?: (\{.*\}))?$/.exec(text);
  if (call === null) return fail(line, text, 'a node');
  const inputs = call[4]!.trim() === '' ? [] : call[4]!.split(',');
  return {
    kind: 'call',
    name: call[1]!,
    kernel: call[3]!,
    outputs: call[2] === '' ? [] : call[2]!.split(/, (?=\w)/).map((word) => parseType(word, line)),
    inputs: inputs.map((word) => (word.trim() === '_' ? undefined : parseRef(word))),
    attributes: decodeAttributes(call[5] ?? '{}'),
  };
}

/**
 * A graph from its text form.
 * @throws FG5010 when a line is not of the form.
 */
export function parseGraph(text: string): Graph {
  const nodes: GraphNode[] = [];
  let name = '';
  let outputs: ValueRef[] = [];
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line === '') continue;
    if (line.startsWith('graph ')) name = line.slice('graph '.length);
    else if (line === 'return' || line.startsWith('return ')) {
      const refs = line.slice('return'.length).trim();
      outputs = refs === '' ? [] : refs.split(',').map(parseRef);
    } else nodes.push(parseNode(line, index + 1));
  }
  return { name, nodes, outputs };
}
