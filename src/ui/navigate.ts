/** Going somewhere else: into a row, along an edge, back, to the next break, along a horizontal axis. */
import { axisWindow, jumpTo, standAt, zoomBy, type AxisWindow } from './axis.ts';
import type { FollowCommand, Navigation, View, ViewSettings } from './define-view.ts';
import { applySettings, indexOfKey, layoutIn, moveTo, rowUnderCursor, setFocus, settle } from './cursor.ts';
import { viewStateOf, withView, type Step, type UiContext, type UiState } from './ui-model.ts';

/** Opens a view by its tab: there is no way back to keep. */
export function showView(state: UiState, context: UiContext, view: View): UiState {
  return settle({ ...state, view: view.id, visits: [] }, context, view);
}

/** A page of its own starts unfiltered and at its left edge, without the text of the one before. */
function fresh(settings: ViewSettings): ViewSettings {
  const { text: _text, loading: _loading, ...rest } = settings;
  return { ...rest, filter: '', column: 0 };
}

function go(state: UiState, context: UiContext, view: View, navigation: Navigation): Step {
  if (navigation.kind === 'settings') {
    const { settings, load, cursor } = navigation;
    if (load === undefined)
      return { state: applySettings(state, context, view, settings, cursor), effects: [] };
    const waiting = applySettings(state, context, view, { ...settings, loading: load }, cursor);
    return { state: waiting, effects: [{ kind: 'load-text', view: view.id, artifact: load }] };
  }
  const other = context.views.find((candidate) => candidate.id === navigation.view);
  if (other === undefined) return { state, effects: [] };
  const before = viewStateOf(state, other.id);
  const settings = { ...fresh(before.settings), ...navigation.settings };
  const arrived = applySettings({ ...state, view: other.id }, context, other, settings, navigation.cursor);
  const visit = { from: view.id, to: other.id, depth: settings.path.length, before };
  return { state: { ...arrived, visits: [...state.visits, visit] }, effects: [] };
}

/** Follows a row where the view says so. Enter on a row that leads nowhere moves between list and detail. */
export function follow(state: UiState, context: UiContext, view: View, command: FollowCommand): Step {
  const own = viewStateOf(state, view.id);
  const key = rowUnderCursor(state, context, view);
  const navigation =
    key === undefined
      ? undefined
      : view.follow?.(context.report, own.settings, key, command, layoutIn(state, context, view).listWidth);
  if (navigation !== undefined) return go(state, context, view, navigation);
  if (command !== 'enter') return { state: { ...state, message: 'nothing to follow here' }, effects: [] };
  return { state: setFocus(state, context, view, own.focus === 'list' ? 'detail' : 'list'), effects: [] };
}

/** One step back: out of the detail, the filter, the page, and at last to the view that led here. */
export function back(state: UiState, context: UiContext, view: View): UiState {
  const own = viewStateOf(state, view.id);
  if (own.focus === 'detail') return setFocus(state, context, view, 'list');
  if (own.settings.filter !== '') return applySettings(state, context, view, { ...own.settings, filter: '' });
  const { path } = own.settings;
  const visit = state.visits.at(-1);
  if (visit?.to === view.id && path.length <= visit.depth) {
    const returned = withView(state, view.id, visit.before);
    return { ...returned, view: visit.from, visits: state.visits.slice(0, -1) };
  }
  if (path.length === 0) return state;
  // A segment is the row that it was entered by, where need be behind a word for the kind of page.
  const entered = path.at(-1)!;
  const settings = { ...fresh(own.settings), path: path.slice(0, -1) };
  const isRow = indexOfKey(context.listOf(view, settings), entered) !== undefined;
  const row = isRow ? entered : entered.slice(entered.indexOf(' ') + 1);
  return applySettings(state, context, view, settings, row);
}

export function cycle(state: UiState, context: UiContext, view: View, what: 'sort' | 'group'): UiState {
  const choices = what === 'sort' ? view.sorts : view.groups;
  if (choices === undefined) return { ...state, message: `nothing to ${what} here` };
  const { settings } = viewStateOf(state, view.id);
  const next = (settings[what] + 1) % choices.length;
  const changed = applySettings(state, context, view, { ...settings, [what]: next });
  return { ...changed, message: `${what}: ${choices[next]!}` };
}

/** Magnifies around the cursor of the axis. */
export function zoom(state: UiState, context: UiContext, view: View, factor: number): UiState {
  if (view.axis === undefined) return state;
  const { settings } = viewStateOf(state, view.id);
  return withView(state, view.id, { settings: zoomBy(view.axis.range(context.report), settings, factor) });
}

/** Where the axis is on the screen. */
interface AxisPlace extends AxisWindow {
  /** First column of the list that it takes. */
  readonly column: number;
  /** Length of one column. */
  readonly perColumn: number;
}

/** Puts the cursor of the axis where `choose` says; nowhere: the state is as before. */
function stand(
  state: UiState,
  context: UiContext,
  view: View,
  choose: (place: AxisPlace) => number | undefined,
  move = standAt,
): UiState {
  const { axis } = view;
  if (axis === undefined) return state;
  const { settings } = viewStateOf(state, view.id);
  const range = axis.range(context.report);
  const window = axisWindow(range, settings);
  const { listWidth } = layoutIn(state, context, view);
  const columns = axis.columns(context.report, listWidth);
  const perColumn = (window.to - window.from) / columns;
  const at = choose({ ...window, column: listWidth - columns, perColumn });
  return at === undefined
    ? state
    : withView(state, view.id, { settings: move(range, settings, at, perColumn), detailScroll: 0 });
}

/** Moves the cursor of the axis by columns of the screen. */
export function along(state: UiState, context: UiContext, view: View, columns: number): UiState {
  return stand(state, context, view, ({ at, perColumn }) => at + columns * perColumn);
}

/** Puts the cursor of the axis under a column of the screen. */
export function alongTo(state: UiState, context: UiContext, view: View, column: number): UiState {
  return stand(
    state,
    context,
    view,
    (place) => place.from + Math.max(0, column - place.column) * place.perColumn,
  );
}

const textShift = 8;
const mostShift = 10_000;

/** Left and right: along the axis, through long lines of a page of text, or between list and detail. */
export function sideways(state: UiState, context: UiContext, view: View, columns: number): UiState {
  if (view.axis !== undefined) return along(state, context, view, columns);
  const { split } = layoutIn(state, context, view);
  if (split !== 'none') return setFocus(state, context, view, columns > 0 ? 'detail' : 'list');
  const { settings } = viewStateOf(state, view.id);
  const column = Math.min(mostShift, Math.max(0, settings.column + Math.sign(columns) * textShift));
  return withView(state, view.id, { settings: { ...settings, column } });
}

/** Next row that is a break, wrapping round; on an axis, the next span of the row. */
export function jump(state: UiState, context: UiContext, view: View, direction: 1 | -1): UiState {
  const own = viewStateOf(state, view.id);
  const key = rowUnderCursor(state, context, view);
  const { axis } = view;
  if (axis !== undefined) {
    const next = ({ at }: AxisPlace): number | undefined =>
      key === undefined ? undefined : axis.next(context.report, key, at, direction);
    const moved = stand(state, context, view, next, jumpTo);
    return moved === state ? { ...state, message: 'no more spans that way' } : moved;
  }
  const list = context.listOf(view, own.settings);
  for (let step = 1; step <= list.count; step++) {
    const index = (own.cursor + direction * step + list.count * 2) % list.count;
    if (list.row(index).isBreak === true) return moveTo(state, context, view, index, direction);
  }
  return { ...state, message: 'no break here' };
}
