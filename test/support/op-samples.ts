/**
 * Runs one conformance sample of an op table entry: on tfjs's cpu kernel, through `infer`, and as the ONNX nodes that
 * `lower` writes, on onnxruntime.
 */
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { createRunKernel } from '../../src/compile/backends/eager.ts';
import { createOrtSession, type OrtArray } from '../../src/compile/backends/onnxruntime.ts';
import { buildModel } from '../../src/compile/build-model.ts';
import { compileClosures } from '../../src/compile/javascript/compile-closures.ts';
import { lowerGraph } from '../../src/compile/lower.ts';
import type { OpDefinition, OpSample, SampleTensor } from '../../src/compile/ops/define-op.ts';
import type { Segment } from '../../src/compile/segment.ts';
import { fixedGenerality, type Generality } from '../../src/compile/skeleton.ts';
import {
  nodesByName,
  refKey,
  typeOf,
  type Graph,
  type GraphNode,
  type ValueRef,
} from '../../src/ir/graph.ts';
import type { ConcreteType } from '../../src/ir/op-signature.ts';
import { elementCount, formatType, type HostArray } from '../../src/ir/tensor-type.ts';
import { encodeModel, type OnnxModel } from '../../src/onnx/index.ts';

export interface SampleResult extends ConcreteType {
  readonly data: HostArray;
}

/** Numbers in [0, 1) that depend on nothing but the seed. */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** The values of a sample's input; absent ones are drawn by its position. */
export function sampleData(tensor: SampleTensor, position: number): Float32Array | Int32Array | Uint8Array {
  const random = seededRandom(position + 1);
  const length = elementCount(tensor.shape);
  const draw = {
    float32: () => random() * 4 - 2,
    int32: () => Math.floor(random() * 9) - 4,
    bool: () => (random() < 0.5 ? 0 : 1),
  }[tensor.dtype];
  const values = tensor.values ?? Array.from({ length }, draw);
  if (values.length !== length) throw new Error(`${values.length} values for ${formatType(tensor)}`);
  const arrays = { float32: Float32Array, int32: Int32Array, bool: Uint8Array };
  return arrays[tensor.dtype].from(values);
}

/** `float32[2,3], float32[3] {"axis":0}`: a name for a sample, unique within its kernel with the values. */
export function describeSample(sample: OpSample): string {
  const types = sample.inputs.map((tensor) => (tensor === undefined ? '_' : formatType(tensor)));
  const attributes = JSON.stringify(sample.attributes, (_, value: unknown) =>
    typeof value === 'number' && !Number.isFinite(value) ? String(value) : value,
  );
  return [types.join(', '), attributes, sample.about && `(${sample.about})`].filter(Boolean).join(' ');
}

export function sampleTypes(sample: OpSample): (ConcreteType | undefined)[] {
  return sample.inputs.map((tensor) => tensor && { dtype: tensor.dtype, shape: tensor.shape });
}

const runKernel = createRunKernel(tf, 'cpu');

/** What tfjs's cpu kernel answers. */
export function runEager(definition: OpDefinition, sample: OpSample): SampleResult[] {
  const inputs = sample.inputs.map(
    (tensor, position) =>
      tensor && { data: sampleData(tensor, position), dtype: tensor.dtype, shape: tensor.shape },
  );
  const results = runKernel(definition.kernel, inputs, definition.inputs, sample.attributes ?? {});
  return results.map((result) => ({ ...result, dtype: result.dtype as ConcreteType['dtype'] }));
}

/** A graph of this one call. */
export function sampleGraph(definition: OpDefinition, sample: OpSample): Graph {
  const types = sampleTypes(sample);
  const outputs = definition.infer(types, sample.attributes ?? {});
  if (outputs === undefined) throw new Error(`${definition.kernel}: no types for ${describeSample(sample)}`);
  const nodes: GraphNode[] = [];
  const inputs = types.map((type, position): ValueRef | undefined => {
    if (type === undefined) return undefined;
    nodes.push({ kind: 'placeholder', name: `input_${position}`, type, role: 'input' });
    return { node: `input_${position}`, output: 0 };
  });
  nodes.push({
    kind: 'call',
    name: 'call',
    kernel: definition.kernel,
    inputs,
    attributes: sample.attributes ?? {},
    outputs,
  });
  return { name: 'sample', nodes, outputs: outputs.map((_, output) => ({ node: 'call', output })) };
}

