/**
 * The state of the terminal UI and the one function that changes it. Pure: keys in, state out. What must happen outside
 * (an editor, the clipboard, the minifier, a text of a log) comes out as effects, which `mount.tsx` carries out.
 */
import { applySettings, layoutIn, move, moveTo, setFocus, settle } from './cursor.ts';
import type { View } from './define-view.ts';
import { helpRoom, lastHelpScroll } from './help.ts';
import { commandOf, type Command } from './keymap.ts';
import { tabLines } from './layout.ts';
import { alongTo, follow, showView } from './navigate.ts';
import { runCommand } from './run-command.ts';
import { viewAt } from './tabs.ts';
import {
  initialViewState,
  openView,
  viewStateOf,
  withView,
  type Action,
  type Step,
  type UiContext,
  type UiState,
} from './ui-model.ts';

export type { Action, Effect, Step, UiContext, UiState, ViewState } from './ui-model.ts';

export function initialState(views: readonly View[], width: number, height: number): UiState {
  return {
    view: views[0]!.id,
    views: Object.fromEntries(views.map((view) => [view.id, initialViewState])),
    width,
    height,
    visits: [],
    isHelpOpen: false,
    helpScroll: 0,
  };
}

const deletesWord = /\s*\S+\s*$/;
/** Keys that mean nothing while a filter is typed. */
const isControl = /^(?:ctrl\+.|shift\+.*|up|down|left|right|pageup|pagedown|home|end|tab)$/;

function edited(typing: string, key: string): string | undefined {
  if (key === 'backspace') return Array.from(typing).slice(0, -1).join('');
  if (key === 'space') return `${typing} `;
  if (key === 'ctrl+u') return '';
  if (key === 'ctrl+w') return typing.replace(deletesWord, '');
  return isControl.test(key) ? undefined : typing + key;
}

/** Keys while the filter line is open: every key types, enter keeps, escape drops; up and down move in what is left. */
function type(state: UiState, context: UiContext, key: string, typing: string): UiState {
  const view = openView(state, context.views);
  const { settings } = viewStateOf(state, view.id);
  const { typing: _closed, ...closed } = state;
  if (key === 'return') return closed;
  if (key === 'escape' || key === 'ctrl+c')
    return applySettings(closed, context, view, { ...settings, filter: '' });
  if (key === 'up' || key === 'down') return move(state, context, view, key === 'up' ? -1 : 1);
  const text = edited(typing, key);
  if (text === undefined) return state;
  return applySettings({ ...state, typing: text }, context, view, { ...settings, filter: text });
}

/** Which part of the open view a cell belongs to, and its row there. */
function partAt(
  state: UiState,
  context: UiContext,
  view: View,
  column: number,
  row: number,
): { readonly part: 'list' | 'detail' | 'none'; readonly at: number } {
  const layout = layoutIn(state, context, view);
  const at = row - tabLines - layout.headHeight;
  if (at < 0) return { part: 'none', at };
  if (at < layout.listHeight && column < layout.listWidth) return { part: 'list', at };
  return { part: layout.split === 'none' ? 'none' : 'detail', at };
}

/** A click on a row chooses it, on an axis also the place there; on the row under the cursor it opens it. */
function clickRow(state: UiState, context: UiContext, view: View, index: number, column: number): Step {
  const own = viewStateOf(state, view.id);
  const moved = moveTo(setFocus(state, context, view, 'list'), context, view, index, 1);
  if (view.axis !== undefined) return { state: alongTo(moved, context, view, column), effects: [] };
  return own.focus === 'list' && index === own.cursor
    ? follow(moved, context, view, 'enter')
    : { state: moved, effects: [] };
}

