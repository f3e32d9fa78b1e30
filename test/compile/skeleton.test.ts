import { describe, expect, test } from 'vitest';
import type { Graph } from '../../src/ir/graph.ts';
import { parseGraph } from '../../src/ir/parse.ts';
import { compileGraph } from '../../src/compile/onnx-executable.ts';
import { lowerGraph } from '../../src/compile/lower.ts';
import { defineOp, type OpDefinition } from '../../src/compile/ops/define-op.ts';
import type { ElementArray, Segment } from '../../src/compile/segment.ts';
import { createSessionStore, type SegmentSession } from '../../src/compile/session-store.ts';
import { skeletonOf, type Generality } from '../../src/compile/skeleton.ts';

const unary = (kernel: string, canLower = true): OpDefinition =>
  defineOp({
    kernel,
    inputs: ['x'],
    infer: ([x]) => [x!],
    ...(canLower
      ? { lower: (c) => [c.op('Reshape', [c.op(kernel, [c.inputs[0]]), c.ints(c.outputTypes[0]!.shape)])] }
      : {}),
    samples: [],
  });
const table = new Map([unary('Relu'), unary('Tanh'), unary('Eager', false)].map((op) => [op.kernel, op]));

/** A chain of unary kernels over one input of the given shape, then a constant that is added in by a Relu of its own. */
function chain(kernels: readonly string[], shape: readonly number[], scale = 1): Graph {
  const type = { dtype: 'float32', shape };
  const nodes: Graph['nodes'][number][] = [
    { kind: 'placeholder', name: 'x', role: 'input', type },
    { kind: 'constant', name: 'scale', type: { dtype: 'float32', shape: [1] }, data: Float32Array.of(scale) },
  ];
  for (const [index, kernel] of kernels.entries()) {
    nodes.push({
      kind: 'call',
      name: `n${index}`,
      kernel,
      inputs: [{ node: index === 0 ? 'x' : `n${index - 1}`, output: 0 }],
      attributes: {},
      outputs: [type],
    });
  }
  nodes.push({
    kind: 'call',
    name: 'scaled',
    kernel: 'Relu',
    inputs: [{ node: 'scale', output: 0 }],
    attributes: {},
    outputs: [{ dtype: 'float32', shape: [1] }],
  });
  return {
    name: 'chain',
    nodes,
    outputs: [
      { node: `n${kernels.length - 1}`, output: 0 },
      { node: 'scaled', output: 0 },
    ],
  };
}

/** Sessions that only remember what they were made of and fed with. */
function recordingStore() {
  const made: { segment: Segment; generality: Generality; isDisposed: boolean }[] = [];
  const fed: ElementArray[][] = [];
  const store = createSessionStore((segment, generality) => {
    const entry = { segment, generality, isDisposed: false };
    made.push(entry);
    const session: SegmentSession = {
      run(feeds) {
        fed.push([...feeds]);
        // Kernels of these graphs keep sizes: the chain's output is as long as x, the constant's as the constant.
        return segment.outputs.map((_, index) =>
          new Float32Array(index === 0 ? feeds[0]!.length : 1).fill(7),
        );
      },
      dispose() {
        entry.isDisposed = true;
      },
    };
    return { session, cache: 'none', phases: [] };
  });
  return { store, made, fed };
}

describe('partition', () => {
  test('a graph without fallbacks is one segment', () => {
    const lowered = lowerGraph(chain(['Relu', 'Tanh'], [2]), table);
    expect(lowered.steps.map((step) => step.kind)).toEqual(['onnx']);
  });

  test('an eager call splits only what depends on it', () => {
    const lowered = lowerGraph(chain(['Relu', 'Eager', 'Tanh'], [2]), table);
    expect(lowered.steps.map((step) => step.kind)).toEqual(['onnx', 'eager', 'onnx']);
    expect(lowered.fallbacks).toEqual([{ node: 'n1', kernel: 'Eager', reason: 'no lowering' }]);
    const first = lowered.steps[0];
    // The independent Relu of the constant is in the first segment.
    expect(
      first?.kind === 'onnx' && first.segment.nodes.some((node) => node.name.startsWith('scaled/')),
    ).toBe(true);
  });
});

describe('a view that a later segment reads', () => {
  const calls = new Map(
    [
      ...table.values(),
      defineOp({
        kernel: 'View',
        inputs: ['x'],
        infer: ([x]) => [x!],
        lower: (c) => [c.op('Reshape', [c.inputs[0], c.ints(c.outputTypes[0]!.shape)])],
        samples: [],
      }),
      defineOp({
        kernel: 'Join',
        inputs: ['a', 'b'],
        infer: ([a]) => [a!],
        lower: (c) => [c.op('Add', [c.inputs[0], c.inputs[1]])],
        samples: [],
      }),
    ].map((op) => [op.kernel, op]),
  );
  /** What goes in and out of each segment, and its operators. */
  const segments = (outputs: string, eagerInput: string): unknown[] =>
    lowerGraph(
      parseGraph(`graph views
    input x: float32[2,3]
    relu: float32[2,3] = Relu(x)
    view: float32[6] = View(relu)
    flat: float32[3,2] = View(view)
    eager: float32[3,2] = Eager(${eagerInput})
    sum: float32[3,2] = Join(flat, eager)
    return ${outputs}`),
      calls,
    ).steps.flatMap((step) =>
      step.kind === 'eager'
        ? []
        : [
            {
              inputs: step.segment.inputs.map(({ name }) => name),
              operators: step.segment.nodes.map(({ op }) => op),
              outputs: step.segment.outputs.map(({ name }) => name),
            },
          ],
    );

  test('is made there, of what it shows', () => {
    expect(segments('sum', 'relu')).toEqual([
      { inputs: ['x'], operators: ['Relu', 'Reshape'], outputs: ['relu/Reshape_1'] },
      {
        inputs: ['relu/Reshape_1', 'eager'],
        operators: ['Reshape', 'Reshape', 'Add'],
        outputs: ['sum/Add_0'],
      },
    ]);
  });

  test('is made in both where others read it as well', () => {
    const [first, second] = segments('sum, view', 'flat');
    expect(first).toMatchObject({ outputs: ['relu/Reshape_1', 'view/Reshape_0', 'flat/Reshape_0'] });
    expect(second).toMatchObject({ inputs: ['relu/Reshape_1', 'eager'], outputs: ['sum/Add_0'] });
  });
});

