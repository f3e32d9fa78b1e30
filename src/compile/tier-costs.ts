/**
 * What a graph costs in either tier, estimated from its calls, the elements that they go through and the products that
 * they sum up. From measurements of all kernels that have a form in JavaScript, see docs/adr/0016-tiers.md.
 */
import { callNodes, nodesByName, typeOf, type CallNode, type Graph } from '../ir/graph.ts';
import type { OpTable } from '../ir/op-signature.ts';
import { elementCount, type TensorType } from '../ir/tensor-type.ts';

/** Milliseconds. */
export interface GraphCosts {
  /** A run as closures, and the same as native code. */
  readonly closuresMs: number;
  readonly nativeMs: number;
  /** Compiling to native code. */
  readonly compileMs: number;
  /** The same when native code of the same kernels exists, so that only sizes and constants are new. */
  readonly recompileMs: number;
}

/** What a run costs, in milliseconds. */
interface RunCosts {
  readonly perGraph: number;
  /** An array that is handed in or out. */
  readonly perValue: number;
  readonly perCall: number;
  /** An element of an addition. */
  readonly perElement: number;
  /** A product of a matrix product. */
  readonly perProduct: number;
}

/** What costs are estimated from, in milliseconds. */
export interface CostModel {
  readonly compile: { readonly perGraph: number; readonly perCall: number };
  readonly recompile: { readonly perGraph: number; readonly perCall: number };
  readonly closures: RunCosts;
  readonly native: RunCosts;
}

/** Measured on one core of a present server, warm. */
export const measuredCosts: CostModel = {
  compile: { perGraph: 4, perCall: 0.08 },
  recompile: { perGraph: 0.1, perCall: 0.003 },
  closures: { perGraph: 0, perValue: 0, perCall: 0.00015, perElement: 2e-6, perProduct: 6e-7 },
  native: { perGraph: 0.004, perValue: 0.001, perCall: 0.0006, perElement: 4e-7, perProduct: 6e-8 },
};

/** As how many additions an element counts as closures, where native code takes about as long as for one. */
const weights: Readonly<Record<string, number>> = {
  Exp: 4,
  Log: 4,
  Log1p: 2,
  Expm1: 4,
  Sigmoid: 4,
  Sin: 4,
  Cos: 4,
  Atan: 4,
  Softplus: 4,
  Elu: 2,
  Selu: 2,
  Tanh: 8,
  Erf: 8,
  Atan2: 4,
  Softmax: 8,
  Pow: 20,
};

/** Kernels that go through their result only. */
const readsPart: ReadonlySet<string> = new Set(['GatherNd', 'GatherV2', 'Slice', 'StridedSlice']);
const productKernels: ReadonlySet<string> = new Set(['BatchMatMul', '_FusedMatMul']);

function sizeOf({ shape }: TensorType): number {
  return elementCount(shape as readonly number[]);
}

/** A call with the types of what it reads. */
interface TypedCall extends Pick<CallNode, 'kernel' | 'attributes' | 'outputs'> {
  readonly inputs: readonly (TensorType | undefined)[];
}

/** What a call goes through. */
interface Work {
  readonly elements: number;
  readonly products: number;
}

function workOf({ kernel, attributes, inputs, outputs }: TypedCall): Work {
  let elements = 0;
  for (const type of outputs) elements = Math.max(elements, sizeOf(type));
  if (productKernels.has(kernel)) {
    const inner = inputs[0]!.shape.at(attributes['transposeA'] === true ? -2 : -1) as number;
    return { elements, products: elements * inner };
  }
  if (readsPart.has(kernel)) return { elements, products: 0 };
  for (const type of inputs) if (type !== undefined) elements = Math.max(elements, sizeOf(type));
  return { elements, products: 0 };
}

/** Milliseconds that a closure takes for this, without what every call takes. */
function closureMs({ elements, products }: Work, kernel: string, { closures }: CostModel): number {
  return elements * (weights[kernel] ?? 1) * closures.perElement + products * closures.perProduct;
}

/** Milliseconds that one call takes as a closure. */
export function estimateCallMs(call: TypedCall, model: CostModel): number {
  return model.closures.perCall + closureMs(workOf(call), call.kernel, model);
}

/** Milliseconds that compiling a graph of so many calls takes. */
export function estimateCompileMs(calls: number, { compile }: CostModel): number {
  return compile.perGraph + calls * compile.perCall;
}

/** Costs of a graph whose sizes are numbers. */
export function estimateCosts(graph: Graph, ops: OpTable, model: CostModel): GraphCosts {
  const { recompile, closures, native } = model;
  const nodes = nodesByName(graph);
  const calls = callNodes(graph);
  const placeholders = graph.nodes.filter((node) => node.kind === 'placeholder').length;
  const values = placeholders + graph.outputs.length;
  let closuresMs = closures.perGraph + values * closures.perValue + calls.length * closures.perCall;
  let nativeMs = native.perGraph + values * native.perValue + calls.length * native.perCall;
  for (const call of calls) {
    if (ops.get(call.kernel)?.isAlias === true) continue;
    const inputs = call.inputs.map((ref) => ref && typeOf(nodes, ref));
    const work = workOf({ ...call, inputs });
    closuresMs += closureMs(work, call.kernel, model);
    nativeMs += work.elements * native.perElement + work.products * native.perProduct;
  }
  return {
    closuresMs,
    nativeMs,
    compileMs: estimateCompileMs(calls.length, model),
    recompileMs: recompile.perGraph + calls.length * recompile.perCall,
  };
}
