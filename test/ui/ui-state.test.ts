import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { buildReport } from '../../src/explain/report-builder.ts';
import type { Report } from '../../src/explain/report.ts';
import type { TraceRecord } from '../../src/ir/record.ts';
import { axisWindow, type AxisWindow } from '../../src/ui/axis.ts';
import { keymap } from '../../src/ui/keymap.ts';
import { createSource } from '../../src/ui/source.ts';
import { initialState, reduceUi } from '../../src/ui/ui-state.ts';
import { views } from '../../src/ui/views/index.ts';
import { sampleTrace } from '../explain/sample-trace.ts';
import { act, drive, expectSound, sampleReport, torchReport } from './support/ui-driver.ts';

const repeat = (key: string, times: number): string[] => Array.from({ length: times }, () => key);

describe('the cursor', () => {
  test('skips headings', () => {
    const { screen, state } = drive(sampleReport(), ['2', 'v', 'v', 'g']);
    expect(state.views['breaks']!.cursor).toBe(1);
    expect(screen[3]).toContain('FG1004 Read inside a loop  1 break');
  });

  test('stays on its row when the order changes', () => {
    const { screen, state } = drive(sampleReport(), ['2', 'j', 's', 's']);
    expect(state.views['breaks']!.row).toContain('FG1003');
    expect(screen.at(-1)).toContain('sort: place');
  });

  test('stays on its row when the report grows', () => {
    const grown = buildReport(traceWith({ names: ['a', 'b'], breaks: 9 }));
    const before = drive(buildReport(traceWith({ names: ['a', 'b'], breaks: 3 })), ['2', 'G']);
    const row = before.state.views['breaks']!.row;
    const source = createSource(grown, views, '', () => before.state);
    const { state } = reduceUi(before.state, { kind: 'report' }, source);
    expectSound(source, state);
    const { cursor, settings } = state.views['breaks']!;
    expect(
      source
        .listOf(
          source.views.find((view) => view.id === 'breaks')!,
          settings,
        )
        .row(cursor).key,
    ).toBe(row);
  });

  test('stays on the first row when the report grows and nobody has moved it', () => {
    const troubles = new Set(['break', 'saving', 'guard-failure', 'fallback']);
    const young = buildReport(sampleTrace().filter(({ kind }) => !troubles.has(kind)));
    expect(young.advice).toEqual([]);
    const grownFrom = (keys: readonly string[]): string => {
      const { state } = drive(young, keys);
      const source = createSource(sampleReport(), views, '', () => state);
      const grown = reduceUi(state, { kind: 'report' }, source).state;
      expectSound(source, grown);
      const { cursor, settings } = grown.views['summary']!;
      return source.listOf(source.views[0]!, settings).row(cursor).key;
    };
    expect(grownFrom([])).toMatch(/^advice break /);
    expect(grownFrom(['2', '1'])).toMatch(/^advice break /);
    expect(grownFrom(['j', 'k'])).toMatch(/^time /);
  });

  test('starts behind the headers that fold', () => {
    const { state } = drive(sampleReport(), ['3', 'return']);
    expect(state.views['graphs']!.row).toBe('x');
  });
});

describe('going somewhere and back', () => {
  test('from the summary into a break and back', () => {
    const there = drive(sampleReport(), ['return']);
    expect(there.state.view).toBe('breaks');
    expect(there.state.views['breaks']!.row).toBe('FG1004@src/train.ts:10');
    expect(act(there, { kind: 'key', key: 'escape' }).state.view).toBe('summary');
  });

  test('from a break to its line, and back through every page', () => {
    const there = drive(sampleReport(), ['2', 'return']);
    expect(there.state.view).toBe('source');
    expect(there.state.views['source']!.row).toBe('10');
    const deeper = act(there, { kind: 'key', key: 'return' });
    expect(deeper.state.view).toBe('breaks');
    const home = ['escape', 'escape'].reduce((at, key) => act(at, { kind: 'key', key }), deeper);
    expect(home.state.view).toBe('breaks');
    expect(home.state.visits).toEqual([]);
  });

  test('a tab forgets the way back', () => {
    const { state } = drive(sampleReport(), ['return', '3', '2', 'escape']);
    expect(state.view).toBe('breaks');
  });

  test('enter follows edges of a graph, backspace goes back along them', () => {
    const walked = drive(sampleReport(), ['3', 'return', '/', ':matmul', 'return', 'return', 'return']);
    expect(walked.state.views['graphs']!.settings.path).toEqual(['g1', 'edges matmul', 'edges loss']);
    const back = act(walked, { kind: 'key', key: 'backspace' });
    expect(back.state.views['graphs']!.settings.path).toEqual(['g1', 'edges matmul']);
    expect(back.state.views['graphs']!.row).toBe('loss');
  });

  test('from recompiles to the graph and back to the arrival', () => {
    const there = drive(sampleReport(), ['4', 'return', 'j', 'return']);
    expect(there.state.view).toBe('graphs');
    expect(there.state.views['graphs']!.row).toBe('g2');
    const back = act(there, { kind: 'key', key: 'escape' });
    expect(back.state.view).toBe('recompiles');
    expect(back.state.views['recompiles']!.row).toBe('g2');
  });

  test('says so where nothing is to be followed', () => {
    expect(drive(sampleReport(), ['2', 'a']).state.message).toBe('nothing to follow here');
  });
});

