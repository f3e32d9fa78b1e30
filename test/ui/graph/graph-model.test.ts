import { describe, expect, test } from 'vitest';
import { buildReport } from '../../../src/explain/report-builder.ts';
import { parseGraph } from '../../../src/ir/parse.ts';
import { graphModel, reachable, type GraphModel } from '../../../src/ui/graph/graph-model.ts';
import { treeRows } from '../../../src/ui/graph/graph-tree.ts';
import { createReportBuilder } from '../../../src/explain/report-builder.ts';
import { readTorchTrace } from '../../../src/torch/index.ts';
import { sampleTrace } from '../../explain/sample-trace.ts';

const text = `graph mlp
  input x: float32[2,3]
  state kernel: float32[3,4]
  const half: float32[] = [0.5]
  const big: float32[1000000] = [...]
  matmul: float32[2,4] = BatchMatMul(x, kernel) {"transposeA":false}
  parts: float32[2,2], float32[2,2] = SplitV(matmul) {"axis":1}
  sum: float32[2,2] = Add(parts, parts:1)
  padded: float32[2,2] = Prelu(sum, _, half)
  return padded, parts:1
`;

function names(model: GraphModel, indices: Iterable<number>): string[] {
  return [...indices].map((index) => model.nodes[index]!.key);
}

describe('our own text', () => {
  const model = graphModel({ text, language: 'fullgraph' });

  test('has the nodes and edges that the strict reader finds', () => {
    const graph = parseGraph(text);
    for (const node of graph.nodes) {
      const index = model.byKey.get(node.name)!;
      expect(model.nodes[index]!.kind).toBe(
        node.kind === 'call' ? 'op' : node.kind === 'constant' ? 'constant' : node.role,
      );
      if (node.kind !== 'call') continue;
      expect(model.nodes[index]!.op).toBe(node.kernel);
      expect(names(model, model.nodes[index]!.inputs)).toEqual(
        node.inputs.flatMap((input) => (input === undefined ? [] : [input.node])),
      );
    }
    expect(names(model, model.nodes.at(-1)!.inputs)).toEqual(['padded', 'parts']);
  });

  test('knows users, ancestors and descendants', () => {
    expect(names(model, model.users[model.byKey.get('parts')!]!)).toEqual(['sum', 'return']);
    const sum = model.byKey.get('sum')!;
    expect(names(model, reachable(model, sum, 'ancestors')).toSorted()).toEqual([
      'kernel',
      'matmul',
      'parts',
      'sum',
      'x',
    ]);
    expect(names(model, reachable(model, sum, 'descendants')).toSorted()).toEqual([
      'padded',
      'return',
      'sum',
    ]);
  });

  test('keeps what can be read of a damaged text', () => {
    const damaged = graphModel({
      text: `${text}\n  ???\n  late: float32[] = Neg(sum\n  ok: float32[] = Neg(sum)\n`,
      language: 'fullgraph',
    });
    expect(damaged.byKey.has('late')).toBe(false);
    expect(names(damaged, damaged.nodes[damaged.byKey.get('ok')!]!.inputs)).toEqual(['sum']);
  });
});

describe('FX code', () => {
  const model = graphModel({
    language: 'fx',
    text: `class GraphModule(torch.nn.Module):
    def forward(self, s77: "Sym(s77)", L_x_: "f32[s77, 8][8, 1]cpu",
            L_w_: "f32[8]"):
        l_x_ = L_x_

        # File: /app/a.py:3 in f, code: y = x + w
        add: "f32[4, 8][8, 1]cpu" = l_x_ + L_w_;  l_x_ = None
        relu: "f32[4, 8]" = torch.nn.functional.relu(add, inplace = False)
        mm: "f32[4]" = torch.ops.aten.mm.default(relu, L_w_);  relu = None
        size = add.size(0)
        sum_1 = mm.sum(size = (0,), relu=True)
        return (mm, size, sum_1)
`,
  });

  test('gives parameters, operators, methods and calls', () => {
    expect(model.nodes.map(({ key, kind, op }) => `${key} ${kind} ${op}`)).toEqual([
      's77 input input',
      'L_x_ input input',
      'L_w_ input input',
      'add op add',
      'relu op relu',
      'mm op aten.mm.default',
      'size op size',
      'sum_1 op sum',
      'return output return',
    ]);
    expect(model.nodes[model.byKey.get('add')!]!.type).toBe('f32[4, 8][8, 1]cpu');
  });

  test('finds the edges, without names of arguments and attributes', () => {
    const reads = (key: string): string[] => names(model, model.nodes[model.byKey.get(key)!]!.inputs);
    expect(reads('add')).toEqual(['L_x_', 'L_w_']);
    expect(reads('relu')).toEqual(['add']);
    expect(reads('mm')).toEqual(['relu', 'L_w_']);
    expect(reads('size')).toEqual(['add']);
    expect(reads('sum_1')).toEqual(['mm']);
    expect(reads('return')).toEqual(['mm', 'size', 'sum_1']);
  });

  test('of every graph of a real trace is read node by node', async () => {
    const builder = createReportBuilder();
    for await (const record of readTorchTrace('fixtures/traces/torch-two-ranks')) builder.add(record);
    for (const graph of builder.report().graphs) {
      const read = graphModel(graph);
      expect(read.nodes.length).toBeGreaterThan(1);
      for (const node of graph.origins.keys()) expect(read.byKey.has(node)).toBe(true);
    }
  });
});

