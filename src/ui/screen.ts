/**
 * The whole screen as lines: tabs, the view's head, list and detail, the footer or filter line. Pure, so that golden
 * frames need no terminal. `app.tsx` only draws what comes out of here.
 */
import type { Report } from '../explain/report.ts';
import type { ListModel, View, ViewSettings } from './define-view.ts';
import { helpLines, helpRoom, lastHelpScroll } from './help.ts';
import { keymap, keyOf, type Command } from './keymap.ts';
import { headOf, layoutFor, type Layout } from './layout.ts';
import {
  cleanLine,
  line,
  lineWidth,
  markMatches,
  padLine,
  span,
  truncateLine,
  type Line,
  type Span,
} from './lines.ts';
import { tabLine } from './tabs.ts';
import { openView, viewStateOf, type UiState, type ViewState } from './ui-model.ts';

export interface ScreenSource {
  readonly report: Report;
  readonly views: readonly View[];
  listOf(view: View, settings: ViewSettings): ListModel;
  detailOf(view: View, state: ViewState): readonly Line[];
  /** What the trace is doing: `reading 40 %`, `following`; empty when there is nothing to say. */
  readonly status: string;
}

/** The rule under the tabs, with what the trace is doing at its end. */
function ruleLine(status: string, width: number): Line {
  const text = truncateLine(line(status === '' ? '' : ` ${status} ─`, 'muted'), Math.floor(width / 2));
  return [span('─'.repeat(width - lineWidth(text)), 'muted'), ...text];
}

/** Commands that do something in a view, in words for the footer. */
function applicable(report: Report, view: View, settings: ViewSettings): Partial<Record<Command, string>> {
  const footers: Partial<Record<Command, string>> = {};
  for (const { command, footer } of keymap) if (footer !== undefined) footers[command] = footer;
  const applies: Partial<Record<Command, boolean>> = {
    sort: view.sorts !== undefined,
    group: view.groups !== undefined,
    'zoom-in': view.axis !== undefined,
    enter: view.follow !== undefined || view.detail !== undefined,
    'open-editor': view.target !== undefined,
    copy: view.target !== undefined,
  };
  // A row that leads nowhere opens its detail.
  if (view.follow === undefined) footers.enter = 'detail';
  for (const [command, isOf] of Object.entries(applies)) if (!isOf) delete footers[command as Command];
  return { ...footers, ...view.commands?.(report, settings) };
}

/** Shown even where there is room for little else. */
const always: ReadonlySet<Command> = new Set(['help', 'quit']);
/** What needs no row under the cursor. */
const rowless: ReadonlySet<Command> = new Set([...always, 'back', 'filter', 'pause', 'stop']);

interface Hinted {
  readonly settings: ViewSettings;
  /** Rows of the list. */
  readonly count: number;
}

function keyHints(source: ScreenSource, view: View, own: Hinted, room: number): Line {
  const words = applicable(source.report, view, own.settings);
  const hints = keymap.flatMap(({ command }) => {
    const word = own.count > 0 || rowless.has(command) ? words[command] : undefined;
    if (word === undefined || word === '') return [];
    const spans: Span[] = [span(` ${keyOf(command)}`, 'strong'), span(` ${word} `, 'muted')];
    return [{ spans, width: lineWidth(spans), isKept: always.has(command) }];
  });
  let left = room - hints.reduce((sum, hint) => sum + (hint.isKept ? hint.width : 0), 0);
  return hints.flatMap((hint) => {
    if (!hint.isKept) {
      if (hint.width > left) return [];
      left -= hint.width;
    }
    return hint.spans;
  });
}

function footer(source: ScreenSource, state: UiState, view: View, count: number): Line {
  const { cursor, settings } = viewStateOf(state, view.id);
  if (state.typing !== undefined) {
    const found = count === 1 ? '  1 row' : `  ${count} rows`;
    return [span('/', 'accent'), span(state.typing), span('▏', 'accent'), span(found, 'muted')];
  }
  if (state.message !== undefined) return line(` ${state.message}`, 'accent');
  const place = count === 0 ? '' : `${Math.min(cursor + 1, count)}/${count}`;
  const filter = settings.filter === '' ? '' : `/${settings.filter}`;
  const right = truncateLine(
    line([filter, place].filter((part) => part !== '').join('  '), 'muted'),
    Math.floor(state.width / 2),
  );
  const room = state.width - lineWidth(right) - 1;
  return [...padLine(keyHints(source, view, { settings, count }, room), room), ...right];
}