describe('the filter', () => {
  test('takes words apart with ctrl+w and moves with the arrows', () => {
    const { state } = drive(sampleReport(), ['2', '/', ':read', 'space', ':xyz', 'ctrl+w', 'down']);
    expect(state.typing).toBe('read');
    expect(state.views['breaks']!.cursor).toBe(1);
  });

  test('swallows keys that mean something else', () => {
    const { state, effects } = drive(sampleReport(), ['2', '/', 'q', 'home', 'tab', 'return']);
    expect(effects).toEqual([]);
    expect(state.views['breaks']!.settings.filter).toBe('q');
  });
});

describe('effects', () => {
  test('editor, clipboard, minifier and export know the row', () => {
    const { effects } = drive(sampleReport(), ['3', 'm', 'e', 'o', '2', 'y']);
    expect(effects).toEqual([
      { kind: 'minify', graph: 'g1' },
      { kind: 'export', graph: 'g1' },
      { kind: 'open-editor', file: 'src/train.ts', line: 10 },
      { kind: 'copy', text: 'FG1004 Read inside a loop src/train.ts:10' },
    ]);
  });

  test('a text that lies in a log is asked for, shown when it comes, dropped when it comes too late', async () => {
    const opened = drive(await torchReport(), ['8', '/', ':guards', 'return', 'return']);
    const [effect] = opened.effects;
    if (effect?.kind !== 'load-text') throw new Error('no text was asked for');
    expect(opened.screen.join('\n')).toContain('reading …');
    const { artifact, view } = effect;
    const come = act(opened, {
      kind: 'text',
      view,
      artifact,
      text: 'TREE_GUARD_MANAGER:\n+- RootGuardManager',
    });
    expect(come.screen.join('\n')).toContain('2 +- RootGuardManager');
    const gone = act(opened, { kind: 'text', view, artifact, text: undefined });
    expect(gone.state.message).toContain('is not where the trace says');
    const left = act(opened, { kind: 'key', key: 'escape' });
    const late = act(left, { kind: 'text', view, artifact, text: 'late' });
    expect(late.state).toEqual(left.state);
  });

  test('the help scrolls by lines, pages and the wheel, no further than its end', () => {
    const last = drive(sampleReport(), ['?', 'G']);
    expect(last.state.isHelpOpen).toBe(true);
    for (const keys of [
      ['?', 'space', 'pagedown', ...repeat('down', 200)],
      ['?', ...repeat('pagedown', 50)],
    ])
      expect(drive(sampleReport(), keys).screen).toEqual(last.screen);
    const up = act(last, { kind: 'key', key: 'up' });
    expect(up.screen.slice(3, -1)).toEqual(last.screen.slice(2, -2));
    const wheel = act(last, { kind: 'scroll', rows: -1, column: 3, row: 9 });
    expect(wheel.screen).toEqual(up.screen);
    expect(act(wheel, { kind: 'key', key: 'g' }).screen).toEqual(drive(sampleReport(), ['?']).screen);
  });

  test('ctrl+c quits from the help, another key only closes it', () => {
    expect(drive(sampleReport(), ['?', 'ctrl+c']).effects).toEqual([{ kind: 'quit' }]);
    expect(drive(sampleReport(), ['?', 'down', 'down', 'up', 'q']).state.isHelpOpen).toBe(false);
  });
});

