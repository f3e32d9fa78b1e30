/** Compiles by guarded facts: a column per graph, a row per fact, what changed against the column before is lit. */
import stringWidth from 'string-width';
import type { FamilyReport, FamilyRow } from '../../explain/report.ts';
import { formatPlural } from '../../explain/units.ts';
import { fit, line, span, type Line, type Span } from '../lines.ts';

const widestCell = 24;
const gap = 2;
const ellipsis = ' … ';

/** Columns that fit: all, or the first and the latest ones. */
function chooseColumns(widths: readonly number[], room: number): number[] {
  const all = widths.map((_width, index) => index);
  const needs = (indices: readonly number[]): number =>
    indices.reduce((sum, index) => sum + widths[index]! + gap, 0);
  if (needs(all) <= room) return all;
  const chosen = [0];
  for (let index = widths.length - 1; index > 0; index--) {
    if (needs([...chosen, index]) + ellipsis.length > room) break;
    chosen.splice(1, 0, index);
  }
  return chosen;
}

const unknown = '?';

/** A cell that equals the one to its left is a dot: only changes stand out. */
function cellText(row: FamilyRow, index: number): string {
  const cell = row.cells[index];
  if (cell?.text === undefined) return unknown;
  return index > 0 && !cell.isChanged && row.cells[index - 1]?.text !== undefined ? '·' : cell.text;
}

function cellSpan(row: FamilyRow, index: number, width: number): Span {
  const text = fit(cellText(row, index), width, 'right');
  if (row.cells[index]?.isChanged === true) return span(text, 'changed');
  return span(text, index === 0 ? 'text' : 'muted');
}

export function matrixLines(family: FamilyReport, width: number): Line[] {
  const causes = family.rows.filter((row) => row.isDerived === undefined);
  if (causes.length === 0) return [line('the trace does not say which facts changed', 'muted')];
  const labelWidth = Math.min(
    Math.floor(width * 0.4),
    causes.reduce((most, row) => Math.max(most, stringWidth(row.what)), 4),
  );
  const widths = family.columns.map(({ graph }, index) =>
    Math.min(
      widestCell,
      causes.reduce((most, row) => Math.max(most, stringWidth(cellText(row, index))), stringWidth(graph)),
    ),
  );
  const chosen = chooseColumns(widths, width - labelWidth);
  const isCut = chosen.length < family.columns.length;
  const join = (cell: (index: number) => Span): Span[] =>
    chosen.flatMap((index, at): Span[] => [
      span(at === 1 && isCut ? ellipsis : ' '.repeat(gap), 'muted'),
      cell(index),
    ]);
  const derived = family.rows.length - causes.length;
  return [
    [
      span(' '.repeat(labelWidth)),
      ...join((index) => span(fit(family.columns[index]!.graph, widths[index]!, 'right'), 'accent')),
    ],
    ...causes.map((row): Line => [
      span(fit(row.what, labelWidth)),
      ...join((index) => cellSpan(row, index, widths[index]!)),
    ]),
    ...(isCut
      ? [line(`${formatPlural(family.columns.length - chosen.length, 'compile')} between not shown`, 'muted')]
      : []),
    ...(derived > 0
      ? [
          line(
            `${formatPlural(derived, 'other fact')} follow${derived === 1 ? 's' : ''} from a shape`,
            'muted',
          ),
        ]
      : []),
  ];
}
