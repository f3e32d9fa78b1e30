/**
 * Live bugs of onnxruntime 1.30.0, each hidden inside a random graph: what `npm run bench:minify` hands to the minifier and to
 * its competitors. Every bug has a known minimum, counted by hand from the pattern, and the optimizer pass that makes it.
 */
import { GraphWriter, type OnnxModel, type OnnxTensor, type ValueName } from '../src/onnx/index.ts';

export interface BuggyModel {
  readonly model: OnnxModel;
  readonly inputs: ReadonlyMap<string, OnnxTensor>;
}

export interface OnnxBug {
  readonly name: string;
  readonly title: string;
  /** Nodes of the smallest failing model that is known. */
  readonly minimum: number;
  /** Names that the culprit may be called by; none when no optimizer pass is to blame. */
  readonly culprits: readonly string[];
  /** Plants the pattern on a float32 [rows, columns] value; returns a float32 value of the same shape. */
  plant(graph: GraphWriter, x: ValueName, y: ValueName): ValueName;
}

const rows = 6;
const columns = 6;

function floats(count: number, valueAt: (index: number) => number): Float32Array {
  return Float32Array.from({ length: count }, (_, index) => valueAt(index));
}

export const onnxBugs: readonly OnnxBug[] = [
  {
    name: 'transpose-cast-matmul',
    title: 'int32, Transpose of a size-1 dim, Cast, MatMul: segmentation fault',
    minimum: 3,
    culprits: ['MatmulTransposeFusion'],
    plant: (graph, x) => {
      const whole = graph.add('Cast', [x], { to: 6 });
      const shaped = graph.add('Reshape', [whole, graph.ints([1, rows, columns])]);
      const turned = graph.add('Transpose', [shaped], { perm: [1, 0, 2] });
      const real = graph.add('Cast', [turned], { to: 1 });
      const weights = graph.initializer(
        floats(columns * columns, (index) => Math.sin(index)),
        [columns, columns],
      );
      return graph.add('Reshape', [graph.add('MatMul', [real, weights]), graph.ints([rows, columns])]);
    },
  },
  {
    name: 'pad-maxpool',
    title: 'Pad with 0, MaxPool: wrong numbers',
    minimum: 2,
    culprits: ['PadFusion'],
    plant: (graph, x) => {
      const negative = graph.add('Sub', [
        graph.add('Neg', [graph.add('Abs', [x])]),
        graph.scalar(0.5, 'float32'),
      ]);
      const image = graph.add('Reshape', [negative, graph.ints([1, 1, rows, columns])]);
      const padded = graph.add('Pad', [image, graph.ints([0, 0, 1, 1, 0, 0, 1, 1])]);
      const pooled = graph.add('MaxPool', [padded], { kernel_shape: [3, 3] });
      return graph.add('Reshape', [pooled, graph.ints([rows, columns])]);
    },
  },
  {
    name: 'div-mul-identity',
    title: '1 / x times Identity: session refused',
    minimum: 3,
    culprits: ['DivMulFusion'],
    plant: (graph, x, y) => {
      // The Identity must come first in the file: onnxruntime then looks at it after the Div.
      const same = graph.add('Identity', [y]);
      const safe = graph.add('Add', [graph.add('Abs', [x]), graph.scalar(1, 'float32')]);
      const inverse = graph.add('Div', [graph.scalar(1, 'float32'), safe]);
      return graph.add('Mul', [same, inverse]);
    },
  },
  {
    name: 'relu-clip-double',
    title: 'Relu, Clip in double: session refused',
    minimum: 2,
    culprits: ['FuseReluClip'],
    plant: (graph, x) => {
      const double = graph.add('Cast', [x], { to: 11 });
      const positive = graph.add('Relu', [double]);
      const clipped = graph.add('Clip', [positive, graph.scalar(-1, 'float64'), graph.scalar(6, 'float64')]);
      return graph.add('Cast', [clipped], { to: 1 });
    },
  },
  {
    name: 'layer-norm-keepdims',
    title: 'layer normalization with keepdims=0: wrong numbers',
    minimum: 9,
    culprits: ['LayerNormFusion'],
    plant: (graph, x) => {
      const axes = graph.ints([-1]);
      const mean = graph.add('ReduceMean', [x, axes], { keepdims: 0 });
      const centred = graph.add('Sub', [x, mean]);
      const squared = graph.add('Pow', [centred, graph.scalar(2, 'float32')]);
      const variance = graph.add('ReduceMean', [squared, axes], { keepdims: 0 });
      const stable = graph.add('Add', [variance, graph.scalar(1e-5, 'float32')]);
      const deviation = graph.add('Sqrt', [stable]);
      const normal = graph.add('Div', [centred, deviation]);
      const scaled = graph.add('Mul', [
        normal,
        graph.initializer(
          floats(columns, (index) => 1 + index / 8),
          [columns],
        ),
      ]);
      return graph.add('Add', [
        scaled,
        graph.initializer(
          floats(columns, (index) => index / 4 - 1),
          [columns],
        ),
      ]);
    },
  },
  {
    name: 'loop-unwanted-result',
    title: 'Loop with a result that nobody wants: segmentation fault',
    minimum: 1,
    culprits: [],
    plant: (graph, x, y) => {
      const body = graph.subgraph('body');
      body.input('round', 'int64', []);
      const go = body.input('go', 'bool', []);
      const carried = [x, y].map(() => body.input('state', 'float32', [rows, columns]));
      const made = addSteps(body, [x, y, ...carried], bodyNodes, seededRandom(7));
      body.output(body.add('Identity', [go]), 'bool', []);
      for (const value of [made.at(-1)!, made.at(-2)!])
        body.output(body.add('Tanh', [value]), 'float32', [rows, columns]);
      const [, wanted] = graph.addNode({
        opType: 'Loop',
        inputs: [graph.scalar(2, 'int64'), undefined, x, y],
        outputs: ['', graph.uniqueName('wanted')],
        attributes: { body: body.toGraph() },
      });
      return wanted!;
    },
  },
  {
    name: 'div-mul-in-loop',
    title: 'number of the round times 1 / x in the body of a Loop: an operand is lost',
    minimum: 4,
    culprits: ['DivMulFusion'],
    plant: (graph, x, y) => {
      const body = graph.subgraph('body');
      const round = body.input('round', 'int64', []);
      const go = body.input('go', 'bool', []);
      const state = body.input('state', 'float32', [rows, columns]);
      // Unrolled, the number of the round is a constant: what hangs on it is folded before it can be fused.
      const number = body.add('Cast', [round], { to: 1 });
      const same = body.add('Identity', [number]);
      const inverse = body.add('Div', [
        body.scalar(1, 'float32'),
        body.add('Add', [number, body.scalar(2, 'float32')]),
      ]);
      const scale = body.add('Mul', [same, inverse]);
      const made = addSteps(body, [x, y, state], bodyNodes, seededRandom(9));
      body.output(body.add('Identity', [go]), 'bool', []);
      body.output(body.add('Tanh', [body.add('Mul', [made.at(-1)!, scale])]), 'float32', [rows, columns]);
      return graph.addMany('Loop', [graph.scalar(2, 'int64'), undefined, x], 1, { body: body.toGraph() })[0]!;
    },
  },
];

