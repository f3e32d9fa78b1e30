/** The pen that a lowering writes with: collects the ONNX nodes and constants of one call under unique names. */
import type { LoweringContext, OnnxAttribute, OnnxValue } from './ops/define-op.ts';
import type { ElementArray, ElementType, LoweredConstant, LoweredNode } from './segment.ts';

export type PenMethods = Pick<LoweringContext, 'op' | 'ops' | 'ints' | 'scalar' | 'tensor' | 'cast'>;

/** ONNX's numbers for element types, for the `to` attribute of Cast. */
export const onnxElementType: Readonly<Record<ElementType, number>> = {
  float32: 1,
  uint8: 2,
  int32: 6,
  int64: 7,
  bool: 9,
  float64: 11,
};

function elementTypeOf(data: ElementArray): ElementType {
  if (data instanceof Float32Array) return 'float32';
  if (data instanceof Int32Array) return 'int32';
  if (data instanceof BigInt64Array) return 'int64';
  return data instanceof Float64Array ? 'float64' : 'uint8';
}

/** A class, and one object per call: thousands of calls are lowered before a large graph runs for the first time. */
export class Pen implements PenMethods {
  readonly nodes: LoweredNode[] = [];
  readonly constants: LoweredConstant[] = [];
  readonly #owner: string;

  /** @param owner name of the graph node being lowered; prefixes all names. */
  constructor(owner: string) {
    this.#owner = owner;
  }

  op(
    type: string,
    inputs: readonly (OnnxValue | undefined)[],
    attributes?: Readonly<Record<string, OnnxAttribute>>,
  ): OnnxValue {
    return this.ops(type, inputs, 1, attributes)[0]!;
  }

  ops(
    type: string,
    inputs: readonly (OnnxValue | undefined)[],
    outputCount: number,
    attributes: Readonly<Record<string, OnnxAttribute>> = {},
  ): OnnxValue[] {
    const name = `${this.#owner}/${type}_${this.nodes.length}`;
    const outputs = [name];
    for (let output = 1; output < outputCount; output++) outputs.push(`${name}:${output}`);
    const present = inputs.map((input) => input ?? '');
    while (present.at(-1) === '') present.pop();
    this.nodes.push({ op: type, name, inputs: present, outputs, attributes });
    return outputs;
  }

  ints(values: readonly number[]): OnnxValue {
    const data = new BigInt64Array(values.length);
    for (let index = 0; index < values.length; index++) data[index] = BigInt(values[index]!);
    return this.#constant('int64', [values.length], data);
  }

  scalar(value: number, dtype: 'float32' | 'int32' | 'bool'): OnnxValue {
    if (dtype === 'float32') return this.#constant('float32', [], Float32Array.of(value));
    return dtype === 'int32'
      ? this.#constant('int32', [], Int32Array.of(value))
      : this.#constant('bool', [], Uint8Array.of(value));
  }

  tensor(data: ElementArray, shape: readonly number[]): OnnxValue {
    return this.#constant(elementTypeOf(data), shape, data);
  }

  cast(value: OnnxValue, to: ElementType): OnnxValue {
    return this.op('Cast', [value], { to: onnxElementType[to] });
  }

  #constant(type: ElementType, dims: readonly number[], data: ElementArray): OnnxValue {
    const name = `${this.#owner}/const_${this.constants.length}`;
    this.constants.push({ name, type, dims, data });
    return name;
  }
}
