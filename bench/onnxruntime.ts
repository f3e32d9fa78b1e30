/**
 * What onnxruntime itself costs us: one run by number of tensors, and one session by how the model arrives. Run with
 * `npx tsx bench/onnxruntime.ts`; the tables go to `docs/measurements.md`.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createOrtSession, type OrtSessionOptions } from '../src/compile/backends/onnxruntime.ts';
import { encodeModel, GraphWriter, writeModelFile, type OnnxModel } from '../src/onnx/index.ts';
import { bertEncoder } from './models/bert-encoder.ts';
import { mobilenetV2 } from './models/mobilenet-v2.ts';
import { resnet50 } from './models/resnet50.ts';
import { weight } from './support/weights.ts';

interface Timing {
  readonly minMs: number;
  readonly medianMs: number;
}

function timeEach(runs: number, action: () => void): Timing {
  const times = Array.from({ length: runs }, () => {
    const start = performance.now();
    action();
    return performance.now() - start;
  }).sort((left, right) => left - right);
  return { minMs: times[0]!, medianMs: times[runs >> 1]! };
}

const print = ({ minMs, medianMs }: Timing): string => `${minMs.toFixed(1)} / ${medianMs.toFixed(1)}`;

/** Microseconds of a run of a trivial model with this many inputs and outputs. */
function runOverhead(inputs: number, outputs: number): number {
  const graph = new GraphWriter('overhead');
  const names = Array.from({ length: inputs }, (_, index) => graph.input(`x${index}`, 'float32', [4]));
  for (let index = 0; index < outputs; index++) graph.output(graph.add('Sum', names), 'float32', [4]);
  const session = createOrtSession(encodeModel(graph.toModel()), { threads: 1 });
  const data = names.map(() => new Float32Array(4));
  const dims = names.map(() => [4]);
  const batch = 200;
  const { minMs } = timeEach(30, () => {
    for (let run = 0; run < batch; run++) session.runArrays(data, dims);
  });
  session.dispose();
  return (minMs / batch) * 1000;
}

/** An LSTM(128) unrolled over 50 steps, as tfjs runs it: about a thousand small nodes. */
function unrolledLstm(): OnnxModel {
  const units = 128;
  const graph = new GraphWriter('lstm');
  const x = graph.input('x', 'float32', [1, 50, units]);
  const kernel = graph.initializer(weight('kernel', [units, 4 * units]), [units, 4 * units]);
  const recurrent = graph.initializer(weight('recurrent_kernel', [units, 4 * units]), [units, 4 * units]);
  const bias = graph.initializer(weight('bias', [4 * units]), [4 * units]);
  const slice = (value: string, axis: number, from: number, to: number): string =>
    graph.add('Slice', [value, graph.ints([from]), graph.ints([to]), graph.ints([axis])]);
  let hidden = graph.initializer(new Float32Array(units), [1, units]);
  let cell = hidden;
  for (let step = 0; step < 50; step++) {
    const input = graph.add('Reshape', [slice(x, 1, step, step + 1), graph.ints([1, units])]);
    const fromInput = graph.add('MatMul', [input, kernel]);
    const fromHidden = graph.add('MatMul', [hidden, recurrent]);
    const gates = graph.add('Add', [graph.add('Add', [fromInput, fromHidden]), bias]);
    const gate = (index: number, activation: string): string =>
      graph.add(activation, [slice(gates, 1, index * units, (index + 1) * units)]);
    const kept = graph.add('Mul', [gate(1, 'Sigmoid'), cell]);
    cell = graph.add('Add', [kept, graph.add('Mul', [gate(0, 'Sigmoid'), gate(2, 'Tanh')])]);
    hidden = graph.add('Mul', [gate(3, 'Sigmoid'), graph.add('Tanh', [cell])]);
  }
  graph.output(hidden, 'float32', [1, units]);
  return graph.toModel();
}

