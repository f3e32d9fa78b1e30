/** Reports to look at, and a UI of a size that keys are pressed in, without a terminal. */
import { expect } from 'vitest';
import { buildReport, createReportBuilder } from '../../../src/explain/report-builder.ts';
import type { Report } from '../../../src/explain/report.ts';
import type { TraceRecord } from '../../../src/ir/record.ts';
import { readTorchTrace } from '../../../src/torch/index.ts';
import type { View } from '../../../src/ui/define-view.ts';
import { lineText, lineWidth } from '../../../src/ui/lines.ts';
import { screenOf } from '../../../src/ui/screen.ts';
import { createSource, type UiSource } from '../../../src/ui/source.ts';
import { initialState, reduceUi, type Action, type Effect, type UiState } from '../../../src/ui/ui-state.ts';
import { views } from '../../../src/ui/views/index.ts';
import { sampleTrace } from '../../explain/sample-trace.ts';

/** What a profiled run with a kernel on eager adds to a graph of the sample. */
const profile: readonly TraceRecord[] = [
  { kind: 'node-times', graph: 'g1', runs: 45, nodes: { matmul: 1.2, loss: 0.3 } },
  { kind: 'memory', timeMs: 10, tensors: 12, tensorBytes: 400_000, rssBytes: 150_000_000 },
  { kind: 'memory', timeMs: 200, tensors: 60, tensorBytes: 1_600_000, rssBytes: 190_000_000 },
];

function withLowering(record: TraceRecord): TraceRecord {
  if (record.kind !== 'compile' || record.graph !== 'g1') return record;
  return {
    ...record,
    lowered: { matmul: ['matmul/MatMul_0'], loss: ['loss/ReduceMean_0', 'loss/Reshape_1'] },
    guardCount: 7,
  };
}

/** The hand-made training run, with node times, memory and the operators that nodes became. */
export function sampleReport(): Report {
  return buildReport([...sampleTrace().map(withLowering), ...profile]);
}

/** A PyTorch job of two ranks. */
export async function torchReport(): Promise<Report> {
  const builder = createReportBuilder();
  for await (const record of readTorchTrace('fixtures/traces/torch-two-ranks')) builder.add(record);
  return builder.report();
}

export interface Driven {
  readonly source: UiSource;
  readonly state: UiState;
  /** Rows of the screen, as text. */
  readonly screen: readonly string[];
  readonly effects: readonly Effect[];
}

/** Checks what must hold on every screen. */
export function expectSound(source: UiSource, state: UiState): void {
  const lines = screenOf(source, state);
  expect(lines.length).toBeLessThanOrEqual(state.height);
  for (const line of lines) {
    expect(lineWidth(line)).toBeLessThanOrEqual(state.width);
    expect(lineText(line)).not.toMatch(/[\p{Cc}\p{Cs}]/u);
  }
  const view = source.views.find((each) => each.id === state.view);
  expect(view).toBeDefined();
  const own = state.views[view!.id]!;
  const { count } = source.listOf(view!, own.settings);
  expect(own.cursor).toBeGreaterThanOrEqual(0);
  expect(own.cursor).toBeLessThanOrEqual(Math.max(0, count - 1));
  expect(own.scroll).toBeGreaterThanOrEqual(0);
  expect(own.scroll).toBeLessThanOrEqual(own.cursor);
}

export interface DriveOptions {
  /** Of the report, when absent. */
  readonly shown?: readonly View[];
  readonly status?: string;
}

/** A UI of a size after some keys. A string of single keys may be given as one word behind a colon: `:relu`. */
export function drive(
  report: Report,
  keys: readonly string[],
  width = 80,
  height = 24,
  { shown = views, status = '' }: DriveOptions = {},
): Driven {
  const source = createSource(report, shown, status, () => ({ width, height }));
  let { state } = reduceUi(initialState(source.views, width, height), { kind: 'report' }, source);
  const effects: Effect[] = [];
  const pressed = keys.flatMap((key) =>
    key.length > 1 && key.startsWith(':') ? Array.from(key.slice(1)) : [key],
  );
  for (const key of pressed) {
    const step = reduceUi(state, { kind: 'key', key }, source);
    state = step.state;
    effects.push(...step.effects);
  }
  expectSound(source, state);
  return { source, state, screen: screenOf(source, state).map(lineText), effects };
}

/** The state after one more action. */
export function act({ source, state }: Driven, action: Action): Driven {
  const step = reduceUi(state, action, source);
  expectSound(source, step.state);
  return {
    source,
    state: step.state,
    screen: screenOf(source, step.state).map(lineText),
    effects: step.effects,
  };
}
