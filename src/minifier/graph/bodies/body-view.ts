/**
 * A graph inside a node as a test case of its own, and back: its inputs have the values of the first round, what it reads from
 * around it is an input as well. Put back, it keeps the interface that its node needs: what was cut off comes in as an input of the
 * whole model, an output that is gone is a constant, and a new output is a new result of the node.
 */
import type { OnnxGraph, OnnxNode, OnnxTensor, OnnxValueInfo } from '../../../onnx/index.ts';
import type { GraphCase } from '../graph-case.ts';
import { infoOf, keepNodes, type Values } from '../graph-cut.ts';
import { withGraph } from '../graph-context.ts';
import { freeNames } from '../graph-uses.ts';
import { bodyInterface, firstRound, graphOf, withoutUnread, withResult } from './body-interface.ts';
import { allNames, freshName, mapGraphs, renameInside } from './rename-values.ts';

/** A graph inside a node. */
export interface Place {
  /** Of the node in the graph around it. */
  readonly position: number;
  /** The node's attribute. */
  readonly key: string;
}

/** The graphs inside the nodes of a graph that can be looked into, those of later nodes first. */
export function placesIn(graph: OnnxGraph): Place[] {
  const places = graph.nodes.flatMap((node, position) =>
    (bodyInterface(node)?.keys ?? []).map((key) => ({ position, key })),
  );
  return places.reverse();
}

export interface BodyView {
  readonly outer: GraphCase;
  /** Values around the node. */
  readonly values: Values;
  readonly place: Place;
  readonly inner: GraphCase;
}

/**
 * The graph at a place as a test case; undefined when a value that it reads is not known.
 * @param inputs values of the graph's inputs from an earlier view; those of this one are added.
 */
export function openBody(
  outer: GraphCase,
  values: Values,
  place: Place,
  inputs: Map<string, OnnxTensor> = new Map(),
): BodyView | undefined {
  const { graph } = outer.model;
  const node = graph.nodes[place.position];
  const body = node && bodyInterface(node) && graphOf(node, place.key);
  if (node === undefined || body === undefined) return undefined;
  const constants = new Map(graph.initializers.map((tensor) => [tensor.name, tensor]));
  const valueOf = (name: string): OnnxTensor | undefined =>
    outer.inputs.get(name) ?? constants.get(name) ?? values.get(name);
  const given = firstRound(node, body, valueOf);
  for (const [index, { name }] of body.inputs.entries()) {
    const value = given[index];
    if (value !== undefined && !inputs.has(name)) inputs.set(name, { ...value, name });
  }
  const around = [...freeNames(body)];
  const fed = new Map<string, OnnxTensor>();
  for (const name of [...body.inputs.map((info) => info.name), ...around]) {
    const value = inputs.get(name) ?? valueOf(name);
    if (value === undefined) return undefined;
    fed.set(name, value);
  }
  const infos = body.inputs.map((info) =>
    info.type === undefined ? infoOf(info.name, fed.get(info.name)) : info,
  );
  const inner = withGraph(outer, {
    ...body,
    inputs: [...infos, ...around.map((name) => infoOf(name, fed.get(name)))],
  });
  return { outer, values, place, inner: { ...inner, inputs: fed } };
}

function kindOf(tensor: OnnxTensor | undefined): string {
  return tensor === undefined ? '' : `${tensor.dataType}[${tensor.dims.join()}]`;
}

/** The type of a new output: in other rounds of a Loop its dims may be others, a Scan wants to know them. */
function newInfo(node: OnnxNode, name: string, tensor: OnnxTensor | undefined): OnnxValueInfo {
  return node.opType === 'Scan' ? infoOf(name, tensor) : openInfo(name, tensor);
}

/** The type of a value without its dims. */
function openInfo(name: string, tensor: OnnxTensor | undefined): OnnxValueInfo {
  return tensor === undefined ? { name } : { name, type: { kind: 'tensor', dataType: tensor.dataType } };
}

/** What stands for an output that is gone: the value that it had. A loop that nothing else ends is over after one round. */
function standIn(
  node: OnnxNode,
  isCondition: boolean,
  value: OnnxTensor | undefined,
): OnnxTensor | undefined {
  if (!isCondition) return value;
  const isEndless = (node.inputs[0] ?? '') === '';
  if (value !== undefined && !isEndless) return value;
  return { name: '', dataType: 'bool', dims: value?.dims ?? [], data: Uint8Array.of(isEndless ? 0 : 1) };
}

interface Outputs {
  readonly outputs: readonly OnnxValueInfo[];
  readonly constants: readonly OnnxTensor[];
  /** Outputs that the graph did not have. */
  readonly added: readonly string[];
}

