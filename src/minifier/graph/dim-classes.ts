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
  type OnnxNode,
  type OnnxTensor,
  type OnnxType,
  type OnnxValueInfo,
} from '../../onnx/index.ts';
import { dimRules, guess, integersOf, type RuleView } from './dim-rules.ts';
import { DimTable, type Assignment, type Dim } from './dim-table.ts';
import type { GraphCase } from './graph-case.ts';
import type { Values } from './graph-cut.ts';
import { nodeReads, subgraphs } from './graph-uses.ts';

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
  readonly #constants: ReadonlyMap<string, OnnxTensor>;
  /** Reads of constants by rules that know what they mean. */
  readonly #explained = new Map<string, number>();

  constructor(testCase: GraphCase, values: Values) {
    const { graph } = testCase.model;
    this.#values = values;
    const inputNames = new Set(graph.inputs.map(({ name }) => name));
    this.#constants = new Map(
      graph.initializers.filter(({ name }) => !inputNames.has(name)).map((tensor) => [tensor.name, tensor]),
    );
    for (const [name, tensor] of [...this.#constants, ...testCase.inputs]) {
      const isPlain = arrayLength(tensor.dataType, 100) === 100 || !isNumeric(tensor.data);
      this.dims.set(
        name,
        tensor.dims.map((size) => (size > 1 && isPlain ? this.table.free(size) : this.table.fixed(size))),
      );
    }
    for (const node of graph.nodes) this.#addNode(node);
    const reads = new Map<string, number>();
    for (const node of graph.nodes) {
      for (const name of nodeReads(node)) reads.set(name, (reads.get(name) ?? 0) + 1);
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

  #addNode(node: OnnxNode): void {
    const { table } = this;
    const view = this.#viewOf(node);
    const isNested = subgraphs(node).length > 0;
    if (isNested) {
      for (const name of nodeReads(node)) this.dims.get(name)?.forEach((dim) => table.freeze(dim));
    }
    const rule = node.domain === '' ? (dimRules[node.opType] ?? guess) : guess;
    const results = isNested ? [] : rule(view);
    const guessed = isNested ? [] : guess(view);
    for (const [index, name] of node.outputs.entries()) {
      const seen = this.#values.get(name)?.dims;
      if (name === '' || seen === undefined) continue;
      const fits = (dims: readonly Dim[] | undefined): dims is readonly Dim[] =>
        dims?.length === seen.length && dims.every((dim, axis) => table.size(dim) === seen[axis]);
      const found = [results[index], guessed[index]].find(fits);
      this.dims.set(name, found ?? seen.map((size) => table.fixed(size)));
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
    ...graph.initializers.map((tensor) => [tensor.name, tensor] as const),
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
    const { valueInfos: _, ...rest } = graph;
    return {
      inputs: new Map([...testCase.inputs].map(([name, tensor]) => [name, crop(name, tensor)])),
      model: {
        ...testCase.model,
        graph: {
          ...rest,
          inputs: graph.inputs.map((info) => withDims(info, sizesOf(info.name))),
          outputs: graph.outputs.map((info) => withDims(info, sizesOf(info.name))),
          initializers: graph.initializers.map((tensor) => crop(tensor.name, tensor)),
          nodes: graph.nodes.map((node) => {
            const entries = attributeEntries.get(node);
            return entries === undefined ? node : withAttributes(node, entries, sizeOf);
          }),
        },
      },
    };
  }

  return { classes: classes.sort((left, right) => right.elements - left.elements), resized };
}
