/**
 * A plan → a {@link Graph}. The memory of a value has one shape; a use through an alias may see another one (reshape) or
 * another dtype (a cast that loses nothing), so the graph gets an explicit node where they differ.
 */
import type { CallNode, ConstantNode, Graph, GraphNode, PlaceholderNode, ValueRef } from '../ir/graph.ts';
import type { HostArray } from '../ir/tensor-type.ts';
import type { CutPlan } from './plan-cut.ts';
import type { LazyValue, PendingNode } from './pending.ts';
import { sameShape, type InternedType } from './type-table.ts';

export interface GraphNaming {
  /** As things are now: the name of a tensor that arrives from outside, such as a variable's. */
  leaves(): (value: LazyValue) => string | undefined;
  /** Name that the program's text has for an input of a call. */
  operand?(node: PendingNode, input: number): string | undefined;
  /** Name of the first result of a call in the program's text. */
  call(node: PendingNode): string | undefined;
  scope(node: PendingNode): readonly string[] | undefined;
}

/** `constant`: contents are part of the graph. */
export type LeafKind = 'constant' | 'input' | 'state';

/** Turns any text into an identifier-like word that is not taken yet. */
function createNames(): (wanted: string) => string {
  const taken = new Set<string>();
  const counts = new Map<string, number>();
  return (wanted) => {
    const word = wanted.replace(/\W+/g, '_').replace(/^(?=\d)/, '_') || 'value';
    let count = counts.get(word) ?? 0;
    let name = word;
    while (taken.has(name)) name = `${word}_${++count}`;
    counts.set(word, count);
    taken.add(name);
    return name;
  };
}

function lowerFirst(kernel: string): string {
  const word = kernel.replace(/^_/, '');
  const acronym = /^[A-Z]+(?![a-z])/.exec(word)?.[0] ?? word.slice(0, 1);
  return acronym.toLowerCase() + word.slice(acronym.length);
}

function leafNode(
  name: string,
  type: { readonly dtype: string; readonly shape: readonly number[] },
  kind: LeafKind,
  data: HostArray,
): ConstantNode | PlaceholderNode {
  return kind === 'constant'
    ? { kind: 'constant', name, type, data }
    : { kind: 'placeholder', name, type, role: kind };
}

function findFirstUses({ nodes }: CutPlan): ReadonlyMap<LazyValue, PendingNode> {
  const uses = new Map<LazyValue, PendingNode>();
  for (const node of nodes) {
    for (const input of node.inputs) if (input !== undefined && !uses.has(input)) uses.set(input, node);
  }
  return uses;
}

/**
 * The graph of a plan whose leaves are all in host memory.
 * @param kinds per leaf; leaves come first in the graph, in the plan's order.
 */
export function buildGraph(
  name: string,
  plan: CutPlan,
  kinds: readonly LeafKind[],
  naming: GraphNaming,
): Graph {
  const unique = createNames();
  const nodes: GraphNode[] = [];
  const refs = new Map<LazyValue, ValueRef>();
  const viewed = new Map<LazyValue, Map<InternedType, ValueRef>>();

  const firstUses = naming.operand && findFirstUses(plan);

  /** What the text calls a number where it is first used. */
  function operandOf(leaf: LazyValue): string | undefined {
    if (!leaf.isHostWritten || leaf.type.size > 1) return undefined;
    const node = firstUses?.get(leaf);
    return node && naming.operand?.(node, node.inputs.indexOf(leaf));
  }

  const typeOf = new Map<LazyValue, InternedType>();
  const nameOf = naming.leaves();
  for (const [index, leaf] of plan.leaves.entries()) {
    const kind = kinds[index]!;
    const type = plan.leafTypes[index]!;
    const fallback = kind === 'constant' ? 'c' : kind === 'state' ? 'w' : 'x';
    const name = unique(nameOf(leaf) ?? operandOf(leaf) ?? fallback);
    const node = leafNode(name, { dtype: type.dtype, shape: type.shape }, kind, leaf.host!);
    nodes.push(node);
    typeOf.set(leaf, type);
    refs.set(leaf, { node: node.name, output: 0 });
  }

  function addView(
    kernel: 'Reshape' | 'Cast',
    input: ValueRef,
    type: { dtype: string; shape: readonly number[] },
  ) {
    const attributes: CallNode['attributes'] =
      kernel === 'Reshape' ? { shape: type.shape } : { dtype: type.dtype };
    const node: CallNode = {
      kind: 'call',
      name: unique(kernel.toLowerCase()),
      kernel,
      inputs: [input],
      attributes,
      outputs: [{ dtype: type.dtype, shape: type.shape }],
    };
    nodes.push(node);
    return { node: node.name, output: 0 };
  }

  /** The value as a call of this input type sees it. */
  function use(value: LazyValue, type: InternedType): ValueRef {
    const own = refs.get(value)!;
    const ownType = typeOf.get(value) ?? value.type;
    if (ownType === type) return own;
    let views = viewed.get(value);
    if (views === undefined) viewed.set(value, (views = new Map()));
    let ref = views.get(type);
    if (ref !== undefined) return ref;
    ref = own;
    if (!sameShape(ownType.shape, type.shape)) {
      ref = addView('Reshape', ref, { dtype: ownType.dtype, shape: type.shape });
    }
    if (ownType.dtype !== type.dtype) ref = addView('Cast', ref, type);
    views.set(type, ref);
    return ref;
  }

  for (const node of plan.nodes) {
    const { signature } = node;
    const inputs = node.inputs.map((input, index) =>
      input === undefined ? undefined : use(input, signature.inputTypes[index]!),
    );
    const scope = naming.scope(node);
    const call: CallNode = {
      kind: 'call',
      name: unique(naming.call(node) ?? lowerFirst(signature.kernel.name)),
      kernel: signature.kernel.name,
      inputs,
      attributes: signature.attributes,
      outputs: signature.outputs!.map(({ dtype, shape }) => ({ dtype, shape })),
      ...(node.stack === undefined ? {} : { stack: node.stack }),
      ...(scope === undefined ? {} : { scope }),
    };
    nodes.push(call);
    for (const [output, value] of node.outputs.entries()) refs.set(value, { node: call.name, output });
  }
  return { name, nodes, outputs: plan.outputs.map((value) => refs.get(value)!) };
}