/** Nodes of a body besides the bug. */
const bodyNodes = 60;

function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

type Step = (graph: GraphWriter, x: ValueName, y: ValueName, random: () => number) => ValueName;

const unary = ['Tanh', 'Sigmoid', 'Abs', 'Neg', 'Relu', 'Softsign', 'Sin', 'Cos', 'Erf'];

/** Ordinary steps from two [rows, columns] values to one, bounded so that nothing overflows. */
const steps: readonly Step[] = [
  (graph, x, _y, random) => graph.add(unary[Math.floor(random() * unary.length)]!, [x]),
  (graph, x, _y, random) => graph.add(unary[Math.floor(random() * unary.length)]!, [x]),
  (graph, x, y) => graph.add('Tanh', [graph.add('Add', [x, y])]),
  (graph, x, y) => graph.add('Sub', [graph.add('Sigmoid', [x]), graph.add('Tanh', [y])]),
  (graph, x, y) => graph.add('Mul', [graph.add('Sigmoid', [x]), graph.add('Cos', [y])]),
  (graph, x) => graph.add('Softmax', [x], { axis: -1 }),
  (graph, x) => graph.add('Transpose', [x], { perm: [1, 0] }),
  (graph, x, y) => graph.add('Max', [x, y]),
  (graph, x, _y, random) => {
    const phase = random() * 6;
    const weights = floats(columns * columns, (index) => Math.sin(index * 1.7 + phase) / 3);
    return graph.add('Tanh', [graph.add('MatMul', [x, graph.initializer(weights, [columns, columns])])]);
  },
  (graph, x, y) => {
    const joined = graph.add('Concat', [x, y], { axis: 1 });
    return graph.add('Slice', [joined, graph.ints([3]), graph.ints([3 + columns]), graph.ints([1])]);
  },
  (graph, x) => {
    const flat = graph.add('Reshape', [x, graph.ints([-1])]);
    return graph.add('Reshape', [flat, graph.ints([rows, columns])]);
  },
  (graph, x) => {
    const least = graph.add('ReduceMin', [x, graph.ints([1])], { keepdims: 1 });
    return graph.add('Sub', [x, least]);
  },
];

