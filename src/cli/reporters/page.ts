/**
 * What text reports are drawn with: colours by meaning, wrapping and tables by display width (wide characters and emoji
 * count two), bars. Lines never exceed the page except for a word that cannot be broken.
 */
import { Chalk, type ChalkInstance } from 'chalk';
import cliTruncate from 'cli-truncate';
import stringWidth from 'string-width';
import wrapAnsi from 'wrap-ansi';

export interface Page {
  readonly columns: number;
  readonly ink: Ink;
}

/** Colours by meaning. At level 0 all are the identity. */
export interface Ink {
  readonly heading: ChalkInstance;
  readonly strong: ChalkInstance;
  readonly dim: ChalkInstance;
  readonly good: ChalkInstance;
  readonly fair: ChalkInstance;
  readonly bad: ChalkInstance;
  /** Places and code. */
  readonly place: ChalkInstance;
  readonly changed: ChalkInstance;
}

/** Below this, reports stop getting narrower. */
const minColumns = 40;
/** Above this, lines are harder to read, not easier. */
const maxColumns = 140;

/** @param colorLevel chalk's: 0 none, 1 16 colours, 2 256 colours, 3 truecolor. */
export function createPage(options: { readonly columns: number; readonly colorLevel: 0 | 1 | 2 | 3 }): Page {
  const chalk = new Chalk({ level: options.colorLevel });
  return {
    columns: Math.max(minColumns, Math.min(maxColumns, options.columns)),
    ink: {
      heading: chalk.bold.underline,
      strong: chalk.bold,
      dim: chalk.dim,
      good: chalk.green,
      fair: chalk.yellow,
      bad: chalk.red,
      place: chalk.cyan,
      changed: chalk.yellow.bold,
    },
  };
}

/** Text as lines of at most the page's width: the first behind `first`, the others behind `rest`. */
export function wrap(page: Page, text: string, first = '', rest: string = first): string[] {
  const room = Math.max(20, page.columns - Math.max(stringWidth(first), stringWidth(rest)));
  const lines = wrapAnsi(text, room, { hard: false, trim: true }).split('\n');
  return lines.map((line, index) => `${index === 0 ? first : rest}${line}`.trimEnd());
}

/** One line, cut with `…` when it is too wide. */
export function fit(text: string, columns: number, position: 'start' | 'middle' | 'end' = 'end'): string {
  return columns < 1 ? '' : cliTruncate(text, columns, { position });
}

/** `left` and `right` at both edges of the page when they fit, else on two lines. */
export function spread(page: Page, left: string, right: string): string[] {
  const gap = page.columns - stringWidth(left) - stringWidth(right);
  if (right === '') return [left];
  return gap >= 2 ? [`${left}${' '.repeat(gap)}${right}`] : [...wrap(page, left), `  ${right}`];
}

export function pad(text: string, columns: number, align: 'left' | 'right' = 'left'): string {
  const space = ' '.repeat(Math.max(0, columns - stringWidth(text)));
  return align === 'left' ? text + space : space + text;
}

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** Gives way when the page is too narrow: where its texts are cut. */
  readonly cut?: 'start' | 'end';
}

/** Narrower than this, a text says nothing. */
const minCellColumns = 8;

/** Takes from the widest column that gives way until all fit, or no more can be taken. */
function narrow(widths: number[], columns: readonly Column[], room: number): void {
  const total = widths.reduce((sum, width) => sum + width, 0);
  for (let excess = total - room; excess > 0; excess--) {
    const widest = columns.reduce(
      (best, { cut }, index) =>
        cut !== undefined && widths[index]! > (widths[best] ?? minCellColumns) ? index : best,
      -1,
    );
    if (widest < 0) return;
    widths[widest]!--;
  }
}

/** Rows under dim titles, two spaces apart. */
export function table(
  page: Page,
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  indent = '  ',
): string[] {
  if (rows.length === 0) return [];
  const widths = columns.map((column, index) =>
    rows.reduce((width, row) => Math.max(width, stringWidth(row[index] ?? '')), stringWidth(column.title)),
  );
  narrow(widths, columns, page.columns - indent.length - 2 * (columns.length - 1));
  const line = (cells: readonly string[]): string =>
    (
      indent +
      cells
        .map((cell, index) => {
          const width = widths[index]!;
          const fitted = stringWidth(cell) > width ? fit(cell, width, columns[index]!.cut) : cell;
          return pad(fitted, width, columns[index]!.align);
        })
        .join('  ')
    ).trimEnd();
  const hasTitles = columns.some((column) => column.title !== '');
  return [
    ...(hasTitles ? [page.ink.dim(line(columns.map((column) => column.title)))] : []),
    ...rows.map(line),
  ];
}

const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** A bar of `share` (0 to 1) of `columns`, exact to an eighth of a column. */
export function bar(share: number, columns: number): string {
  const filled = Math.max(0, Math.min(1, share)) * columns;
  const whole = Math.floor(filled);
  const text = '█'.repeat(whole) + (eighths[Math.floor((filled - whole) * 8)] ?? '');
  return text === '' && share > 0 ? '▏' : text;
}
