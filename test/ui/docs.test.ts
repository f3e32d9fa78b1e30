/** The frames in the documentation are golden frames, those of the README are captured: see `readme.e2e.test.ts`. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { keymap } from '../../src/ui/keymap.ts';
import { views } from '../../src/ui/views/index.ts';

const page = readFileSync('docs/ui.md', 'utf8');

test('every frame in docs/ui.md is a golden frame', () => {
  const golden = readFileSync('test/ui/frames/fullgraph-80x24.txt', 'utf8');
  const blocks = page.matchAll(/```text\n([\s\S]*?)\n```/g);
  const frames = [...blocks].map((match) => match[1]!).filter((text) => text.includes('1 Summary'));
  expect(frames.length).toBeGreaterThan(4);
  for (const frame of frames) expect(golden).toContain(frame);
});

test('docs/ui.md has a row for every view', () => {
  for (const view of views) expect(page).toMatch(new RegExp(`\\| ${view.key} +\\| ${view.title} `));
});

test('no key has two meanings, and views have keys of their own', () => {
  const keys = [...keymap.flatMap((binding) => binding.keys), ...views.map((view) => view.key)];
  expect(new Set(keys).size).toBe(keys.length);
});
