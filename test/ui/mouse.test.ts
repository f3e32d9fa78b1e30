import { describe, expect, test } from 'vitest';
import { columnsOf } from '../../src/ui/lines.ts';
import { act, drive, sampleReport, type Driven } from './support/ui-driver.ts';

const report = sampleReport();

/** Clicks on the first place of the screen that shows a text. */
function clickOn(driven: Driven, text: string, offset = 0): Driven {
  const row = driven.screen.findIndex((each) => each.includes(text));
  expect(row).toBeGreaterThanOrEqual(0);
  const shown = driven.screen[row]!;
  return act(driven, {
    kind: 'click',
    row,
    column: columnsOf(shown.slice(0, shown.indexOf(text))) + offset,
  });
}

describe('a click', () => {
  test.each([
    [80, 24],
    [120, 40],
    [48, 12],
  ])('on any column of a tab opens it at %ix%i', (width, height) => {
    const start = drive(report, [], width, height);
    for (const { id, key } of start.source.views) {
      const tab = new RegExp(`[ [](${key}(?: \\w+)?)[ \\]]`).exec(start.screen[0]!)!;
      for (const column of [tab.index, tab.index + tab[1]!.length]) {
        const { state } = act(start, { kind: 'click', row: 0, column });
        expect(state.view).toBe(id);
      }
    }
  });

  test('on a tab forgets the way back and closes the filter line, as the digit does', () => {
    const filtering = drive(report, ['2', '/', ':rea']);
    const { state } = clickOn(filtering, '3 Graphs');
    expect(state.view).toBe('graphs');
    expect(state.typing).toBeUndefined();
    expect(state.visits).toEqual([]);
  });

  test('behind the last tab does nothing', () => {
    const start = drive(report, [], 250, 60);
    expect(act(start, { kind: 'click', row: 0, column: 240 }).state).toBe(start.state);
  });

  test('on a row chooses it, on the row under the cursor opens it', () => {
    const chosen = clickOn(drive(report, ['3']), 'g2 ');
    expect(chosen.state.views['graphs']!.row).toBe('g2');
    expect(chosen.state.views['graphs']!.settings.path).toEqual([]);
    expect(clickOn(chosen, 'g2 ').state.views['graphs']!.settings.path).toEqual(['g2']);
  });

  test('on the detail focuses it, and back on the row opens nothing', () => {
    const focused = clickOn(drive(report, ['3']), 'compiled ');
    expect(focused.state.views['graphs']!.focus).toBe('detail');
    const { focus, settings } = clickOn(focused, 'g1 ').state.views['graphs']!;
    expect([focus, settings.path]).toEqual(['list', []]);
  });

  test('on a heading or below the last row opens nothing', () => {
    const start = drive(report, [], 120, 40);
    const below = act(start, { kind: 'click', row: 37, column: 3 });
    expect(below.state.views).toEqual(start.state.views);
    expect(clickOn(start, 'Where the time went').state.view).toBe('summary');
  });

  test('on the timeline puts the cursor under it', () => {
    const start = drive(report, ['5']);
    const clicked = act(start, { kind: 'click', row: 5, column: 50 });
    expect(clicked.screen.find((row) => row.includes('▼'))!.indexOf('▼')).toBe(50);
    expect(clicked.state.views['timeline']!.settings.span).toBe(0);
  });

  test('closes the help and does nothing else', () => {
    const { state } = act(drive(report, ['?']), { kind: 'click', row: 0, column: 15 });
    expect([state.isHelpOpen, state.view]).toEqual([false, 'summary']);
  });
});
