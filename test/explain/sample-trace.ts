/**
 * A hand-made trace of a small training program: a read in a loop, a print, an awaited read, a last smaller batch, a
 * kernel without a lowering. Numbers are chosen so that sums are easy to check by eye.
 */
import type { BreakRecord, RunRecord, StackRecord, TraceRecord } from '../../src/ir/record.ts';
import type { StackFrame } from '../../src/ir/span.ts';

export const cwd = '/home/ada/mnist';
const file = `${cwd}/src/train.ts`;

export const trainSource = `import * as tf from '@tensorflow/tfjs';
import { batches, model } from './model';

const optimizer = tf.train.adam(0.001);

async function trainEpoch(epoch: number) {
  let total = 0;
  for (const { x, y } of batches()) {
    const loss = optimizer.minimize(() => model.loss(x, y), true)!;
    total += loss.dataSync()[0];
  }
  const seen = await tf.unique(model.labels).values.data();
  console.log(epoch, total, seen.length);
  model.confusion().print();
}

for (let epoch = 0; epoch < 5; epoch++) await trainEpoch(epoch);
`;

function frameAt(line: number, column: number, name: string): StackFrame {
  return {
    file,
    line,
    column,
    function: name,
    origin: 'user',
    code: trainSource.split('\n')[line - 1]!.trim(),
  };
}

const framework: StackFrame = {
  file: `${cwd}/node_modules/@tensorflow/tfjs-core/dist/tensor.js`,
  line: 250,
  column: 11,
  function: 'Tensor.dataSync',
  origin: 'framework',
};

export function stack(id: number, frames: readonly StackFrame[]): StackRecord {
  return { kind: 'stack', id, frames };
}

export function breakRecord(fields: Partial<BreakRecord> & { readonly reason: string }): BreakRecord {
  return { kind: 'break', timeMs: 0, waitMs: 0, isInLoop: false, ...fields };
}

export function runRecord(fields: Partial<RunRecord>): RunRecord {
  return {
    kind: 'run',
    graph: 'g1',
    compile: 'c1',
    timeMs: 0,
    durationMs: 2,
    traceMs: 0.5,
    captured: 190,
    folded: 4,
    eager: 0,
    ...fields,
  };
}

const graphText = `graph trainEpoch
  input x: float32[32,784]
  state kernel: float32[784,10]
  matmul: float32[32,10] = BatchMatMul(x, kernel) {"transposeA":false,"transposeB":false}
  loss: float32[] = Mean(matmul) {"axis":[0,1]}
  return loss
`;

function graphRecord(
  id: string,
  family: string,
  timeMs: number,
  stackId: number,
  batch: number,
): TraceRecord {
  return {
    kind: 'graph',
    id,
    name: family === 'f1' ? 'trainEpoch' : 'confusion',
    timeMs,
    stack: stackId,
    family,
    nodeCount: family === 'f1' ? 190 : 12,
    opCounts: { BatchMatMul: 2, Mean: 1 },
    inputs: [{ name: 'x', type: { dtype: 'float32', shape: [batch, 784] }, role: 'input' }],
    outputs: [{ name: 'loss', type: { dtype: 'float32', shape: [] } }],
    text: graphText.replaceAll('[32,', `[${batch},`),
    language: 'fullgraph',
    origins: [{ node: 'matmul', stack: 5, scope: ['model', 'loss'] }],
  };
}

function compileRecord(
  id: string,
  graph: string,
  timeMs: number,
  durationMs: number,
  trigger: 'first' | 'recompile',
): TraceRecord {
  return {
    kind: 'compile',
    id,
    graph,
    timeMs,
    durationMs,
    trigger,
    backend: 'onnxruntime',
    device: 'cpu',
    cache: 'none',
    phases: [
      { name: 'lower', durationMs: durationMs * 0.2 },
      { name: 'session', durationMs: durationMs * 0.8 },
    ],
    fallbacks: [],
  };
}

