/** What each command of the keymap does to the state. */
import { applySettings, layoutIn, move, rowUnderCursor, setFocus } from './cursor.ts';
import type { Target, View } from './define-view.ts';
import type { Command } from './keymap.ts';
import { along, back, cycle, follow, jump, showView, sideways, zoom } from './navigate.ts';
import { openView, viewStateOf, type Effect, type Step, type UiContext, type UiState } from './ui-model.ts';

function targetEffects(
  command: 'open-editor' | 'copy' | 'minify' | 'export',
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
    : { effects: [{ kind: command, graph: target.graph }] };
}

function toggle(state: UiState, context: UiContext, view: View): UiState {
  const { settings } = viewStateOf(state, view.id);
  const key = rowUnderCursor(state, context, view);
  if (key === undefined) return state;
  const toggled = new Set(settings.toggled);
  if (!toggled.delete(key)) toggled.add(key);
  return applySettings(state, context, view, { ...settings, toggled }, key);
}

function neighbour(state: UiState, context: UiContext, view: View, offset: number): UiState {
  const { views } = context;
  const next = views[(views.indexOf(view) + offset + views.length) % views.length]!;
  return showView(state, context, next);
}

/** Further than any list is long. */
const farAway = 2 ** 40;

export function runCommand(state: UiState, context: UiContext, command: Command): Step {
  const view = openView(state, context.views);
  const own = viewStateOf(state, view.id);
  const plain = (next: UiState): Step => ({ state: next, effects: [] });
  const page = (): number => {
    const { listHeight, detailHeight } = layoutIn(state, context, view);
    return Math.max(1, (own.focus === 'list' ? listHeight : detailHeight) - 1);
  };
  const quarter = (): number =>
    Math.max(1, Math.floor((view.axis?.columns(context.report, state.width) ?? 0) / 4));
  switch (command) {
    case 'up':
      return plain(move(state, context, view, -1));
    case 'down':
      return plain(move(state, context, view, 1));
    case 'page-up':
      return plain(move(state, context, view, -page()));
    case 'page-down':
      return plain(move(state, context, view, page()));
    case 'top':
      return plain(move(state, context, view, -farAway));
    case 'bottom':
      return plain(move(state, context, view, farAway));
    case 'left':
      return plain(sideways(state, context, view, -1));
    case 'right':
      return plain(sideways(state, context, view, 1));
    case 'far-left':
      return plain(sideways(state, context, view, -quarter()));
    case 'far-right':
      return plain(sideways(state, context, view, quarter()));
    case 'axis-start':
      return plain(view.axis !== undefined ? along(state, context, view, -farAway) : state);
    case 'axis-end':
      return plain(view.axis !== undefined ? along(state, context, view, farAway) : state);
    case 'focus':
      return plain(setFocus(state, context, view, own.focus === 'list' ? 'detail' : 'list'));
    case 'enter':
    case 'ancestors':
    case 'descendants':
    case 'texts':
      return follow(state, context, view, command);
    case 'back':
      return plain(back(state, context, view));
    case 'next-view':
      return plain(neighbour(state, context, view, 1));
    case 'previous-view':
      return plain(neighbour(state, context, view, -1));
    case 'filter':
      return plain({ ...state, typing: own.settings.filter });
    case 'sort':
    case 'group':
      return plain(cycle(state, context, view, command));
    case 'toggle':
      return plain(toggle(state, context, view));
    case 'zoom-in':
      return plain(zoom(state, context, view, 2));
    case 'zoom-out':
      return plain(zoom(state, context, view, 0.5));
    case 'next-break':
      return plain(jump(state, context, view, 1));
    case 'previous-break':
      return plain(jump(state, context, view, -1));
    case 'open-editor':
    case 'copy':
    case 'minify':
    case 'export': {
      const key = rowUnderCursor(state, context, view);
      const { listWidth } = layoutIn(state, context, view);
      const target =
        key === undefined ? undefined : view.target?.(context.report, own.settings, key, listWidth);
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
