/**
 * Text of a graph, fullgraph's own or FX code → nodes with their edges, for drawing. Tolerant and light on purpose:
 * the UI needs names, types and edges of 10,000 nodes at once, never the data of constants, and a line that it cannot
 * read must not hide the others. {@link ../../ir/parse.ts} is the strict reader.
 */
import type { GraphReport } from '../../explain/report.ts';

export type ModelNodeKind = 'input' | 'state' | 'constant' | 'op' | 'output';

export interface ModelNode {
  /** Unique in the graph: the name, numbered where inner graphs repeat it. */
  readonly key: string;
  readonly name: string;
  readonly kind: ModelNodeKind;
  /** tfjs kernel, aten op, method or operator. */
  readonly op: string;
  /** Printed types of the results. */
  readonly type: string;
  /** Indices of the nodes that it reads, in order of its arguments. */
  readonly inputs: readonly number[];
  /** Attributes, data or the whole expression, as printed. */
  readonly text: string;
  /** Line of the graph's text, from 1. */
  readonly line: number;
}

export interface GraphModel {
  readonly nodes: readonly ModelNode[];
  /** Indices of the nodes that read each node, ascending. */
  readonly users: readonly (readonly number[])[];
  readonly byKey: ReadonlyMap<string, number>;
}

/** Collects nodes; names resolve to the latest node of that name. */
interface Collector {
  add(node: Omit<ModelNode, 'key' | 'inputs'>, inputNames: readonly string[]): void;
  knows(name: string): boolean;
  /** Another name for a node. */
  alias(name: string, of: string): void;
  /** Names of an inner graph hide those outside. */
  enter(): void;
  finish(): GraphModel;
}

function createCollector(): Collector {
  const nodes: ModelNode[] = [];
  const users: number[][] = [];
  const byKey = new Map<string, number>();
  let names = new Map<string, number>();
  return {
    add({ name, kind, op, type, text, line }, inputNames) {
      const index = nodes.length;
      const inputs: number[] = [];
      for (const inputName of inputNames) {
        const input = names.get(inputName);
        if (input === undefined) continue;
        inputs.push(input);
        const readers = users[input]!;
        if (readers.at(-1) !== index) readers.push(index);
      }
      const key = byKey.has(name) ? `${name}#${index}` : name;
      nodes.push({ key, name, kind, op, type, inputs, text, line });
      users.push([]);
      byKey.set(key, index);
      if (kind !== 'output') names.set(name, index);
    },
    knows: (name) => names.has(name),
    alias: (name, of) => void names.set(name, names.get(of)!),
    enter() {
      names = new Map();
    },
    finish: () => ({ nodes, users, byKey }),
  };
}

const leafLine = /^(input|state|const) (\S+): (\S+)(?: = (.*))?$/;

/** `name: types = Kernel(inputs) {attributes}`, cut by hand: a regular expression takes ten times as long. */
function readCall(text: string, line: number, collector: Collector): void {
  const colon = text.indexOf(': ');
  const equals = text.indexOf('= ', colon);
  const open = text.indexOf('(', equals);
  const close = text.indexOf(')', open);
  if (colon <= 0 || equals < 0 || open < 0 || close < 0) return;
  collector.add(
    {
      name: text.slice(0, colon),
      kind: 'op',
      op: text.slice(equals + 2, open),
      type: text.slice(colon + 2, equals).trimEnd(),
      text: text.slice(close + 2),
      line,
    },
    text
      .slice(open + 1, close)
      .split(',')
      .map(nodeOfRef),
  );
}

function readOwn(text: string, collector: Collector): void {
  for (const [index, raw] of text.split('\n').entries()) {
    const line = index + 1;
    const trimmed = raw.trim();
    const leaf = leafLine.exec(trimmed);
    if (leaf !== null) {
      const [, word, name = '', type = '', data = ''] = leaf;
      const kind = word === 'const' ? 'constant' : (word as 'input' | 'state');
      collector.add({ name, kind, op: kind, type, text: data, line }, []);
    } else if (trimmed.startsWith('return')) {
      const refs = trimmed.slice('return'.length).split(',').map(nodeOfRef);
      collector.add({ name: 'return', kind: 'output', op: 'return', type: '', text: '', line }, refs);
    } else readCall(trimmed, line, collector);
  }
}

/** `split:1` names result 1 of `split`. */
function nodeOfRef(ref: string): string {
  const trimmed = ref.trim();
  const colon = trimmed.indexOf(':');
  return colon < 0 ? trimmed : trimmed.slice(0, colon);
}

