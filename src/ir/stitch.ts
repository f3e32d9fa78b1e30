/**
 * Two graphs that ran one after the other as one: what would have been captured without the break between them. Used to
 * measure what the break costs.
 */
import { nodesByName, typeOf, type Graph, type GraphNode, type ValueRef } from './graph.ts';

export interface Stitched {
  readonly graph: Graph;
  /** For each leaf of the stitched graph, where its value comes from. */
  readonly leaves: readonly { readonly graph: 'first' | 'second'; readonly leaf: number }[];
}

function prefixed(prefix: string, ref: ValueRef): ValueRef {
  return { ...ref, node: `${prefix}${ref.node}` };
}

/**
 * @param links leaf of the second graph (counting placeholders and constants) → output of the first that it is.
 * @param isKept whether an output of the first graph is still wanted when the second graph has run.
 * @returns the graph: leaves of the first, other leaves of the second, then both graphs' calls. Outputs: the first's kept
 *   ones, then the second's.
 */
export function stitchGraphs(
  first: Graph,
  second: Graph,
  links: ReadonlyMap<number, number>,
  isKept: (output: number) => boolean,
): Stitched {
  const leaves: { graph: 'first' | 'second'; leaf: number }[] = [];
  const heads: GraphNode[] = [];
  const calls: GraphNode[] = [];
  const replaced = new Map<string, ValueRef>();
  const nodesOfFirst = nodesByName(first);

  /** An output of the first graph as the second one reads it: memory may be used under another shape than it was made. */
  const linked = (leaf: GraphNode, ref: ValueRef): ValueRef => {
    const made = typeOf(nodesOfFirst, ref);
    const own = prefixed('first_', ref);
    if (leaf.kind === 'call' || made === undefined || String(made.shape) === String(leaf.type.shape))
      return own;
    const name = `second_${leaf.name}`;
    const { shape } = leaf.type;
    const attributes = { shape: shape.map(Number) };
    calls.push({ kind: 'call', name, kernel: 'Reshape', inputs: [own], attributes, outputs: [leaf.type] });
    return { node: name, output: 0 };
  };

  const add = (graph: Graph, which: 'first' | 'second', prefix: string): void => {
    let leaf = 0;
    for (const node of graph.nodes) {
      if (node.kind !== 'call') {
        const link = which === 'second' ? links.get(leaf) : undefined;
        if (link === undefined) {
          leaves.push({ graph: which, leaf });
          heads.push({ ...node, name: prefix + node.name });
        } else replaced.set(prefix + node.name, linked(node, first.outputs[link]!));
        leaf++;
        continue;
      }
      const inputs = node.inputs.map((ref) => {
        if (ref === undefined) return undefined;
        const own = prefixed(prefix, ref);
        return replaced.get(own.node) ?? own;
      });
      calls.push({ ...node, name: prefix + node.name, inputs });
    }
  };
  add(first, 'first', 'first_');
  add(second, 'second', 'second_');
  const outputs = [
    ...first.outputs.filter((_, index) => isKept(index)).map((ref) => prefixed('first_', ref)),
    ...second.outputs.map((ref) => {
      const own = prefixed('second_', ref);
      return replaced.get(own.node) ?? own;
    }),
  ];
  return { graph: { name: `${first.name}+${second.name}`, nodes: [...heads, ...calls], outputs }, leaves };
}