/** Rows of the list that are on the screen, the one under the cursor inverted. */
function visibleRows(view: View, list: ListModel, own: ViewState, layout: Layout): Line[] {
  const rows = Array.from({ length: layout.listHeight }, (_, row): Line => {
    const index = own.scroll + row;
    if (index >= list.count) return [];
    const isUnderCursor = index === own.cursor;
    if (isUnderCursor && list.selectedLine !== undefined)
      return cleanLine(list.selectedLine(index, layout.listWidth));
    const drawn = padLine(cleanLine(list.line(index, layout.listWidth)), layout.listWidth);
    return isUnderCursor
      ? drawn.map((each) => span(each.text, 'selected'))
      : markMatches(drawn, own.settings.filter);
  });
  if (list.count === 0)
    rows[0] = line(
      ` ${own.settings.filter === '' ? (view.empty ?? 'nothing here') : 'nothing matches the filter'}`,
      'muted',
    );
  return rows;
}

/** The part of the detail that is on the screen; its last line says when there is more. */
function visibleDetail(detail: readonly Line[], own: ViewState, layout: Layout): Line[] {
  const from = Math.min(own.detailScroll, Math.max(0, detail.length - layout.detailHeight));
  const shown = detail.slice(from, from + layout.detailHeight).map(cleanLine);
  const more = detail.length - from - shown.length;
  if (more > 0 && shown.length > 0) {
    const how = own.focus === 'detail' ? '↓' : 'f, then ↓';
    shown[shown.length - 1] = line(`… ${more + 1} more lines (${how})`, 'muted');
  }
  return shown;
}

/** Lines of the body: head, list, detail. */
function body(source: ScreenSource, state: UiState, view: View): Line[] {
  const own = viewStateOf(state, view.id);
  const list = source.listOf(view, own.settings);
  const layout = layoutFor(state, source.report, view, own, list.count);
  const head = headOf(view, source.report, own.settings, state.width);
  const lines: Line[] = head.slice(0, layout.headHeight).map(cleanLine);
  const rows = visibleRows(view, list, own, layout);
  if (layout.split === 'none') return [...lines, ...rows];
  const shown = visibleDetail(source.detailOf(view, own), own, layout);
  const isFocused = own.focus === 'detail';
  if (layout.split === 'beside') {
    const rule = isFocused ? span('┃ ', 'accent') : span('│ ', 'muted');
    for (const [index, row] of rows.entries()) {
      const beside = truncateLine(shown[index] ?? [], layout.detailWidth);
      lines.push([...padLine(row, layout.listWidth), rule, ...beside]);
    }
    return lines;
  }
  const rule = isFocused ? line('━'.repeat(state.width), 'accent') : line('─'.repeat(state.width), 'muted');
  const below = Array.from({ length: layout.detailHeight }, (_, row): Line => shown[row] ?? []);
  return [...lines, ...rows, rule, ...below];
}

/** Smallest terminal on which anything can be shown. */
const leastWidth = 40;
const leastHeight = 10;

function helpScreen(source: ScreenSource, state: UiState): Line[] {
  const all = helpLines(source.views, state.width);
  const room = helpRoom(state.height);
  const start = Math.min(state.helpScroll, lastHelpScroll(source.views, state.width, state.height));
  const lines = all.slice(start, start + room);
  const blank = Array.from({ length: room - lines.length }, (): Line => []);
  const isAll = all.length <= room;
  const rule = line('─'.repeat(state.width), 'muted');
  const foot = isAll ? ' any key closes' : ' ↑ ↓ scroll, any other key closes';
  return [line(' fullgraph: help', 'strong'), rule, ...lines, ...blank, line(foot, 'muted')];
}

/** The screen for a state: at most `height` lines of at most `width` columns. */
export function screenOf(source: ScreenSource, state: UiState): readonly Line[] {
  const { width, height } = state;
  if (width < leastWidth || height < leastHeight) {
    return [truncateLine(line(`too small: ${leastWidth}x${leastHeight} at least`, 'warning'), width)];
  }
  if (state.isHelpOpen) return helpScreen(source, state).map((each) => truncateLine(each, width));
  const view = openView(state, source.views);
  const { count } = source.listOf(view, viewStateOf(state, view.id).settings);
  const lines = [
    tabLine(source.views, view, width),
    cleanLine(ruleLine(source.status, width)),
    ...body(source, state, view),
    cleanLine(footer(source, state, view, count)),
  ];
  return lines.map((each) => truncateLine(each, width));
}
