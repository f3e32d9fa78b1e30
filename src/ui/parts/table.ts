/** Tables whose columns know their cells, so that a view leaves out what a report or a width has no use for. */
import { tableHead, tableRow, type Column, type Line, type Span } from '../lines.ts';

export interface TableColumn<T> extends Column {
  cell(item: T): Span;
}

export interface Table<T> {
  head(width: number): Line;
  row(item: T, width: number): Line;
}

/** @param columnsFor the columns to show at a width. */
export function tableOf<T>(columnsFor: (width: number) => readonly TableColumn<T>[]): Table<T> {
  return {
    head: (width) => tableHead(columnsFor(width), width),
    row(item, width) {
      const columns = columnsFor(width);
      return tableRow(
        columns,
        columns.map((column) => column.cell(item)),
        width,
      );
    },
  };
}

/** Columns for the longest of some texts, at most a share of the width. */
export function widthOf(texts: readonly string[], share: number): (width: number) => number {
  const longest = texts.reduce((most, text) => Math.max(most, text.length), 5);
  return (width) => Math.min(longest, Math.floor(width * share));
}