describe('the timeline', () => {
  const windowAfter = (keys: readonly string[], report = sampleReport()): AxisWindow => {
    const { settings } = drive(report, ['5', ...keys]).state.views['timeline']!;
    return axisWindow({ start: report.timeline.startMs, end: report.timeline.endMs }, settings);
  };

  test('zooms around the cursor and pans with it', () => {
    const all = windowAfter([]);
    const { from, to, at } = windowAfter(['$', '+', '+', 'h', 'h']);
    expect(to - from).toBeCloseTo((all.to - all.from) / 4, 6);
    expect(at).toBeGreaterThan(from);
    expect(at).toBeLessThan(all.to);
    expect(windowAfter(['$', '+', '+', '-', '-', '-'])).toMatchObject({ from: all.from, to: all.to });
  });

  test('keeps the cursor at its place on the screen while zooming', () => {
    const placeAfter = (keys: readonly string[]): number => {
      const { from, to, at } = windowAfter(['L', 'L', ...keys]);
      return (at - from) / (to - from);
    };
    expect(placeAfter(['+', '+', '+'])).toBeCloseTo(placeAfter([]), 9);
    expect(placeAfter(['+', '+', '-'])).toBeCloseTo(placeAfter([]), 9);
  });

  test('stays where it is when the trace grows', () => {
    const { source: _source, state } = drive(sampleReport(), ['5', 'L', '+', '+', '+']);
    const { settings } = state.views['timeline']!;
    const range = { start: 0, end: sampleReport().timeline.endMs };
    expect(axisWindow({ ...range, end: range.end * 3 }, settings)).toEqual(axisWindow(range, settings));
  });

  /** What the detail says of the span under the cursor. */
  const underCursor = (screen: readonly string[]): string =>
    screen.find((row) => /  from \d/.test(row)) ?? 'nothing';

  test.each([80, 120, 250])('n stands on a span, however far it is zoomed, at %i columns', (width) => {
    for (const zoom of [0, 1, 3, 6]) {
      for (let jumps = 1; jumps <= 8; jumps++) {
        const keys = ['5', '/', ':compile', 'return', ...repeat('+', zoom), ...repeat('n', jumps)];
        expect(underCursor(drive(sampleReport(), keys, width).screen)).toContain('graph g');
      }
    }
  });

  test.each([80, 120, 250])('enter zooms to the span that the detail names, at %i columns', (width) => {
    for (let jumps = 1; jumps <= 6; jumps++) {
      const keys = ['5', '/', ':run', 'return', ...repeat('n', jumps * 7)];
      const before = underCursor(drive(sampleReport(), keys, width).screen);
      expect(before).toContain('graph g');
      expect(underCursor(drive(sampleReport(), [...keys, 'return'], width).screen)).toBe(before);
    }
  });

  test('the cursor stays on the screen at the right edge, with what it stands on', () => {
    const at = drive(sampleReport(), ['5', 'L', 'L', '+', '+', ...repeat('l', 100)]);
    const { settings } = at.state.views['timeline']!;
    const window = axisWindow({ start: 0, end: sampleReport().timeline.endMs }, settings);
    expect(window.at).toBeLessThan(window.to);
  });

  test('n goes from span to span, N back', () => {
    const rows = ['5', '/', ':compile', 'return'];
    const starts = ['n', 'n', 'N'].map((_key, index) => {
      const { state } = drive(sampleReport(), [...rows, ...['n', 'n', 'N'].slice(0, index + 1)]);
      return state.views['timeline']!.settings.at;
    });
    expect(starts[1]).toBeGreaterThan(starts[0]!);
    expect(starts[2]).toBe(starts[0]);
  });
});

