/** What an output stream can show: its width, its colours, whether a person is watching. */
import { supportsColor } from 'chalk';
import type { Context, Output } from './command.ts';
import { createPage, type Page } from './reporters/page.ts';

const defaultColumns = 80;

/** `NO_COLOR` wins, `FORCE_COLOR` comes next, pipes are plain. */
export function colorLevel(context: Context, output: Output): 0 | 1 | 2 | 3 {
  const { NO_COLOR, FORCE_COLOR, TERM } = context.env;
  if (NO_COLOR !== undefined && NO_COLOR !== '') return 0;
  if (FORCE_COLOR !== undefined) {
    if (FORCE_COLOR === '0' || FORCE_COLOR === 'false') return 0;
    return FORCE_COLOR === '2' ? 2 : FORCE_COLOR === '3' ? 3 : 1;
  }
  if (output.isTTY !== true || TERM === 'dumb') return 0;
  return supportsColor === false ? 1 : supportsColor.level;
}

/** Page for a stream. `COLUMNS` sets the width where there is no terminal. */
export function pageFor(context: Context, output: Output): Page {
  const asked = Number(context.env['COLUMNS']);
  const columns = output.columns ?? (Number.isInteger(asked) && asked > 0 ? asked : defaultColumns);
  return createPage({ columns, colorLevel: colorLevel(context, output) });
}
