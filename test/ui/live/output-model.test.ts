import { expect, test } from 'vitest';
import { createOutputFold } from '../../../src/ui/live/output-model.ts';
import { createOutputView } from '../../../src/ui/live/output-view.ts';
import { buildReport } from '../../../src/explain/report-builder.ts';
import { initialSettings, type View } from '../../../src/ui/define-view.ts';
import { lineText } from '../../../src/ui/lines.ts';
import { screenOf } from '../../../src/ui/screen.ts';
import { createSource } from '../../../src/ui/source.ts';
import { reduceUi } from '../../../src/ui/ui-state.ts';
import { drive } from '../support/ui-driver.ts';

function textsOf(pieces: readonly string[]): string[] {
  const fold = createOutputFold();
  for (const piece of pieces) fold.add('out', piece);
  return fold.model().lines.map((line) => line.text);
}

test('lines may come in pieces, and the last one without its end', () => {
  expect(textsOf(['ep', 'och 1\nepo', 'ch 2\n', 'acc'])).toEqual(['epoch 1', 'epoch 2', 'acc']);
});

test('a progress bar is what it showed last, and colours are left out', () => {
  expect(textsOf(['10 %\r50 %\r', '100 %\r\n', '\u001b[31mred\u001b[0m\n'])).toEqual(['100 %', 'red']);
});

test('streams do not tear each other’s lines', () => {
  const fold = createOutputFold();
  fold.add('out', 'one ');
  fold.add('err', 'warning\n');
  fold.add('out', 'line\n');
  expect(fold.model().lines).toEqual([
    { stream: 'err', text: 'warning' },
    { stream: 'out', text: 'one line' },
  ]);
});

test('of very much output only the end is kept, under its true line numbers', () => {
  const fold = createOutputFold();
  for (let number = 1; number <= 50_000; number++) fold.add('out', `line ${number}\n`);
  const model = fold.model();
  expect(model.lines.length).toBeLessThanOrEqual(20_000);
  expect(model.lines[0]!.text).toBe(`line ${model.dropped + 1}`);
  expect(model.lines.at(-1)!.text).toBe('line 50000');
});

test('a cursor on the last row stays on the last row: its key never changes', () => {
  const keyOfLast = (count: number): string => {
    const fold = createOutputFold();
    for (let number = 0; number < count; number++) fold.add('out', 'line\n');
    const list = createOutputView(fold.model()).list(buildReport([]), initialSettings);
    return list.row(list.count - 1).key;
  };
  expect(keyOfLast(3)).toBe(keyOfLast(7));
});

test('the end is shown at first and while lines come, until the cursor is moved', () => {
  const viewOf = (count: number): View => {
    const fold = createOutputFold();
    for (let number = 1; number <= count; number++) fold.add('out', `line ${number}\n`);
    return createOutputView(fold.model());
  };
  const grow = (keys: readonly string[]): string => {
    const { state } = drive(buildReport([]), keys, 80, 24, { shown: [viewOf(100)] });
    const source = createSource(buildReport([]), [viewOf(200)], '', () => ({ width: 80, height: 24 }));
    const grown = reduceUi(state, { kind: 'report' }, source).state;
    return screenOf(source, grown).map(lineText).join('\n');
  };
  expect(grow([])).toContain('line 200');
  expect(grow(['k', 'j'])).toContain('line 200');
  expect(grow(['k'])).not.toContain('line 200');
  expect(grow(['k'])).toContain('line 99');
});