/** A trace with names of our choice everywhere a name can be. */
function traceWith(options: { readonly names: readonly string[]; readonly breaks: number }): TraceRecord[] {
  const { names, breaks } = options;
  const file = '/app/main.ts';
  const name = (index: number): string => names[index % names.length] ?? 'x';
  return [
    {
      kind: 'header',
      schemaVersion: 1,
      source: 'fullgraph',
      program: name(0),
      arguments: [name(1)],
      cwd: '/app',
      startedAt: '2026-01-01T00:00:00Z',
      environment: { node: name(2) },
    },
    { kind: 'source', file, text: names.join('\n') },
    ...Array.from({ length: breaks }, (_, index): TraceRecord[] => [
      {
        kind: 'stack',
        id: index,
        frames: [
          { file, line: index + 1, column: 1, function: name(index), origin: 'user', code: name(index) },
        ],
      },
      {
        kind: 'graph',
        id: `g${index}`,
        name: name(index),
        timeMs: index,
        stack: index,
        family: `f${index % 2}`,
        nodeCount: 2,
        opCounts: { [name(index)]: 1 },
        inputs: [],
        outputs: [],
        text: `graph g\n  input ${name(index)}: float32[2]\n  y: float32[2] = ${name(index + 1)}(${name(index)})\n  return y\n`,
        language: 'fullgraph',
        origins: [{ node: 'y', stack: index, scope: [name(index), name(index + 1)] }],
      },
      {
        kind: 'guard-failure',
        timeMs: index,
        family: `f${index % 2}`,
        graph: `g${index}`,
        closest: 'g0',
        differences: [{ kind: 'other', what: name(index), expected: name(index), actual: name(index + 1) }],
        outcome: 'recompile',
      },
      {
        kind: 'break',
        reason: 'GB9999',
        title: name(index),
        explanation: name(index),
        hints: [name(index)],
        timeMs: index,
        stack: index,
        graph: `g${index}`,
        tensor: name(index),
        waitMs: index,
        isInLoop: true,
        branch: name(index),
      },
      { kind: 'artifact', name: name(index), owner: `g${index}`, language: 'text', text: names.join('\n') },
      { kind: 'slice', lane: name(index), name: name(index), timeMs: index, durationMs: index / 2 },
      {
        kind: 'fallback',
        kernel: name(index),
        reason: name(index),
        stack: index,
        count: 1,
        durationMs: 1,
      },
      { kind: 'note', severity: 'warning', code: 'FG5000', text: name(index) },
      {
        kind: 'frame',
        id: `[${index}/0]`,
        function: name(index),
        status: 'skipped',
        reason: name(index),
        details: { [name(index)]: name(index) },
      },
    ]).flat(),
  ];
}

const nasty = fc.oneof(
  fc.constantFrom(
    '名前',
    'ａｂｃ',
    '👩‍👩‍👧‍👦 family',
    'e\u0301',
    '🇩🇪',
    '\u001b[31mred',
    'a\tb',
    'line\nbreak',
    '\u202eright',
    '\ud800',
    '',
    ' ',
    'x'.repeat(300),
    '宽'.repeat(120),
    '{"a":1}',
    '%s',
  ),
  fc.string({ unit: 'grapheme', maxLength: 24 }),
);
const keys = fc.oneof(
  fc.constantFrom(
    ...keymap.flatMap((binding) => binding.keys),
    ...Array.from('0123456789'),
    'return',
    'return',
    'j',
    'j',
  ),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }),
);

describe('any keys on any trace', () => {
  test('keep the cursor on a row and every line within the screen', () => {
    fc.assert(
      fc.property(
        fc.array(nasty, { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 0, max: 12 }),
        fc.array(keys, { maxLength: 40 }),
        fc.integer({ min: 1, max: 260 }),
        fc.integer({ min: 1, max: 70 }),
        (names, breaks, pressed, width, height) => {
          const report = buildReport(traceWith({ names, breaks }));
          const source = createSource(report, views, 'following', () => ({ width, height }));
          let { state } = reduceUi(initialState(source.views, width, height), { kind: 'report' }, source);
          for (const key of pressed) {
            ({ state } = reduceUi(state, { kind: 'key', key }, source));
            expectSound(source, state);
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  test('resizing keeps the row', () => {
    fc.assert(
      fc.property(
        fc.array(keys, { maxLength: 12 }),
        fc.array(fc.tuple(fc.integer({ min: 1, max: 260 }), fc.integer({ min: 1, max: 70 })), {
          maxLength: 5,
        }),
        (pressed, sizes) => {
          let size = { width: 80, height: 24 };
          const source = createSource(sample, views, '', () => size);
          let { state } = reduceUi(initialState(source.views, 80, 24), { kind: 'report' }, source);
          for (const key of pressed) ({ state } = reduceUi(state, { kind: 'key', key }, source));
          const { row } = state.views[state.view]!;
          for (const [width, height] of sizes) {
            size = { width, height };
            ({ state } = reduceUi(state, { kind: 'resize', width, height }, source));
            expectSound(source, state);
            expect(state.views[state.view]!.row).toBe(row);
          }
        },
      ),
      { numRuns: 100 },
    );
  });
});

const sample: Report = sampleReport();
