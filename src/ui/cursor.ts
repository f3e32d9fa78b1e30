/** Moving the cursor through rows and detail, and keeping it on its row when the rows change. */
import type { ListModel, View, ViewSettings } from './define-view.ts';
import { layoutFor, type Layout } from './layout.ts';
import { viewStateOf, withView, type UiContext, type UiState } from './ui-model.ts';

export function layoutIn(state: UiState, context: UiContext, view: View): Layout {
  const own = viewStateOf(state, view.id);
  return layoutFor(state, context.report, view, own, context.listOf(view, own.settings).count);
}

/** Nearest row that is no heading, searching in the direction of travel first. */
function landing(list: ListModel, index: number, direction: 1 | -1): number {
  const last = list.count - 1;
  const start = Math.min(last, Math.max(0, index));
  for (const step of [direction, -direction] as const) {
    for (let at = start; at >= 0 && at <= last; at += step) if (list.row(at).isHeading !== true) return at;
  }
  return 0;
}

function scrollTo(scroll: number, cursor: number, height: number, count: number): number {
  const lowest = Math.max(0, count - height);
  if (cursor < scroll) return Math.min(cursor, lowest);
  if (cursor >= scroll + height) return Math.min(cursor - height + 1, lowest);
  return Math.min(scroll, lowest);
}

/** First row above that still belongs to the cursor: headings right above it scroll into sight with it. */
function headingAbove(list: ListModel, cursor: number, height: number): number {
  let above = cursor;
  while (above > 0 && cursor - above < height - 1 && list.row(above - 1).isHeading === true) above--;
  return above;
}

/** Puts the cursor on the row at `index`, or the nearest that is no heading, and scrolls it into sight. */
export function moveTo(
  state: UiState,
  context: UiContext,
  view: View,
  index: number,
  direction: 1 | -1,
): UiState {
  const own = viewStateOf(state, view.id);
  const list = context.listOf(view, own.settings);
  const cursor = landing(list, index, direction);
  const { listHeight } = layoutIn(state, context, view);
  const above = headingAbove(list, cursor, listHeight);
  const visible = scrollTo(own.scroll, cursor, listHeight, list.count);
  const scroll = scrollTo(visible, above, listHeight, list.count);
  const detailScroll = cursor === own.cursor ? own.detailScroll : 0;
  const row = cursor < list.count ? { row: list.row(cursor).key } : {};
  return withView(state, view.id, { cursor, scroll, detailScroll, ...row });
}

/** Moves the cursor, or scrolls the detail when that has the focus. */
export function move(state: UiState, context: UiContext, view: View, rows: number): UiState {
  const own = viewStateOf(state, view.id);
  if (own.focus === 'list') return moveTo(state, context, view, own.cursor + rows, rows < 0 ? -1 : 1);
  const { detailHeight } = layoutIn(state, context, view);
  const most = Math.max(0, context.detailLength(view, own) - detailHeight);
  return withView(state, view.id, { detailScroll: Math.min(most, Math.max(0, own.detailScroll + rows)) });
}

/** Gives the focus to the list or the detail; a view without detail keeps it in the list. */
export function setFocus(state: UiState, context: UiContext, view: View, focus: 'list' | 'detail'): UiState {
  const { split } = layoutIn(state, context, view);
  const focused = withView(state, view.id, { focus: split === 'none' ? 'list' : focus });
  return moveTo(focused, context, view, viewStateOf(state, view.id).cursor, 1);
}

/** Key of the row under the cursor, unless that is a heading. */
export function rowUnderCursor(state: UiState, context: UiContext, view: View): string | undefined {
  const own = viewStateOf(state, view.id);
  const list = context.listOf(view, own.settings);
  if (own.cursor >= list.count) return undefined;
  const row = list.row(own.cursor);
  return row.isHeading === true ? undefined : row.key;
}

/** Where the row with a key stands. */
export function indexOfKey(list: ListModel, key: string | undefined): number | undefined {
  if (key === undefined) return undefined;
  for (let index = 0; index < list.count; index++) if (list.row(index).key === key) return index;
  return undefined;
}

/** Where the cursor starts: behind headings and headers that fold, or on the last row where the view says so. */
function startRow(view: View, list: ListModel): number {
  if (view.startsAtEnd === true) return list.count - 1;
  for (let index = 0; index < list.count; index++) {
    const row = list.row(index);
    if (row.isHeading !== true && row.isFold !== true) return index;
  }
  return 0;
}

/** Finds the cursor's row again after the report or the size changed; a cursor that was never moved stays where it starts. */
export function settle(state: UiState, context: UiContext, view: View): UiState {
  const own = viewStateOf(state, view.id);
  const list = context.listOf(view, own.settings);
  const isThere = own.cursor < list.count && list.row(own.cursor).key === own.row;
  const found = isThere ? own.cursor : indexOfKey(list, own.row);
  const index = found ?? (own.row === undefined ? startRow(view, list) : own.cursor);
  const settled = moveTo(state, context, view, index, 1);
  if (own.row !== undefined) return settled;
  const { row: _chosenByNobody, ...unmoved } = viewStateOf(settled, view.id);
  return { ...settled, views: { ...settled.views, [view.id]: unmoved } };
}

/** Applies new settings and keeps the cursor on the row with `key`, or on its old row when that is still there. */
export function applySettings(
  state: UiState,
  context: UiContext,
  view: View,
  settings: ViewSettings,
  key?: string,
): UiState {
  const wanted = key ?? rowUnderCursor(state, context, view);
  const list = context.listOf(view, settings);
  const cursor = indexOfKey(list, wanted) ?? startRow(view, list);
  const changed = withView(state, view.id, { settings, focus: 'list', detailScroll: 0 });
  return moveTo(changed, context, view, cursor, 1);
}
