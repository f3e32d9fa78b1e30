/** What the reporters print for the traces in `fixtures/traces`, to the letter. `vitest -u` after a wanted change. */
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import { renderComparison } from '../../src/cli/reporters/comparison.ts';
import { renderAnnotations } from '../../src/cli/reporters/github.ts';
import { renderJson } from '../../src/cli/reporters/json.ts';
import { renderMarkdown } from '../../src/cli/reporters/markdown.ts';
import { createPage } from '../../src/cli/reporters/page.ts';
import { renderText } from '../../src/cli/reporters/text.ts';
import { checkBudget } from '../../src/explain/budget.ts';
import { compareReports } from '../../src/explain/compare.ts';
import { toJsonReport } from '../../src/explain/json-report.ts';
import stringWidth from 'string-width';
import { reportOf } from './support/reports.ts';

const traces = [
  ['training', 'fixtures/traces/training.jsonl'],
  ['torch-two-ranks', 'fixtures/traces/torch-two-ranks'],
] as const;

function golden(name: string): string {
  return join(import.meta.dirname, 'golden', name);
}

describe.each(traces)('%s', (name, path) => {
  test.each([80, 120])('text at %i columns', async (columns) => {
    const text = renderText(createPage({ columns, colorLevel: 0 }), await reportOf(path), { limit: 10 });
    for (const line of text.split('\n')) expect(stringWidth(line)).toBeLessThanOrEqual(columns);
    await expect(text).toMatchFileSnapshot(golden(`${name}.${columns}.txt`));
  });

  test('is as wide as a narrow terminal, too', async () => {
    const text = renderText(createPage({ columns: 40, colorLevel: 0 }), await reportOf(path), { limit: 3 });
    // Words that cannot be broken (paths, links, a table's fixed columns) may stand out; prose may not.
    const prose = text.split('\n').filter((line) => / (why|fix|or|→) /.test(line));
    for (const line of prose) expect(stringWidth(line)).toBeLessThanOrEqual(60);
  });

  test('Markdown', async () => {
    await expect(renderMarkdown(await reportOf(path), 10)).toMatchFileSnapshot(golden(`${name}.md`));
  });

  test('JSON', async () => {
    await expect(renderJson(await reportOf(path))).toMatchFileSnapshot(golden(`${name}.json`));
  });

  test.each([true, false])('annotations of an exceeded budget, GitHub: %s', async (isGithub) => {
    const violations = checkBudget(toJsonReport(await reportOf(path)), { maxBreaks: 0, maxRecompiles: 0 });
    const text = renderAnnotations(violations, isGithub, (file) => file);
    await expect(text).toMatchFileSnapshot(
      golden(`${name}.annotations.${isGithub ? 'github' : 'plain'}.txt`),
    );
  });

  test('colours change nothing but colours', async () => {
    const report = await reportOf(path);
    const [plain, coloured] = ([0, 3] as const).map((colorLevel) =>
      renderText(createPage({ columns: 80, colorLevel }), report, { limit: 10 }),
    );
    expect(coloured).not.toBe(plain);
    expect(stripVTControlCharacters(coloured!)).toBe(plain);
  });

  test('two readings print the same', async () => {
    expect(renderJson(await reportOf(path))).toBe(renderJson(await reportOf(path)));
  });
});

test('a comparison names what is new and what is fixed', async () => {
  const after = toJsonReport(await reportOf('fixtures/traces/training.jsonl'));
  const [first, second, third] = after.breaks;
  const before = {
    ...after,
    totals: { ...after.totals, recompiles: 0, wallMs: 400 },
    breaks: [
      { ...second!, occurrences: 2 },
      { ...third!, id: 'FG1009', title: 'Backend moved', site: { ...third!.site!, line: 90 }, code: 'x()' },
      first!,
    ],
  };
  const text = renderComparison(
    createPage({ columns: 80, colorLevel: 0 }),
    'Compared with base.json',
    compareReports(before, after),
  );
  await expect(text).toMatchFileSnapshot(golden('comparison.80.txt'));
});
