/**
 * The sizes of a model that can be chosen, and the model with other ones: inputs and constants are cut to their leading
 * corner, sizes written in constants (a Reshape's target) and attributes (a kernel) move along. Shapes are inferred before
 * anything runs; a choice that contradicts itself is no candidate at all.
 */
import {
  allocateArray,
  arrayLength,
  isNumeric,
  tensorElements,
  type OnnxDim,
  type OnnxGraph,
  type OnnxNode,
  type OnnxTensor,
  type OnnxType,
  type OnnxValueInfo,
} from '../../onnx/index.ts';
import { dimRules, guess, integersOf, type RuleView } from './dim-rules.ts';
import { DimTable, type Assignment, type Dim } from './dim-table.ts';
import type { GraphCase } from './graph-case.ts';
import type { Values } from './graph-cut.ts';
import { bodyInterface, graphOf, scanInputAxis } from './bodies/body-interface.ts';
import { mapGraphs, ownNames } from './bodies/rename-values.ts';
import { allGraphs, nodeReads, subgraphs } from './graph-uses.ts';

/** A size that can be chosen. */
export interface DimClass {
  readonly dim: Dim;
  readonly size: number;
  /** Elements of inputs and constants that have this size among theirs. */
  readonly elements: number;
}

export interface DimClasses {
  /** Those with most elements first. */
  readonly classes: readonly DimClass[];
  /** The test case with other sizes; undefined when they contradict each other. */
  resized(assignment: Assignment): GraphCase | undefined;
}

/** A size in a constant or an attribute: which, and where in it. */
interface Entry {
  readonly key: string;
  readonly at: number;
  readonly dim: Dim;
}

class Builder {
  readonly table = new DimTable();
  readonly dims = new Map<string, readonly Dim[]>();
  readonly constantEntries = new Map<string, Entry>();
  readonly attributeEntries = new Map<OnnxNode, Entry[]>();
  readonly #values: Values;
  readonly #constants = new Map<string, OnnxTensor>();
  /** Names say which value is meant, in whichever graph. */
  readonly #hasUniqueNames: boolean;
  /** Reads of constants by rules that know what they mean. */
  readonly #explained = new Map<string, number>();

  constructor(testCase: GraphCase, values: Values) {
    const { graph } = testCase.model;
    this.#values = values;
    const graphs = allGraphs(graph);
    const names = graphs.flatMap(ownNames);
    this.#hasUniqueNames = new Set(names).size === names.length;
    for (const [name, tensor] of testCase.inputs) this.#addTensor(name, tensor);
    this.#addGraph(graph);
    const reads = new Map<string, number>();
    for (const each of graphs) {
      const inside = each === graph ? [] : each.outputs.map(({ name }) => name);
      for (const name of [...each.nodes.flatMap(({ inputs }) => inputs), ...inside])
        reads.set(name, (reads.get(name) ?? 0) + 1);
    }
    for (const { key, dim } of this.constantEntries.values()) {
      if (reads.get(key) !== this.#explained.get(key)) this.table.freeze(dim);
    }
    for (const [name, tensor] of this.#constants) {
      // The length of a list of sizes or axes is a rank.
      if (this.#explained.has(name) && integersOf(tensor))
        this.dims.get(name)!.forEach((dim) => this.table.freeze(dim));
    }
  }

  #addTensor(name: string, tensor: OnnxTensor): void {
    const isPlain = arrayLength(tensor.dataType, 100) === 100 || !isNumeric(tensor.data);
    this.dims.set(
      name,
      tensor.dims.map((size) => (size > 1 && isPlain ? this.table.free(size) : this.table.fixed(size))),
    );
  }

  #addGraph(graph: OnnxGraph): void {
    const inputNames = new Set(graph.inputs.map(({ name }) => name));
    for (const tensor of graph.initializers) {
      if (inputNames.has(tensor.name)) continue;
      this.#constants.set(tensor.name, tensor);
      this.#addTensor(tensor.name, tensor);
    }
    for (const node of graph.nodes) this.#addNode(node);
  }

