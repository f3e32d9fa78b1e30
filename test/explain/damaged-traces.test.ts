/** Whatever is in a trace, there is a report: damage is counted, never thrown. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readRecordLine } from '../../src/explain/check-record.ts';
import { createReportBuilder } from '../../src/explain/report-builder.ts';
import type { Report } from '../../src/explain/report.ts';
import { encodeRecord } from '../../src/ir/record.ts';
import { readTorchTrace } from '../../src/torch/index.ts';
import { renderJson } from '../../src/cli/reporters/json.ts';
import { renderMarkdown } from '../../src/cli/reporters/markdown.ts';
import { createPage } from '../../src/cli/reporters/page.ts';
import { renderText } from '../../src/cli/reporters/text.ts';
import { root } from '../cli/support/reports.ts';

const ours = readFileSync(join(root, 'fixtures/traces/training.jsonl'), 'utf8').trimEnd().split('\n');

async function torchLines(): Promise<string[]> {
  const lines: string[] = [];
  for await (const record of readTorchTrace(join(root, 'fixtures/traces/torch-two-ranks'))) {
    lines.push(encodeRecord(record).trimEnd());
  }
  return lines;
}

const theirs = await torchLines();

function reportOf(lines: readonly string[]): Report {
  const builder = createReportBuilder();
  for (const line of lines) builder.addLine(readRecordLine(line));
  return builder.report();
}

function renderAll(report: Report): string {
  const texts = [40, 100].map((columns) =>
    renderText(createPage({ columns, colorLevel: 0 }), report, { limit: 5 }),
  );
  return [...texts, renderMarkdown(report, 5), renderJson(report)].join('');
}

const oddValue = fc.oneof(
  fc.constantFrom(
    null,
    true,
    '',
    'x',
    -1,
    0,
    1e300,
    -0.5,
    [],
    {},
    [[]],
    { shape: null },
    '__proto__',
    '\u0000',
  ),
  fc.string({ maxLength: 5 }),
  fc.double({ noNaN: true }),
  fc.jsonValue({ maxDepth: 2 }),
);

/** Replaces one value somewhere inside. @param path picks a key at each level. */
function replaceIn(value: unknown, path: readonly number[], odd: unknown): unknown {
  const [at, ...deeper] = path;
  if (at === undefined || value === null || typeof value !== 'object') return odd;
  const keys = Object.keys(value);
  if (keys.length === 0) return odd;
  const chosen = keys[at % keys.length]!;
  const replaced = replaceIn((value as Record<string, unknown>)[chosen], deeper, odd);
  if (Array.isArray(value))
    return value.map((item: unknown, index) => (String(index) === chosen ? replaced : item));
  return { ...value, [chosen]: replaced };
}

const damage = fc.array(
  fc.record({
    line: fc.nat(),
    action: fc.constantFrom('replace', 'replace', 'replace', 'drop', 'cut', 'move'),
    path: fc.array(fc.nat(12), { minLength: 1, maxLength: 4 }),
    odd: oddValue,
  }),
  { minLength: 1, maxLength: 30 },
);

test.each([
  ['ours', ours],
  ["PyTorch's", theirs],
])('a damaged trace has a report: %s', (_name, lines) => {
  fc.assert(
    fc.property(damage, (steps) => {
      const damaged = [...lines];
      for (const { line, action, path, odd } of steps) {
        const at = line % damaged.length;
        const text = damaged[at] ?? '';
        if (action === 'drop') damaged.splice(at, 1);
        else if (action === 'cut') damaged[at] = text.slice(0, path[0]! * 7);
        else if (action === 'move') damaged.push(...damaged.splice(at, 1));
        else if (text.startsWith('{') && text.endsWith('}')) {
          let record: unknown;
          try {
            record = JSON.parse(text);
          } catch {
            continue;
          }
          damaged[at] = JSON.stringify(replaceIn(record, path, odd));
        }
        if (damaged.length === 0) damaged.push('');
      }
      const report = reportOf(damaged);
      expect(renderAll(report)).not.toMatch(/\bundefined\b|\[object Object\]|\bNaN\b/);
    }),
    { numRuns: 60 },
  );
});

test('any text at all is counted', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.string(), fc.json()), { maxLength: 20 }), (lines) => {
      const { damage: lost } = reportOf(lines);
      const unknown = Object.values(lost.unknownKinds).reduce((sum, count) => sum + count, 0);
      const blank = lines.filter((line) => line.trim() === '').length;
      expect(lost.lines + unknown + blank).toBe(lines.length);
    }),
  );
});

test('records in another order give the same breaks', () => {
  const header = ours[0]!;
  const summary = (lines: readonly string[]): unknown =>
    reportOf(lines).breaks.map(({ id, site, occurrences, waitMs }) => [id, site?.line, occurrences, waitMs]);
  fc.assert(
    fc.property(fc.shuffledSubarray(ours.slice(1), { minLength: ours.length - 1 }), (rest) => {
      expect(summary([header, ...rest])).toEqual(summary(ours));
    }),
    { numRuns: 10 },
  );
});
