/**
 * A large trace for the UI's benchmark, the same each time: one program of 25,000 lines with 5,000 breaks, a graph of
 * 10,000 nodes, 40 sites that recompile, and as many runs as fill the wanted size.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { encodeRecord, recordSchemaVersion, type TraceRecord } from '../../src/ir/record.ts';

export interface UiTraceSize {
  readonly bytes: number;
  readonly nodes: number;
  readonly breaks: number;
}

const linesPerBreak = 5;
const file = '/bench/train.ts';
const families = 40;
const kernels = ['FusedMatMul', 'Add', 'Relu', 'Multiply', 'Sum', 'Reshape', 'Transpose', 'Sigmoid'];

function sourceText(breaks: number): string {
  const lines: string[] = [];
  for (let index = 0; index < breaks; index++) {
    lines.push(
      `function step${index}(batch: tf.Tensor) {`,
      `  const loss${index} = model.apply(batch).sub(labels).square().mean();`,
      `  if (loss${index}.dataSync()[0] < 0.${index % 10}) return true;`,
      '  return false;',
      '}',
    );
  }
  return lines.join('\n');
}

function graphText(nodes: number): string {
  const lines = ['graph bench', '  input x: float32[32,64]', '  state w: float32[64,64]'];
  for (let index = 0; index < nodes; index++) {
    const left = index === 0 ? 'x' : `n${index - 1}`;
    const right = index < 20 ? 'w' : `n${index - ((index * 7) % 19) - 2}`;
    lines.push(
      `  n${index}: float32[32,64] = ${kernels[index % kernels.length]}(${left}, ${right}) {"axis":${index % 3}}`,
    );
  }
  return [...lines, `  return n${nodes - 1}`, ''].join('\n');
}

function* fixedRecords({ nodes, breaks }: UiTraceSize): Generator<TraceRecord> {
  yield {
    kind: 'header',
    schemaVersion: recordSchemaVersion,
    source: 'fullgraph',
    program: 'train.ts',
    arguments: [],
    cwd: '/bench',
    startedAt: '2026-01-01T00:00:00.000Z',
    environment: { node: '20.20.2', backend: 'onnxruntime', device: 'cpu' },
  };
  yield { kind: 'source', file, text: sourceText(breaks) };
  for (let index = 0; index < breaks; index++) {
    yield {
      kind: 'stack',
      id: index,
      frames: [
        { file, line: index * linesPerBreak + 3, column: 12, function: `step${index}`, origin: 'user' },
        { file, line: index * linesPerBreak + 1, column: 1, function: `epoch${index % 50}`, origin: 'user' },
      ],
    };
  }
  yield {
    kind: 'graph',
    id: 'g0',
    name: 'bench',
    timeMs: 1,
    stack: 0,
    family: 'f0',
    nodeCount: nodes,
    opCounts: Object.fromEntries(kernels.map((kernel) => [kernel, Math.floor(nodes / kernels.length)])),
    inputs: [{ name: 'x', type: { dtype: 'float32', shape: [32, 64] } }],
    outputs: [{ name: `n${nodes - 1}`, type: { dtype: 'float32', shape: [32, 64] } }],
    text: graphText(nodes),
    language: 'fullgraph',
    origins: Array.from({ length: nodes }, (_, index) => ({
      node: `n${index}`,
      stack: index % breaks,
      scope: [`block${Math.floor(index / 500)}`, `layer${Math.floor(index / 50)}`],
    })),
  };
  for (let index = 1; index <= families * 4; index++) {
    const family = `f${1 + (index % families)}`;
    const graph = `g${index}`;
    yield {
      kind: 'graph',
      id: graph,
      name: `step${index}`,
      timeMs: index,
      stack: index,
      family,
      nodeCount: 40,
      opCounts: { Add: 40 },
      inputs: [{ name: 'x', type: { dtype: 'float32', shape: [index, 64] } }],
      outputs: [{ name: 'n39', type: { dtype: 'float32', shape: [index, 64] } }],
      text: graphText(40),
      language: 'fullgraph',
    };
    if (index > families) {
      yield {
        kind: 'guard-failure',
        timeMs: index,
        family,
        graph,
        closest: `g${index - families}`,
        stack: index,
        differences: [
          { kind: 'shape', what: 'x.shape[0]', expected: String(index - families), actual: String(index) },
        ],
        outcome: 'recompile',
      };
    }
    yield {
      kind: 'compile',
      id: `c${index}`,
      graph,
      timeMs: index,
      durationMs: 12,
      trigger: index > families ? 'recompile' : 'first',
      backend: 'onnxruntime',
      device: 'cpu',
      cache: 'none',
      phases: [
        { name: 'lower', durationMs: 4 },
        { name: 'session', durationMs: 8 },
      ],
      fallbacks: [],
    };
  }
}

/** One step of the program: a run, and the break that ended its graph. */
function* stepRecords(step: number, { breaks }: UiTraceSize): Generator<TraceRecord> {
  const graph = `g${1 + (step % (families * 4))}`;
  const timeMs = 200 + step * 1.5;
  yield {
    kind: 'run',
    graph,
    compile: graph.replace('g', 'c'),
    timeMs,
    durationMs: 0.8 + (step % 7) / 10,
    traceMs: 0.2,
    captured: 40,
    folded: 2,
    eager: 0,
  };
  yield {
    kind: 'break',
    reason: step % 3 === 0 ? 'FG1004' : 'FG1001',
    timeMs: timeMs + 1,
    stack: step % breaks,
    graph,
    tensor: `loss${step % breaks}`,
    type: { dtype: 'float32', shape: [] },
    api: 'dataSync',
    sizeBytes: 4,
    waitMs: 0.1 + (step % 11) / 50,
    isInLoop: step % 3 === 0,
    branch: `loss${step % breaks}.dataSync()[0] < 0.${step % 10}`,
  };
}

/** Writes the trace. @returns its bytes and records. */
export function writeUiTrace(
  path: string,
  size: UiTraceSize,
): { readonly bytes: number; readonly records: number } {
  const descriptor = openSync(path, 'w');
  let bytes = 0;
  let records = 0;
  let pending: string[] = [];
  const flush = (): void => {
    bytes += writeSync(descriptor, pending.join(''));
    pending = [];
  };
  const write = (record: TraceRecord): void => {
    pending.push(encodeRecord(record));
    records += 1;
    if (pending.length >= 1000) flush();
  };
  for (const record of fixedRecords(size)) write(record);
  flush();
  for (let step = 0; bytes < size.bytes; step++) for (const record of stepRecords(step, size)) write(record);
  flush();
  closeSync(descriptor);
  return { bytes, records };
}
