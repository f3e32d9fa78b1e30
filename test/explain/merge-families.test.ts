import { expect, test } from 'vitest';
import { mergeEqualFamilies } from '../../src/explain/merge-families.ts';
import type { FamilyReport } from '../../src/explain/report.ts';

function family(key: string, values: readonly string[], limitHits = 0): FamilyReport {
  return {
    key,
    name: 'forward',
    site: { file: 'model.py', line: 10, column: 1, function: 'forward' },
    recompiles: values.length - 1,
    reuses: 0,
    limitHits,
    compileMs: 10,
    columns: values.map((_, index) => ({
      graph: `${key}/${index}`,
      timeMs: index,
      outcome: index === 0 ? 'first' : 'recompile',
      compileMs: 5,
      runs: 0,
    })),
    rows: [
      {
        kind: 'constant',
        what: 'fn',
        cells: values.map((text) => ({ text, isChanged: false })),
        values,
        trend: 'once',
      },
    ],
    failures: [{ timeMs: 1, graph: `${key}/1`, closest: `${key}/0`, outcome: 'recompile', differences: [] }],
    advice: [],
  };
}

test('families with one history are one, with the sums of their counts', () => {
  const merged = mergeEqualFamilies([family('r0:0', ['1', '2']), family('r1:0', ['1', '2'], 1)]);
  expect(merged).toMatchObject([{ key: 'r0:0', copies: 2, recompiles: 2, limitHits: 1, compileMs: 20 }]);
  expect(merged[0]!.failures.map((failure) => failure.graph)).toEqual(['r0:0/1', 'r1:0/1']);
});

test('other values, another number of graphs or another place are another history', () => {
  const base = family('0', ['1', '2']);
  const others = [
    family('1', ['1', '3']),
    family('2', ['1', '2', '3']),
    { ...family('3', ['1', '2']), name: 'loss' },
  ];
  expect(mergeEqualFamilies([base, ...others]).map((item) => item.copies)).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});

test('addresses of objects do not tell histories apart', () => {
  const ranks = [
    family('r0:0', ['object 139807716266272', 'object 139807716239824']),
    family('r1:0', ['object 94196473547776', 'object 94196473547000']),
  ];
  expect(mergeEqualFamilies(ranks)).toHaveLength(1);
});
