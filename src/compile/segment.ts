/**
 * The ONNX side of a lowered graph, before it is a model: flat lists of nodes, constants and inputs with concrete
 * dims. ONNX-level passes (`passes/`) rewrite segments; `skeleton.ts` compares them; `build-model.ts` writes them out.
 */
import type { OnnxAttribute, OnnxValue } from './ops/define-op.ts';

/** Element types that lowerings use. The names are ours; `build-model.ts` maps them to ONNX's. */
export type ElementType = 'float32' | 'int32' | 'bool' | 'int64' | 'float64' | 'uint8';

export type ElementArray = Float32Array | Int32Array | Uint8Array | BigInt64Array | Float64Array;

export interface LoweredNode {
  readonly op: string;
  /** `relu_1/Relu`: the graph node comes first, so that onnxruntime's messages lead back to the program. */
  readonly name: string;
  /** Empty string for an absent optional input. */
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
}

export interface LoweredConstant {
  readonly name: OnnxValue;
  readonly type: ElementType;
  readonly dims: readonly number[];
  readonly data: ElementArray;
  /** Position among the graph's leaves when it is a constant of the graph, not made by a lowering. */
  readonly leaf?: number;
}

export interface ValueType {
  readonly type: ElementType;
  readonly dims: readonly number[];
}

export interface LoweredInput extends ValueType {
  readonly name: OnnxValue;
}

export interface LoweredOutput extends ValueType {
  readonly name: OnnxValue;
}

/** One ONNX model's worth of nodes, in topological order. */
export interface Segment {
  readonly inputs: readonly LoweredInput[];
  readonly constants: readonly LoweredConstant[];
  readonly nodes: readonly LoweredNode[];
  readonly outputs: readonly LoweredOutput[];
  /** Types of the results of kernel calls, for passes; there may be more than the segment's own. */
  readonly results?: ReadonlyMap<OnnxValue, ValueType>;
}
