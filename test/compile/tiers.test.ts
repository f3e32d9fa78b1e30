import { describe, expect, it } from 'vitest';
import type { Backend, Executable } from '../../src/ir/executable.ts';
import { opTable } from '../../src/compile/ops/index.ts';
import type { CostModel } from '../../src/compile/tier-costs.ts';
import { createTieredBackend } from '../../src/compile/tiers.ts';
import type { Graph, GraphNode } from '../../src/ir/graph.ts';

const scale = 3;

/** `x * scale` and more of the same, `calls` in all. */
function chain({ calls = 1, size = 2, kernel = 'Multiply', name = 'g1' } = {}): Graph {
  const type = { dtype: 'float32', shape: [size] };
  const nodes: GraphNode[] = [
    { kind: 'placeholder', name: 'x', type, role: 'input' },
    {
      kind: 'constant',
      name: 'scale',
      type: { dtype: 'float32', shape: [] },
      data: Float32Array.of(scale),
    },
  ];
  for (let call = 0; call < calls; call++) {
    nodes.push({
      kind: 'call',
      name: `call_${call}`,
      kernel,
      inputs: [call === 0 ? 'x' : `call_${call - 1}`, 'scale'].map((node) => ({ node, output: 0 })),
      attributes: {},
      outputs: [type],
    });
  }
  return { name, nodes, outputs: [{ node: `call_${calls - 1}`, output: 0 }] };
}

/** A native tier that only keeps count. */
function fakeNative(): { readonly backend: Backend; readonly compiled: Graph[]; readonly disposed: Graph[] } {
  const compiled: Graph[] = [];
  const disposed: Graph[] = [];
  const backend: Backend = {
    name: 'native',
    device: 'cpu',
    compile(graph) {
      compiled.push(graph);
      const executable: Executable = {
        run: () => [Float32Array.of(-1)],
        freeLeaves: graph.nodes.flatMap((node) =>
          node.kind === 'call' ? [] : [node.kind === 'placeholder'],
        ),
        dispose: () => disposed.push(graph),
      };
      return { executable, report: { outcome: 'session', cache: 'none', phases: [], fallbacks: [] } };
    },
    dispose: () => undefined,
  };
  return { backend, compiled, disposed };
}

const nothing = { perGraph: 0, perValue: 0, perCall: 0, perElement: 0, perProduct: 0 };

/** A run as closures costs one, of which native code saves all but a quarter; compiling costs `compile`. */
function costs(compile: number): CostModel {
  return {
    compile: { perGraph: compile, perCall: 0 },
    recompile: nothing,
    closures: { ...nothing, perCall: 1 },
    native: { ...nothing, perGraph: 0.25 },
  };
}

const x = Float32Array.of(1, 2);

function tiered(compile: number, native = fakeNative()) {
  return { ...native, backend: createTieredBackend(native.backend, opTable, () => 0, costs(compile)) };
}

/** As capture runs an executable. */
function run(executable: Executable, leaves: readonly Float32Array[]): { values: number[]; isUp: boolean } {
  const isUp = executable.tierUp!(leaves) !== undefined;
  return { values: [...(executable.run(leaves)[0] as Float32Array)], isUp };
}

