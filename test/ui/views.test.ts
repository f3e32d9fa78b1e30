/** Facts about single views that a frame of text cannot show: colours, marks, what enter and the keys act on. */
import { describe, expect, test } from 'vitest';
import { buildReport } from '../../src/explain/report-builder.ts';
import type { Report } from '../../src/explain/report.ts';
import type { TraceRecord } from '../../src/ir/record.ts';
import { initialSettings, type View, type ViewSettings } from '../../src/ui/define-view.ts';
import { lineText, type Line, type Role } from '../../src/ui/lines.ts';
import { breaksView } from '../../src/ui/views/breaks-view.ts';
import { graphsView } from '../../src/ui/views/graphs-view.ts';
import { recompilesView } from '../../src/ui/views/recompiles-view.ts';
import { sourceView } from '../../src/ui/views/source-view.ts';
import { textsView } from '../../src/ui/views/texts-view.ts';
import { sampleTrace } from '../explain/sample-trace.ts';
import { act, drive, sampleReport } from './support/ui-driver.ts';

const report = sampleReport();

function detailOf(view: View, key: string, of: Report = report, settings = initialSettings): readonly Line[] {
  return view.detail!(of, settings, key, 100);
}

/** Texts of the spans in a role. */
function inRole(lines: readonly Line[], role: Role): string[] {
  return lines.flatMap((line) => line.filter((each) => each.role === role).map((each) => each.text));
}

function rowsOf(view: View, of: Report, settings: ViewSettings = initialSettings): string[] {
  const list = view.list(of, settings);
  return Array.from({ length: list.count }, (_, index) => lineText(list.line(index, 100)).trimEnd());
}

describe('a break', () => {
  const lines = detailOf(breaksView, 'FG1004@src/train.ts:10');

  test('shows its fix as a diff of the bad and the good program', () => {
    expect(inRole(lines, 'removed').map((text) => text.trim())).toContain(
      '-   total += x.mul(i).sum().dataSync()[0];',
    );
    expect(inRole(lines, 'added').some((text) => text.includes('sums.push(x.mul(i).sum())'))).toBe(true);
  });

  test('lights its line and names the tensor under it', () => {
    expect(inRole(lines, 'strong')).toContain('    total += loss.dataSync()[0];');
    expect(inRole(lines, 'warning').join('')).toContain('^^^^^^^^ loss float32[]');
  });

  test('tells what was measured, and why not where it was not', () => {
    expect(lines.map(lineText).join('\n')).toContain('90.0 ms would be saved without it, 18 % of the run');
    const skipped = detailOf(breaksView, 'FG1002@src/train.ts:12').map(lineText).join('\n');
    expect(skipped).toContain('not measured: a kernel between both graphs has no lowering');
  });

  test('is grouped by file, kind and graph', () => {
    const heads = [1, 2, 3].map((group) => {
      const list = breaksView.list(report, { ...initialSettings, group });
      return Array.from({ length: list.count }, (_, index) => list.row(index))
        .filter((row) => row.isHeading)
        .map((row) => row.key.replace('heading ', ''));
    });
    expect(heads).toEqual([
      ['src/train.ts'],
      ['FG1004 Read inside a loop', 'FG1003 Tensor printed', 'FG1002 Asynchronous read'],
      ['g1', 'g3', '(no graph)'],
    ]);
  });
});

/** Three arrivals at one site: the batch changes twice, the rate once. */
const arrivals: TraceRecord[] = [
  ...['g1', 'g2', 'g3'].map((id, index): TraceRecord => ({
    kind: 'graph',
    id,
    name: 'step',
    timeMs: index,
    family: 'f1',
    nodeCount: 1,
    opCounts: {},
    inputs: [],
    outputs: [],
    text: 'graph step\n',
    language: 'fullgraph',
  })),
  {
    kind: 'guard-failure',
    timeMs: 1,
    family: 'f1',
    graph: 'g2',
    closest: 'g1',
    differences: [{ kind: 'shape', what: 'x.shape[0]', expected: '32', actual: '16' }],
    outcome: 'recompile',
  },
  {
    kind: 'guard-failure',
    timeMs: 2,
    family: 'f1',
    graph: 'g3',
    closest: 'g2',
    differences: [
      { kind: 'shape', what: 'x.shape[0]', expected: '16', actual: '7' },
      { kind: 'attribute', what: 'dropout.rate', expected: '0.2', actual: '0' },
    ],
    outcome: 'reused',
  },
];

