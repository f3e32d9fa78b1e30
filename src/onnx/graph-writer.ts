/**
 * Writes an ONNX graph node by node:
 *
 *     const graph = new GraphWriter('mlp');
 *     const x = graph.input('x', 'float32', ['batch', 3]);
 *     const w = graph.initializer(weights, [3, 4]);
 *     const y = graph.add('Relu', [graph.add('MatMul', [x, w])]);
 *     graph.output(y, 'float32', ['batch', 4]);
 *     const bytes = encodeModel(graph.toModel());
 *
 * Values are names. Names are made unless given, unique over the graph and its subgraphs. Small constants of equal
 * content are one initializer.
 */
import { toAttributes, type AttributeValues } from './attribute.ts';
import { dataTypeOfArray, type NumericArray, type OnnxDataType } from './data-type.ts';
import type { OnnxDim, OnnxGraph, OnnxModel, OnnxNode, OnnxTensor, OnnxValueInfo } from './model.ts';
import { bytesOf } from './tensor-codec.ts';
import { onnxVersions } from './versions.ts';

/** Name of a value of the graph. */
export type ValueName = string;

export interface InitializerOptions {
  readonly name?: string;
  /** What the array holds, where its class does not say: `bool` in a Uint8Array, `float16` in a Uint16Array. */
  readonly dataType?: OnnxDataType;
}

export interface NodeOptions {
  /** For ONNX's contributed operators write the domain before the operator: `com.microsoft:FusedMatMul`. */
  readonly opType: string;
  /** `undefined` or an empty string for an absent optional input. */
  readonly inputs: readonly (ValueName | undefined)[];
  /** Names of the results, or how many there are. */
  readonly outputs: readonly ValueName[] | number;
  readonly attributes?: AttributeValues;
  readonly name?: string;
}

/** Elements up to which equal constants are shared. */
const sharedElements = 64;

interface Names {
  readonly used: Set<string>;
  readonly counts: Map<string, number>;
  readonly domains: Set<string>;
}

export class GraphWriter {
  readonly name: string;
  readonly #names: Names;
  readonly #nodes: OnnxNode[] = [];
  readonly #inputs: OnnxValueInfo[] = [];
  readonly #outputs: OnnxValueInfo[] = [];
  readonly #initializers: OnnxTensor[] = [];
  readonly #shared = new Map<string, ValueName>();
  /** Results of nodes that are not outputs of the graph yet. */
  readonly #results = new Set<ValueName>();
  #label = '';

  /** @param parent writer of the graph around this one; see {@link GraphWriter.subgraph}. */
  constructor(name = 'graph', parent?: GraphWriter) {
    this.name = name;
    this.#names =
      parent === undefined ? { used: new Set(), counts: new Map(), domains: new Set(['']) } : parent.#names;
  }

  /** Names of nodes from here on start with `label`, so that a message of onnxruntime leads back to the program. */
  label(label: string): void {
    this.#label = label;
  }

  /** A name that starts with `stem` and that nothing else has. */
  uniqueName(stem: string): ValueName {
    const { used, counts } = this.#names;
    for (;;) {
      const count = counts.get(stem) ?? 0;
      counts.set(stem, count + 1);
      const name = count === 0 ? stem : `${stem}_${count}`;
      if (!used.has(name)) {
        used.add(name);
        return name;
      }
    }
  }

  /** Adds an input of the graph. */
  input(name: string, dataType: OnnxDataType, dims?: readonly OnnxDim[]): ValueName {
    const unique = this.uniqueName(name);
    this.#inputs.push(valueInfo(unique, dataType, dims));
    return unique;
  }

  /** Adds a constant; the array is kept by reference and must not change. */
  initializer(data: NumericArray, dims: readonly number[], options: InitializerOptions = {}): ValueName {
    const dataType = options.dataType ?? dataTypeOfArray(data);
    if (options.name !== undefined || data.length > sharedElements)
      return this.#addInitializer(options.name ?? 'constant', data, dims, dataType);
    const key = `${dataType}[${dims.join()}]${bytesOf(data).join()}`;
    const known = this.#shared.get(key);
    if (known !== undefined) return known;
    const name = this.#addInitializer('constant', data, dims, dataType);
    this.#shared.set(key, name);
    return name;
  }

