/** How much there is to do in a segment: whether threads are worth having. */
import { elementCount } from '../ir/tensor-type.ts';
import type { LoweredNode, Segment } from './segment.ts';

/** Operators whose work is a product over three groups of axes. */
const productOps: ReadonlySet<string> = new Set([
  'Conv',
  'ConvTranspose',
  'Einsum',
  'Gemm',
  'MatMul',
  'MatMulInteger',
]);

/** Multiply-adds that take as long as reading, computing and writing one element elsewhere. */
const workOfElement = 8;

/** Nodes below it are computed by one thread whatever their session has (onnxruntime splits from 2^15 elements). */
const nodeGrain = 2 ** 18;

/** About a tenth of a millisecond of one core: less than what waking another core costs and what its spinning takes away. */
const segmentGrain = 2 ** 22;

function workOf(node: LoweredNode, inputs: readonly number[], output: number): number {
  if (!productOps.has(node.op)) return workOfElement * Math.max(output, ...inputs);
  // [m, k] times [k, n] is [m, n]: the root of the product of their sizes is m k n, and near it for convolutions.
  return Math.sqrt((inputs[0] ?? 1) * (inputs[1] ?? 1) * output);
}

/**
 * Whether no operator of the segment is large enough for several threads to pay. Sizes are those it was lowered with.
 * Many small sessions with a pool of threads each spin in each other's way, and in that of V8's own threads: programs
 * of small steps ran up to 1.25 times as long on two cores.
 */
export function isLight(segment: Segment): boolean {
  const sizes = new Map<string, number>();
  for (const { name, dims } of [...segment.inputs, ...segment.constants]) sizes.set(name, elementCount(dims));
  let work = 0;
  for (const node of segment.nodes) {
    const inputs = node.inputs.flatMap((name) => sizes.get(name) ?? []);
    // Results between the nodes of one lowering have no known size.
    const guess = Math.max(1, ...inputs);
    const outputs = node.outputs.map((name) => {
      const dims = segment.results?.get(name)?.dims;
      const size = dims === undefined ? guess : elementCount(dims);
      sizes.set(name, size);
      return size;
    });
    const nodeWork = workOf(node, inputs, Math.max(1, ...outputs));
    if (nodeWork >= nodeGrain) work += nodeWork;
    if (work >= segmentGrain) return false;
  }
  return true;
}
