/**
 * Backends with a fault on purpose, each triggered by Relu, for tests and demonstrations of `minify`: one refuses to
 * compile, one fails when it runs, one computes wrong numbers. Everything without a Relu works as in the backend inside.
 * After PyTorch's `relu_compile_error`, `relu_runtime_error` and `relu_accuracy_error`.
 */
import { BackendError } from '../../ir/errors.ts';
import type { CallNode, ConstantNode, Graph, GraphNode } from '../../ir/graph.ts';
import type { HostArray } from '../../ir/tensor-type.ts';
import type { Backend, Compiled, Executable } from '../../ir/executable.ts';

/** What goes wrong: compiling, running, or the numbers. */
export type Fault = 'compile' | 'run' | 'wrong';

/** A call of Relu, or of a fused kernel whose activation it is. */
function isRelu(node: GraphNode): node is CallNode {
  return node.kind === 'call' && (node.kernel === 'Relu' || node.attributes['activation'] === 'relu');
}

function faultError(what: string, code: string, node: CallNode): BackendError {
  return new BackendError(`${what} ${node.kernel} at node ${node.name}: fault injected for tests`, {
    code,
    hint: 'Use a backend without a fault, such as `--backend onnxruntime`.',
  });
}

function uniqueName(stem: string, taken: Set<string>): string {
  let name = stem;
  for (let count = 1; taken.has(name); count++) name = `${stem}_${count}`;
  taken.add(name);
  return name;
}

const one: Readonly<Record<string, () => HostArray>> = {
  float32: () => Float32Array.of(1),
  int32: () => Int32Array.of(1),
};

/** The graph with `relu(x) + 1` for each `relu(x)`; the constants stand behind all other leaves. */
function spoil(graph: Graph): { readonly graph: Graph; readonly constants: readonly ConstantNode[] } {
  const taken = new Set(graph.nodes.map((node) => node.name));
  const constants = new Map<string, ConstantNode>();
  const calls = graph.nodes.flatMap((node): GraphNode[] => {
    if (node.kind !== 'call') return [];
    const type = node.outputs[0];
    const make = one[type?.dtype ?? ''];
    if (!isRelu(node) || type === undefined || make === undefined) return [node];
    const addend = constants.get(type.dtype) ?? {
      kind: 'constant',
      name: uniqueName('fault', taken),
      type: { dtype: type.dtype, shape: [] },
      data: make(),
    };
    constants.set(type.dtype, addend);
    const exact = uniqueName(`${node.name}_exact`, taken);
    const inputs = [exact, addend.name].map((name) => ({ node: name, output: 0 }));
    return [
      { ...node, name: exact },
      { ...node, kernel: 'Add', inputs, attributes: {}, outputs: [type] },
    ];
  });
  const leaves = graph.nodes.filter((node) => node.kind !== 'call');
  const added = [...constants.values()];
  return { graph: { ...graph, nodes: [...leaves, ...added, ...calls] }, constants: added };
}

function compileSpoiled(inner: Backend, original: Graph, leaves: readonly HostArray[]): Compiled {
  const { graph, constants } = spoil(original);
  const added = constants.map((constant) => constant.data);
  const compiled = inner.compile(graph, [...leaves, ...added]);
  const { executable } = compiled;
  const wrapped: Executable = {
    run: (arrays) => executable.run([...arrays, ...added]),
    freeLeaves: executable.freeLeaves.slice(0, leaves.length),
    dispose: () => executable.dispose(),
  };
  return { ...compiled, executable: wrapped };
}

/**
 * `inner` with a fault; the name is `fault-` and the fault's.
 * @returns a backend that throws BackendError FG3301 (compile) or FG3302 (run), or answers `relu(x) + 1` (wrong).
 */
export function createFaultBackend(inner: Backend, fault: Fault): Backend {
  return {
    ...inner,
    name: `fault-${fault}`,
    compile(graph, leaves) {
      const relu = graph.nodes.find(isRelu);
      if (relu === undefined) return inner.compile(graph, leaves);
      switch (fault) {
        case 'compile':
          throw faultError('cannot compile', 'FG3301', relu);
        case 'run': {
          const compiled = inner.compile(graph, leaves);
          const run = (): never => {
            throw faultError('cannot run', 'FG3302', relu);
          };
          return { ...compiled, executable: { ...compiled.executable, run } };
        }
        case 'wrong':
          return compileSpoiled(inner, graph, leaves);
        default:
          return fault satisfies never;
      }
    },
  };
}
