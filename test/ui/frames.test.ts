/** Golden frames: every page of every view, of a trace of ours and one of PyTorch, at three sizes. */
import { describe, expect, test } from 'vitest';
import { drive, sampleReport, torchReport } from './support/ui-driver.ts';

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

function album(
  report: Parameters<typeof drive>[0],
  pages: Readonly<Record<string, readonly string[]>>,
  width: number,
  height: number,
): string {
  return Object.entries(pages)
    .map(([title, keys]) => {
      const rows = drive(report, keys, width, height).screen.map((row) => row.trimEnd());
      return [`=== ${title} ===`, ...rows, ''].join('\n');
    })
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
});