describe('the guards of a site', () => {
  const built = buildReport(arrivals);

  test('are a matrix in which only what changed is lit', () => {
    const lines = detailOf(recompilesView, 'f1', built);
    expect(inRole(lines, 'changed').map((text) => text.trim())).toEqual(['16', '7', '0']);
    const rows = lines.map(lineText);
    expect(rows.find((row) => row.startsWith('dropout.rate'))).toMatch(/0\.2 +· +0$/);
  });

  test('keep the first and the latest columns where there is no room for all', () => {
    const narrow = recompilesView.detail!(built, initialSettings, 'f1', 20).map(lineText).join('\n');
    expect(narrow).toContain('g1');
    expect(narrow).toContain('g3');
    expect(narrow).toContain('1 compile between not shown');
  });

  test('are told arrival by arrival', () => {
    const settings = { ...initialSettings, path: ['f1'] };
    expect(rowsOf(recompilesView, built, settings)[2]).toContain('reuse');
    const lines = detailOf(recompilesView, 'g3', built, settings);
    expect(inRole(lines, 'removed')).toEqual(['- 16', '- 0.2']);
    expect(inRole(lines, 'added')).toEqual(['+ 7', '+ 0']);
  });
});

const frame = { column: 1, function: 'f', origin: 'user' } as const;
/** Lines of every state, a file without text, a file that is only broken in. */
const coverage: TraceRecord[] = [
  {
    kind: 'header',
    schemaVersion: 1,
    source: 'fullgraph',
    program: 'a.js',
    arguments: [],
    cwd: '/app',
    startedAt: '',
    environment: {},
  },
  { kind: 'source', file: '/app/a.js', text: 'captured();\nbroken();\neager();\nnever();\nran();\n' },
  { kind: 'coverage', file: '/app/a.js', instrumented: [1, 2, 3, 4, 5], executed: [1, 2, 3, 5] },
  ...[1, 2, 3].map((line): TraceRecord => ({
    kind: 'stack',
    id: line,
    frames: [{ ...frame, file: '/app/a.js', line }],
  })),
  { kind: 'stack', id: 9, frames: [{ ...frame, file: '/app/lost.js', line: 7, code: 'await x.data()' }] },
  {
    kind: 'graph',
    id: 'g1',
    name: 'g1',
    timeMs: 0,
    family: 'f',
    nodeCount: 1,
    opCounts: {},
    inputs: [],
    outputs: [],
    text: 'graph g\n  y: float32[] = Relu(x)\n  return y\n',
    language: 'fullgraph',
    origins: [{ node: 'y', stack: 1 }],
  },
  { kind: 'break', reason: 'FG1001', timeMs: 1, stack: 2, waitMs: 3, isInLoop: false, graph: 'g1' },
  { kind: 'break', reason: 'FG1001', timeMs: 2, stack: 9, waitMs: 3, isInLoop: false },
  { kind: 'fallback', kernel: 'Unique', reason: 'no lowering', stack: 3, count: 1, durationMs: 1 },
];

