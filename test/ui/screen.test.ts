import { describe, expect, test } from 'vitest';
import { buildReport } from '../../src/explain/report-builder.ts';
import type { TraceRecord } from '../../src/ir/record.ts';
import { lineText, lineWidth } from '../../src/ui/lines.ts';
import { screenOf } from '../../src/ui/screen.ts';
import { createSource } from '../../src/ui/source.ts';
import { initialState, reduceUi, type Effect, type UiState } from '../../src/ui/ui-state.ts';
import { views } from '../../src/ui/views/index.ts';

const records: TraceRecord[] = [
  {
    kind: 'header',
    schemaVersion: 1,
    source: 'fullgraph',
    program: 'train.ts',
    arguments: [],
    cwd: '/app',
    startedAt: '2026-01-01T00:00:00Z',
    environment: { node: '20' },
  },
  {
    kind: 'source',
    file: '/app/train.ts',
    text: 'const a = 1;\nconst 名前 = loss.dataSync();\nx.print();\n',
  },
  ...[2, 3].map((line): TraceRecord => ({
    kind: 'stack',
    id: line,
    frames: [{ file: '/app/train.ts', line, column: 1, function: 'step', origin: 'user' }],
  })),
  ...[2, 2, 3].map((stack, index): TraceRecord => ({
    kind: 'break',
    reason: stack === 2 ? 'FG1001' : 'FG1003',
    timeMs: index,
    stack,
    tensor: '名前',
    waitMs: 5,
    isInLoop: false,
  })),
];
const report = buildReport(records);

/** A UI of a size, with keys pressed one after the other. */
function press(
  keys: readonly string[],
  width = 80,
  height = 23,
): { state: UiState; screen: string[]; effects: Effect[] } {
  const source = createSource(report, views, '', () => ({ width, height }));
  let state = initialState(views, width, height);
  const effects: Effect[] = [];
  for (const key of keys) {
    const step = reduceUi(state, { kind: 'key', key }, source);
    state = step.state;
    effects.push(...step.effects);
  }
  const lines = screenOf(source, state);
  for (const each of lines) expect(lineWidth(each)).toBeLessThanOrEqual(width);
  expect(lines.length).toBeLessThanOrEqual(height);
  return { state, screen: lines.map(lineText), effects };
}

describe('the screen', () => {
  test('starts with the summary', () => {
    const { screen } = press([]);
    expect(screen[0]).toContain('[1 Summary]');
    expect(screen.join('\n')).toContain('3 breaks');
  });

  test('shows a break with its line lit', () => {
    const { screen } = press(['2']);
    expect(screen.find((row) => row.startsWith('▸'))).toContain('2 │ const 名前 = loss.dataSync();');
  });

  test('follows the cursor and hands out its place', () => {
    const { effects } = press(['2', 'j', 'o', 'q']);
    expect(effects).toEqual([{ kind: 'open-editor', file: 'train.ts', line: 3 }, { kind: 'quit' }]);
  });

  test('filters while typing, and escape takes it back', () => {
    const typed = press(['2', '/', ...Array.from('print')]);
    expect(typed.screen.filter((row) => row.startsWith('FG1')).length).toBeGreaterThan(0);
    expect(typed.screen.some((row) => row.startsWith('FG1001 '))).toBe(false);
    expect(
      press(['2', '/', ...Array.from('print'), 'escape']).screen.some((row) => row.startsWith('FG1001')),
    ).toBe(true);
  });

  test.each([
    [80, 23],
    [120, 39],
    [250, 59],
    [41, 11],
  ])('fits every view into %ix%i', (width, height) => {
    for (const view of views)
      press([view.key, 'j', '?', 'x', 'right', 'j', 'left', 'G', 'g', 's', 'v'], width, height);
  });

  test('says when the terminal is too small', () => {
    expect(press([], 20, 5).screen[0]).toContain('too small');
  });
});
