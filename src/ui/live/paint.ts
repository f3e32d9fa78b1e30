/**
 * Lines of spans → rows of text with escape codes: the one place where roles become colours. Rows are not padded; what a
 * row does not cover is blank.
 */
import { Chalk, type ChalkInstance } from 'chalk';
import { lineText, lineWidth, printable, truncateLine, type Line, type Role } from '../lines.ts';
import { themeFor, type ColorLevel, type Look } from '../theme.ts';

/** One row of the screen. */
export interface PaintedRow {
  readonly text: string;
  /** Columns that the text takes. */
  readonly columns: number;
}

export type Painter = (line: Line, width: number) => PaintedRow;

function styleOf(chalk: ChalkInstance, look: Look): ChalkInstance {
  let style = chalk;
  if (look.color?.startsWith('#') === true) style = style.hex(look.color);
  else if (look.color !== undefined) style = style[look.color as 'cyan'];
  if (look.bold === true) style = style.bold;
  if (look.dimColor === true) style = style.dim;
  if (look.underline === true) style = style.underline;
  if (look.inverse === true) style = style.inverse;
  return style;
}

/** @param level colours of the terminal; with 0 weight, underline and inversion remain. */
export function createPainter(level: ColorLevel): Painter {
  const chalk = new Chalk({ level: level === 0 ? 1 : level });
  const styles = new Map<Role, ChalkInstance>(
    Object.entries(themeFor(level)).map(([role, look]) => [role as Role, styleOf(chalk, look)]),
  );
  return (line, width) => {
    const spans = truncateLine(line, width);
    const text = spans
      .map((span) => {
        const own = printable(span.text).replaceAll('\n', ' ');
        const style = span.role === undefined ? undefined : styles.get(span.role);
        return style === undefined || own === '' ? own : style(own);
      })
      .join('');
    // A line that ends in plain blanks needs none of them.
    const isPlain = spans.every((span) => span.role === undefined);
    if (!isPlain) return { text, columns: lineWidth(spans) };
    const trimmed = lineText(spans).trimEnd();
    return { text: printable(trimmed).replaceAll('\n', ' '), columns: lineWidth([{ text: trimmed }]) };
  };
}
