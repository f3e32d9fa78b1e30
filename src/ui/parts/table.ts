/** Tables whose columns know their cells, so that a view leaves out what a report or a width has no use for. */
import { columnsOf, tableHead, tableRow, type Column, type Line, type Span } from '../lines.ts';
import { shortPlace } from './format.ts';

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

function longestOf(title: string, texts: readonly string[]): number {
  return texts.reduce((most, text) => Math.max(most, columnsOf(text)), title.length);
}

/** Columns for the title and the longest of some texts, at most a share of the width. */
export function widthOf(title: string, texts: readonly string[], share: number): (width: number) => number {
  const longest = longestOf(title, texts);
  return (width) => Math.min(longest, Math.floor(width * share));
}

/** Columns for places: whole where a share of the width has room for all, else enough for file and line of each. */
export function placeWidthOf(
  title: string,
  places: readonly string[],
  share: number,
): (width: number) => number {
  const whole = longestOf(title, places);
  const short = longestOf(
    title,
    places.map((place) => shortPlace(place)),
  );
  return (width) => {
    const room = Math.floor(width * share);
    return whole <= room ? whole : Math.min(short, room);
  };
}