  #freeze(dims: readonly Dim[] | undefined): void {
    dims?.forEach((dim) => {
      this.table.freeze(dim);
    });
  }

  /** Says that two values have the same sizes, which stay as they are when they had not. */
  #link(one: string, other: string): void {
    const [left, right] = [this.dims.get(one) ?? [], this.dims.get(other) ?? []];
    const isSame =
      left.length === right.length &&
      left.every((dim, axis) => this.table.size(dim) === this.table.size(right[axis]!));
    if (isSame) left.forEach((dim, axis) => this.table.unify(dim, right[axis]!));
    else this.#freeze([...left, ...right]);
  }

  /** Links what goes into the graphs of a node and comes out of them; sizes of its results. */
  #addNested(node: OnnxNode): (readonly Dim[])[] {
    const found = this.#hasUniqueNames ? bodyInterface(node) : undefined;
    if (found === undefined) {
      for (const name of nodeReads(node)) this.#freeze(this.dims.get(name));
      return [];
    }
    const { keys, ahead, outputsAhead, carried } = found;
    let rounds: Dim | undefined;
    for (const key of keys) {
      const body = graphOf(node, key)!;
      for (const [index, { name }] of body.inputs.entries()) {
        const operand = index < ahead ? undefined : this.dims.get(node.inputs[index]!);
        const axis = index < ahead + carried ? undefined : scanInputAxis(node, index, operand?.length ?? 0);
        if (axis !== undefined) {
          if (rounds !== undefined && operand?.[axis] !== undefined) this.table.unify(rounds, operand[axis]);
          rounds ??= operand?.[axis];
        }
        const dims = axis === undefined ? operand : operand?.toSpliced(axis, 1);
        this.dims.set(name, this.#fitting(name, [dims]) ?? []);
      }
      this.#addGraph(body);
      for (let result = 0; result < carried; result++)
        this.#link(body.inputs[ahead + result]!.name, body.outputs[outputsAhead + result]!.name);
    }
    const [first, ...others] = keys.map((key) => graphOf(node, key)!.outputs.slice(outputsAhead));
    for (const other of others) other.forEach(({ name }, at) => this.#link(first![at]!.name, name));
    const isAlone = keys.length === 1;
    return node.outputs.map((name, at) => {
      const dims = this.dims.get(first![at]!.name) ?? [];
      if (at < carried || !isAlone) return dims;
      return [rounds ?? this.table.fixed(this.#values.get(name)?.dims[0] ?? 0), ...dims];
    });
  }

  /** The first choice that has the sizes that were seen; those, fixed, when there is none. */
  #fitting(name: string, choices: readonly (readonly Dim[] | undefined)[]): readonly Dim[] | undefined {
    const seen = this.#values.get(name)?.dims;
    if (name === '' || seen === undefined) return undefined;
    const found = choices.find(
      (dims) =>
        dims?.length === seen.length && dims.every((dim, axis) => this.table.size(dim) === seen[axis]),
    );
    return found ?? seen.map((size) => this.table.fixed(size));
  }

  #addNode(node: OnnxNode): void {
    const view = this.#viewOf(node);
    const isNested = subgraphs(node).length > 0;
    const rule = node.domain === '' ? (dimRules[node.opType] ?? guess) : guess;
    const results = isNested ? this.#addNested(node) : rule(view);
    const guessed = isNested ? [] : guess(view);
    for (const [index, name] of node.outputs.entries()) {
      const dims = this.#fitting(name, [results[index], guessed[index]]);
      if (dims !== undefined) this.dims.set(name, dims);
    }
  }

  #viewOf(node: OnnxNode): RuleView {
    const constantOf = (index: number): OnnxTensor | undefined =>
      this.#constants.get(node.inputs[index] ?? '');
    const explain = (name: string): void => {
      this.#explained.set(name, (this.#explained.get(name) ?? 0) + 1);
    };
    const explained = new Set<string>();
    return {
      node,
      table: this.table,
      operand: (index) => this.dims.get(node.inputs[index] ?? ''),
      seen: (index) => this.#values.get(node.outputs[index] ?? '')?.dims ?? [],
      constant: (index) => {
        const integers = integersOf(constantOf(index));
        const name = node.inputs[index] ?? '';
        if (integers !== undefined && !explained.has(name)) {
          explained.add(name);
          explain(name);
        }
        return integers;
      },
      entry: (index, at) => {
        const tensor = constantOf(index)!;
        const id = `${tensor.name}\n${at}`;
        const known = this.constantEntries.get(id);
        if (known !== undefined) return known.dim;
        const dim = this.table.free(integersOf(tensor)![at]!);
        this.constantEntries.set(id, { key: tensor.name, at, dim });
        return dim;
      },
      attributeEntry: (name, at) => {
        const attribute = node.attributes[name];
        const size = attribute?.kind === 'ints' ? Number(attribute.value[at]) : 1;
        const dim = size > 1 ? this.table.free(size) : this.table.fixed(size);
        const entries = this.attributeEntries.get(node) ?? [];
        this.attributeEntries.set(node, [...entries, { key: name, at, dim }]);
        return dim;
      },
      ints: (name) => {
        const attribute = node.attributes[name];
        return attribute?.kind === 'ints' ? attribute.value.map(Number) : undefined;
      },
      int: (name, otherwise) => {
        const attribute = node.attributes[name];
        return attribute?.kind === 'int' ? Number(attribute.value) : otherwise;
      },
    };
  }
}

