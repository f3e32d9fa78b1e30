/**
 * tfjs's fused products, which are those of its layers, give two matrices a batch axis of size 1 and take it away again.
 * Such a product becomes one Gemm, which transposes by itself: an unrolled LSTM that learns loses a fifth of its nodes.
 */
import type { OnnxValue } from '../ops/define-op.ts';
import type { LoweredConstant, LoweredNode, Segment } from '../segment.ts';
import { renameInputs } from './rename.ts';
import { factsOf, type SegmentFacts } from './segment-facts.ts';

/** What an operand of rank 3 is a matrix of. */
interface Matrix {
  readonly source: OnnxValue;
  /** Rows and columns of the source, without its batch axis. */
  readonly dims: readonly number[];
  /** The source has a batch axis. */
  readonly isBatch: boolean;
  readonly isTransposed: boolean;
}

function sameDims(left: readonly number[] | undefined, right: readonly number[]): boolean {
  return left?.length === right.length && left.every((size, axis) => size === right[axis]);
}

class Flattening {
  readonly #facts: SegmentFacts;
  /** By what they make: nodes that only show a value in another way. */
  readonly #views = new Map<OnnxValue, LoweredNode>();
  /** Of products. */
  readonly #readers = new Map<OnnxValue, LoweredNode[]>();
  readonly #nodes: LoweredNode[] = [];
  readonly #constants: LoweredConstant[] = [];
  readonly #flat = new Map<OnnxValue, OnnxValue>();
  readonly #renamed = new Map<OnnxValue, OnnxValue>();
  readonly #dropped = new Set<LoweredNode>();

  constructor(segment: Segment) {
    this.#facts = factsOf(segment);
    for (const node of segment.nodes) {
      const [result] = node.outputs as [OnnxValue];
      if (node.op === 'Reshape' || node.op === 'Transpose') this.#views.set(result, node);
      else if (node.op === 'MatMul') this.#readers.set(result, []);
      for (const input of node.inputs) this.#readers.get(input)?.push(node);
    }
  }

  run(segment: Segment): Segment {
    for (const node of segment.nodes) {
      if (this.#dropped.has(node)) continue;
      if (node.op === 'MatMul' && this.#flatten(node)) continue;
      this.#nodes.push(renameInputs(node, this.#renamed));
    }
    if (this.#dropped.size === 0) return segment;
    return { ...segment, nodes: this.#nodes, constants: [...segment.constants, ...this.#constants] };
  }

  #flatten(product: LoweredNode): boolean {
    const matrices = product.inputs.flatMap((input) => this.#matrixOf(input) ?? []);
    const [left, right] = matrices;
    if (left === undefined || right === undefined || (left.isBatch && right.isBatch)) return false;
    if (matrices.some(({ source }) => this.#facts.type(source) !== 'float32')) return false;
    const dims = [left.dims[left.isTransposed ? 1 : 0]!, right.dims[right.isTransposed ? 0 : 1]!];
    const readers = this.#flattened(product.outputs[0]!, dims);
    if (readers.length === 0) return false;
    const named = readers.find((node) => this.#facts.isOutput(node.outputs[0]!)) ?? readers[0]!;
    const [result] = named.outputs as [OnnxValue];
    for (const reader of readers) {
      this.#dropped.add(reader);
      this.#renamed.set(reader.outputs[0]!, result);
    }
    this.#nodes.push({
      op: 'Gemm',
      name: product.name,
      inputs: matrices.map((matrix) => this.#source(matrix)),
      outputs: [result],
      attributes: { transA: left.isTransposed ? 1 : 0, transB: right.isTransposed ? 1 : 0 },
    });
    return true;
  }

  /** The matrix in a batch of one; `undefined` for anything else. */
  #matrixOf(value: OnnxValue): Matrix | undefined {
    const node = this.#views.get(value);
    const before = node?.inputs[0];
    if (node?.op === 'Transpose' && (node.attributes['perm'] as readonly number[]).join() === '0,2,1') {
      const matrix = this.#matrixOf(before!);
      return matrix && { ...matrix, isTransposed: !matrix.isTransposed };
    }
    const [batch, ...dims] = this.#facts.dims(value) ?? [];
    if (batch !== 1 || dims.length !== 2) return undefined;
    const isBatch = node?.op !== 'Reshape' || !sameDims(this.#facts.dims(before!), dims);
    return { source: isBatch ? value : before!, dims, isBatch, isTransposed: false };
  }

  /** Readers of a product, if all they do is to take its batch axis away. */
  #flattened(product: OnnxValue, dims: readonly number[]): readonly LoweredNode[] {
    if (this.#facts.isOutput(product)) return [];
    const readers = this.#readers.get(product)!;
    const areViews = readers.every(
      ({ op, inputs }) => op === 'Reshape' && sameDims(this.#facts.ints(inputs[1]!), dims),
    );
    const outputs = readers.filter((node) => this.#facts.isOutput(node.outputs[0]!));
    return areViews && outputs.length < 2 ? readers : [];
  }

  /** The source as a matrix. */
  #source({ source, dims, isBatch }: Matrix): OnnxValue {
    const value = this.#renamed.get(source) ?? source;
    if (!isBatch) return value;
    const known = this.#flat.get(value);
    if (known !== undefined) return known;
    const name = `${value}/matrix`;
    const shape = `${name}/dims`;
    this.#constants.push({ name: shape, type: 'int64', dims: [2], data: BigInt64Array.from(dims, BigInt) });
    this.#nodes.push({
      op: 'Reshape',
      name,
      inputs: [value, shape],
      outputs: [name],
      attributes: { allowzero: 1 },
    });
    this.#flat.set(value, name);
    return name;
  }
}

/** Segment in which products of two matrices are one node. */
export function flatProducts(segment: Segment): Segment {
  if (!segment.nodes.some((node) => node.op === 'MatMul')) return segment;
  return new Flattening(segment).run(segment);
}
