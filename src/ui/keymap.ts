/** Keys → commands: the one table. Footer and help are derived from it. */

export type Command =
  | 'up'
  | 'down'
  | 'page-up'
  | 'page-down'
  | 'top'
  | 'bottom'
  | 'left'
  | 'right'
  | 'far-left'
  | 'far-right'
  | 'axis-start'
  | 'axis-end'
  | 'enter'
  | 'ancestors'
  | 'descendants'
  | 'texts'
  | 'back'
  | 'next-view'
  | 'previous-view'
  | 'filter'
  | 'sort'
  | 'group'
  | 'toggle'
  | 'zoom-in'
  | 'zoom-out'
  | 'focus'
  | 'next-break'
  | 'previous-break'
  | 'open-editor'
  | 'copy'
  | 'minify'
  | 'export'
  | 'help'
  | 'quit'
  | 'pause'
  | 'stop';

export interface Binding {
  readonly command: Command;
  /** `up`, `ctrl+f`, `shift+tab`, `G`, as the key parser spells them. */
  readonly keys: readonly string[];
  readonly help: string;
  /** Short form for the footer; absent: not shown there. */
  readonly footer?: string;
}

export const keymap: readonly Binding[] = [
  { command: 'up', keys: ['up', 'k'], help: 'one row up' },
  { command: 'down', keys: ['down', 'j'], help: 'one row down' },
  { command: 'page-up', keys: ['pageup', 'ctrl+b', 'ctrl+u'], help: 'one page up' },
  { command: 'page-down', keys: ['pagedown', 'ctrl+f', 'ctrl+d', 'space'], help: 'one page down' },
  { command: 'top', keys: ['home', 'g'], help: 'first row' },
  { command: 'bottom', keys: ['end', 'G'], help: 'last row' },
  { command: 'left', keys: ['left', 'h'], help: 'to the list; on the timeline, one column back' },
  { command: 'right', keys: ['right', 'l'], help: 'into the detail; on the timeline, one column on' },
  { command: 'far-left', keys: ['H'], help: 'timeline: a quarter of the screen back' },
  { command: 'far-right', keys: ['L'], help: 'timeline: a quarter of the screen on' },
  { command: 'axis-start', keys: ['^'], help: 'timeline: to the start' },
  { command: 'axis-end', keys: ['$'], help: 'timeline: to the end' },
  { command: 'enter', keys: ['return'], help: 'open the row, follow the edge', footer: 'open' },
  { command: 'back', keys: ['escape', 'backspace'], help: 'back: detail, filter, page, view' },
  { command: 'ancestors', keys: ['a'], help: 'graph: all that a node is computed from' },
  { command: 'descendants', keys: ['d'], help: 'graph: all that is computed from a node' },
  { command: 'texts', keys: ['t'], help: 'texts: graph, guards, generated code, stacks' },
  { command: 'next-view', keys: ['tab'], help: 'next view' },
  { command: 'previous-view', keys: ['shift+tab'], help: 'previous view' },
  { command: 'focus', keys: ['f'], help: 'between list and detail' },
  { command: 'filter', keys: ['/'], help: 'filter the rows (enter keeps, escape drops)', footer: 'filter' },
  { command: 'sort', keys: ['s'], help: 'next order', footer: 'sort' },
  { command: 'group', keys: ['v'], help: 'next grouping', footer: 'group' },
  { command: 'toggle', keys: ['x'], help: 'fold or unfold' },
  { command: 'zoom-in', keys: ['+', '='], help: 'timeline: zoom in', footer: 'zoom' },
  { command: 'zoom-out', keys: ['-', '_'], help: 'timeline: zoom out' },
  { command: 'next-break', keys: ['n'], help: 'next break; on the timeline, next span' },
  { command: 'previous-break', keys: ['N'], help: 'previous break; on the timeline, previous span' },
  { command: 'minify', keys: ['m'], help: 'minify the graph' },
  { command: 'export', keys: ['e'], help: 'export the graph as .onnx' },
  { command: 'open-editor', keys: ['o'], help: 'open $EDITOR at the line', footer: 'editor' },
  { command: 'copy', keys: ['y'], help: 'copy to the clipboard (OSC 52)', footer: 'copy' },
  { command: 'pause', keys: ['p'], help: 'pause or go on (minify)' },
  { command: 'stop', keys: ['S'], help: 'stop with the best so far (minify)' },
  { command: 'help', keys: ['?'], help: 'this help', footer: 'help' },
  { command: 'quit', keys: ['q', 'ctrl+c'], help: 'quit', footer: 'quit' },
];

const byKey: ReadonlyMap<string, Command> = new Map(
  keymap.flatMap((binding) => binding.keys.map((key) => [key, binding.command])),
);

export function commandOf(key: string): Command | undefined {
  return byKey.get(key);
}

const shortNames: Readonly<Record<string, string>> = {
  return: 'enter',
  escape: 'esc',
  up: '↑',
  down: '↓',
  left: '←',
  right: '→',
};

/** How the footer and the help spell a key. */
export function shortName(key: string): string {
  return shortNames[key] ?? key;
}

/** The key that the footer shows for a command. */
export function keyOf(command: Command): string {
  return shortName(keymap.find((binding) => binding.command === command)?.keys[0] ?? '');
}
