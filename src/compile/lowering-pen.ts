/** The pen that a lowering writes with: collects the ONNX nodes and constants of one call under unique names. */
import type { LoweringContext, OnnxAttribute, OnnxValue } from './ops/define-op.ts';
import type { ElementArray, ElementType, LoweredConstant, LoweredNode } from './segment.ts';

export type PenMethods = Pick<LoweringContext, 'op' | 'ops' | 'ints' | 'scalar' | 'tensor' | 'cast'>;

export interface Pen {
  readonly context: PenMethods;
  readonly nodes: LoweredNode[];
  readonly constants: LoweredConstant[];
}

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

/** @param owner name of the graph node being lowered; prefixes all names. */
export function createPen(owner: string): Pen {
  const nodes: LoweredNode[] = [];
  const constants: LoweredConstant[] = [];

  const constant = (type: ElementType, dims: readonly number[], data: ElementArray): OnnxValue => {
    const name = `${owner}/const_${constants.length}`;
    constants.push({ name, type, dims, data });
    return name;
  };
  const ops = (
    type: string,
    inputs: readonly (OnnxValue | undefined)[],
    outputCount: number,
    attributes: Readonly<Record<string, OnnxAttribute>> = {},
  ): OnnxValue[] => {
    const name = `${owner}/${type}_${nodes.length}`;
    const outputs = Array.from({ length: outputCount }, (_, output) =>
      output === 0 ? name : `${name}:${output}`,
    );
    const present = inputs.map((input) => input ?? '');
    while (present.at(-1) === '') present.pop();
    nodes.push({ op: type, name, inputs: present, outputs, attributes });
    return outputs;
  };
  const op: PenMethods['op'] = (type, inputs, attributes) => ops(type, inputs, 1, attributes)[0]!;

  const context: PenMethods = {
    op,
    ops,
    ints: (values) => constant('int64', [values.length], BigInt64Array.from(values, BigInt)),
    scalar(value, dtype) {
      if (dtype === 'float32') return constant('float32', [], Float32Array.of(value));
      return dtype === 'int32'
        ? constant('int32', [], Int32Array.of(value))
        : constant('bool', [], Uint8Array.of(value));
    },
    tensor: (data, shape) => constant(elementTypeOf(data), shape, data),
    cast: (value, to) => op('Cast', [value], { to: onnxElementType[to] }),
  };
  return { context, nodes, constants };
}
