/**
 * A backend that relies on everything it may rely on and notices when it should not have: constants are compiled in, and
 * a run with other contents, sizes or types than those of its graph is an error.
 */
import type { Backend, Compiled } from '../../../src/ir/executable.ts';
import { createEagerBackend } from '../../../src/compile/backends/eager.ts';
import { opTable } from '../../../src/compile/ops/index.ts';
import type { Graph } from '../../../src/ir/graph.ts';
import { elementCount, type HostArray } from '../../../src/ir/tensor-type.ts';
import { verifyGraph } from '../../../src/ir/verify.ts';
import type { BackendContext } from '../../../src/session.ts';

const arrayTypes: Readonly<Record<string, new (length: number) => HostArray>> = {
  float32: Float32Array,
  int32: Int32Array,
  bool: Uint8Array,
};

function sameContents(left: HostArray, right: HostArray): boolean {
  return (
    left.length === right.length && left.every((value: unknown, at: number) => Object.is(value, right[at]))
  );
}

export interface ParanoidOptions {
  /** Makes a constant an input when a graph of the same shape came with another value before, as onnxruntime's does. */
  readonly promotes: boolean;
  readonly onCompile?: (graph: Graph) => void;
  readonly onDispose?: () => void;
}

export function createParanoidBackend({ runKernel }: BackendContext, options: ParanoidOptions): Backend {
  const eager = createEagerBackend(runKernel, opTable);
  /** Constants seen, by everything else of their graph. */
  const seen = new Map<string, HostArray[]>();

  function promotedLeaves(graph: Graph): boolean[] {
    const leaves = graph.nodes.filter((node) => node.kind !== 'call');
    if (!options.promotes) return leaves.map((leaf) => leaf.kind === 'placeholder');
    const skeleton = JSON.stringify({
      nodes: graph.nodes.map((node) => (node.kind === 'constant' ? { ...node, data: 0 } : node)),
      outputs: graph.outputs,
    });
    return leaves.map((leaf, index) => {
      if (leaf.kind === 'placeholder') return true;
      const key = `${index} ${skeleton}`;
      const values = seen.get(key) ?? [];
      seen.set(key, values);
      const isPromoted = values.some((value) => !sameContents(value, leaf.data));
      values.push(leaf.data.slice());
      return isPromoted;
    });
  }

  return {
    name: 'paranoid',
    device: 'cpu',
    compile(graph, examples): Compiled {
      verifyGraph(graph);
      options.onCompile?.(graph);
      const leaves = graph.nodes.filter((node) => node.kind !== 'call');
      const freeLeaves = promotedLeaves(graph);
      const stored = leaves.map((leaf, index) => {
        if (leaf.kind === 'constant' && !sameContents(leaf.data, examples[index]!))
          throw new Error(`${leaf.name}: example differs from the constant`);
        return leaf.kind === 'constant' ? leaf.data.slice() : undefined;
      });
      const { executable } = eager.compile(graph, examples);
      let isDisposed = false;
      return {
        report: { outcome: 'session', cache: 'none', phases: [], fallbacks: [] },
        executable: {
          freeLeaves,
          run(arrays) {
            if (isDisposed) throw new Error('run after dispose');
            if (arrays.length !== leaves.length) throw new Error('wrong number of leaves');
            for (const [index, array] of arrays.entries()) {
              const { name, type } = leaves[index]!;
              if (!(array instanceof arrayTypes[type.dtype]!)) throw new Error(`${name}: wrong array type`);
              if (array.length !== elementCount(type.shape as number[]))
                throw new Error(`${name}: wrong size`);
              const contents = stored[index];
              if (contents !== undefined && freeLeaves[index] === false && !sameContents(contents, array))
                throw new Error(`${name}: stale constant`);
            }
            return executable.run(arrays);
          },
          dispose() {
            if (isDisposed) throw new Error('disposed twice');
            isDisposed = true;
            options.onDispose?.();
          },
        },
      };
    },
    dispose: () => undefined,
  };
}