const assignment = /^\s*([A-Za-z_]\w*)(?:\s*:\s*(?:"([^"]*)"|[\w.[\]]+))?\s*=\s*(.+)$/;
const parameter = /([A-Za-z_]\w*)\s*:\s*(?:"([^"]*)"|([\w.]+))/g;
/** An identifier that is neither an attribute of something nor the name of an argument. */
const identifier = /(?<![\w.'"])[A-Za-z_]\w*(?!\w|\s*=[^=])/g;
const operators: readonly (readonly [RegExp, string])[] = [
  [/^\S+ \+ /, 'add'],
  [/^\S+ - /, 'sub'],
  [/^\S+ \* /, 'mul'],
  [/^\S+ \/\/ /, 'floordiv'],
  [/^\S+ \/ /, 'truediv'],
  [/^\S+ @ /, 'matmul'],
  [/^\S+ \*\* /, 'pow'],
  [/^\S+ (?:[<>]=?|[=!]=) /, 'compare'],
  [/^-/, 'neg'],
];

function fxOp(expression: string, collector: Collector): string {
  const call = /^([\w.]+)\(/.exec(expression);
  if (call !== null) {
    const path = call[1]!.replace(/^torch\.(?:ops\.|_C\._nn\.|nn\.functional\.)?/, '');
    const [first = '', ...rest] = path.split('.');
    return collector.knows(first) && rest.length > 0 ? rest.join('.') : path;
  }
  const operator = operators.find(([pattern]) => pattern.test(expression));
  if (operator !== undefined) return operator[1];
  return /^[\w.]+\[/.test(expression) ? 'getitem' : 'value';
}

function namesIn(expression: string): string[] {
  return expression.match(identifier) ?? [];
}

/** Parameters of `def forward(...)`, which may run over several lines. */
function readParameters(text: string, line: number, collector: Collector): void {
  for (const [, name = '', quoted, bare] of text.matchAll(parameter)) {
    if (name === 'self') continue;
    const type = quoted ?? bare ?? '';
    collector.add({ name, kind: 'input', op: 'input', type, text: '', line }, []);
  }
}

function readFx(text: string, collector: Collector): void {
  const lines = text.split('\n');
  for (let index = 0; index < lines.length; index++) {
    const raw = lines[index]!;
    const line = index + 1;
    if (/^\s*def forward\(/.test(raw)) {
      collector.enter();
      let signature = raw;
      while (!/\)[^()]*:\s*$/.test(signature) && index + 1 < lines.length) signature += lines[++index]!;
      readParameters(signature.slice(signature.indexOf('(')), line, collector);
      continue;
    }
    // What follows the first semicolon only frees names.
    const code = raw.split(';  ')[0]!;
    const returned = /^\s*return (.*)$/.exec(code);
    if (returned !== null) {
      const names = namesIn(returned[1]!);
      collector.add({ name: 'return', kind: 'output', op: 'return', type: '', text: '', line }, names);
      continue;
    }
    const match = assignment.exec(code);
    if (match === null || /^\s*#/.test(raw)) continue;
    const [, name = '', type = '', expression = ''] = match;
    // `l_x_ = L_x_`: every parameter is renamed at first.
    if (collector.knows(expression)) {
      collector.alias(name, expression);
      continue;
    }
    const isAttribute = /^self\.\w+$/.test(expression);
    collector.add(
      {
        name,
        kind: isAttribute ? 'state' : 'op',
        op: isAttribute ? 'attribute' : fxOp(expression, collector),
        type,
        text: expression,
        line,
      },
      namesIn(expression),
    );
  }
}

/** Graphs whose models are kept: the one on the screen and a few to go back to. */
const keptModels = 4;
const models = new Map<string, GraphModel>();

/** The nodes of a graph. Remembered, because each key press asks. */
export function graphModel(graph: Pick<GraphReport, 'text' | 'language'>): GraphModel {
  const known = models.get(graph.text);
  if (known !== undefined) return known;
  const collector = createCollector();
  (graph.language === 'fx' ? readFx : readOwn)(graph.text, collector);
  const model = collector.finish();
  models.set(graph.text, model);
  if (models.size > keptModels) models.delete(models.keys().next().value!);
  return model;
}

/** Indices reachable from a node, itself included: all it is computed from, or all that is computed from it. */
export function reachable(
  model: GraphModel,
  from: number,
  direction: 'ancestors' | 'descendants',
): ReadonlySet<number> {
  const found = new Set([from]);
  const open = [from];
  for (let index = open.pop(); index !== undefined; index = open.pop()) {
    const next = direction === 'ancestors' ? model.nodes[index]!.inputs : model.users[index]!;
    for (const other of next) {
      if (found.has(other)) continue;
      found.add(other);
      open.push(other);
    }
  }
  return found;
}
