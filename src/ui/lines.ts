/**
 * What views are made of: lines of styled spans, plain data. A view never knows the terminal; `components/canvas.tsx` draws
 * lines, tests read them. Widths are terminal columns, so wide characters and emoji count as two.
 */
import stringWidth from 'string-width';

/** What a span means; `theme.ts` says how that looks. */
export type Role =
  | 'text'
  | 'muted'
  | 'strong'
  | 'accent'
  | 'good'
  | 'warning'
  | 'bad'
  | 'added'
  | 'removed'
  | 'code'
  /** A cell that differs from the one before. */
  | 'changed'
  | 'selected'
  | 'match';

export interface Span {
  readonly text: string;
  readonly role?: Role;
}

export type Line = readonly Span[];

/** A line of one span. */
export function line(text: string, role?: Role): Line {
  return [role === undefined ? { text } : { text, role }];
}

export function span(text: string, role?: Role): Span {
  return role === undefined ? { text } : { text, role };
}

export function lineText(spans: Line): string {
  return spans.map((each) => each.text).join('');
}

/** Letters, digits, punctuation, and the drawing characters that we use ourselves: one column each. */
const isNarrow = /^[ -~µ·×–—…←↑→↓⇒─-▟▸▾▼◆●○]*$/;

/** Columns that a text takes on the screen. Nearly all texts are plain, and measuring is what drawing spends its time on. */
export function columnsOf(text: string): number {
  return isNarrow.test(text) ? text.length : stringWidth(text);
}

export function lineWidth(spans: Line): number {
  let width = 0;
  for (const each of spans) width += columnsOf(each.text);
  return width;
}

/** Control characters, line separators, marks that turn the direction of text, halves of surrogate pairs. */
const harmful = /(?!\n)[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u202a-\u202e\u2066-\u2069]/gu;
const isPlain = /^[ -~]*$/;

/** Text that cannot move the cursor or colour the screen, whatever a program put into its names. Line ends stay. */
export function printable(text: string): string {
  return isPlain.test(text) ? text : text.replaceAll('\t', '  ').replaceAll(harmful, '·');
}

/** A line that is one line, and as wide as it looks. */
export function cleanLine(spans: Line): Line {
  if (spans.every((each) => isPlain.test(each.text))) return spans;
  return spans.map((each) => ({ ...each, text: printable(each.text).replaceAll('\n', ' ') }));
}

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** The longest start of a text that takes at most `width` columns. */
function startOf(text: string, width: number): string {
  let used = 0;
  let length = 0;
  for (const { segment } of graphemes.segment(text)) {
    used += columnsOf(segment);
    if (used > width) break;
    length += segment.length;
  }
  return text.slice(0, length);
}

/** The text without its first `width` columns; half of a wide character becomes a blank. */
export function dropColumns(text: string, width: number): string {
  if (width <= 0) return text;
  let used = 0;
  let length = 0;
  for (const { segment } of graphemes.segment(text)) {
    if (used >= width) break;
    used += columnsOf(segment);
    length += segment.length;
  }
  return ' '.repeat(Math.max(0, used - width)) + text.slice(length);
}

/** The longest start of a text that fits into `width` columns, with an ellipsis when something was cut. */
export function truncate(text: string, width: number): string {
  if (width <= 0) return '';
  if (text.length <= width && isPlain.test(text)) return text;
  // A long text is cut before it is measured: no grapheme that counts is wider than this.
  const candidate = text.length > width * 16 ? text.slice(0, width * 16) : text;
  if (candidate === text && columnsOf(text) <= width) return text;
  return `${startOf(candidate, width - 1)}…`;
}

/** Cut at `width` columns, with an ellipsis. */
export function truncateLine(spans: Line, width: number): Line {
  if (lineWidth(spans) <= width) return spans;
  const kept: Span[] = [];
  let left = width - 1;
  for (const each of spans) {
    const own = columnsOf(each.text);
    if (own <= left) {
      kept.push(each);
      left -= own;
      continue;
    }
    if (width > 0) kept.push({ ...each, text: `${startOf(each.text, left)}…` });
    break;
  }
  return kept;
}

