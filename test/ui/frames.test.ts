/** Golden frames: every page of every view, of a trace of ours and one of PyTorch, at three sizes; odd names; what runs. */
import { describe, expect, test } from 'vitest';
import { buildReport } from '../../src/explain/report-builder.ts';
import type { Report } from '../../src/explain/report.ts';
import type { TraceRecord } from '../../src/ir/record.ts';
import type { View } from '../../src/ui/define-view.ts';
import { createOutputView } from '../../src/ui/live/output-view.ts';
import { createMinifyView } from '../../src/ui/views/minify-view.ts';
import { sampleTrace } from '../explain/sample-trace.ts';
import { searchEnd, searchModel, searchRecords } from './support/search.ts';
import { drive, sampleReport, torchReport, type Driven } from './support/ui-driver.ts';

const sizes = [
  [80, 24],
  [120, 40],
  [250, 60],
] as const;

/** Keys that lead to each page, from the start. */
const samplePages: Readonly<Record<string, readonly string[]>> = {
  summary: [],
  'summary, advice followed': ['j', 'return'],
  breaks: ['2'],
  'breaks by kind': ['2', 'v', 'v'],
  'breaks, detail': ['2', 'f', 'pagedown', 'pagedown'],
  graphs: ['3'],
  'graph, nodes': ['3', 'return'],
  'graph, edges of a node': ['3', 'return', '/', ':matmul', 'return', 'return'],
  'graph, ancestors of a node': ['3', 'return', '/', ':loss', 'return', 'a'],
  guards: ['4'],
  'guards, arrivals': ['4', 'return', 'j'],
  timeline: ['5', 'j', 'j', 'j'],
  'timeline, zoomed to a span': ['5', 'j', 'j', 'n', 'n', 'return'],
  source: ['6', 'n'],
  texts: ['8'],
  'text of a graph': ['8', 'return'],
  notes: ['0'],
  help: ['?'],
};

const oddPages: typeof samplePages = {
  summary: [],
  breaks: ['2', 'v'],
  graphs: ['3'],
  'graph, nodes': ['3', 'return'],
  guards: ['4'],
  timeline: ['5', 'j', 'j', 'j'],
  source: ['6'],
  texts: ['8'],
};

const torchPages: Readonly<Record<string, readonly string[]>> = {
  summary: [],
  breaks: ['2'],
  graphs: ['3'],
  'graph, nodes': ['3', 'return', 'j'],
  guards: ['4'],
  timeline: ['5'],
  source: ['6', 'n'],
  texts: ['8'],
  frames: ['9'],
  'texts of a frame': ['9', 't'],
  notes: ['0'],
};

/** Names that take more columns than letters, or fewer, or turn the direction of text. */
const oddName = (name: string): string =>
  name.replaceAll('trainEpoch', '学習エポック🚂').replaceAll('confusion', 'e\u0301tat_👩‍👩‍👧_\u202erev');

function oddReport(): Report {
  const records = sampleTrace().map((record) => JSON.parse(oddName(JSON.stringify(record))) as TraceRecord);
  return buildReport(records);
}

/** What is shown while something runs. */
const liveViews: Readonly<Record<string, readonly View[]>> = {
  'a search begins': [createMinifyView(searchModel([], ''))],
  'a search that was paused': [
    createMinifyView(searchModel(searchRecords, 'on values of the test', 'paused')),
  ],
  'a search that is done': [createMinifyView(searchModel([...searchRecords, searchEnd]))],
  'what a program printed': [
    createOutputView({
      lines: [
        { stream: 'out', text: 'epoch 1: 損失 0.31 🎉' },
        { stream: 'err', text: 'warning: no GPU' },
        { stream: 'out', text: `${'a long line '.repeat(30)}end` },
      ],
      dropped: 7,
    }),
  ],
};

function frame(title: string, { screen }: Driven): string {
  return [`=== ${title} ===`, ...screen.map((row) => row.trimEnd()), ''].join('\n');
}

function album(
  report: Report,
  pages: Readonly<Record<string, readonly string[]>>,
  width: number,
  height: number,
): string {
  return Object.entries(pages)
    .map(([title, keys]) => frame(title, drive(report, keys, width, height)))
    .join('\n');
}

describe.each(sizes)('at %ix%i', (width, height) => {
  test('a trace of ours', async () => {
    const frames = album(sampleReport(), samplePages, width, height);
    await expect(frames).toMatchFileSnapshot(`frames/fullgraph-${width}x${height}.txt`);
  });

  test('a trace of PyTorch', async () => {
    const frames = album(await torchReport(), torchPages, width, height);
    await expect(frames).toMatchFileSnapshot(`frames/torch-${width}x${height}.txt`);
  });

  test('names of wide letters, emoji, and marks that turn text', async () => {
    const frames = album(oddReport(), oddPages, width, height);
    await expect(frames).toMatchFileSnapshot(`frames/odd-names-${width}x${height}.txt`);
  });

  test('a trace with nothing in it, and what is shown while something runs', async () => {
    const nothing = buildReport([]);
    const empty = ['1', '2', '3', '4', '5', '6', '8', '0'].map((key) =>
      frame(`nothing, ${key}`, drive(nothing, [key], width, height, { status: 'following' })),
    );
    const live = Object.entries(liveViews).map(([title, shown]) =>
      frame(title, drive(nothing, ['j'], width, height, { shown, status: 'running 3 s' })),
    );
    const frames = [...empty, ...live].join('\n');
    await expect(frames).toMatchFileSnapshot(`frames/live-${width}x${height}.txt`);
  });
});