describe('tiers', () => {
  it('run a graph as closures until it lost what compiling costs', () => {
    const { backend, compiled } = tiered(2);
    const graph = chain();
    const leaves = [x, Float32Array.of(scale)];
    const { executable, report } = backend.compile(graph, leaves);
    expect(report.phases.map((phase) => phase.name)).toEqual(['closures']);
    // 0.75 is lost in each run.
    const runs = [1, 2, 3, 4].map(() => run(executable, leaves));
    expect(runs).toEqual([
      { values: [3, 6], isUp: false },
      { values: [3, 6], isUp: false },
      { values: [3, 6], isUp: false },
      { values: [-1], isUp: true },
    ]);
    expect(compiled).toEqual([graph]);
  });

  it('never compile what native code would not run faster', () => {
    const { backend, compiled } = tiered(2);
    const slowNative = createTieredBackend(fakeNative().backend, opTable, () => 0, {
      ...costs(2),
      native: { ...nothing, perGraph: 1 },
    });
    const leaves = [x, Float32Array.of(scale)];
    const { executable } = slowNative.compile(chain(), leaves);
    for (let count = 0; count < 100; count++) expect(run(executable, leaves).isUp).toBe(false);
    expect(backend.name).toBe('native');
    expect(compiled).toEqual([]);
  });

  it('take any value of a constant, and compile in those that never changed', () => {
    const { backend, compiled } = tiered(2);
    const { executable } = backend.compile(chain(), [x, Float32Array.of(scale)]);
    expect(executable.freeLeaves).toEqual([true, true]);
    expect(executable.ignoresConstants).toBe(true);
    const steps = [3, 4, 5, 6].map((step) => run(executable, [x, Float32Array.of(step)]));
    expect(steps.map((step) => step.values)).toEqual([[3, 6], [4, 8], [5, 10], [-1]]);
    expect(compiled[0]!.nodes.map((node) => node.kind)).toEqual(['placeholder', 'placeholder', 'call']);

    const other = tiered(2);
    const same = other.backend.compile(chain(), [x, Float32Array.of(scale)]).executable;
    for (let count = 0; count < 4; count++) run(same, [x, Float32Array.of(scale)]);
    expect(other.compiled[0]!.nodes.map((node) => node.kind)).toEqual(['placeholder', 'constant', 'call']);
    expect(same.freeLeaves).toEqual([true, false]);
    expect(same.ignoresConstants).toBe(false);
  });

  it('notice a constant that changes in the very run that is compiled for', () => {
    const { backend, compiled } = tiered(2);
    const { executable } = backend.compile(chain(), [x, Float32Array.of(scale)]);
    for (let count = 0; count < 3; count++) run(executable, [x, Float32Array.of(scale)]);
    expect(run(executable, [x, Float32Array.of(7)]).isUp).toBe(true);
    expect(compiled[0]!.nodes[1]!.kind).toBe('placeholder');
  });

  it('count what graphs of the same kernels lose together, whatever their sizes', () => {
    const { backend, compiled } = tiered(2);
    const leaves = (size: number): Float32Array[] => [new Float32Array(size), Float32Array.of(scale)];
    const first = backend.compile(chain({ size: 2 }), leaves(2));
    const second = backend.compile(chain({ size: 5 }), leaves(5));
    expect([first.report.outcome, second.report.outcome]).toEqual(['session', 'shared']);
    run(first.executable, leaves(2));
    run(first.executable, leaves(2));
    run(second.executable, leaves(5));
    expect(compiled).toEqual([]);
    // What is new of this kind is compiled at once.
    expect(backend.compile(chain({ size: 9 }), leaves(9)).executable.ignoresConstants).toBeUndefined();
    expect(compiled).toHaveLength(1);
    expect(run(second.executable, leaves(5)).isUp).toBe(true);
  });

  it('compile a new size, too, only when it pays for itself', () => {
    const native = fakeNative();
    const backend = createTieredBackend(native.backend, opTable, () => 0, {
      ...costs(2),
      recompile: { perGraph: 1.5, perCall: 0 },
    });
    const leaves = (size: number): Float32Array[] => [new Float32Array(size), Float32Array.of(scale)];
    const first = backend.compile(chain({ size: 2 }), leaves(2)).executable;
    for (let count = 0; count < 4; count++) run(first, leaves(2));
    const second = backend.compile(chain({ size: 5 }), leaves(5)).executable;
    expect([1, 2, 3].map(() => run(second, leaves(5)).isUp)).toEqual([false, false, true]);
    expect(native.compiled).toHaveLength(2);
  });

  it('leave a small graph as it is when large ones of the same kernels have lost much', () => {
    const native = fakeNative();
    const backend = createTieredBackend(native.backend, opTable, () => 0, {
      compile: { perGraph: 100, perCall: 0 },
      recompile: nothing,
      closures: { ...nothing, perElement: 1 },
      native: { ...nothing, perGraph: 20 },
    });
    const leaves = (size: number): Float32Array[] => [new Float32Array(size), Float32Array.of(scale)];
    const large = backend.compile(chain({ size: 60 }), leaves(60)).executable;
    const small = backend.compile(chain({ size: 2 }), leaves(2)).executable;
    const ups = [1, 2, 3, 4].map(() => [run(small, leaves(2)).isUp, run(large, leaves(60)).isUp]);
    expect(ups).toEqual([
      [false, false],
      [false, false],
      [false, false],
      [false, true],
    ]);
    expect(run(small, leaves(2)).isUp).toBe(false);
    expect(backend.compile(chain({ size: 3 }), leaves(3)).executable.ignoresConstants).toBe(true);
  });

  it.each([
    ['a graph that is known to run often', chain(), true],
    ['a graph whose first run would take longer than compiling', chain({ calls: 3 }), false],
    ['a kernel without a form in JavaScript', chain({ kernel: 'Complex' }), false],
    ['an empty tensor', chain({ size: 0 }), false],
  ])('compile at once: %s', (_, graph, isHot) => {
    const { backend, compiled } = tiered(2);
    backend.compile(graph, [x, Float32Array.of(scale)], isHot);
    expect(compiled).toEqual([graph]);
  });

  it('release native code', () => {
    const { backend, disposed } = tiered(2);
    const leaves = [x, Float32Array.of(scale)];
    const { executable } = backend.compile(chain(), leaves);
    for (let count = 0; count < 4; count++) run(executable, leaves);
    executable.dispose();
    expect(disposed).toHaveLength(1);
  });
});