/** The line with every place where it contains `wanted`, ignoring case, in the role `match`. */
export function markMatches(spans: Line, wanted: string): Line {
  const needle = wanted.toLowerCase();
  if (needle === '') return spans;
  return spans.flatMap((each): Span[] => {
    const text = each.text.toLowerCase();
    // Some letters grow when they are lowered; then places do not agree.
    if (text.length !== each.text.length || !text.includes(needle)) return [each];
    const parts: Span[] = [];
    let done = 0;
    for (let at = text.indexOf(needle); at >= 0; at = text.indexOf(needle, done)) {
      parts.push({ ...each, text: each.text.slice(done, at) });
      done = at + needle.length;
      parts.push({ text: each.text.slice(at, done), role: 'match' });
    }
    return [...parts, { ...each, text: each.text.slice(done) }].filter((part) => part.text !== '');
  });
}

/** Padded with blanks to exactly `width` columns, cut when longer. */
export function fit(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const cut = truncate(printable(text), width);
  const blanks = ' '.repeat(Math.max(0, width - columnsOf(cut)));
  return align === 'left' ? cut + blanks : blanks + cut;
}

/** Padded to exactly `width` columns. */
export function padLine(spans: Line, width: number): Line {
  const cut = truncateLine(spans, width);
  const missing = width - lineWidth(cut);
  return missing > 0 ? [...cut, { text: ' '.repeat(missing) }] : cut;
}

/** Cuts a word that is wider than a line; each piece holds at least one character. */
function pieces(word: string, width: number): string[] {
  const cut: string[] = [];
  let rest = word;
  while (columnsOf(rest) > width) {
    const head = startOf(rest, width);
    const first = head === '' ? graphemes.segment(rest)[Symbol.iterator]().next().value!.segment : head;
    cut.push(first);
    rest = rest.slice(first.length);
  }
  return [...cut, rest];
}

/** Breaks a text into lines of at most `width` columns, at blanks where possible. */
export function wrap(text: string, width: number, role?: Role, indent = ''): Line[] {
  const room = Math.max(2, width - indent.length);
  const lines: Line[] = [];
  for (const paragraph of printable(text).split('\n')) {
    let current = '';
    for (const word of paragraph.split(' ')) {
      const joined = current === '' ? word : `${current} ${word}`;
      if (columnsOf(joined) <= room) {
        current = joined;
        continue;
      }
      if (current !== '') lines.push(line(indent + current, role));
      const cut = pieces(word, room);
      lines.push(...cut.slice(0, -1).map((piece) => line(indent + piece, role)));
      current = cut.at(-1)!;
    }
    lines.push(line(indent + current, role));
  }
  return lines;
}

/** A column of a table. */
export interface Column {
  readonly title: string;
  /** Columns on the screen; `flex` takes what is left. */
  readonly width: number | 'flex';
  readonly align?: 'left' | 'right';
  /** Paths are told apart by their ends: cut them at the start. */
  readonly keepsEnd?: boolean;
}

/** The longest end of a text that fits into `width` columns, with an ellipsis when something was cut. */
export function truncateStart(text: string, width: number): string {
  if (width <= 0) return '';
  if (columnsOf(text) <= width) return text;
  let used = 1;
  let kept = '';
  for (const { segment } of Array.from(graphemes.segment(text)).reverse()) {
    used += columnsOf(segment);
    if (used > width) break;
    kept = segment + kept;
  }
  return `…${kept}`;
}

/** One row of a table, columns apart by two blanks. */
export function tableRow(columns: readonly Column[], cells: readonly Span[], width: number): Line {
  const gap = 2;
  const fixed = columns.reduce((sum, column) => sum + (column.width === 'flex' ? 0 : column.width), 0);
  const flexible = columns.filter((column) => column.width === 'flex').length;
  const left = width - fixed - gap * (columns.length - 1);
  const share = flexible === 0 ? 0 : Math.max(4, Math.floor(left / flexible));
  return columns.flatMap((column, index) => {
    const cell = cells[index] ?? { text: '' };
    const room = column.width === 'flex' ? share : column.width;
    const kept = column.keepsEnd === true ? truncateStart(printable(cell.text), room) : cell.text;
    const text = fit(kept, room, column.align);
    const spans: Span[] = [{ ...cell, text }];
    if (index < columns.length - 1) spans.push({ text: ' '.repeat(gap) });
    return spans;
  });
}

export function tableHead(columns: readonly Column[], width: number): Line {
  return tableRow(
    columns,
    columns.map((column) => ({ text: column.title, role: 'muted' })),
    width,
  );
}

/** A horizontal bar of `width` columns for a share from 0 to 1, in eighths of a column. */
export function bar(share: number, width: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, share)) * width * 8);
  const rest = eighths % 8;
  const full = '█'.repeat(Math.floor(eighths / 8)) + (rest === 0 ? '' : ' ▏▎▍▌▋▊▉'[rest]!);
  return full.padEnd(width);
}