/** The whole trace, in the order in which a run writes it. */
export function sampleTrace(): TraceRecord[] {
  const records: TraceRecord[] = [
    {
      kind: 'header',
      schemaVersion: 1,
      source: 'fullgraph',
      program: 'src/train.ts',
      arguments: ['--epochs', '5'],
      cwd,
      startedAt: '2026-11-20T10:00:00.000Z',
      environment: {
        fullgraph: '0.1.0',
        node: '20.20.2',
        tfjs: '4.22.0',
        onnxruntime: '1.30.0',
        platform: 'linux x64',
        cpu: 'Xeon',
        threads: 2,
      },
    },
    { kind: 'source', file, text: trainSource },
    {
      kind: 'coverage',
      file,
      instrumented: [4, 7, 8, 9, 10, 12, 13, 14, 17],
      executed: [4, 7, 8, 9, 10, 12, 13, 14, 17],
    },
    stack(1, [framework, frameAt(10, 19, 'trainEpoch'), frameAt(17, 50, '')]),
    stack(2, [framework, frameAt(12, 52, 'trainEpoch'), frameAt(17, 50, '')]),
    stack(3, [framework, frameAt(14, 22, 'trainEpoch'), frameAt(17, 50, '')]),
    stack(4, [framework, frameAt(12, 25, 'trainEpoch'), frameAt(17, 50, '')]),
    stack(5, [framework, frameAt(9, 50, 'trainEpoch'), frameAt(17, 50, '')]),
    graphRecord('g1', 'f1', 20, 1, 32),
    compileRecord('c1', 'g1', 21, 80, 'first'),
  ];
  let timeMs = 110;
  const run = (graph: string, compile: string, fields: Partial<BreakRecord> & { reason: string }): void => {
    records.push(
      runRecord({ graph, compile, timeMs, ...(graph === 'g3' ? { captured: 12, folded: 0 } : {}) }),
    );
    records.push(breakRecord({ timeMs: timeMs + 2, waitMs: 2.5, graph, ...fields }));
    timeMs += 4;
  };
  for (let epoch = 0; epoch < 5; epoch++) {
    for (let batch = 0; batch < 10; batch++) {
      const isLast = batch === 9;
      if (isLast && epoch === 0) {
        records.push(
          graphRecord('g2', 'f1', timeMs, 1, 7),
          {
            kind: 'guard-failure',
            timeMs,
            family: 'f1',
            graph: 'g2',
            closest: 'g1',
            stack: 1,
            differences: [
              { kind: 'shape', what: 'x.shape[0]', expected: '32', actual: '7' },
              { kind: 'shape', what: 'y.shape[0]', expected: '32', actual: '7' },
            ],
            outcome: 'recompile',
          },
          compileRecord('c2', 'g2', timeMs, 60, 'recompile'),
        );
        timeMs += 60;
      }
      run(isLast ? 'g2' : 'g1', isLast ? 'c2' : 'c1', {
        reason: 'FG1004',
        stack: 1,
        tensor: 'loss',
        type: { dtype: 'float32', shape: [] },
        api: 'dataSync',
        isInLoop: true,
        sizeBytes: 4,
      });
    }
    if (epoch === 0) {
      records.push(graphRecord('g3', 'f2', timeMs, 3, 32), compileRecord('c3', 'g3', timeMs, 10, 'first'));
      timeMs += 10;
    }
    records.push(
      breakRecord({
        reason: 'FG1002',
        timeMs,
        waitMs: 1,
        stack: 2,
        api: 'data',
        tensor: 'values',
        type: { dtype: 'float32', shape: [10] },
        sizeBytes: 40,
      }),
    );
    timeMs += 2;
    run('g3', 'c3', { reason: 'FG1003', stack: 3, api: 'print', sizeBytes: 400 });
  }
  records.push(
    {
      kind: 'fallback',
      kernel: 'Unique',
      reason: 'the size of its result is known only from data',
      stack: 4,
      count: 5,
      durationMs: 3.5,
    },
    {
      kind: 'saving',
      reason: 'FG1004',
      stack: 1,
      before: 'g1',
      after: 'g1',
      brokenMs: 4,
      stitchedMs: 2.2,
      occurrences: 50,
    },
    {
      kind: 'saving',
      reason: 'FG1002',
      stack: 2,
      before: '',
      after: 'g3',
      brokenMs: 0,
      stitchedMs: 0,
      occurrences: 5,
      skipped: 'a kernel between both graphs has no lowering',
    },
    { kind: 'memory', timeMs, tensors: 42, tensorBytes: 1_048_576, rssBytes: 180_000_000 },
    {
      kind: 'end',
      timeMs: 500,
      exitCode: 0,
      totals: {
        opsTotal: 9765,
        opsCaptured: 9560,
        opsFolded: 200,
        opsEager: 5,
        wallMs: 500,
        traceMs: 27.5,
        compileMs: 150,
        runMs: 110,
        syncMs: 25,
        eagerMs: 3.5,
        emptyReads: 2,
      },
    },
  );
  return records;
}