describe('closures', () => {
  it('give results that are the caller’s own', () => {
    const { backend } = tiered(100);
    const graph: Graph = {
      ...chain(),
      outputs: ['x', 'call_0', 'call_0'].map((node) => ({ node, output: 0 })),
    };
    const leaves = [x, Float32Array.of(scale)];
    const { executable } = backend.compile(graph, leaves);
    const arrays = new Set([...executable.run(leaves), ...executable.run(leaves), ...leaves]);
    expect(arrays.size).toBe(8);
    expect([...arrays].slice(0, 3).map((array) => [...(array as Float32Array)])).toEqual([
      [1, 2],
      [3, 6],
      [3, 6],
    ]);
  });

  it('raise an error for an index outside, and go on', () => {
    const { backend } = tiered(100);
    const ids = { dtype: 'int32', shape: [1] };
    const table = { dtype: 'float32', shape: [2] };
    const graph: Graph = {
      name: 'g1',
      nodes: [
        { kind: 'placeholder', name: 'table', type: table, role: 'input' },
        { kind: 'placeholder', name: 'ids', type: ids, role: 'input' },
        {
          kind: 'call',
          name: 'row',
          kernel: 'GatherV2',
          inputs: ['table', 'ids'].map((node) => ({ node, output: 0 })),
          attributes: { axis: 0, batchDims: 0 },
          outputs: [{ dtype: 'float32', shape: [1] }],
        },
      ],
      outputs: [{ node: 'row', output: 0 }],
    };
    const { executable } = backend.compile(graph, [x, Int32Array.of(1)]);
    expect(() => executable.run([x, Int32Array.of(2)])).toThrow('index 2 is not in [0, 1]');
    expect(executable.run([x, Int32Array.of(1)])).toEqual([Float32Array.of(2)]);
  });

  it('share registers among values that are not alive together', () => {
    const native = fakeNative();
    const backend = createTieredBackend(native.backend, opTable, () => 0, costs(Infinity));
    const leaves = [x, Float32Array.of(scale)];
    const { executable } = backend.compile(chain({ calls: 6 }), leaves);
    expect(executable.run(leaves)).toEqual([Float32Array.of(3 ** 6, 2 * 3 ** 6)]);
    expect(executable.run(leaves)).toEqual([Float32Array.of(3 ** 6, 2 * 3 ** 6)]);
  });

  it('work in the same arrays, whatever their sizes, without seeing each other', () => {
    const native = fakeNative();
    const backend = createTieredBackend(native.backend, opTable, () => 0, costs(Infinity));
    const sizes = [2, 3, 5, 4, 9];
    const made = sizes.map((size) => backend.compile(chain({ calls: 4, size }), []).executable);
    const inputs = sizes.map((size) => Float32Array.from({ length: size }, (_, index) => size + index));
    const runAll = () => made.map((each, index) => each.run([inputs[index]!, Float32Array.of(scale)])[0]);
    const expected = inputs.map((values) => values.map((value) => value * scale ** 4));
    const first = runAll();
    expect(runAll()).toEqual(expected);
    expect(first).toEqual(expected);
  });
});
