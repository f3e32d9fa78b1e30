import { expect, test } from 'vitest';
import type { Backend } from '../src/ir/executable.ts';
import type { Graph } from '../src/ir/graph.ts';
import type { BreakRecord, SavingRecord, TraceRecord } from '../src/ir/record.ts';
import { createSavingsMeter, type ObservedRun } from '../src/savings.ts';

const type = { dtype: 'float32', shape: [] } as const;
let clockMs = 0;

/** Each run takes a millisecond, and half of one per node. */
const backend: Backend = {
  name: 'clocked',
  device: 'cpu',
  compile: ({ nodes, outputs }) => ({
    executable: {
      run() {
        clockMs += 1 + nodes.filter(({ kind }) => kind === 'call').length / 2;
        return outputs.map(() => new Float32Array(1));
      },
      freeLeaves: [],
      dispose: () => undefined,
    },
    report: { outcome: 'session', cache: 'none', phases: [], fallbacks: [] },
  }),
  dispose: () => undefined,
};

function squared(name: string): Graph {
  return {
    name,
    nodes: [
      { kind: 'placeholder', name: 'x', type, role: 'input' },
      {
        kind: 'call',
        name: 'y',
        kernel: 'Square',
        inputs: [{ node: 'x', output: 0 }],
        attributes: {},
        outputs: [type],
      },
    ],
    outputs: [{ node: 'y', output: 0 }],
  };
}

let ids = 0;
function runOf(graph: Graph): ObservedRun {
  const host = new Float32Array(1);
  return { graph, leaves: [{ id: ids++, host }], outputs: [{ id: ids++, host }] };
}

function breakOf(graph: string, waitMs: number): BreakRecord {
  return { kind: 'break', reason: 'FG1004', timeMs: 0, stack: 1, graph, waitMs, isInLoop: true };
}

function runRecord(graph: string, durationMs: number): TraceRecord {
  return {
    kind: 'run',
    graph,
    compile: 'c1',
    timeMs: 0,
    durationMs,
    traceMs: 0,
    captured: 1,
    folded: 0,
    eager: 0,
  };
}

test('a break costs a run less, and what the program spends around one', () => {
  const meter = createSavingsMeter(backend, () => clockMs);
  const graphs = [squared('g1'), squared('g2')];
  // g1 waits 0.4 ms around its runs, g2 0.2 ms; the first run of each is slow, as it is compiled.
  for (let step = 0; step < 6; step++) {
    for (const [index, graph] of graphs.entries()) {
      if (step === 0) meter.observeRecord({ kind: 'compile' } as TraceRecord);
      meter.observeRecord(runRecord(graph.name, 1.5));
      meter.observe(runOf(graph));
      const around = step === 0 ? 50 : index === 0 ? 0.4 : 0.2;
      meter.observeRecord({ ...breakOf(graph.name, 1.5 + around), stack: index });
    }
  }
  const records: SavingRecord[] = [];
  meter.measure((record) => records.push(record));
  expect(records.map(({ stack, occurrences }) => [stack, occurrences])).toEqual([
    [0, 6],
    [1, 5],
  ]);
  for (const { brokenMs, stitchedMs, aroundMs } of records) {
    expect(brokenMs - stitchedMs).toBeCloseTo(1);
    expect(aroundMs).toBeCloseTo(0.2);
  }
});

test('a break that nothing follows says why it has no cost', () => {
  const meter = createSavingsMeter(backend, () => clockMs);
  meter.observe(runOf(squared('g1')));
  meter.observeRecord(breakOf('g1', 1));
  const records: SavingRecord[] = [];
  meter.measure((record) => records.push(record));
  expect(records).toMatchObject([
    { reason: 'FG1004', stack: 1, before: 'g1', skipped: 'nothing was computed behind it' },
  ]);
});
