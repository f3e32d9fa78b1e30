/**
 * FX graphs as torch prints them, Python code with `"f32[4, 8][8, 1]cpu"` annotations and `# File: ...` comments, in;
 * the facts that reports need out: ops by name, inputs and outputs with types, source line of each node. A reader of
 * lines, not a Python parser: what it does not understand it skips.
 */
import type { TensorType } from '../ir/tensor-type.ts';
import { asList, type Fields } from './json.ts';

export interface FxNode {
  readonly name: string;
  readonly op: string;
  readonly type: TensorType | undefined;
  /** Index into {@link FxGraph.places}; -1 where the code does not tell. */
  readonly place: number;
}

export interface FxPlace {
  readonly file: string;
  readonly line: number;
  readonly function: string;
  readonly code: string;
}

export interface FxGraph {
  readonly inputs: readonly { readonly name: string; readonly type: TensorType | undefined }[];
  readonly nodes: readonly FxNode[];
  readonly outputs: readonly string[];
  readonly places: readonly FxPlace[];
}

const dtypes: Readonly<Record<string, string>> = {
  f16: 'float16',
  bf16: 'bfloat16',
  f32: 'float32',
  f64: 'float64',
  i8: 'int8',
  i16: 'int16',
  i32: 'int32',
  i64: 'int64',
  u8: 'uint8',
  u16: 'uint16',
  u32: 'uint32',
  u64: 'uint64',
  b8: 'bool',
  c32: 'complex32',
  c64: 'complex64',
  c128: 'complex128',
};

/** `f32[s77, 8][8, 1]cpu` as a type; `undefined` for symbols and other annotations. */
export function parseAnnotation(annotation: string): TensorType | undefined {
  const match = /^([a-z]+\d\w*)\[([^\]]*)\]/.exec(annotation.trim());
  if (match === null) return undefined;
  const dims = match[2]!.split(',').map((dim) => dim.trim());
  const shape = dims.filter((dim) => dim !== '').map((dim) => (/^\d+$/.test(dim) ? Number(dim) : dim));
  return { dtype: dtypes[match[1]!] ?? match[1]!, shape };
}

const operators: readonly (readonly [RegExp, string])[] = [
  [/^-\s?\w/, 'neg'],
  [/^~\s?\w/, 'invert'],
  [/ \*\* /, 'pow'],
  [/ \* /, 'mul'],
  [/ \+ /, 'add'],
  [/ - /, 'sub'],
  [/ @ /, 'matmul'],
  [/ \/\/ /, 'floordiv'],
  [/ \/ /, 'truediv'],
  [/ % /, 'mod'],
  [/ == /, 'eq'],
  [/ != /, 'ne'],
  [/ >= /, 'ge'],
  [/ <= /, 'le'],
  [/ > /, 'gt'],
  [/ < /, 'lt'],
  [/ & /, 'and'],
  [/ \| /, 'or'],
  [/ \^ /, 'xor'],
];

/** `torch.ops.aten.mm.default` to `aten.mm`, `torch._C._nn.linear` and `x.linear` to `linear`. */
function opOfTarget(target: string): string {
  const parts = target.split('.');
  const ops = /^torch\.ops\.(\w+)\.(\w+)/.exec(target);
  if (ops !== null) return `${ops[1]}.${ops[2]}`;
  if (parts[0] === 'self' && parts.length > 1) return parts.slice(1).join('.');
  return parts.at(-1)!;
}

