import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { TimelineLane } from '../../../src/explain/report.ts';
import { eachSpan, laneCells, nextStart, spansIn, sumNames } from '../../../src/ui/timeline/lane-cells.ts';

function lane(spans: readonly (readonly [start: number, duration: number, name?: number])[]): TimelineLane {
  const sorted = spans.toSorted((left, right) => left[0] - right[0]);
  return {
    title: 'run',
    length: sorted.length,
    startMs: Float64Array.from(sorted, (span) => span[0]),
    durationMs: Float64Array.from(sorted, (span) => span[1]),
    name: Int32Array.from(sorted, (span) => span[2] ?? 0),
  };
}

describe('the columns of a lane', () => {
  test('are busy as far as spans cover them', () => {
    const { busy } = laneCells(
      lane([
        [0, 1],
        [2.5, 0.25],
        [3, 2],
      ]),
      { fromMs: 0, toMs: 4 },
      4,
    );
    expect([...busy]).toEqual([1, 0, 0.25, 1]);
  });

  test('show a span that has no duration', () => {
    const { busy } = laneCells(lane([[2, 0]]), { fromMs: 0, toMs: 4 }, 4);
    expect(busy[2]).toBeGreaterThan(0);
    expect(busy[1]).toBe(0);
  });

  test('name the spans that are wide enough', () => {
    const { wide } = laneCells(
      lane([
        [1, 6],
        [8, 1],
      ]),
      { fromMs: 0, toMs: 10 },
      10,
    );
    expect(wide).toEqual([{ index: 0, column: 1, columns: 6 }]);
  });

  test('add up to what the spans cover', () => {
    const spans = fc.array(
      fc.tuple(fc.double({ min: 0, max: 90, noNaN: true }), fc.double({ min: 0.001, max: 9, noNaN: true })),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(spans, fc.integer({ min: 1, max: 200 }), (list, columns) => {
        const window = { fromMs: 10, toMs: 60 };
        const { busy } = laneCells(lane(list), window, columns);
        const perColumn = 50 / columns;
        for (const [start, duration] of list) {
          const from = Math.max(10, start);
          const to = Math.min(60, start + duration);
          if (to - from < perColumn * 3) continue;
          const inside = Math.floor((from - 10) / perColumn) + 1;
          expect(busy[inside]).toBeGreaterThanOrEqual(0.999);
        }
        const total = busy.reduce((sum, share) => sum + share * perColumn, 0);
        const covered = list.reduce(
          (sum, [start, duration]) => sum + Math.max(0, Math.min(60, start + duration) - Math.max(10, start)),
          0,
        );
        expect(total).toBeLessThanOrEqual(covered + 1e-3);
      }),
    );
  });
});

describe('a window', () => {
  test('finds a long span that began before it', () => {
    const found: number[] = [];
    eachSpan(
      lane([
        [0, 100],
        [1, 1],
        [2, 1],
        [60, 1],
      ]),
      { fromMs: 50, toMs: 55 },
      (index) => found.push(index),
    );
    expect(found).toEqual([0]);
  });

  test('has the same spans as a search through all of them', () => {
    const spans = fc.array(fc.tuple(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 0, max: 30 })));
    fc.assert(
      fc.property(
        spans,
        fc.integer({ min: 0, max: 60 }),
        fc.integer({ min: 1, max: 20 }),
        (list, from, length) => {
          const made = lane(list);
          const window = { fromMs: from, toMs: from + length };
          const found: number[] = [];
          eachSpan(made, window, (index) => found.push(index));
          const expected = Array.from({ length: made.length }, (_, index) => index).filter((index) => {
            const start = made.startMs[index]!;
            const end = start + made.durationMs[index]!;
            return start < window.toMs && (end > from || (start === end && start >= from));
          });
          expect(found).toEqual(expected);
        },
      ),
    );
  });

  test('sums up names with their part inside', () => {
    const sums = sumNames(
      lane([
        [0, 4, 1],
        [5, 1, 2],
        [6, 1, 2],
      ]),
      { fromMs: 2, toMs: 7 },
    );
    expect(sums).toEqual([
      { name: 1, count: 1, totalMs: 2, longestMs: 4 },
      { name: 2, count: 2, totalMs: 2, longestMs: 1 },
    ]);
  });

  test('lists the longest spans and counts the rest', () => {
    const many = lane(Array.from({ length: 100 }, (_, index) => [index, 0.1 + (index % 7)] as const));
    const { longest, count } = spansIn(many, { fromMs: 0, toMs: 100 }, 2);
    expect(count).toBe(100);
    expect(longest).toEqual([6, 13]);
  });

  test('goes on to the next start and back', () => {
    const made = lane([
      [1, 1],
      [3, 1],
      [3, 2],
      [7, 1],
    ]);
    expect(nextStart(made, 1, 1)).toBe(3);
    expect(nextStart(made, 3, 1)).toBe(7);
    expect(nextStart(made, 7, 1)).toBeUndefined();
    expect(nextStart(made, 3, -1)).toBe(1);
    expect(nextStart(made, 1, -1)).toBeUndefined();
  });
});
