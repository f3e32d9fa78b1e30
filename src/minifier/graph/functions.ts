/** Functions that a model brings along: who calls them, what they are without the call, and how much they add to its size. */
import {
  normalDomain,
  type OnnxAttribute,
  type OnnxFunction,
  type OnnxModel,
  type OnnxNode,
  type OnnxOpset,
} from '../../onnx/index.ts';
import { mapGraphs, renameNode } from './bodies/rename-values.ts';
import { allNodes } from './graph-uses.ts';

/** The function that a node calls; undefined for operators. */
export function calledFunction(node: OnnxNode, { functions = [] }: OnnxModel): OnnxFunction | undefined {
  return functions.find(
    ({ name, domain, overload = '' }) =>
      name === node.opType && domain === node.domain && overload === (node.overload ?? ''),
  );
}

/** A node of a function as the call has it: references to attributes become the caller's, or the defaults. */
function resolved(node: OnnxNode, definition: OnnxFunction, call: OnnxNode): OnnxNode {
  const attributes = Object.entries(node.attributes).flatMap(
    ([key, attribute]): [string, OnnxAttribute][] => {
      if (attribute.kind !== 'reference') return [[key, attribute]];
      const given = call.attributes[attribute.value] ?? definition.attributeDefaults?.[attribute.value];
      return given === undefined ? [] : [[key, given]];
    },
  );
  return mapGraphs({ ...node, attributes: Object.fromEntries(attributes) }, (graph) => ({
    ...graph,
    nodes: graph.nodes.map((inner) => resolved(inner, definition, call)),
  }));
}

/** The nodes of a function in place of a call, and what stands for the results. */
export function unfoldCall(
  definition: OnnxFunction,
  call: OnnxNode,
  prefix: string,
): { readonly nodes: readonly OnnxNode[]; readonly results: readonly string[] } {
  const made = definition.nodes.flatMap(({ outputs }) => outputs).filter((value) => value !== '');
  const names = new Map(made.map((value) => [value, `${prefix}/${value}`]));
  for (const [index, input] of definition.inputs.entries()) names.set(input, call.inputs[index] ?? '');
  const rename = (value: string): string => names.get(value) ?? value;
  return {
    nodes: definition.nodes.map((node) =>
      renameNode({ ...resolved(node, definition, call), name: '' }, rename),
    ),
    results: definition.outputs.map(rename),
  };
}

/** The model's operator sets with others; undefined when one of them is there in another version. */
export function opsetsWith(
  { opsets }: OnnxModel,
  others: readonly OnnxOpset[],
): readonly OnnxOpset[] | undefined {
  const known = new Map(opsets.map(({ domain, version }) => [normalDomain(domain), version]));
  const isOther = ({ domain, version }: OnnxOpset): boolean =>
    (known.get(normalDomain(domain)) ?? version) !== version;
  if (others.some(isOther)) return undefined;
  return [...opsets, ...others.filter(({ domain }) => !known.has(normalDomain(domain)))];
}

/** Nodes of a model as they are run: a call counts as itself and what it calls. */
export function countModelNodes(model: OnnxModel): number {
  const counts = new Map<OnnxFunction, number>();
  const count = (outer: readonly OnnxNode[]): number => {
    const nodes = allNodes(outer);
    let sum = nodes.length;
    for (const node of nodes) {
      const called = calledFunction(node, model);
      if (called === undefined) continue;
      let known = counts.get(called);
      if (known === undefined) {
        // Functions do not call themselves; one that does counts once.
        counts.set(called, 0);
        known = count(called.nodes);
        counts.set(called, known);
      }
      sum += known;
    }
    return sum;
  };
  return count(model.graph.nodes);
}