/** A click opens a tab, chooses a row, or gives the focus to the detail. */
function click(state: UiState, context: UiContext, column: number, row: number): Step {
  const plain = (next: UiState): Step => ({ state: next, effects: [] });
  const { message: _old, typing: _closed, ...quiet } = state;
  if (state.isHelpOpen) return plain({ ...quiet, isHelpOpen: false });
  const view = openView(state, context.views);
  if (row === 0) {
    const tab = viewAt(context.views, view, state.width, column);
    return plain(tab === undefined ? state : showView(quiet, context, tab));
  }
  const { part, at } = partAt(state, context, view, column, row);
  if (part === 'none') return plain(state);
  if (part === 'detail') return plain(setFocus(quiet, context, view, part));
  const index = viewStateOf(state, view.id).scroll + at;
  const { count } = context.listOf(view, viewStateOf(state, view.id).settings);
  return index < count ? clickRow(quiet, context, view, index, column) : plain(quiet);
}

/** The wheel moves what is under it, wherever the focus is. */
function wheel(
  state: UiState,
  context: UiContext,
  view: View,
  rows: number,
  column: number,
  row: number,
): UiState {
  if (state.isHelpOpen) return scrollHelp(state, context, rows);
  const { part } = partAt(state, context, view, column, row);
  if (part === 'none') return state;
  const { focus } = viewStateOf(state, view.id);
  const moved = move(withView(state, view.id, { focus: part }), context, view, rows);
  return withView(moved, view.id, { focus });
}

/** Keys that scroll the help: by how many lines, on a screen with room for some. */
const helpSteps: Readonly<Partial<Record<Command, (room: number) => number>>> = {
  up: () => -1,
  down: () => 1,
  'page-up': (room) => 1 - room,
  'page-down': (room) => room - 1,
  top: () => -Infinity,
  bottom: () => Infinity,
};

function scrollHelp(state: UiState, context: UiContext, lines: number): UiState {
  const most = lastHelpScroll(context.views, state.width, state.height);
  const from = Math.min(most, state.helpScroll);
  return { ...state, helpScroll: Math.min(most, Math.max(0, from + lines)) };
}

function press(state: UiState, context: UiContext, key: string): Step {
  const plain = (next: UiState): Step => ({ state: next, effects: [] });
  const { message: _old, ...quiet } = state;
  if (quiet.typing !== undefined) return plain(type(quiet, context, key, quiet.typing));
  const command = commandOf(key);
  if (quiet.isHelpOpen) {
    if (key === 'ctrl+c') return runCommand(quiet, context, 'quit');
    const step = command === undefined ? undefined : helpSteps[command]?.(helpRoom(quiet.height));
    return plain(step === undefined ? { ...quiet, isHelpOpen: false } : scrollHelp(quiet, context, step));
  }
  if (command !== undefined) return runCommand(quiet, context, command);
  const numbered = context.views.find((candidate) => candidate.key === key);
  return plain(numbered === undefined ? quiet : showView(quiet, context, numbered));
}

/** The next state, and what must happen outside. */
export function reduceUi(state: UiState, action: Action, context: UiContext): Step {
  const view = openView(state, context.views);
  const plain = (next: UiState): Step => ({ state: next, effects: [] });
  switch (action.kind) {
    case 'resize': {
      const resized = { ...state, width: action.width, height: action.height };
      return plain(settle(resized, context, view));
    }
    case 'report':
      return plain(settle({ ...state, view: view.id }, context, view));
    case 'message':
      return plain({ ...state, message: action.text });
    case 'scroll':
      return plain(wheel(state, context, view, action.rows, action.column, action.row));
    case 'click':
      return click(state, context, action.column, action.row);
    case 'text': {
      const { loading, ...settings } = viewStateOf(state, action.view).settings;
      const { owner, name } = action.artifact;
      // The user may have left the page while the text was on its way.
      if (loading?.owner !== owner || loading.name !== name) return plain(state);
      if (action.text === undefined) {
        const told = withView(state, action.view, { settings });
        return plain({ ...told, message: `${name} of ${owner} is not where the trace says` });
      }
      const shown = context.views.find((each) => each.id === action.view);
      if (shown === undefined) return plain(state);
      return plain(applySettings(state, context, shown, { ...settings, text: action.text }));
    }
    case 'key':
      return press(state, context, action.key);
    default:
      return action satisfies never;
  }
}
