/**
 * Graphs as a run captured them → what to export: which leaves are inputs, which are weights, and which sizes stay open,
 * because the same graph was captured with several.
 */
import { haveSameKernels } from '../ir/guard.ts';
import type { CallNode, ConstantNode, Graph, GraphNode, PlaceholderNode, ValueRef } from '../ir/graph.ts';
import { refKey } from '../ir/graph.ts';
import type { HostArray } from '../ir/tensor-type.ts';
import { distinctNames } from './distinct-names.ts';
import type { ExportPlan, GraphVariant, SymbolicSize } from './export-model.ts';

/** A captured graph with what is known of its leaves. */
export interface CapturedGraph {
  readonly graph: Graph;
  /** Contents in graph order; absent where only the trace is left. */
  readonly leaves?: readonly (HostArray | undefined)[];
  /** Shapes under which the program holds the leaves; absent: those of the graph. */
  readonly shapes?: readonly (readonly number[])[];
}

type Leaf = PlaceholderNode | ConstantNode;

function leavesOf(graph: Graph): readonly Leaf[] {
  return graph.nodes.filter((node) => node.kind !== 'call');
}

/** A use of an input as the graph sees it, where the program holds it under another shape. */
function viewOf({ name, type }: Leaf, taken: ReadonlySet<string>): CallNode {
  let view = `${name}_view`;
  while (taken.has(view)) view += '_';
  return {
    kind: 'call',
    name: view,
    kernel: 'Reshape',
    inputs: [{ node: name, output: 0 }],
    attributes: { shape: type.shape },
    outputs: [type],
  };
}

/** The graph with leaves as inputs, in the shapes that the program knows, or as constants with their contents. */
function settle({ graph, leaves, shapes }: CapturedGraph, isInput: (leaf: number) => boolean): Graph {
  const taken = new Set(graph.nodes.map(({ name }) => name));
  const views = new Map<string, CallNode>();
  const settled = leavesOf(graph).map((leaf, index): GraphNode => {
    const data = leaves?.[index] ?? (leaf.kind === 'constant' ? leaf.data : undefined);
    const { name, type } = leaf;
    if (!isInput(index) && data !== undefined) return { kind: 'constant', name, type, data };
    const shape = shapes?.[index] ?? type.shape;
    if (shape.join() !== type.shape.join()) views.set(name, viewOf(leaf, taken));
    return { kind: 'placeholder', name, type: { dtype: type.dtype, shape }, role: 'input' };
  });
  const see = (ref: ValueRef): ValueRef => {
    const view = views.get(ref.node);
    return view === undefined ? ref : { node: view.name, output: 0 };
  };
  const calls = graph.nodes.flatMap((node): GraphNode[] =>
    node.kind === 'call'
      ? [{ ...node, inputs: node.inputs.map((ref) => (ref === undefined ? undefined : see(ref))) }]
      : [],
  );
  return { ...graph, nodes: [...settled, ...views.values(), ...calls], outputs: graph.outputs.map(see) };
}

/** Whether two graphs are the same ops under the same names, in other sizes perhaps. Not of a graph and itself. */
export function isSameProgram(left: Graph, right: Graph): boolean {
  const names = (graph: Graph): string =>
    [...graph.nodes.map(({ name }) => name), ...graph.outputs.map(refKey)].join();
  return left !== right && haveSameKernels(left, right) && names(left) === names(right);
}

/** Weights may have been trained between two runs: all versions get those of the chosen graph. */
function withWeightsOf(chosen: CapturedGraph, other: CapturedGraph): CapturedGraph {
  const { leaves } = chosen;
  if (leaves === undefined || other.leaves === undefined) return other;
  const kinds = leavesOf(chosen.graph).map(({ kind }) => kind);
  return {
    ...other,
    leaves: other.leaves.map((data, index) =>
      kinds[index] === 'placeholder' && data?.length === leaves[index]?.length ? leaves[index] : data,
    ),
  };
}

/** A variant with the contents of its leaves, where they are known. */
export interface CapturedVariant extends GraphVariant {
  readonly leaves: CapturedGraph['leaves'];
}

/** A plan whose variants can be run. */
export interface CapturedPlan extends ExportPlan {
  readonly variants: readonly CapturedVariant[];
}

interface Settled {
  readonly graph: Graph;
  readonly leaves: CapturedGraph['leaves'];
}

/** Sizes in which captured versions differ. One symbol at most: more would need more versions than a run meets. */
function findOpenSizes(versions: readonly Settled[]): Pick<CapturedPlan, 'symbols' | 'variants'> | undefined {
  const symbols = new Map<string, SymbolicSize>();
  for (const [index, leaf] of leavesOf(versions[0]!.graph).entries()) {
    for (const [axis, dim] of leaf.type.shape.entries()) {
      const sizes = versions.map(({ graph }) => leavesOf(graph)[index]!.type.shape[axis]);
      if (sizes.every((size) => size === dim) || leaf.kind === 'constant') continue;
      const name = axis === 0 ? 'batch' : `${leaf.name}_axis${axis}`;
      if (!symbols.has(sizes.join())) symbols.set(sizes.join(), { name, input: leaf.name, axis });
    }
  }
  if (symbols.size !== 1) return undefined;
  const [[word, symbol]] = symbols as unknown as [[string, SymbolicSize]];
  const sizes = word.split(',').map(Number);
  const variants = versions.map((version, index) => ({ ...version, sizes: [sizes[index]!] }));
  return { symbols: [symbol], variants: cornersFirst(variants) };
}

/** The corners of the box come first: see `sizeBox`. */
function cornersFirst(variants: readonly CapturedVariant[]): readonly CapturedVariant[] {
  const [first, ...rest] = variants as readonly [CapturedVariant, ...CapturedVariant[]];
  const other = rest.find(({ sizes }) => sizes[0] !== first.sizes[0])!;
  return [first, other, ...rest.filter((variant) => variant !== other)];
}

function isNumeric(graph: Graph): boolean {
  return leavesOf(graph).every(({ type }) => type.dtype !== 'string' && type.dtype !== 'complex64');
}

/**
 * @param captured all graphs of the run; `chosen` is one of them.
 * @param isInput whether a leaf of the chosen graph, by position, is an input; the others are weights.
 */
export function planExport(
  chosen: CapturedGraph,
  captured: readonly CapturedGraph[],
  isInput: (leaf: number) => boolean,
): { readonly fixed: CapturedPlan; readonly open: CapturedPlan | undefined } {
  const settled = (item: CapturedGraph): Settled => ({ graph: settle(item, isInput), leaves: item.leaves });
  const main = settled(chosen);
  const others = captured
    .filter((other) => isSameProgram(chosen.graph, other.graph) && isNumeric(other.graph))
    .map((other) => settled(withWeightsOf(chosen, other)));
  const inputNames = leavesOf(main.graph).map(({ name }) => name);
  const outputNames = distinctNames(main.graph.outputs.map(refKey), inputNames);
  const open = others.length === 0 ? undefined : findOpenSizes([main, ...others]);
  return {
    fixed: { variants: [{ ...main, sizes: [] }], symbols: [], outputNames },
    open: open === undefined ? undefined : { ...open, outputNames },
  };
}