/** The leading corner of a tensor. */
export function cropTensor(tensor: OnnxTensor, dims: readonly number[]): OnnxTensor {
  if (dims.join() === tensor.dims.join()) return tensor;
  const count = tensorElements(dims);
  const positions = Array.from({ length: count }, (_, index) => {
    let [rest, position, stride] = [index, 0, 1];
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      position += (rest % dims[axis]!) * stride;
      rest = Math.floor(rest / dims[axis]!);
      stride *= tensor.dims[axis]!;
    }
    return position;
  });
  const { data } = tensor;
  if (!isNumeric(data)) return { ...tensor, dims, data: positions.map((position) => data[position]!) };
  const cropped = allocateArray(tensor.dataType, count);
  for (const [index, position] of positions.entries()) cropped[index] = data[position]!;
  return { ...tensor, dims, data: cropped };
}

function withEntries(
  tensor: OnnxTensor,
  entries: readonly Entry[],
  sizeOf: (dim: Dim) => number,
): OnnxTensor {
  const changed = entries.filter(({ at, dim }) => Number(tensor.data[at]) !== sizeOf(dim));
  if (changed.length === 0 || !isNumeric(tensor.data)) return tensor;
  const data = tensor.data.slice();
  for (const { at, dim } of changed) {
    const size = sizeOf(dim);
    data[at] = data instanceof BigInt64Array ? BigInt(size) : size;
  }
  return { ...tensor, data };
}

function withAttributes(node: OnnxNode, entries: readonly Entry[], sizeOf: (dim: Dim) => number): OnnxNode {
  const attributes = { ...node.attributes };
  for (const { key, at, dim } of entries) {
    const attribute = attributes[key];
    if (attribute?.kind !== 'ints') continue;
    attributes[key] = {
      ...attribute,
      value: attribute.value.map((size, index) => (index === at ? sizeOf(dim) : size)),
    };
  }
  return { ...node, attributes };
}

function withDims(info: OnnxValueInfo, dims: readonly number[] | undefined): OnnxValueInfo {
  const { type } = info;
  if (type?.kind !== 'tensor' || type.dims === undefined || dims === undefined) return info;
  const sizes = type.dims.map((size, axis): OnnxDim => (typeof size === 'number' ? dims[axis]! : size));
  const resized: OnnxType = { ...type, dims: sizes };
  return { ...info, type: resized };
}

/** The sizes of a test case whose values are known. */
export function dimClasses(testCase: GraphCase, values: Values): DimClasses {
  const { table, dims, constantEntries, attributeEntries } = new Builder(testCase, values);
  const { graph } = testCase.model;
  const tensors = [
    ...testCase.inputs.entries(),
    ...allGraphs(graph).flatMap(({ initializers }) =>
      initializers.map((tensor) => [tensor.name, tensor] as const),
    ),
  ];
  const elements = new Map<Dim, number>();
  const note = (dim: Dim, count: number): void => {
    if (!table.isFree(dim) || table.size(dim) < 2) return;
    elements.set(table.find(dim), (elements.get(table.find(dim)) ?? 0) + count);
  };
  for (const [name, tensor] of tensors) {
    for (const dim of dims.get(name) ?? []) note(dim, tensorElements(tensor.dims));
  }
  for (const { dim } of [...constantEntries.values(), ...[...attributeEntries.values()].flat()]) note(dim, 1);
  const classes = [...elements].map(([dim, count]) => ({ dim, size: table.size(dim), elements: count }));

  function resized(assignment: Assignment): GraphCase | undefined {
    const sizeOf = table.evaluate(assignment);
    if (sizeOf === undefined) return undefined;
    const sizesOf = (name: string): number[] | undefined => dims.get(name)?.map(sizeOf);
    const crop = (name: string, tensor: OnnxTensor): OnnxTensor => {
      const entries = [...constantEntries.values()].filter(({ key }) => key === name);
      return withEntries(cropTensor(tensor, sizesOf(name) ?? tensor.dims), entries, sizeOf);
    };
    const resize = (original: OnnxGraph): OnnxGraph => {
      const { valueInfos: _, ...rest } = original;
      return {
        ...rest,
        inputs: rest.inputs.map((info) => withDims(info, sizesOf(info.name))),
        outputs: rest.outputs.map((info) => withDims(info, sizesOf(info.name))),
        initializers: rest.initializers.map((tensor) => crop(tensor.name, tensor)),
        nodes: rest.nodes.map((node) => {
          const entries = attributeEntries.get(node);
          return entries === undefined ? mapGraphs(node, resize) : withAttributes(node, entries, sizeOf);
        }),
      };
    };
    return {
      inputs: new Map([...testCase.inputs].map(([name, tensor]) => [name, crop(name, tensor)])),
      model: { ...testCase.model, graph: resize(graph) },
    };
  }

  return { classes: classes.sort((left, right) => right.elements - left.elements), resized };
}
