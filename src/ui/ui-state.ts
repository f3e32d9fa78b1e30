/**
 * The state of the terminal UI and the one function that changes it. Pure: keys in, state out. What must happen outside
 * (an editor, the clipboard, the minifier) comes out as effects, which `mount.tsx` carries out.
 */
import type { Report } from '../explain/report.ts';
import { initialSettings, type ListModel, type Target, type View, type ViewSettings } from './define-view.ts';
import { commandOf, type Command } from './keymap.ts';

export interface ViewState {
  readonly settings: ViewSettings;
  /** Index of the row under the cursor. */
  readonly cursor: number;
  /** First row on the screen. */
  readonly scroll: number;
  readonly detailScroll: number;
  readonly focus: 'list' | 'detail';
}

export interface UiState {
  readonly view: string;
  readonly views: Readonly<Record<string, ViewState>>;
  readonly width: number;
  readonly height: number;
  /** Text typed so far, while the filter line is open. */
  readonly typing?: string;
  readonly isHelpOpen: boolean;
  readonly helpScroll: number;
  /** One line of news: what an effect did. */
  readonly message?: string;
}

export type Effect =
  | { readonly kind: 'quit' }
  | { readonly kind: 'open-editor'; readonly file: string; readonly line: number }
  | { readonly kind: 'copy'; readonly text: string }
  | { readonly kind: 'minify' | 'export'; readonly graph: string }
  | { readonly kind: 'pause' | 'stop' };

export type Action =
  | { readonly kind: 'key'; readonly key: string }
  | { readonly kind: 'resize'; readonly width: number; readonly height: number }
  /** The report changed: cursors stay on their rows. */
  | { readonly kind: 'report' }
  | { readonly kind: 'click'; readonly column: number; readonly row: number }
  | { readonly kind: 'scroll'; readonly rows: number }
  | { readonly kind: 'message'; readonly text: string };

export interface UiContext {
  readonly report: Report;
  readonly views: readonly View[];
  /** Memoised by the caller on report and settings. */
  listOf(view: View, settings: ViewSettings): ListModel;
  /** Lines of the detail under the cursor, at the width that the layout gives it. */
  detailLength(view: View, state: ViewState): number;
}

export interface Step {
  readonly state: UiState;
  readonly effects: readonly Effect[];
}

const initialViewState: ViewState = {
  settings: initialSettings,
  cursor: 0,
  scroll: 0,
  detailScroll: 0,
  focus: 'list',
};

export function initialState(views: readonly View[], width: number, height: number): UiState {
  return {
    view: views[0]!.id,
    views: Object.fromEntries(views.map((view) => [view.id, initialViewState])),
    width,
    height,
    isHelpOpen: false,
    helpScroll: 0,
  };
}

/** Where things are on the screen, in cells. */
export interface Layout {
  /** Lines between the tabs and the footer. */
  readonly bodyHeight: number;
  readonly headHeight: number;
  readonly listHeight: number;
  readonly listWidth: number;
  readonly detailWidth: number;
  readonly detailHeight: number;
  /** `beside`: list left, detail right; `below`: list above. */
  readonly split: 'none' | 'beside' | 'below';
}

const tabLines = 2;
const footerLines = 1;
/** From this width on there is room for list and detail side by side. */
const besideFrom = 110;

export function layoutOf(width: number, height: number, headHeight: number, hasDetail: boolean): Layout {
  const bodyHeight = Math.max(3, height - tabLines - footerLines);
  const head = Math.min(headHeight, Math.max(0, bodyHeight - 4));
  const room = bodyHeight - head;
  const common = { bodyHeight, headHeight: head };
  if (!hasDetail) {
    return { ...common, listHeight: room, listWidth: width, detailWidth: 0, detailHeight: 0, split: 'none' };
  }
  if (width >= besideFrom) {
    const listWidth = Math.floor(width * 0.45);
    // One column for the rule between them.
    return {
      ...common,
      listHeight: room,
      listWidth,
      detailWidth: width - listWidth - 2,
      detailHeight: room,
      split: 'beside',
    };
  }
  const listHeight = Math.max(2, Math.floor(room * 0.4));
  return {
    ...common,
    listHeight,
    listWidth: width,
    detailWidth: width,
    detailHeight: room - listHeight - 1,
    split: 'below',
  };
}