/** The outputs that the node needs, as far as the changed graph has them. */
function outputsFor(
  view: BodyView,
  changed: OnnxGraph,
  innerValues: Values,
  taken: Set<string>,
): Outputs | undefined {
  const node = view.outer.model.graph.nodes[view.place.position]!;
  const before = view.inner.model.graph;
  const { outputsAhead } = bodyInterface(node)!;
  const wasMade = new Set(before.nodes.flatMap(({ outputs }) => outputs));
  const isMade = new Set(changed.nodes.flatMap(({ outputs }) => outputs));
  const constant = new Map(changed.initializers.map((tensor) => [tensor.name, tensor]));
  const listed = new Set(changed.outputs.map(({ name }) => name));
  const old = new Set(before.outputs.map(({ name }) => name));
  const added = [...listed].filter((name) => !old.has(name) && isMade.has(name));
  const constants: OnnxTensor[] = [];
  const outputs: OnnxValueInfo[] = [];
  for (const [position, info] of before.outputs.entries()) {
    const { name } = info;
    const isHandedOn = !wasMade.has(name);
    if (isHandedOn || (listed.has(name) && (isMade.has(name) || constant.has(name)))) {
      const known = before.initializers.find((tensor) => tensor.name === name);
      if (known && !constant.has(name)) constants.push(known);
      outputs.push(info);
      continue;
    }
    const kind = kindOf(innerValues.get(name));
    const other = added.findIndex((each) => kind !== '' && kindOf(innerValues.get(each)) === kind);
    if (other >= 0) {
      outputs.push({ ...info, name: added.splice(other, 1)[0]! });
      continue;
    }
    const isCondition = position < outputsAhead;
    const recorded = innerValues.get(name) ?? view.values.get(node.outputs[position - outputsAhead] ?? '');
    const value = standIn(node, isCondition, recorded);
    if (value === undefined) return undefined;
    const own = freshName(name, taken);
    constants.push({ ...value, name: own });
    outputs.push({ ...info, name: own });
  }
  return { outputs, constants, added };
}

/**
 * The whole test case with a changed graph at the view's place.
 * @param changed comes from the view's `inner`.
 * @param innerValues values inside, of the first round.
 * @returns undefined when the graph needs other values of its inputs than it gets.
 */
export function closeBody(view: BodyView, changed: GraphCase, innerValues: Values): GraphCase | undefined {
  const { outer, place, inner } = view;
  const { graph } = outer.model;
  const node = graph.nodes[place.position]!;
  const hoisted: OnnxTensor[] = [];
  for (const [name, tensor] of changed.inputs) {
    const known = inner.inputs.get(name);
    if (known === undefined) hoisted.push({ ...tensor, name });
    else if (known !== tensor) return undefined;
  }
  if (changed.model.graph.initializers.some(({ name }) => inner.inputs.has(name))) return undefined;
  const { inputs } = graphOf(node, place.key)!;
  const replaceBody = (body: OnnxGraph): OnnxNode =>
    mapGraphs(node, (each, key) => (key === place.key ? body : each));
  const nodesWith = (other: OnnxNode): OnnxNode[] =>
    graph.nodes.map((each, at) => (at === place.position ? other : each));

  const bare = { ...changed.model.graph, inputs };
  const taken = allNames({ ...graph, nodes: nodesWith(replaceBody(bare)) });
  const names = new Map(hoisted.map(({ name }) => [name, freshName(name, taken)]));
  const found = outputsFor(view, changed.model.graph, innerValues, taken);
  if (found === undefined) return undefined;
  const { constants, added } = found;
  const initializers = [...bare.initializers, ...constants];
  const body = { ...bare, initializers, outputs: found.outputs };
  let whole = replaceBody(renameInside(body, (name) => names.get(name) ?? name));

  const outputs = [...graph.outputs];
  for (const name of added) {
    const value = innerValues.get(name);
    const isAlone = bodyInterface(node)!.keys.length === 1;
    if (value === undefined && !isAlone) continue;
    const result = freshName(name, taken);
    whole = withResult(whole, result, (each, key) => {
      if (key === place.key) return { ...each, outputs: [...each.outputs, newInfo(node, name, value)] };
      const constant = { ...value!, name: freshName(name, taken) };
      return {
        ...each,
        initializers: [...each.initializers, constant],
        outputs: [...each.outputs, openInfo(constant.name, value)],
      };
    });
    outputs.push(openInfo(result, undefined));
  }
  whole = mapGraphs(whole, withoutUnread);

  const { opsets } = changed.model;
  const combined = withGraph(
    {
      model: { ...outer.model, opsets },
      inputs: new Map([...outer.inputs, ...hoisted.map((tensor) => fed(tensor, names))]),
    },
    {
      nodes: nodesWith(whole),
      outputs,
      inputs: [...graph.inputs, ...hoisted.map((tensor) => infoOf(names.get(tensor.name)!, tensor))],
    },
  );
  // What nobody reads any more is an output, as it is when nodes go.
  return keepNodes(combined, view.values, new Set(graph.nodes.keys()));
}

function fed(tensor: OnnxTensor, names: ReadonlyMap<string, string>): [string, OnnxTensor] {
  const name = names.get(tensor.name)!;
  return [name, { ...tensor, name }];
}
