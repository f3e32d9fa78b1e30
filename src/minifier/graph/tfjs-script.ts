/**
 * A part of a captured graph as a program: tfjs computes what is right, onnxruntime what the model that was made of it gives.
 * Exits with 1 while they differ, as `repro.mjs` does.
 */
import { refKey, type AttributeValue, type CallNode, type Graph, type ValueRef } from '../../ir/graph.ts';
import type { OnnxModel, OnnxTensor } from '../../onnx/index.ts';
import { formatSignature, type Signature } from '../verdict.ts';
import type { CapturedSource } from './captured-graph.ts';
import type { Setup, Tolerance } from './trial-messages.ts';
import { float32Text } from '../../ir/number-text.ts';
import { childCheck, differenceFunction, inputLine, sessionOptions, storedFunction } from './repro-script.ts';

/** Kernels without attributes whose public function has another name than the kernel in lower case. */
const functionNames: Readonly<Record<string, string>> = {
  FloorDiv: 'floorDiv',
  Multiply: 'mul',
  RealDiv: 'div',
  SquaredDifference: 'squaredDifference',
};
const publicKernels: ReadonlySet<string> = new Set(
  `Abs Acos Add Asin Atan Ceil Cos Cosh Erf Exp Expm1 Floor Log Log1p Maximum Minimum Neg Pow Reciprocal Relu Relu6 Round
   Rsqrt Selu Sigmoid Sign Sin Sinh Softplus Sqrt Square Sub Tan Tanh`.split(/\s+/),
);

function functionOf({ kernel, attributes, inputs }: CallNode): string | undefined {
  if (inputs.includes(undefined) || Object.values(attributes).some((value) => value !== undefined))
    return undefined;
  return functionNames[kernel] ?? (publicKernels.has(kernel) ? kernel.toLowerCase() : undefined);
}

function literal(value: AttributeValue): string {
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
  if (Array.isArray(value)) return `[${(value as readonly AttributeValue[]).map(literal).join(', ')}]`;
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value).filter(([, item]) => item !== undefined);
    return `{ ${entries.map(([key, item]) => `${JSON.stringify(key)}: ${literal(item)}`).join(', ')} }`;
  }
  return value === undefined ? 'undefined' : JSON.stringify(value);
}

/** The calls as lines of a function's body, and what it returns. */
function programLines(graph: Graph, model: OnnxModel, inputNames: CapturedSource['inputNames']): string[] {
  const names = new Map<string, string>();
  const lines: string[] = [];
  for (const [index, node] of graph.nodes.filter(({ kind }) => kind !== 'call').entries()) {
    names.set(node.name, `x${index}`);
    if (node.kind === 'constant') {
      const { dtype, shape } = node.type;
      const write = node.data instanceof Float32Array ? float32Text : literal;
      const data = Array.from(node.data as ArrayLike<number>, write).join(', ');
      const values =
        shape.length === 0
          ? `tf.scalar(${data}, '${dtype}')`
          : `tf.tensor([${data}], [${shape.join(', ')}], '${dtype}')`;
      lines.push(`const x${index} = ${values};`);
    } else lines.push(`const x${index} = tensors[${JSON.stringify(node.name)}];`);
  }
  const nameOf = (ref: ValueRef): string => names.get(refKey(ref))!;
  const calls = graph.nodes.filter((node): node is CallNode => node.kind === 'call');
  for (const [index, call] of calls.entries()) {
    const results = call.outputs.map((_, output) =>
      call.outputs.length === 1 ? `v${index}` : `v${index}_${output}`,
    );
    for (const [output, result] of results.entries()) names.set(refKey({ node: call.name, output }), result);
    const target = results.length === 1 ? results[0]! : `[${results.join(', ')}]`;
    const short = functionOf(call);
    const keys = inputNames(call.kernel);
    const operands = call.inputs.flatMap((ref, at) =>
      ref === undefined ? [] : [`${keys === 'variadic' ? at : keys[at]!}: ${nameOf(ref)}`],
    );
    const text =
      short === undefined
        ? `tf.engine().runKernel('${call.kernel}', { ${operands.join(', ')} }, ${literal(call.attributes)})`
        : `tf.${short}(${call.inputs.map((ref) => nameOf(ref!)).join(', ')})`;
    lines.push(`const ${target} = ${text};`);
  }
  const results = graph.outputs.map(
    (ref, index) => `${JSON.stringify(model.graph.outputs[index]!.name)}: ${nameOf(ref)}`,
  );
  return [...lines, `return { ${results.join(', ')} };`];
}

export interface TfjsScriptFacts {
  readonly part: Graph;
  readonly source: CapturedSource;
  /** The part as a model. */
  readonly model: OnnxModel;
  readonly inputs: ReadonlyMap<string, OnnxTensor>;
  readonly subject: Setup;
  readonly signature: Signature;
  readonly tolerance: Tolerance;
  readonly timeLimitMs: number;
}

/** File names of the model and of the values of its inputs. */
export const tfjsFiles = { script: 'repro-tfjs.mjs', model: 'tfjs.onnx', inputs: 'tfjs-inputs.npz' } as const;

/** The script. */
export function tfjsScript(facts: TfjsScriptFacts): string {
  const { part, source, model, inputs, subject, signature, tolerance, timeLimitMs } = facts;
  const lines = [...inputs].map(([name, tensor]) => inputLine(name, tensor));
  const isStored = lines.some((line) => line.includes('(stored('));
  return `// ${formatSignature(signature)}: the same in TensorFlow.js.
// tfjs computes what is right, onnxruntime runs ${tfjsFiles.model}, the model that fullgraph makes of program().
// Prints FAIL and exits with 1 while they differ; prints PASS and exits with 0 when they agree.
import { spawnSync } from 'node:child_process';
${isStored ? "import { readFileSync } from 'node:fs';\n" : ''}import { fileURLToPath } from 'node:url';
${isStored ? "import { inflateRawSync } from 'node:zlib';\n" : ''}import * as tf from '@tensorflow/tfjs';
import * as ort from 'onnxruntime-node';

function program(tensors) {
  ${programLines(part, model, source.inputNames.bind(source)).join('\n  ')}
}

const model = fileURLToPath(new URL('./${tfjsFiles.model}', import.meta.url));
const inputs = {
${lines.join('\n')}
};
${isStored ? storedFunction(tfjsFiles.inputs) : ''}${differenceFunction(tolerance)}
async function check() {
  await tf.setBackend('cpu');
  const tensors = Object.entries(inputs).map(([name, { data, dims, type }]) => [name, tf.tensor(data, dims, type)]);
  const results = Object.entries(program(Object.fromEntries(tensors)));
  const expected = results.map(([name, tensor]) => [name, { type: tensor.dtype, dims: tensor.shape, data: tensor.dataSync() }]);
  const session = await ort.InferenceSession.create(model, { logSeverityLevel: 4, ...${sessionOptions(subject)} });
  const found = difference(Object.fromEntries(expected), await session.run(inputs));
  if (found !== undefined) throw new Error(found);
}
${childCheck(timeLimitMs)}`;
}