/** The op of a statement's right side; `undefined` for renamed inputs and looked-up attributes of the module. */
function opOf(right: string): string | undefined {
  const call = /^([A-Za-z_][\w.]*)\(/.exec(right);
  if (call !== null) return opOfTarget(call[1]!);
  if (/^[A-Za-z_]\w*$/.test(right) || /^self\.[\w.]+$/.test(right)) return undefined;
  if (/^[A-Za-z_]\w*\[/.test(right) && !/\] [-+*/%@<>=&|^]/.test(right)) return 'getitem';
  if (/^[A-Za-z_]\w*(?:\.\w+)+$/.test(right)) return 'getattr';
  return operators.find(([pattern]) => pattern.test(right))?.[1];
}

const place = /^\s*# File: (.+):(\d+) in (.+?), code:\s?(.*)$/;
const statement = /^\s+([A-Za-z_]\w*)(?:\s*:\s*(?:"([^"]*)"|[^=]+?))?\s*=\s(.*)$/;
const argument = /([A-Za-z_]\w*)\s*(?::\s*(?:"([^"]*)"|([\w.]+)))?\s*(?:=[^,]*)?(?:,|$)/g;

function parseInputs(signature: string, sizes: Fields): FxGraph['inputs'] {
  const text = signature.replace(/#[^\n]*/g, '');
  return [...text.matchAll(argument)].flatMap((match) => {
    const name = match[1]!;
    if (name === 'self') return [];
    return [
      {
        name,
        type: match[2] === undefined ? sizeType(sizes[name.toLowerCase()]) : parseAnnotation(match[2]),
      },
    ];
  });
}

/** A type from the record's `sizes` field, for versions that print no annotations: the dtype stays unknown. */
function sizeType(size: unknown): TensorType | undefined {
  if (!Array.isArray(size)) return undefined;
  const shape = asList(size).map((dim) => (typeof dim === 'number' ? dim : String(dim)));
  return { dtype: 'unknown', shape };
}

interface Signature {
  readonly text: string;
  /** Index of the first line of the body; -1 where the code has no `forward`. */
  readonly bodyStart: number;
}

function readSignature(lines: readonly string[]): Signature {
  const start = lines.findIndex((line) => /^\s*def forward\(/.test(line));
  if (start === -1) return { text: '', bodyStart: -1 };
  const end = lines.findIndex((line, index) => index >= start && /\)\s*(?:->.*)?:\s*$/.test(line));
  if (end === -1) return { text: '', bodyStart: -1 };
  const text = lines.slice(start, end + 1).join('\n');
  return { text: text.slice(text.indexOf('(') + 1, text.lastIndexOf(')')), bodyStart: end + 1 };
}

/** The graph in a piece of FX code: its first `forward`; bodies of higher-order ops are not counted. */
export function parseFxCode(text: string, sizes: Fields = {}): FxGraph {
  const lines = text.split('\n');
  const signature = readSignature(lines);
  const nodes: FxNode[] = [];
  const places: FxPlace[] = [];
  let outputs: string[] = [];
  let current = -1;
  for (let index = signature.bodyStart; index !== -1 && index < lines.length; index++) {
    const line = lines[index]!;
    if (/^\s*class /.test(line)) break;
    const comment = place.exec(line);
    if (comment !== null) {
      const [, file, number, name, code] = comment;
      current = places.push({ file: file!, line: Number(number), function: name!, code: code! }) - 1;
      continue;
    }
    if (/^\s*# No stacktrace/.test(line)) current = -1;
    const returned = /^\s+return (.*)$/.exec(line);
    if (returned !== null) {
      outputs = [...returned[1]!.matchAll(/[A-Za-z_]\w*/g)]
        .map((match) => match[0])
        .filter((word) => word !== 'None');
      break;
    }
    const match = statement.exec(line);
    if (match === null) continue;
    const right = match[3]!.replace(/;\s+[\w = ]+= None\s*$/, '').trim();
    const op = opOf(right);
    if (op === undefined) continue;
    const name = match[1]!;
    const type = match[2] === undefined ? sizeType(sizes[name]) : parseAnnotation(match[2]);
    nodes.push({ name, op, type, place: current });
  }
  return { inputs: parseInputs(signature.text, sizes), nodes, outputs, places };
}

/** How often each op occurs, most frequent first. */
export function countOps(graph: FxGraph): Record<string, number> {
  const counts = new Map<string, number>();
  for (const node of graph.nodes) counts.set(node.op, (counts.get(node.op) ?? 0) + 1);
  return Object.fromEntries([...counts].sort((left, right) => right[1] - left[1]));
}