/** Whether a session fixes sizes and constants, or leaves open all that it can. */
export type SampleGenerality = 'fixed' | 'open';

function generalityOf(segment: Segment, generality: SampleGenerality): Generality {
  if (generality === 'fixed') return fixedGenerality(segment);
  return {
    freeConstants: segment.constants.map(() => true),
    dims: segment.inputs.map((input) => input.dims.map(() => undefined)),
  };
}

/** What model becomes of a segment. */
export type ToModel = (segment: Segment, generality: Generality) => OnnxModel;

/** Runs a segment on `data` by input name; results by output name. */
function runSegment(
  segment: Segment,
  data: (inputName: string) => OrtArray,
  generality: SampleGenerality,
  toModel: ToModel,
): ReadonlyMap<string, SampleResult> {
  const general = generalityOf(segment, generality);
  const free = segment.constants.filter((_, index) => general.freeConstants[index]);
  const session = createOrtSession(encodeModel(toModel(segment, general)), { threads: 1, spinning: false });
  try {
    const outputs = session.run(
      [...segment.inputs.map((input) => data(input.name)), ...free.map((constant) => constant.data)],
      [...segment.inputs, ...free].map(({ dims }) => dims),
    );
    return new Map(
      outputs.map((output, index) => [
        session.outputs[index]!.name,
        {
          data: output.data as HostArray,
          shape: output.dims,
          dtype: output.dataType as ConcreteType['dtype'],
        },
      ]),
    );
  } finally {
    session.dispose();
  }
}

/** What onnxruntime answers to the lowered call; `undefined` when the call has no ONNX form. */
export function runLowered(
  definition: OpDefinition,
  sample: OpSample,
  generality: SampleGenerality = 'fixed',
  toModel: ToModel = buildModel,
): SampleResult[] | undefined {
  const graph = sampleGraph(definition, sample);
  const lowered = lowerGraph(graph, new Map([[definition.kernel, definition]]));
  if (lowered.fallbacks.length > 0) return undefined;
  const dataOf = (name: string): Float32Array | Int32Array | Uint8Array => {
    const position = Number(name.slice('input_'.length));
    return sampleData(sample.inputs[position]!, position);
  };
  const results = lowered.steps.flatMap((step) =>
    step.kind === 'onnx' ? [...runSegment(step.segment, dataOf, generality, toModel)] : [],
  );
  const byName = new Map(results);
  return graph.outputs.map((ref): SampleResult => {
    const name = lowered.values.get(refKey(ref))!;
    // A call that hands its input through has no node.
    const { dtype, shape } = typeOf(nodesByName(graph), ref)!;
    const type = { dtype: dtype as ConcreteType['dtype'], shape: shape as readonly number[] };
    return byName.get(name) ?? { ...type, data: dataOf(name) };
  });
}

/** What the closures of the call answer; `undefined` when it has no form in JavaScript. */
export function runClosures(definition: OpDefinition, sample: OpSample): SampleResult[] | undefined {
  const graph = sampleGraph(definition, sample);
  const program = compileClosures(graph, new Map([[definition.kernel, definition]]));
  const inputs = sample.inputs.flatMap((tensor, position) =>
    tensor === undefined ? [] : [sampleData(tensor, position)],
  );
  return program?.run(inputs).map((data, output) => {
    const { dtype, shape } = typeOf(nodesByName(graph), graph.outputs[output]!)!;
    return { dtype: dtype as ConcreteType['dtype'], shape: shape as readonly number[], data };
  });
}

/** Relative and absolute error that float32 results may have unless an entry says otherwise. */
export const defaultTolerance = { relative: 1e-4, absolute: 1e-5 };

/** Position of the first element that differs, described; `undefined` when there is none. */
export function firstDifference(
  actual: SampleResult,
  expected: SampleResult,
  tolerance: { readonly relative: number; readonly absolute: number } = defaultTolerance,
): string | undefined {
  const [got, want] = [actual.data as Float32Array, expected.data as Float32Array];
  if (got.length !== want.length) return `${got.length} elements instead of ${want.length}`;
  for (const [index, value] of want.entries()) {
    const found = got[index]!;
    if (Object.is(found, value) || found === value) continue;
    const bound = tolerance.absolute + tolerance.relative * Math.abs(value);
    const isClose = expected.dtype === 'float32' && Math.abs(found - value) <= bound;
    if (!isClose) return `[${index}]: ${found} instead of ${value}`;
  }
  return undefined;
}