function sessionTimes(name: string, model: OnnxModel, folder: string): void {
  const bytes = encodeModel(model);
  const file = (suffix: string): string => join(folder, `${name.replaceAll(' ', '-')}${suffix}`);
  writeModelFile(file('.external.onnx'), model, { externalAboveBytes: 0 });
  for (const suffix of ['.all.onnx', '.all.ort'])
    createOrtSession(bytes, { optimizedModelPath: file(suffix) }).dispose();
  console.log(`\n${name}: ${model.graph.nodes.length} nodes, ${(bytes.length / 2 ** 20).toFixed(0)} MiB`);
  const report = (label: string, source: Uint8Array | string, options: OrtSessionOptions = {}): void => {
    const timing = timeEach(9, () => createOrtSession(source, { threads: 1, ...options }).dispose());
    console.log(`  ${label.padEnd(46)} ${print(timing)} ms`);
  };
  console.log(`  ${'encode'.padEnd(46)} ${print(timeEach(9, () => encodeModel(model)))} ms`);
  report('ONNX bytes, optimized now (cold)', bytes);
  report('ONNX file, weights in a second file', file('.external.onnx'));
  report('ONNX bytes, not optimized', bytes, { optimizationLevel: 'disabled' });
  report('optimized ONNX from file', file('.all.onnx'), { optimizationLevel: 'disabled' });
  report('optimized ORT from memory', new Uint8Array(readFileSync(file('.all.ort'))));
  report('optimized ORT from file', file('.all.ort'));
}

/** Microseconds to load one of many nodes of an operator from onnxruntime's own format, in a version of ONNX's operators. */
function loadTime(operator: string, opset: number, folder: string): number {
  const nodes = 600;
  const graph = new GraphWriter('nodes');
  const [x, y] = ['x', 'y'].map((name) => graph.input(name, 'float32', [4, 4])) as [string, string];
  const mask = graph.input('mask', 'bool', [4, 4]);
  const isUnary = operator === 'Tanh' || operator === 'Identity';
  const results = Array.from({ length: nodes }, () =>
    graph.add(operator, operator === 'Where' ? [mask, x, y] : isUnary ? [x] : [x, y]),
  );
  const isComparison = operator === 'Equal' || operator === 'GreaterOrEqual';
  graph.output(results.at(-1)!, isComparison ? 'bool' : 'float32', [4, 4]);
  const model = graph.toModel();
  const path = join(folder, `${operator}-${opset}.ort`);
  createOrtSession(
    {
      ...model,
      opsets: model.opsets.map((entry) => (entry.domain === '' ? { ...entry, version: opset } : entry)),
    },
    { threads: 1, optimizationLevel: 'disabled', optimizedModelPath: path },
  ).dispose();
  const { minMs } = timeEach(9, () => createOrtSession(path, { threads: 1 }).dispose());
  return (1000 * minMs) / nodes;
}

const folder = mkdtempSync(join(tmpdir(), 'fullgraph-bench-'));
try {
  console.log('One run, microseconds, minimum');
  for (const [inputs, outputs] of [
    [1, 1],
    [10, 1],
    [100, 1],
    [1, 10],
    [1, 100],
  ] as const) {
    console.log(`  ${inputs} inputs, ${outputs} outputs: ${runOverhead(inputs, outputs).toFixed(1)}`);
  }
  console.log('\nLoading a node in opsets 12, 13 and 21, microseconds, minimum');
  for (const operator of ['Mul', 'Where', 'GreaterOrEqual', 'Equal', 'Gemm', 'Tanh', 'Identity']) {
    const times = [12, 13, 21].map((opset) => loadTime(operator, opset, folder).toFixed(1));
    console.log(`  ${operator}: ${times.join(', ')}`);
  }
  console.log('\nOne session created and disposed, minimum / median');
  sessionTimes('LSTM unrolled', unrolledLstm(), folder);
  for (const { name, onnx } of [mobilenetV2, resnet50, bertEncoder]) sessionTimes(name, onnx(), folder);
} finally {
  rmSync(folder, { recursive: true });
}
