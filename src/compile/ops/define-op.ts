/**
 * One entry of the op table: all that fullgraph knows of a tfjs kernel. Shape inference (from OpSignature) serves
 * capture; `lower` turns a call into ONNX nodes; `samples` are run on tfjs's cpu kernel and on each backend by the
 * conformance tests.
 *
 * A lowering sees concrete shapes and may use any number of them. What makes graphs dynamic is a rule of style, not
 * of mechanism: numbers that depend on sizes go into `ints`/`scalar`/`tensor` constants rather than into ONNX
 * attributes, and the *sequence of ONNX nodes* must not depend on sizes (on rank, dtype and attributes it may). When
 * a call arrives with other sizes, the graph is lowered again; if only constants and dims differ, the constants that
 * differ become inputs of one generalised session (see docs/adr/0003-differential-dynamic-shapes.md).
 */
import type { Attributes, AttributeValue } from '../../ir/graph.ts';
import type { ConcreteType, OpSignature } from '../../ir/op-signature.ts';

/** Name of a value in the ONNX graph under construction. */
export type OnnxValue = string;

export type OnnxAttribute =
  number | string | readonly number[] | readonly string[] | { readonly float: number };

/** What a lowering works with: one kernel call, and a pen to write ONNX nodes. */
export interface LoweringContext {
  readonly kernel: string;
  /** ONNX values of the inputs; absent optional inputs are undefined. bool is ONNX BOOL, int32 is INT32. */
  readonly inputs: readonly (OnnxValue | undefined)[];
  readonly inputTypes: readonly (ConcreteType | undefined)[];
  readonly outputTypes: readonly ConcreteType[];
  readonly attributes: Attributes;
  /** Whether input `index` is fixed when the session is made: a frozen weight, or computed from such. */
  isConstant(index: number): boolean;
  /** Whether input `index` is a constant, or will be soon: a graph without gradients gets it from outside. */
  isSettling(index: number): boolean;
  /** Whether the nodes are to serve other sizes, too: then sizes must not decide which they are. */
  readonly areSizesOpen: boolean;
  /**
   * Adds an ONNX node with one result. A number given as an attribute is an INT; write `{ float: 1 }` for a FLOAT.
   * Arrays of numbers are INTS.
   */
  op(
    type: string,
    inputs: readonly (OnnxValue | undefined)[],
    attributes?: Readonly<Record<string, OnnxAttribute>>,
  ): OnnxValue;
  /** Adds an ONNX node with several results. */
  ops(
    type: string,
    inputs: readonly (OnnxValue | undefined)[],
    outputCount: number,
    attributes?: Readonly<Record<string, OnnxAttribute>>,
  ): OnnxValue[];
  /** A 1-D INT64 constant: shapes, axes, starts, pads, repeats. */
  ints(values: readonly number[]): OnnxValue;
  /** A 0-D constant of a tfjs dtype. */
  scalar(value: number, dtype: 'float32' | 'int32' | 'bool'): OnnxValue;
  /** A constant tensor. */
  tensor(
    data: Float32Array | Int32Array | Uint8Array | BigInt64Array | Float64Array,
    shape: readonly number[],
  ): OnnxValue;
  /** Cast to a tfjs dtype or to one of ONNX's that lowerings need in between. */
  cast(value: OnnxValue, to: 'float32' | 'int32' | 'bool' | 'int64' | 'float64' | 'uint8'): OnnxValue;
}

/** One conformance case: inputs by name (or in order for variadic kernels) and attributes. */
export interface OpSample {
  readonly inputs: readonly (SampleTensor | undefined)[];
  readonly attributes?: Attributes;
  /** Why this case is here, when it is not plain. */
  readonly about?: string;
}

export interface SampleTensor {
  readonly dtype: 'float32' | 'int32' | 'bool';
  readonly shape: readonly number[];
  /** Absent: seeded values in about [-2, 2] (int32: -4..4, bool: mixed). */
  readonly values?: readonly number[];
}

export interface OpDefinition extends OpSignature {
  /**
   * Writes the ONNX nodes of one call.
   * @returns one ONNX value per output, each of exactly the inferred dtype and shape; `undefined` when these dtypes or
   *   attributes have no ONNX form, in which case the call runs on the eager kernel inside the executable. Must not
   *   have added nodes in that case.
   */
  readonly lower?: (context: LoweringContext) => readonly OnnxValue[] | undefined;
  readonly samples: readonly OpSample[];
  /** Relative and absolute tolerance when the default (1e-4 / 1e-5 for float32) does not fit, with the reason. */
  readonly tolerance?: { readonly relative: number; readonly absolute: number; readonly reason: string };
}

/** Identity with checking. */
export function defineOp(definition: OpDefinition): OpDefinition {
  return Object.freeze(definition);
}

/** Typed reading of attributes. A wrong type is our bug: tfjs checked its arguments before. */
export const attribute: {
  number(attributes: Attributes, name: string, fallback?: number): number;
  boolean(attributes: Attributes, name: string, fallback?: boolean): boolean;
  string(attributes: Attributes, name: string, fallback?: string): string;
  /** An array of numbers; a single number counts as an array of one. */
  numbers(attributes: Attributes, name: string, fallback?: readonly number[]): readonly number[];
} = {
  number: (attributes, name, fallback) =>
    read(attributes, name, fallback, (value) => typeof value === 'number'),
  boolean: (attributes, name, fallback) =>
    read(attributes, name, fallback, (value) => typeof value === 'boolean'),
  string: (attributes, name, fallback) =>
    read(attributes, name, fallback, (value) => typeof value === 'string'),
  numbers(attributes, name, fallback) {
    const value = attributes[name];
    if (typeof value === 'number') return [value];
    return read<readonly AttributeValue[]>(attributes, name, fallback, Array.isArray) as readonly number[];
  },
};

function read<T extends AttributeValue>(
  attributes: Attributes,
  name: string,
  fallback: T | undefined,
  isRight: (value: AttributeValue) => boolean,
): T {
  const value = attributes[name];
  if (isRight(value)) return value as T;
  if (fallback !== undefined && (value === undefined || value === null)) return fallback;
  throw new TypeError(`attribute ${name}: unexpected value ${JSON.stringify(value)}`);
}