describe('a source file', () => {
  const built = buildReport(coverage);
  const open = { ...initialSettings, path: ['a.js'] };

  test('says of each line what became of it', () => {
    const gutters = rowsOf(sourceView, built, open).map((row) => row.slice(0, 2));
    expect(gutters.slice(0, 5)).toEqual(['│ ', '●s', '○ ', '· ', '  ']);
  });

  test('is as warm as the time spent there', () => {
    const warmth = rowsOf(sourceView, built, open).map((row) => row[11]);
    expect(warmth.slice(0, 5)).toEqual([' ', '█', '▃', ' ', ' ']);
  });

  test('whose text is missing shows the lines that are known, and says so', () => {
    const lost = { ...initialSettings, path: ['lost.js'] };
    expect(sourceView.head!(built, lost, 120).map(lineText).join('\n')).toContain(
      'The trace does not carry the text of lost.js',
    );
    expect(rowsOf(sourceView, built, lost)).toEqual([expect.stringMatching(/●s .* 7 await x\.data\(\)$/)]);
  });

  test('whose text is missing is read from the disk when asked, if it is the file that ran', () => {
    const asked = drive(built, ['6', 'j', 'return', 't'], 120, 30);
    expect(asked.effects).toEqual([
      {
        kind: 'load-text',
        view: 'source',
        artifact: { name: 'source', owner: 'lost.js', language: 'source' },
      },
    ]);
    expect(asked.screen.join('\n')).toContain('Reading lost.js …');
    const [effect] = asked.effects;
    if (effect?.kind !== 'load-text') throw new Error('nothing was asked for');
    const come = (text: string | undefined): string =>
      act(asked, { kind: 'text', view: 'source', artifact: effect.artifact, text }).screen.join('\n');
    const right = come('1\n2\n3\n4\n5\n6\n  await x.data()\nlast();\n');
    expect(right).toContain('Read from this disk');
    expect(right).toContain('8 last();');
    const wrong = come('1\n2\n3\n4\n5\n6\nawait y.data()\n');
    expect(wrong).toContain('is not the one that ran: line 7 differs');
    expect(wrong).not.toContain('y.data()');
    expect(come(undefined)).toContain('source of lost.js is not where the trace says');
  });

  test('leads from a line to its break, else to its first node', () => {
    expect(sourceView.follow!(built, open, '2', 'enter', 80)).toMatchObject({
      view: 'breaks',
      cursor: 'FG1001@a.js:2',
    });
    expect(sourceView.follow!(built, open, '1', 'enter', 80)).toMatchObject({ view: 'graphs', cursor: 'y' });
    expect(sourceView.follow!(built, open, '5', 'enter', 80)).toBeUndefined();
  });

  test('never says that less than nothing could be saved', () => {
    const records = sampleTrace().map((record) =>
      record.kind === 'saving' ? { ...record, stitchedMs: record.brokenMs + 0.9 } : record,
    );
    const { screen } = drive(buildReport(records), ['6', 'n']);
    expect(screen.join('\n')).toContain('nothing measurable could be saved');
    expect(screen.join('\n')).not.toMatch(/-\d/);
  });

  test('is jumped through from break to break', () => {
    const { state } = drive(built, ['6', 'return', 'n']);
    expect(state.views['source']!.settings.path).toEqual(['a.js']);
    expect(state.views['source']!.row).toBe('2');
  });
});

describe('a node', () => {
  const settings = { ...initialSettings, path: ['g1'] };

  test('tells time, layer, attributes and the operators that it became', () => {
    const text = detailOf(graphsView, 'matmul', report, settings).map(lineText).join('\n');
    expect(text).toContain('layer model › loss');
    expect(text).toContain('time 1.20 ms per run, 80 % of the graph');
    expect(text).toContain('ONNX MatMul');
    expect(text).toContain('with transposeA false, transposeB false');
    expect(text).toContain('src/train.ts:9:50 in trainEpoch');
  });

  test('on an eager kernel stands out and says why', () => {
    const trace = buildReport([
      ...coverage,
      {
        kind: 'compile',
        id: 'c',
        graph: 'g1',
        timeMs: 0,
        durationMs: 1,
        trigger: 'first',
        backend: 'onnxruntime',
        device: 'cpu',
        cache: 'none',
        phases: [],
        fallbacks: [{ node: 'y', kernel: 'Relu', reason: 'float16 is not lowered' }],
      },
    ]);
    const list = graphsView.list(trace, settings);
    const drawn = Array.from({ length: list.count }, (_, index) => list.line(index, 100));
    expect(inRole(drawn, 'warning').join('')).toContain('Relu (eager)');
    expect(detailOf(graphsView, 'y', trace, settings).map(lineText).join('\n')).toContain(
      'float16 is not lowered',
    );
  });

  test('of PyTorch offers neither minifying nor export', () => {
    const torch = buildReport([{ ...(coverage[0] as TraceRecord & { kind: 'header' }), source: 'torch' }]);
    expect(graphsView.commands!(torch, initialSettings)).not.toHaveProperty('minify');
    expect(graphsView.commands!(report, initialSettings)).toHaveProperty('minify');
  });
});

test('texts of one name are told apart', () => {
  const text = (content: string): TraceRecord => ({
    kind: 'artifact',
    name: 'guards',
    owner: '0/0',
    language: 'text',
    text: content,
  });
  const built = buildReport([text('first'), text('second')]);
  const keys = [0, 1].map((index) => textsView.list(built, initialSettings).row(index).key);
  expect(keys).toEqual(['0/0 guards', '0/0 guards #2']);
  expect(textsView.detail!(built, initialSettings, keys[1]!, 80).map(lineText)).toEqual(['second']);
});