describe('skeleton', () => {
  const skeleton = (graph: Graph): string => {
    const [step] = lowerGraph(graph, table).steps;
    return step?.kind === 'onnx' ? skeletonOf(step.segment) : '';
  };

  test('is the same for other sizes and constants', () => {
    expect(skeleton(chain(['Relu'], [32, 4], 1))).toBe(skeleton(chain(['Relu'], [7, 4], 2)));
  });

  test('differs for other kernels and ranks', () => {
    expect(skeleton(chain(['Relu'], [4]))).not.toBe(skeleton(chain(['Tanh'], [4])));
    expect(skeleton(chain(['Relu'], [4]))).not.toBe(skeleton(chain(['Relu'], [4, 1])));
  });
});

describe('dynamic shapes', () => {
  const context = (store: ReturnType<typeof recordingStore>['store']) => ({
    table,
    sessions: store,
    runKernel: () => [],
    optimize: (segment: Segment) => segment,
    now: () => 0,
  });

  test('any number of batch sizes needs two sessions', () => {
    const { store, made } = recordingStore();
    for (const batch of [32, 7, 5, 32, 9, 1])
      compileGraph(chain(['Relu', 'Tanh'], [batch, 4]), context(store));
    expect(made).toHaveLength(2);
    expect(made[1]!.generality.dims).toEqual([[undefined, 4]]);
  });

  test('the shape constants of each call are fed to the shared session', () => {
    const { store, fed } = recordingStore();
    compileGraph(chain(['Relu'], [32, 4]), context(store));
    compileGraph(chain(['Relu'], [7, 4]), context(store));
    const { executable } = compileGraph(chain(['Relu'], [5, 4]), context(store));
    executable.run([new Float32Array(20), Float32Array.of(1)]);
    expect(fed.at(-1)!.map((array) => Array.from(array as ArrayLike<unknown>).length)).toEqual([20, 2]);
    expect(fed.at(-1)![1]).toEqual(BigInt64Array.of(5n, 4n));
  });

  test('a constant that changes becomes a free leaf, fed from the leaves', () => {
    const { store, fed, made } = recordingStore();
    const first = compileGraph(chain(['Relu'], [2], 1), context(store)).executable;
    const second = compileGraph(chain(['Relu'], [2], 0.5), context(store)).executable;
    expect(first.freeLeaves).toEqual([true, false]);
    expect(second.freeLeaves).toEqual([true, true]);
    second.run([new Float32Array(2), Float32Array.of(0.25)]);
    expect(fed.at(-1)!.at(-1)).toEqual(Float32Array.of(0.25));
    expect(made).toHaveLength(2);
  });

  test('weights of another model are constants of another session', () => {
    const { store, made } = recordingStore();
    const modelOf = (value: number, rows: number): Graph => {
      const { nodes, ...rest } = chain(['Relu'], [rows, 2]);
      const weights = { dtype: 'float32', shape: [100] } as const;
      const data = new Float32Array(100).fill(value);
      const constant = { kind: 'constant', name: 'scale', type: weights, data } as const;
      return {
        ...rest,
        nodes: nodes.map((node) => {
          if (node.name === 'scale') return constant;
          return node.name === 'scaled' && node.kind === 'call' ? { ...node, outputs: [weights] } : node;
        }),
      };
    };
    for (const rows of [1, 2, 3, 4]) {
      for (const value of [1, 2]) compileGraph(modelOf(value, rows), context(store));
    }
    expect(made.map(({ generality }) => generality.dims)).toEqual([
      [[1, 2]],
      [[1, 2]],
      [[undefined, 2]],
      [[undefined, 2]],
    ]);
    expect(
      made.flatMap(({ segment, generality }) =>
        segment.constants
          .filter((_, index) => generality.freeConstants[index] === true)
          .map(({ data }) => data.length),
      ),
    ).not.toContain(100);
  });

  test('a session is disposed with its last executable', () => {
    const { store, made } = recordingStore();
    const left = compileGraph(chain(['Relu'], [2]), context(store)).executable;
    const right = compileGraph(chain(['Relu'], [2]), context(store)).executable;
    left.dispose();
    expect(made[0]!.isDisposed).toBe(false);
    right.dispose();
    right.dispose();
    expect(made[0]!.isDisposed).toBe(true);
  });
});

test('a graph that is too large for one session becomes several, cut between kernel calls', () => {
  const kernels = Array.from({ length: 1200 }, (_, index) => (index % 2 === 0 ? 'Relu' : 'Tanh'));
  const { steps } = lowerGraph(chain(kernels, [2]), table);
  const segments = steps.flatMap((step) => (step.kind === 'onnx' ? [step.segment] : []));
  // Two nodes per call.
  expect(segments.map(({ nodes }) => nodes.length)).toEqual([1000, 1000, 402]);
  for (const [index, segment] of segments.entries()) {
    if (index === 0) continue;
    expect(segment.inputs.map(({ name }) => name)).toEqual([segments[index - 1]!.outputs[0]!.name]);
  }
});