/** Random steps until the graph has that many nodes more. */
function addSteps(
  graph: GraphWriter,
  around: readonly ValueName[],
  nodeCount: number,
  random: () => number,
): ValueName[] {
  const values = [...around];
  const end = graph.nodeCount + nodeCount;
  const pick = (): ValueName => values[Math.floor(random() * values.length)]!;
  while (graph.nodeCount < end) {
    const step = steps[Math.floor(random() * steps.length)]!;
    values.push(step(graph, pick(), pick(), random));
  }
  return values;
}

/** A random model of about `nodeCount` nodes with the bug somewhere in its middle. */
export function buggyModel(bug: OnnxBug, nodeCount: number, seed: number): BuggyModel {
  const random = seededRandom(seed);
  const graph = new GraphWriter(`random_${bug.name}`);
  const inputs = new Map<string, OnnxTensor>();
  const values: ValueName[] = ['a', 'b', 'c'].map((name) => {
    const data = floats(rows * columns, () => Math.round((random() * 4 - 2) * 1_000) / 1_000);
    inputs.set(name, { name, dataType: 'float32', dims: [rows, columns], data });
    return graph.input(name, 'float32', [rows, columns]);
  });
  const unread = new Set<ValueName>();
  const recent = (): ValueName => {
    // Mostly recent values, so that the graph is deep; sometimes an old one.
    const span = random() < 0.7 ? Math.min(values.length, 8) : values.length;
    const value = values[values.length - 1 - Math.floor(random() * span)]!;
    unread.delete(value);
    return value;
  };
  const plantAt = Math.floor(nodeCount * (0.25 + random() * 0.5));
  let planted: ValueName | undefined;
  while (graph.nodeCount < nodeCount || planted === undefined) {
    if (planted === undefined && graph.nodeCount >= plantAt) {
      planted = bug.plant(graph, recent(), recent());
      values.push(planted);
      continue;
    }
    const step = steps[Math.floor(random() * steps.length)]!;
    const result = step(graph, recent(), recent(), random);
    values.push(result);
    unread.add(result);
  }
  // What the bug makes stays visible to the end.
  unread.add(graph.add('Add', [planted, values.at(-1)!]));
  unread.delete(planted);
  unread.delete(values.at(-1)!);
  for (const value of unread) graph.output(value, 'float32', [rows, columns]);
  return { model: graph.toModel(), inputs };
}