  /** A 1-D INT64 constant: axes, shapes, starts, pads. */
  ints(values: readonly (number | bigint)[]): ValueName {
    return this.initializer(BigInt64Array.from(values, BigInt), [values.length]);
  }

  /** A 0-D constant. */
  scalar(value: number, dataType: 'float32' | 'float64' | 'int32' | 'int64' | 'bool'): ValueName {
    switch (dataType) {
      case 'float32':
        return this.initializer(Float32Array.of(value), []);
      case 'float64':
        return this.initializer(Float64Array.of(value), []);
      case 'int32':
        return this.initializer(Int32Array.of(value), []);
      case 'int64':
        return this.initializer(BigInt64Array.of(BigInt(value)), []);
      case 'bool':
        return this.initializer(Uint8Array.of(value), [], { dataType });
      default:
        return dataType satisfies never;
    }
  }

  /** Adds a node with one result. */
  add(opType: string, inputs: readonly (ValueName | undefined)[], attributes?: AttributeValues): ValueName {
    return this.addNode({ opType, inputs, outputs: 1, ...(attributes && { attributes }) })[0]!;
  }

  /** Adds a node with several results. */
  addMany(
    opType: string,
    inputs: readonly (ValueName | undefined)[],
    outputCount: number,
    attributes?: AttributeValues,
  ): ValueName[] {
    return this.addNode({ opType, inputs, outputs: outputCount, ...(attributes && { attributes }) });
  }

  /** Adds a node with names of its own. Names that are given must be unique. */
  addNode(options: NodeOptions): ValueName[] {
    const colon = options.opType.indexOf(':');
    const domain = options.opType.slice(0, Math.max(colon, 0));
    const opType = options.opType.slice(colon + 1);
    const name = options.name ?? this.uniqueName(this.#label === '' ? opType : `${this.#label}/${opType}`);
    const outputs = this.#outputNames(options.outputs, name);
    const inputs = options.inputs.map((input) => input ?? '');
    while (inputs.at(-1) === '') inputs.pop();
    this.#names.domains.add(domain);
    this.#nodes.push({
      opType,
      domain,
      name,
      inputs,
      outputs,
      attributes: toAttributes(options.attributes ?? {}),
    });
    for (const output of outputs) this.#results.add(output);
    return outputs;
  }

  /**
   * Makes a value an output of the graph. An output must be the result of a node and can be an output only once;
   * otherwise it goes through Identity.
   * @returns the name of the output.
   */
  output(value: ValueName, dataType: OnnxDataType, dims?: readonly OnnxDim[]): ValueName {
    const name = this.#results.has(value) ? value : this.add('Identity', [value]);
    this.#results.delete(name);
    this.#outputs.push(valueInfo(name, dataType, dims));
    return name;
  }

  /** A writer for the body of If, Loop or Scan; give its `toGraph()` as the attribute. It sees this graph's values. */
  subgraph(name: string): GraphWriter {
    return new GraphWriter(name, this);
  }

  /** Number of nodes so far. */
  get nodeCount(): number {
    return this.#nodes.length;
  }

  toGraph(): OnnxGraph {
    return {
      name: this.name,
      nodes: [...this.#nodes],
      inputs: [...this.#inputs],
      outputs: [...this.#outputs],
      initializers: [...this.#initializers],
    };
  }

  toModel(): OnnxModel {
    const opsets = [...this.#names.domains].map((domain) => ({
      domain,
      version: domain === '' ? onnxVersions.opset : onnxVersions.microsoftOpset,
    }));
    return { irVersion: onnxVersions.ir, opsets, producerName: 'fullgraph', graph: this.toGraph() };
  }

  #addInitializer(
    stem: string,
    data: NumericArray,
    dims: readonly number[],
    dataType: OnnxDataType,
  ): ValueName {
    const name = this.uniqueName(stem);
    this.#initializers.push({ name, dims, dataType, data });
    return name;
  }

  #outputNames(outputs: readonly ValueName[] | number, node: string): ValueName[] {
    if (typeof outputs === 'number')
      return Array.from({ length: outputs }, (_, index) => this.uniqueName(`${node}:${index}`));
    for (const output of outputs) this.#names.used.add(output);
    return [...outputs];
  }
}

function valueInfo(
  name: string,
  dataType: OnnxDataType,
  dims: readonly OnnxDim[] | undefined,
): OnnxValueInfo {
  return { name, type: { kind: 'tensor', dataType, ...(dims && { dims }) } };
}