describe('the tree', () => {
  const graph = buildReport(sampleTrace()).graphs[0]!;
  const rows = (toggled: readonly string[], only?: ReadonlySet<number>): string[] =>
    treeRows(graph, { toggled: new Set(toggled), ...(only === undefined ? {} : { only }) }).map((row) =>
      row.kind === 'scope'
        ? `${'  '.repeat(row.depth)}${row.isFolded ? '+' : '-'}${row.title} ${row.nodes}`
        : `${'  '.repeat(row.depth)}${graphModel(graph).nodes[row.index]!.key}`,
    );

  test('puts nodes under their scopes, leaves first', () => {
    expect(rows([])).toEqual([
      '-inputs, state, constants 2',
      '  x',
      '  kernel',
      '-model › loss 2',
      '  matmul',
      '  loss',
      'return',
    ]);
  });

  test('folds a scope with all that is inside, and still counts it', () => {
    expect(rows(['matmul/1'])).toEqual([
      '-inputs, state, constants 2',
      '  x',
      '  kernel',
      '+model › loss 2',
      'return',
    ]);
  });

  test('shows a part of the graph', () => {
    const { byKey } = graphModel(graph);
    expect(rows([], new Set([byKey.get('x')!, byKey.get('loss')!]))).toEqual([
      '-inputs, state, constants 1',
      '  x',
      '-model › loss 1',
      '  loss',
    ]);
  });

  test('joins scopes that hold nothing but one other, and only those', () => {
    const scopes: Readonly<Record<string, readonly string[]>> = {
      a: ['main', 'train', 'step', 'dense'],
      b: ['main', 'train', 'step', 'dense'],
      c: ['main', 'train', 'step', 'loss', 'mean'],
      d: ['main', 'train'],
    };
    const names = Object.keys(scopes);
    const nested = {
      ...graph,
      text: ['graph g', ...names.map((name) => `  ${name}: float32[1] = Relu()`), '  return d'].join('\n'),
      origins: new Map(names.map((name) => [name, { scope: scopes[name]! }])),
    };
    const drawn = treeRows(nested, { toggled: new Set() }).map(
      (row) =>
        '  '.repeat(row.depth) +
        (row.kind === 'scope' ? `${row.title} ${row.nodes}` : graphModel(nested).nodes[row.index]!.key),
    );
    expect(drawn).toEqual([
      'main › train 4',
      '  step 3',
      '    dense 2',
      '      a',
      '      b',
      '    loss › mean 1',
      '      c',
      '  d',
      'return',
    ]);
  });

  test('of 10,000 nodes has a row for each', () => {
    const chain = Array.from(
      { length: 10_000 },
      (_, index) => `  n${index + 1}: float32[1] = Relu(${index === 0 ? 'x' : `n${index}`})`,
    );
    const large = {
      ...graph,
      text: ['graph g', '  input x: float32[1]', ...chain, '  return n10000'].join('\n'),
    };
    expect(treeRows(large, { toggled: new Set() })).toHaveLength(10_003);
    const { byKey } = graphModel(large);
    expect(reachable(graphModel(large), byKey.get('n10000')!, 'ancestors').size).toBe(10_001);
  });
});
