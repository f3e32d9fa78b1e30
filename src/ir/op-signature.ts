/**
 * What capture must know of a kernel to record a call without running it. The compiler's op table extends this; the
 * session hands the table to capture, so that capture never imports compile.
 */
import type { Attributes } from './graph.ts';
import type { Dtype, HostArray } from './tensor-type.ts';

/** A type with concrete dims, as seen while tracing. */
export interface ConcreteType {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
}

export interface OpSignature {
  /** tfjs's official kernel name. */
  readonly kernel: string;
  /**
   * Names of the kernel's inputs in order. A kernel with a variable number of inputs (Concat, Pack, AddN, Einsum...),
   * whose tfjs input map is keyed `0, 1, 2...`, has `'variadic'`.
   */
  readonly inputs: readonly string[] | 'variadic';
  /**
   * Types of the results. Must raise exactly the error that eager's kernel raises on arguments it rejects.
   * `undefined`: not known without data or not supported for these dtypes, so the call must run eagerly.
   */
  readonly infer: (
    inputs: readonly (ConcreteType | undefined)[],
    attributes: Attributes,
  ) => readonly ConcreteType[] | undefined;
  /**
   * Whether eager's kernel accepts these contents, as far as they are known while recording (`undefined` where not).
   * A call that it does not accept runs eagerly, so that the right error is raised at the right moment.
   */
  readonly acceptsValues?: (
    values: readonly (HostArray | undefined)[],
    inputs: readonly (ConcreteType | undefined)[],
    attributes: Attributes,
  ) => boolean;
  /** The single result aliases input 0's memory (Identity, Reshape, ExpandDims...), as eager's kernel does. */
  readonly isAlias?: boolean;
  /** Cheap integer arithmetic on shapes that is computed on the host while recording when all inputs are small and known. */
  readonly isHostFoldable?: boolean;
  /** The number that fills the result, when that is all there is to it. */
  readonly filling?: (attributes: Attributes) => number;
  /** The kernel returns an array of tensors even when it holds only one (SplitV, Unpack). */
  readonly hasListResult?: boolean;
  /** No lowering: the call runs on the eager kernel inside the executable. */
  readonly isEager?: boolean;
}

export type OpTable = ReadonlyMap<string, OpSignature>;