function viewOf(state: UiState, context: UiContext): View {
  return context.views.find((view) => view.id === state.view)!;
}

function layoutFor(state: UiState, context: UiContext, view: View): Layout {
  const settings = state.views[view.id]!.settings;
  const head = view.head?.(context.report, settings, state.width).length ?? 0;
  return layoutOf(state.width, state.height, head, view.detail !== undefined);
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

function withView(state: UiState, id: string, change: Partial<ViewState>): UiState {
  return { ...state, views: { ...state.views, [id]: { ...state.views[id]!, ...change } } };
}

function moveTo(state: UiState, context: UiContext, view: View, index: number, direction: 1 | -1): UiState {
  const own = state.views[view.id]!;
  const list = context.listOf(view, own.settings);
  const cursor = landing(list, index, direction);
  const { listHeight } = layoutFor(state, context, view);
  // A heading above the first row of a group scrolls into sight with it.
  const above = cursor > 0 && list.row(cursor - 1).isHeading === true ? cursor - 1 : cursor;
  const scroll = scrollTo(
    scrollTo(own.scroll, cursor, listHeight, list.count),
    above,
    listHeight,
    list.count,
  );
  return withView(state, view.id, {
    cursor,
    scroll,
    detailScroll: cursor === own.cursor ? own.detailScroll : 0,
  });
}

function move(state: UiState, context: UiContext, view: View, rows: number): UiState {
  const own = state.views[view.id]!;
  if (own.focus === 'list') return moveTo(state, context, view, own.cursor + rows, rows < 0 ? -1 : 1);
  const { detailHeight } = layoutFor(state, context, view);
  const most = Math.max(0, context.detailLength(view, own) - detailHeight);
  return withView(state, view.id, { detailScroll: Math.min(most, Math.max(0, own.detailScroll + rows)) });
}

/** Applies new settings and keeps the cursor on the row with `key`, or on the old row when it is still there. */
function applySettings(
  state: UiState,
  context: UiContext,
  view: View,
  settings: ViewSettings,
  key?: string,
): UiState {
  const own = state.views[view.id]!;
  const before = context.listOf(view, own.settings);
  const wanted = key ?? (own.cursor < before.count ? before.row(own.cursor).key : undefined);
  const after = context.listOf(view, settings);
  let cursor = 0;
  if (wanted !== undefined) {
    for (let index = 0; index < after.count; index++) {
      if (after.row(index).key === wanted) {
        cursor = index;
        break;
      }
    }
  }
  const changed = withView(state, view.id, { settings, focus: 'list', detailScroll: 0 });
  return moveTo(changed, context, view, cursor, 1);
}

function rowUnderCursor(state: UiState, context: UiContext, view: View): string | undefined {
  const own = state.views[view.id]!;
  const list = context.listOf(view, own.settings);
  if (own.cursor >= list.count) return undefined;
  const row = list.row(own.cursor);
  return row.isHeading === true ? undefined : row.key;
}

function enter(state: UiState, context: UiContext, view: View): UiState {
  const own = state.views[view.id]!;
  const key = rowUnderCursor(state, context, view);
  const navigation = key === undefined ? undefined : view.enter?.(context.report, own.settings, key);
  if (navigation === undefined) {
    return view.detail === undefined
      ? state
      : withView(state, view.id, { focus: own.focus === 'list' ? 'detail' : 'list' });
  }
  if (navigation.kind === 'settings')
    return applySettings(state, context, view, navigation.settings, navigation.cursor);
  const other = context.views.find((candidate) => candidate.id === navigation.view);
  if (other === undefined) return state;
  const settings = { ...state.views[other.id]!.settings, filter: '', ...navigation.settings };
  return applySettings({ ...state, view: other.id }, context, other, settings, navigation.cursor);
}

function back(state: UiState, context: UiContext, view: View): UiState {
  const own = state.views[view.id]!;
  if (own.focus === 'detail') return withView(state, view.id, { focus: 'list' });
  if (own.settings.filter !== '') return applySettings(state, context, view, { ...own.settings, filter: '' });
  if (own.settings.path.length === 0) return state;
  const left = own.settings.path.at(-1);
  return applySettings(state, context, view, { ...own.settings, path: own.settings.path.slice(0, -1) }, left);
}

function cycle(state: UiState, context: UiContext, view: View, what: 'sort' | 'group'): UiState {
  const choices = what === 'sort' ? view.sorts : view.groups;
  if (choices === undefined) return state;
  const { settings } = state.views[view.id]!;
  const next = (settings[what] + 1) % choices.length;
  const changed = applySettings(state, context, view, { ...settings, [what]: next });
  return { ...changed, message: `${what}: ${choices[next]!}` };
}

const mostZoom = 1 << 20;

function zoom(state: UiState, view: View, factor: number): UiState {
  if (view.isHorizontal !== true) return state;
  const { settings } = state.views[view.id]!;
  const next = Math.min(mostZoom, Math.max(1, settings.zoom * factor));
  const centre = settings.pan + 0.5 / settings.zoom;
  const pan = Math.min(1 - 1 / next, Math.max(0, centre - 0.5 / next));
  return withView(state, view.id, { settings: { ...settings, zoom: next, pan } });
}

function sideways(state: UiState, view: View, direction: 1 | -1): UiState {
  const own = state.views[view.id]!;
  if (view.isHorizontal === true) {
    const { zoom: magnification, pan } = own.settings;
    const moved = Math.min(1 - 1 / magnification, Math.max(0, pan + (direction * 0.25) / magnification));
    return withView(state, view.id, { settings: { ...own.settings, pan: moved } });
  }
  if (view.detail === undefined) return state;
  return withView(state, view.id, { focus: direction === 1 ? 'detail' : 'list' });
}

/** Next row whose line mentions a break, wrapping round. */
function jump(state: UiState, context: UiContext, view: View, direction: 1 | -1): UiState {
  const own = state.views[view.id]!;
  const list = context.listOf(view, own.settings);
  for (let step = 1; step <= list.count; step++) {
    const index = (own.cursor + direction * step + list.count * 2) % list.count;
    if (/\b(?:FG1|GB)\d+/.test(list.row(index).key)) return moveTo(state, context, view, index, direction);
  }
  return state;
}

function targetEffects(
  command: Command,
  target: Target | undefined,
): { effects: Effect[]; message?: string } {
  if (command === 'open-editor') {
    return target?.file === undefined
      ? { effects: [], message: 'no source line here' }
      : { effects: [{ kind: 'open-editor', file: target.file, line: target.line ?? 1 }] };
  }
  if (command === 'copy') {
    return target?.text === undefined
      ? { effects: [], message: 'nothing to copy here' }
      : { effects: [{ kind: 'copy', text: target.text }], message: 'copied' };
  }
  return target?.graph === undefined
    ? { effects: [], message: 'no graph here' }
    : { effects: [{ kind: command as 'minify' | 'export', graph: target.graph }] };
}

function run(state: UiState, context: UiContext, command: Command): Step {
  const view = viewOf(state, context);
  const own = state.views[view.id]!;
  const plain = (next: UiState): Step => ({ state: next, effects: [] });
  const page = Math.max(1, layoutFor(state, context, view).listHeight - 1);
  const tab = (offset: number): UiState => {
    const index = context.views.indexOf(view);
    const next = context.views[(index + offset + context.views.length) % context.views.length]!;
    return { ...state, view: next.id };
  };
  switch (command) {
    case 'up':
      return plain(move(state, context, view, -1));
    case 'down':
      return plain(move(state, context, view, 1));
    case 'page-up':
      return plain(move(state, context, view, -page));
    case 'page-down':
      return plain(move(state, context, view, page));
    case 'top':
      return plain(move(state, context, view, -Number.MAX_SAFE_INTEGER / 2));
    case 'bottom':
      return plain(move(state, context, view, Number.MAX_SAFE_INTEGER / 2));
    case 'left':
      return plain(sideways(state, view, -1));
    case 'right':
      return plain(sideways(state, view, 1));
    case 'focus':
      return plain(withView(state, view.id, { focus: own.focus === 'list' ? 'detail' : 'list' }));
    case 'enter':
      return plain(enter(state, context, view));
    case 'back':
      return plain(back(state, context, view));
    case 'next-view':
      return plain(tab(1));
    case 'previous-view':
      return plain(tab(-1));
    case 'filter':
      return plain({ ...state, typing: own.settings.filter });
    case 'sort':
    case 'group':
      return plain(cycle(state, context, view, command));
    case 'toggle': {
      const key = rowUnderCursor(state, context, view);
      if (key === undefined) return plain(state);
      const toggled = new Set(own.settings.toggled);
      if (!toggled.delete(key)) toggled.add(key);
      return plain(applySettings(state, context, view, { ...own.settings, toggled }, key));
    }
    case 'zoom-in':
      return plain(zoom(state, view, 2));
    case 'zoom-out':
      return plain(zoom(state, view, 0.5));
    case 'next-break':
      return plain(jump(state, context, view, 1));
    case 'previous-break':
      return plain(jump(state, context, view, -1));
    case 'open-editor':
    case 'copy':
    case 'minify':
    case 'export': {
      const key = rowUnderCursor(state, context, view);
      const target = key === undefined ? undefined : view.target?.(context.report, own.settings, key);
      const { effects, message } = targetEffects(command, target);
      return { state: message === undefined ? state : { ...state, message }, effects };
    }
    case 'pause':
    case 'stop':
      return { state, effects: [{ kind: command }] };
    case 'help':
      return plain({ ...state, isHelpOpen: true, helpScroll: 0 });
    case 'quit':
      return { state, effects: [{ kind: 'quit' }] };
    default:
      return command satisfies never;
  }
}

/** Keys while the filter line is open: every key types, enter keeps, escape drops. */
function type(state: UiState, context: UiContext, key: string, typing: string): UiState {
  const view = viewOf(state, context);
  const { settings } = state.views[view.id]!;
  const { typing: _closed, ...closed } = state;
  if (key === 'return') return closed;
  if (key === 'escape' || key === 'ctrl+c')
    return applySettings(closed, context, view, { ...settings, filter: '' });
  const text =
    key === 'backspace'
      ? Array.from(typing).slice(0, -1).join('')
      : key === 'space'
        ? `${typing} `
        : key === 'ctrl+u'
          ? ''
          : typing + key;
  if (/^(?:ctrl\+|shift\+|up$|down$|left$|right$|page|home$|end$|tab$)/.test(key) && key !== 'ctrl+u')
    return state;
  return applySettings({ ...state, typing: text }, context, view, { ...settings, filter: text });
}

/** The next state, and what must happen outside. */
export function reduceUi(state: UiState, action: Action, context: UiContext): Step {
  const view = viewOf(state, context);
  const plain = (next: UiState): Step => ({ state: next, effects: [] });
  switch (action.kind) {
    case 'resize': {
      const resized = { ...state, width: action.width, height: action.height };
      return plain(moveTo(resized, context, view, resized.views[view.id]!.cursor, 1));
    }
    case 'report':
      return plain(moveTo(state, context, view, state.views[view.id]!.cursor, 1));
    case 'message':
      return plain({ ...state, message: action.text });
    case 'scroll':
      return plain(move(state, context, view, action.rows));
    case 'click': {
      const layout = layoutFor(state, context, view);
      const row = action.row - tabLines - layout.headHeight;
      const isInList = row >= 0 && row < layout.listHeight && action.column < layout.listWidth;
      if (!isInList) return plain(state);
      return plain(moveTo(state, context, view, state.views[view.id]!.scroll + row, 1));
    }
    case 'key': {
      const { message: _old, ...quiet } = state;
      if (quiet.typing !== undefined) return plain(type(quiet, context, action.key, quiet.typing));
      const command = commandOf(action.key);
      if (quiet.isHelpOpen) {
        if (command === 'down') return plain({ ...quiet, helpScroll: quiet.helpScroll + 1 });
        if (command === 'up') return plain({ ...quiet, helpScroll: Math.max(0, quiet.helpScroll - 1) });
        return plain({ ...quiet, isHelpOpen: false });
      }
      if (command !== undefined) return run(quiet, context, command);
      const numbered = context.views.find((candidate) => candidate.key === action.key);
      return plain(numbered === undefined ? quiet : { ...quiet, view: numbered.id });
    }
    default:
      return action satisfies never;
  }
}
